# What all programs share. The state of a job, or of an array's task, is one line: word, times of submission, start and
# end, exit status, mark, the runner's id, birth and boot, reason; "-" stands for nothing. Of a running job the end is
# when it must be over. An array's file `state` counts for the tasks that have none of their own, `state_<task>`.
# Only who holds the lock changes a state, but for a runner whose own job is.
j_jobs=$HOME/.firecrest/jobs
j_open="^(PENDING|HELD|RUNNING|COMPLETING) "
IFS= read -r j_boot </proc/sys/kernel/random/boot_id

# Whether the process PID, born BIRTH ticks after the boot BOOT, runs still: another may have its number (proc(5), stat).
birth() {
  j_birth=
  case $1 in "" | *[!0-9]*) return 1 ;; esac
  { IFS= read -r j_line </proc/"$1"/stat; } 2>/dev/null || return
  set -- ${j_line##*) }
  test "$1" != Z && shift 19 && j_birth=$1
}
alive() { birth "$1" && test "$j_birth" = "$2" && test "$j_boot" = "$3"; }
# The processes of a job, whatever they have left or changed: each inherits this limit, which has no effect since
# Linux 2.4 and can be lowered but not raised (getrlimit(2), RLIMIT_LOCKS).
members() {
  for j_each in $(grep -lE "^Max file locks +$1 " /proc/[0-9]*/limits 2>/dev/null | tr -dc "0-9\n"); do
    birth "$j_each" && echo "$j_each"
  done
}
# SIGKILL to a job's processes until none is left; what the kernel itself holds back is not waited for.
destroy() {
  for j_try in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    j_left=$(members "$1")
    test -n "$j_left" || return 0
    kill -s KILL $j_left
    sleep 0.1
  done 2>/dev/null
}
look() { { read -r j_word j_submitted j_started j_ended j_status j_mark j_pid j_born j_where j_reason <"$1"; } 2>/dev/null; }
# The record's lines, as variables. A number whose submission was killed leads to the folder of its key's next one.
recorded() {
  { for j_field in id key node name directory stdin stdout stderr limit umask ranges count most; do
    IFS= read -r "j_$j_field" || return
  done <"$1/record"; } 2>/dev/null && test "$j_id" = "$1"
}
put() { printf "%s\n" "$2" >"${1%/*}/.put.$$" && mv -f "${1%/*}/.put.$$" "$1"; }
# The lock is the open file's: whoever dies has let go of it.
lock() { exec 9>>"$j_jobs/.lock" && flock $1 9; }
unlock() { exec 9>&-; }
decode() { j_decoded=$(printf "%b." "$1"); j_decoded=${j_decoded%.}; }
# The tasks of an array, each as _N: ranges are FIRST-LAST-STEP.
tasks() {
  for j_range in $j_ranges; do
    j_next=${j_range%%-*} j_step=${j_range##*-} j_last=${j_range#*-}
    while test "$j_next" -le "${j_last%-*}"; do
      echo "_$j_next"
      j_next=$((j_next + j_step))
    done
  done
}
# Whether every task of the array has a state of its own.
apart() {
  set -- "$1" "$1"/state_*
  test -e "$2" && test "$(($# - 1))" -ge "$(sed -n 12p "$1/record")"
}
# The files that tell of a job, of a task, or of all tasks.
states() {
  case $1 in
    *_*)
      j_states=${1%_*}/state_${1#*_}
      test -e "$j_states" || j_states=${1%_*}/state
      ;;
    *)
      j_states=$1/state
      ! apart "$1" || j_states=
      for j_own in "$1"/state_*; do test ! -e "$j_own" || j_states="$j_states $j_own"; done
      ;;
  esac
}
# After an end: the variables of a job may be secrets, and nobody needs them once all of it has ended.
shut() {
  if apart "$1"; then
    grep -qsE "$j_open" "$1"/state_* && return
    put "$1/state" OVER
  fi
  grep -qsE "$j_open" "$1"/state* || rm -f "$1/environment"
}
