# $1 source, $2 bytes of a part, $3 streams, $4 bytes in all, as far as they are known, $5 a compressor where the source
# is to go as an archive, $6 a further option of tar or nothing. Of a file that goes as it is, the folder's file `input` has a line for each part: number,
# offset, bytes, and the MD5 of what the store has of it already; of an archive number and MD5 of those. Prints the SHA-256 of all, then of each part its number, bytes and MD5.
total=$4
send_part() {
  code=@STAGING@
  grep -q "^$2 " secrets || { give_up @CHANGED@ "it has grown, or an archive of it is larger than can be staged"; return 1; }
  call "$1" "$2" -o /dev/null -T - -H "Content-Length: $3" -H "Transfer-Encoding:" -H "Expect:" && return
  why=$(head -n 1 "said.$1")
  return 1
}
# Of a file that has become shorter, or is gone, curl would wait for the rest.
send_range() {
  test "$(version)" = "$before" || { give_up @CHANGED@ "it has changed while it was read"; return 1; }
  part "$source" "$3" "$4" | send_part "$1" "$2" "$4"
}
send_stream() {
  f_sum=0
  while read -r f_number f_offset f_size f_there; do
    test $((f_number % $2)) -eq "$1" || continue
    f_md5=$(part "$source" "$f_offset" "$f_size" | md5)
    test "$f_md5" = "$f_there" || attempts send_range "$1" "$f_number" "$f_offset" "$f_size" || return 1
    echo "$f_number $f_size $f_md5" >>"sent.$1"
    f_sum=$((f_sum + f_size))
    moved "$1" "$f_sum"
  done <input
}
send_piece() { send_part 0 "$1" "$2" <piece; }
send_archive() {
  f_number=1 f_sum=0
  while :; do
    dd bs=1048576 count="$1" iflag=count_bytes,fullblock of=piece status=none 2>disk ||
      { give_up @PIECE@ "$(cat disk)"; return 1; }
    f_size=$(stat -c %s piece)
    test "$f_size" -gt 0 || break
    f_md5=$(md5 <piece)
    grep -q "^$f_number $f_md5$" input || attempts send_piece "$f_number" "$f_size" || return 1
    echo "$f_number $f_size $f_md5" >>sent.0
    f_sum=$((f_sum + f_size))
    moved 0 "$f_sum"
    f_number=$((f_number + 1))
  done
  rm -f piece
}
# What tells whether the file has been changed.
version() { stat -L -c "%i %s %y %z" -- "$source"; }
source=$1
rm -f sent.* tarred sum
if test -n "$5"; then
  mkfifo sum || exit 1
  sha256sum <sum >sha256 &
  summing=$!
  # GNU's takes a backslash in a name on its command line for the beginning of another character.
  case $(tar --version 2>/dev/null) in *"GNU tar"*) literally=--no-unquote;; *) literally=;; esac
  { tar $literally ${6:+"$6"} -C "${source%/*}/" -cf - -- "${source##*/}" || echo "$?" >tarred; } 2>said |
    { $5 || give_up 1 "the compressor has failed"; } | { tee sum || give_up 1 "it could not be read to its end"; } |
    send_archive "$2"
  test ! -e failed || { kill "$summing" 2>/dev/null; exit "$(cat failed)"; }
  test ! -e tarred || { cat said >&2; test "$(cat tarred)" -ne 1 || exit @CHANGED@; exit 1; }
else
  before=$(version) && head -c 1 -- "$source" >/dev/null || exit 1
  test "$(stat -L -c %s -- "$source")" = "$total" ||
    { echo "it has another size than when it was asked for" >&2; exit @CHANGED@; }
  sha256sum <"$source" >sha256 &
  summing=$!
  streams "$3" send_stream || { kill "$summing"; exit "$(cat failed)"; }
  wait "$summing" || exit 1
  test "$(version)" = "$before" || { echo "it has changed while it was read" >&2; exit @CHANGED@; }
fi
wait
cut -d " " -f 1 sha256
cat sent.*
