# queue [-n]: ends what a dead runner has left, tells late ones the time, starts what may start. Whatever changes the
# queue does this, and so does whoever looks: nothing else has to be alive for jobs to go on.
queue() {
  lock "${1:--w 20}" || return
  j_now=$(date +%s) j_running=0 j_live=
  for j_file in $(grep -lsE "^(RUNNING|COMPLETING) " [1-9]*/state*); do living "$j_file"; done
  j_again=1
  while test -n "$j_again"; do
    j_again=
    for j_file in $(grep -lsE "^PENDING " [1-9]*/state* | sort -n); do waiting "$j_file"; done
  done
  unlock
}
living() {
  look "$1" && case $j_word in RUNNING | COMPLETING) ;; *) return ;; esac
  alive "$j_pid" "$j_born" "$j_where" || { lost "$1"; return; }
  j_running=$((j_running + 1)) j_live="$j_live $1"
  test "$j_ended" = - || test "$j_now" -le "$((j_ended + 2))" && return
  # The runner's own timer is gone.
  if test "$j_word" = RUNNING; then kill -s USR1 "$j_pid"; else kill -s USR2 "$j_pid"; fi
}
# A runner that is dead has left processes, and perhaps a wish that reached it too late.
lost() {
  j_lost="the runner is gone without a record" j_final=NODE_FAIL
  test "$j_where" = "$j_boot" && destroy "$j_mark" || j_lost="the machine was started anew"
  look "$1"
  case $j_reason in CANCELLED | TIMEOUT) j_final=$j_reason j_lost= ;; esac
  j_wish=
  { read -r j_wish <"${1%/*}/wish${1#*/state}"; } 2>/dev/null && j_final=CANCELLED j_lost=
  rm -f "${1%/*}/wish${1#*/state}" "${1%/*}/alive.$j_pid"
  test "$j_wish" != REQUEUED || { put "$1" "PENDING $j_now"; return; }
  put "$1" "$j_final $j_submitted $j_started $j_now - - - - - $j_lost"
  shut "${1%/*}"
}
waiting() {
  j_folder=${1%/*} j_task=
  test "$j_running" -lt @MOST_RUNNING@ || test -e "$j_folder/waits" || return
  depends "$j_folder"
  case $? in
    1) return ;;
    2) spoil "$1" CANCELLED DependencyNeverSatisfied; return ;;
  esac
  recorded "$j_folder" && look "$1" && test "$j_word" = PENDING || return
  case $1 in *_*) j_task=_${1##*_} ;; esac
  if test -z "$j_ranges" || test -n "$j_task"; then start "$j_task"; else spread; fi
}
# Start the tasks of an array that have not begun, as many as may run.
spread() {
  for j_each in $(tasks); do
    test -e "$j_folder/state$j_each" || start "$j_each" || return
  done
  shut "$j_folder"
}
room() {
  test "$j_running" -lt @MOST_RUNNING@ || return
  test -n "$j_ranges" && test "$j_most" -gt 0 || return 0
  j_beside=0
  for j_other in $j_live; do
    case $j_other in "$j_folder"/*) j_beside=$((j_beside + 1)) ;; esac
  done
  test "$j_beside" -lt "$j_most"
}
# Before a job is told to run, its outputs are there and empty. The runner does nothing until the lock is free, and only
# where it finds itself registered then: killed in between, this has started nothing.
start() {
  room || return
  for j_path in "$j_stdout" "${j_stderr:-$j_stdout}"; do
    expand "$j_path" "$1"
    decode "$j_path"
    if test -f "$j_decoded" || test ! -e "$j_decoded"; then
      (umask "$j_umask"; : >"$j_decoded") 2>/dev/null || 
        { spoil "$j_folder/state$1" FAILED "the output $j_path cannot be written"; return 0; }
    fi
  done
  j_end=-
  test -z "$j_limit" || j_end=$((j_now + j_limit))
  setsid sh .program run "$j_folder" "$1" </dev/null >/dev/null 2>&1 7>&- 9>&- &
  birth "$!"
  put "$j_folder/state$1" \
    "RUNNING $j_submitted $j_now $j_end - $((9200000000000000000 - $(date +%s%N))) $! ${j_birth:--} $j_boot" || return
  j_running=$((j_running + 1)) j_live="$j_live $j_folder/state$1"
}
# spoil FILE STATE REASON: what waited ends without having begun; others may wait for that.
spoil() {
  look "$1" || look "${1%/*}/state"
  put "$1" "$2 $j_submitted - $j_now - - - - - $3" && j_again=1
  shut "${1%/*}"
}
# Of what a job waits for, what is left; 1: it still waits, 2: that can never be.
depends() {
  { read -r j_waits <"$1/waits"; } 2>/dev/null || return 0
  j_left=
  for j_each in $j_waits; do
    meets "${j_each%:*}" "${j_each#*:}"
    case $? in 0) ;; 1) j_left=$j_left${j_left:+ }$j_each ;; *) return 2 ;; esac
  done
  test -n "$j_left" || { rm -f "$1/waits"; return 0; }
  test "$j_left" = "$j_waits" || put "$1/waits" "$j_left"
  return 1
}
# meets TYPE JOB: 0 it is so, 1 not yet, 2 never. An array is as all its tasks are together.
meets() {
  j_type=$1 j_begun=1 j_over=1 j_good=1
  states "$2"
  for j_state in $j_states; do
    look "$j_state" || j_word=FORGOTTEN
    case $j_word in
      PENDING | HELD) j_begun= j_over= ;;
      RUNNING | COMPLETING) j_over= ;;
      COMPLETED | OVER) ;;
      *) j_good= ;;
    esac
  done
  case $j_type.$j_begun.$j_over.$j_good in
    after.1.* | afterany.1.1.* | afterok.1.1.1 | afternotok.1.1.) return 0 ;;
    afterok.*. | afternotok.1.1.1) return 2 ;;
  esac
  return 1
}
