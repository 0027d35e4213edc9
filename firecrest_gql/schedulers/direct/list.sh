# list.sh [ID...]: the time now; then of each job twelve lines, the last one its state.
date +%s
cd "$HOME/.firecrest/jobs" 2>/dev/null || exit 0
state() {
  if { IFS= read -r ended <"$1/ended"; } 2>/dev/null; then
    echo "$ended"
  elif alive $runner; then
    if test -e "$1/ending"; then echo COMPLETING; else echo RUNNING; fi
  else
    return 1
  fi
}
# A number whose submission was killed leads to the folder of its key's next submission: the record tells them apart.
tell() {
  { IFS= read -r id && IFS= read -r runner; } 2>/dev/null <"$1/record" || return 0
  test "$id" = "${2:-$id}" || return 0
  while IFS= read -r line; do printf "%s\n" "$line"; done <"$1/record"
  # Between the two looks a job may end: only who is dead without a record twice is lost.
  state "$1" || state "$1" || echo NODE_FAIL
}
if test $# -eq 0; then
  for folder in .keys/*/; do tell "${folder%/}"; done
else
  for number; do tell "$number" "$number"; done
fi
