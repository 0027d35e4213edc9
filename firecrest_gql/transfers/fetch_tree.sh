# $1 bytes in all, $2 target, $3 whether to overwrite. The folder's file `input` is as in fetching a file; together the
# parts are an archive with one entry, which may be a directory, and each is compared before tar reads it.
total=$1
t=$beside
mkdir -m 700 -- "$t" && mkdir -- "$t/in" || exit 2
fetch_piece() {
  rm -f broken
  : >"$t/piece" || { give_up 2 "$t: Permission denied"; return 1; }
  if test "$2" -gt 0; then
    { call 0 - -r "$1-$(($1 + $2 - 1))" || : >broken; } |
      dd of="$t/piece" bs=1048576 count="$2" iflag=count_bytes,fullblock status=none 2>disk || { give_up 2 "$(cat disk)"; return 1; }
    code=@STAGING@ why=$(head -n 1 said.0)
    test ! -e broken || return 1
  fi
  code=@MISMATCH@ why="the bytes from $1 on are not those that the store has received"
  test "$(md5 <"$t/piece")" = "$3"
}
pieces() {
  f_sum=0
  while read -r f_number f_offset f_size f_md5; do
    attempts fetch_piece "$f_offset" "$f_size" "$f_md5" && cat "$t/piece" || return 1
    f_sum=$((f_sum + f_size))
    moved 0 "$f_sum"
  done <input
}
# In place of the one that unpacking has: its statuses mean other things here.
fail() {
  cat "$t/said.unpacked" >&2
  test ! -e failed || exit "$(cat failed)"
  echo "$2" >&2
  exit 2
}
gnu_tar
archive=/dev/null entries=@ENTRIES@ most=@MOST@
stream=$most
untar pieces
for entry in "$t/in"/* "$t/in"/.[!.]* "$t/in"/..?*; do ! exists "$entry" || break; done
exists "$entry" || fail 2 "the archive is empty"
go "$entry" "$2" "$3" || exit 2
