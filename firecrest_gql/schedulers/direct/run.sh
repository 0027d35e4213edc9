# run.sh NEW KEY MASK NAME DIRECTORY STDIN STDOUT STDERR LIMIT [ARGUMENT...]: the leader of a session, for one job.
# All variables begin with j_, so that nothing of the job's environment is changed by chance.
j_new=$1 j_key=$2 j_mask=$3 j_name=$4 j_directory=$5 j_stdin=$6 j_stdout=$7 j_stderr=$8 j_limit=$9
shift 9
j_jobs=${j_new%/*} j_kept=${j_new%/*}/.keys/$j_key j_id= j_reason= j_stopping= j_job= j_timers= j_next=0
umask 077

refuse() { rm -rf "$j_new"; test -z "$j_id" || rm -f "$j_jobs/$j_id"; echo "$*"; exit; }
decode() { j_decoded=$(printf "%b." "$1"); j_decoded=${j_decoded%.}; }
# A full file system must not lose the end of a job: it is tried until there is room, or the folder is gone.
put() {
  until printf "%s\n" "$2" >"$j_kept/.$1" && mv -f "$j_kept/.$1" "$j_kept/$1"; do
    test -d "$j_kept" || exit
    sleep 1
  done 2>/dev/null
}
# A signal to this process after some seconds, unless it has gone before.
after() {
  setsid sh -c "sleep $1; grep -q ^PPid:.$$\$ /proc/\$\$/status && kill -s $2 $$" </dev/null >/dev/null 2>&1 &
  j_timers="$j_timers $!"
}
strike() { kill -s "$1" "$j_job" $(members "$j_job" "$j_kept") 2>/dev/null; }
stop() { test -n "$j_stopping" || { j_stopping=1; after 5 USR2; strike TERM; strike CONT; }; }
end() { j_interrupted=1; test -n "$j_reason" || { j_reason=$1; put ending "$1"; }; test -z "$j_job" || stop; }
# %j is the job's id, %% a percent sign; relative paths are the working directory's.
expand() {
  j_rest=$1 j_path=
  while test "$j_rest" != "${j_rest#*%}"; do
    j_path=$j_path${j_rest%%%*} j_rest=${j_rest#*%}
    case $j_rest in
      j*) j_path=$j_path$j_id ;;
      *) j_path=$j_path% ;;
    esac
    j_rest=${j_rest#?}
  done
  j_path=$j_path$j_rest
  case $j_path in /*) ;; *) j_path=$j_directory/$j_path ;; esac
}

# The number is taken by making the link that will lead to the job's folder.
for j_link in "$j_jobs"/[1-9]*; do
  test "${j_link##*/}" -gt "$j_next" 2>/dev/null && j_next=${j_link##*/}
done
for j_try in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
  j_next=$((j_next + 1))
  ln -sT ".keys/$j_key" "$j_jobs/$j_next" 2>/dev/null && j_id=$j_next && break
done
test -n "$j_id" || refuse "rejected no job number is free"

case $j_directory in /*) ;; "") j_directory=$HOME ;; *) j_directory=$HOME/$j_directory ;; esac
decode "$j_directory"
cd -- "$j_decoded" 2>/dev/null || refuse "rejected the working directory $j_decoded cannot be entered"
expand "$j_stdout"
j_stdout=$j_path
expand "${j_stderr:-$j_stdout}"
j_stderr=$j_path
test -z "$j_stdin" || { expand "$j_stdin"; j_stdin=$j_path; }
for j_path in "$j_stdout" "$j_stderr"; do
  decode "$j_path"
  (umask "$j_mask"; : >>"$j_decoded") 2>/dev/null || refuse "rejected the output $j_decoded cannot be written"
done
decode "$j_stdin"
test -z "$j_stdin" || test -r "$j_decoded" || refuse "rejected the input $j_decoded cannot be read"

trap "end CANCELLED" TERM
trap "end TIMEOUT" USR1
trap "j_interrupted=1; strike KILL" USR2
# Whoever waited for the number may be gone; ignored, the signal would be ignored by the job too.
trap : PIPE
birth $$
printf "%s\n" "$j_id" "$$ $j_birth $j_boot" "$(date +%s)" "$(uname -n)" "$j_name" "$j_directory" "$j_stdin" \
  "$j_stdout" "$j_stderr" "$j_limit" "$j_key" >"$j_new/record" || refuse "rejected the job cannot be recorded"
if ! mv -T "$j_new" "$j_kept" 2>/dev/null; then
  IFS= read -r j_other <"$j_kept/record" || refuse "rejected the job cannot be recorded"
  refuse "job $j_other"
fi
echo "job $j_id"
exec </dev/null >/dev/null 2>&1

test -n "$j_reason" || {
  umask "$j_mask"
  unset LC_ALL
  for j_argument; do shift; decode "$j_argument"; set -- "$@" "$j_decoded"; done
  set -- "$j_kept/script" "$@"
  # Behind an ampersand the shell ignores these two, and whoever starts so cannot take them back.
  env --default-signal=INT,QUIT true && set -- env --default-signal=INT,QUIT "$@"
  decode "$j_stdout"
  exec >"$j_decoded"
  decode "$j_stderr"
  if test "$j_stderr" = "$j_stdout"; then exec 2>&1; else exec 2>"$j_decoded"; fi
  decode "$j_stdin"
  exec 3<"${j_decoded:-/dev/null}"
  exec <"$j_kept/environment"
  rm -f "$j_kept/environment"
  export FIRECREST_JOB_ID="$j_id" FIRECREST_JOB_FOLDER="$j_kept/"
  @READ_ENVIRONMENT@
  exec setsid "$@" <&3 3<&-
} &
j_job=$!
put session "$j_job"
test -z "$j_reason" || stop
test -z "$j_limit" || after "$j_limit" USR1
j_interrupted=1 j_status=
while test -n "$j_interrupted"; do
  j_interrupted=
  wait "$j_job"
  j_code=$?
  # An interrupted wait gives the signal; a shell that had reaped the job already says 127 at the next.
  test "$j_code" -eq 127 && test -n "$j_status" || j_status=$j_code
done
# Like a workload manager: what the script has left behind ends with it.
for j_try in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
  j_left=$(members "$j_job" "$j_kept")
  test -n "$j_left" || break
  kill -s KILL $j_left
  sleep 0.1
done
trap : TERM USR1 USR2
if test -z "$j_reason"; then
  if test "$j_status" -eq 0; then j_reason=COMPLETED; else j_reason=FAILED; fi
fi
put ended "$j_reason $j_status $(date +%s)"
for j_timer in $j_timers; do kill -- "-$j_timer" || kill "$j_timer"; done
