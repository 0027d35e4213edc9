# run FOLDER TASK: the leader of a session, for one job. Its variables begin with j_, so that nothing of the job's
# environment is changed by chance.
run() {
  j_folder=$1 j_task=$2 j_file=$1/state$2
  j_why= j_job= j_timers= j_killed= 
  trap : TERM USR1 USR2
  lock
  look "$j_file" && test "$j_word.$j_pid.$j_where" = "RUNNING.$$.$j_boot" && recorded "$j_folder" || exit 0
  # Whoever waits for this other lock learns of any end of this process.
  exec 7>>"$j_folder/alive.$$"
  flock -n 7 || exit 0
  unlock
  setsid flock "$j_folder/alive.$$" sh .program queue </dev/null >/dev/null 2>&1 7>&- &
  j_guard=$!
  j_begun="$j_submitted $j_started" j_runner="$j_mark $j_pid $j_born $j_where" j_status=
  # Not before it is known what to write down: who comes too early has left a wish, or comes again.
  trap wish TERM
  trap "end TIMEOUT" USR1
  trap "j_interrupted=1 j_killed=1; strike KILL" USR2
  test ! -e "$j_folder/wish$j_task" || wish
  test -n "$j_why" || work
  finish
}
# After SECONDS a signal to this process, unless it has gone before.
after() {
  setsid sh -c "sleep $1; grep -q ^PPid:.$$\$ /proc/\$\$/status && kill -s $2 $$" </dev/null >/dev/null 2>&1 7>&- &
  j_timers="$j_timers $!"
}
strike() { kill -s "$1" "$j_job" $(members "$j_mark") 2>/dev/null; }
wish() {
  j_wished=
  { read -r j_wished <"$j_folder/wish$j_task"; } 2>/dev/null
  end "${j_wished:-CANCELLED}"
}
# The first reason stands, but who is to be requeued can still be cancelled.
end() {
  j_interrupted=1
  case $j_why.$1 in .* | REQUEUED.CANCELLED) ;; *) return ;; esac
  j_first=$j_why j_why=$1
  put "$j_file" "COMPLETING $j_begun $(($(date +%s) + @GRACE@)) - $j_runner $j_why"
  test -z "$j_job" || test -n "$j_first" || stop
}
stop() { after @GRACE@ USR2; strike TERM; strike CONT; }
# The job from its first process to the end of its last.
work() {
  job 7>&- &
  j_job=$!
  test -z "$j_why" || stop
  test "$j_ended" = - || after "$j_limit" USR1
  j_interrupted=1
  while test -n "$j_interrupted"; do
    j_interrupted=
    wait "$j_job"
    j_code=$?
    # An interrupted wait gives the signal; a shell that had reaped the job already says 127 at the next.
    test "$j_code" -eq 127 && test -n "$j_status" || j_status=$j_code
  done
  # What is to end has its time, not the script alone; what a script leaves behind by itself ends with it.
  while test -n "$j_why" && test -z "$j_killed" && test -n "$(members "$j_mark")"; do sleep 0.1; done
  destroy "$j_mark"
}
job() {
  test -z "$j_why" || exit
  umask "$j_umask"
  decode "$j_directory"
  expand "$j_stdout" "$j_task"
  decode "$j_path" && j_out=$j_decoded
  expand "${j_stderr:-$j_stdout}" "$j_task"
  decode "$j_path"
  test "$j_decoded" != "$j_out" || j_decoded=
  exec >"$j_out"
  if test -n "$j_decoded"; then exec 2>"$j_decoded"; else exec 2>&1; fi
  unset LC_ALL
  j_input=/dev/null
  test -z "$j_stdin" || { expand "$j_stdin" "$j_task"; decode "$j_path"; j_input=$j_decoded; }
  exec 3<"$j_input"
  set --
  while IFS= read -r j_argument; do decode "$j_argument"; set -- "$@" "$j_decoded"; done <"$j_folder/arguments"
  set -- "$j_jobs/$j_folder/script" "$@"
  # Behind an ampersand the shell ignores these two, and whoever starts so cannot take them back.
  env --default-signal=INT,QUIT true && set -- env --default-signal=INT,QUIT "$@"
  set -- prlimit --locks="$j_mark:$j_mark" setsid "$@"
  exec <"$j_folder/environment"
  decode "$j_directory"
  cd -- "$j_decoded" || exit
  export FIRECREST_JOB_ID="$j_id$j_task"
  test -z "$j_task" ||
    export FIRECREST_ARRAY_JOB_ID="$j_id" FIRECREST_ARRAY_TASK_ID="${j_task#_}" FIRECREST_ARRAY_TASK_COUNT="$j_count"
  @READ_ENVIRONMENT@
  exec "$@" <&3 3<&-
}
# The job's last state, or its next beginning; a full file system must not lose it: it is tried until there is room.
finish() {
  trap : TERM USR1 USR2
  j_words=$j_why
  case $j_why.$j_status in
    .0) j_word=COMPLETED j_words= ;;
    .*) j_word=FAILED j_words=NonZeroExitCode ;;
    TIMEOUT.*) j_word=TIMEOUT j_words=TimeLimit ;;
    *) j_word=$j_why j_words= ;;
  esac
  lock
  until last; do
    unlock
    test -d "$j_folder" || exit
    sleep 1
    lock
  done 2>/dev/null
  shut "$j_folder"
  unlock
  for j_timer in $j_timers; do kill -- "-$j_timer" || kill "$j_timer"; done
  queue
  tidy
  kill "$j_guard"
  rm -f "$j_folder/alive.$$"
}
last() {
  j_wished=
  { read -r j_wished <"$j_folder/wish$j_task"; } 2>/dev/null
  rm -f "$j_folder/wish$j_task"
  case $j_word.$j_wished in
    REQUEUED.REQUEUED) put "$j_file" "PENDING $(date +%s)" ;;
    REQUEUED.*) put "$j_file" "CANCELLED $j_begun $(date +%s) ${j_status:--}" ;;
    *) put "$j_file" "$j_word $j_begun $(date +%s) ${j_status:--} - - - - $j_words" ;;
  esac
}
