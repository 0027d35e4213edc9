# $1 SHA-256 or nothing, $2 target, $3 whether to overwrite, $4 mode or nothing, $5 streams, $6 bytes in all. The folder's file
# `input` has a line for each part: number, offset, bytes, and the MD5 that the store recorded when it arrived.
total=$6
t=$beside
(umask 077 && : >"$t") || exit 2
fetch_part() {
  rm -f "broken.$1"
  if test "$3" -gt 0; then
    { call "$1" - -r "$2-$(($2 + $3 - 1))" || : >"broken.$1"; } |
      dd of="$t" bs=1048576 seek="$2" count="$3" oflag=seek_bytes conv=notrunc,nocreat \
        iflag=count_bytes,fullblock status=none 2>"disk.$1" ||
      { give_up 2 "$(cat "disk.$1")"; return 1; }
    code=@STAGING@ why=$(head -n 1 "said.$1")
    test ! -e "broken.$1" || return 1
  fi
  code=@MISMATCH@ why="the bytes from $2 on are not those that the store has received"
  test "$(part "$t" "$2" "$3" | md5)" = "$4"
}
fetch_stream() {
  f_sum=0
  while read -r f_number f_offset f_size f_md5; do
    test $((f_number % $2)) -eq "$1" || continue
    attempts fetch_part "$1" "$f_offset" "$f_size" "$f_md5" || return 1
    f_sum=$((f_sum + f_size))
    moved "$1" "$f_sum"
  done <input
}
streams "$5" fetch_stream || exit "$(cat failed)"
test "$(stat -c %s -- "$t")" = "$6" || { echo "not all of its bytes have come" >&2; exit @MISMATCH@; }
test -z "$1" || test "$(sha256sum <"$t" | cut -c -64)" = "$1" || { echo "the file has another SHA-256" >&2; exit @MISMATCH@; }
if test -z "$4" && plain "$2"; then like "$t" "$2"; else chmod "${4:-0644}" "$t"; fi && sync "$t" || exit 2
put "$t" "$2" "$3" || exit 2
t=
