# cancel.sh SIGNAL ID...: of each id, a line with what became of it; SIGNAL may be empty.
signal=$1
shift
cd "$HOME/.firecrest/jobs" 2>/dev/null || cd /
cancel() {
  { IFS= read -r id && IFS= read -r runner; } 2>/dev/null <"$1/record" || id=
  test "$id" = "$1" || { echo unknown; return; }
  test ! -e "$1/ended" || { echo ended; return; }
  folder=$HOME/.firecrest/jobs/.keys/$(tail -n 1 "$1/record")
  if ! alive $runner; then
    signal=KILL session=none
  elif test -z "$signal"; then
    kill -s TERM "${runner%% *}" && echo done || echo ended
    return
  else
    IFS= read -r session <"$1/session" || session=none
  fi
  kill -s "$signal" $(members "$session" "$folder")
  echo done
}
for number; do echo "$number $(cancel "$number" 2>/dev/null)"; done
