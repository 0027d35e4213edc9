"""Which permissions a file gets that takes another's place, or is new."""

# like MADE OLD: a file that is made gets the permissions of the file that it replaces. Where it cannot get its group,
# another group is given no more than everybody; and what was setuid is not, as after any write.
# dress MADE TARGET MODE: the mode, if one is asked for; without, that of what is replaced, or what the umask leaves.
MODES = """
plain() { [ -f "$1" ] && [ ! -L "$1" ]; }
like() {
  mode=$(stat -c %a -- "$2") || return 1
  mode=$((0$mode & 0777))
  chgrp --reference="$2" -- "$1" 2> /dev/null || mode=$((mode & ~070 | (mode & 07) << 3))
  chmod "$(printf %o "$mode")" -- "$1"
}
dress() {
  if [ -n "$3" ]; then chmod "$3" -- "$1"
  elif plain "$2"; then like "$1" "$2"
  else chmod +rw -- "$1"; fi
}
"""
