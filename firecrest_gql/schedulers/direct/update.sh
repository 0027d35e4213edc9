# update.sh ID NAME LIMIT: changes what is not empty of a job that waits; prints done, unknown, or the state it is in.
cd "$j_jobs" 2>/dev/null || { echo unknown; exit 0; }
umask 077
lock "-w 20" || exit 75
recorded "$1" || { echo unknown; exit 0; }
for j_file in "$1"/state*; do
  look "$j_file"
  case $j_word in PENDING | HELD) ;; *) echo "$j_word"; exit 0 ;; esac
done
printf "%s\n" "$j_id" "$j_key" "$j_node" "${2:-$j_name}" "$j_directory" "$j_stdin" "$j_stdout" "$j_stderr" \
  "${3:-$j_limit}" "$j_umask" "$j_ranges" "$j_count" "$j_most" >"$1/.put" && mv -f "$1/.put" "$1/record" && echo done
