cd "$j_jobs" || exit
umask 077
"$@"
