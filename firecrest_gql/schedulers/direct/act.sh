# act.sh VERB SIGNAL ID...: of each id, a line with what became of it: done, unknown, or the state that does not allow it.
j_verb=$1 j_signal=$2
shift 2
# change FILE TARGET: the state in the one becomes another, in the other; j_told is done, or stays what it was.
change() {
  look "$1" || return
  case $j_word in RUNNING | COMPLETING) alive "$j_pid" "$j_born" "$j_where" || j_word=NODE_FAIL ;; esac
  case $j_verb$j_signal.$j_word in
    cancel.PENDING | cancel.HELD | cancelKILL.PENDING | cancelKILL.HELD)
      put "$2" "CANCELLED $j_submitted - $(date +%s)" ;;
    cancel.RUNNING | cancel.COMPLETING) want CANCELLED "$1" ;;
    cancel*.RUNNING | cancel*.COMPLETING) send ;;
    hold.PENDING) put "$2" "HELD $j_submitted" ;;
    release.HELD) put "$2" "PENDING $j_submitted" ;;
    hold.HELD | release.PENDING) : ;;
    requeue.RUNNING) want REQUEUED "$1" ;;
    *) test "$j_told" = done || j_told=$j_word; return ;;
  esac && j_told=done
}
# What is wanted is written down before the runner is told: it may be too young to hear.
want() { put "${2%/*}/wish${2#*/state}" "$1" && { kill -s TERM "$j_pid" || :; }; }
# A job that has just begun may have no process of its own yet.
send() {
  for j_try in 1 2 3 4 5 6 7 8 9 10; do
    j_left=$(members "$j_mark")
    test -z "$j_left" || break
    sleep 0.1
  done
  test -n "$j_left" && { kill -s "$j_signal" $j_left || :; }
}
each() {
  recorded "${1%_*}" || { echo unknown; return; }
  j_told=ENDED
  case $1 in
    *_*)
      j_own=${1%_*}/state_${1#*_}
      tasks | grep -qx "_${1#*_}" || { echo unknown; return; }
      if test -e "$j_own"; then change "$j_own" "$j_own"; else change "${1%_*}/state" "$j_own"; fi
      ;;
    *) states "$1"; for j_state in $j_states; do change "$j_state" "$j_state"; done ;;
  esac
  shut "${1%_*}"
  echo "$j_told"
}
cd "$j_jobs" 2>/dev/null || { for j_number; do echo "$j_number unknown"; done; exit 0; }
umask 077
lock "-w 20" || exit 75
for j_number; do echo "$j_number $(each "$j_number" 2>/dev/null)"; done
unlock
setsid -w sh .program queue </dev/null >/dev/null 2>&1
exit 0
