# What fetching and sending share. The folder of the job, in which they stand, holds the file `secrets`, which may be replaced at
# any moment: lines of curl's configuration, each behind the number of the part that it is for, or behind a star.
# Who gives up leaves in the file `failed` the status that the program is to end with, having said why.
give_up() {
  test -e failed || echo "$2" >&2
  test -e failed || echo "$1" >failed
  return 1
}
# call STREAM NUMBER [OPTION...]: curl, told of URLs by a file that nobody else can read, and by no argument.
call() {
  (umask 077 && grep -e "^[*] " -e "^$2 " secrets | cut -d " " -f 2- >"conf.$1")
  c_stream=$1
  shift 2
  curl -q -K "conf.$c_stream" -sS --fail --connect-timeout 30 --speed-limit 1 --speed-time 120 "$@" 2>"said.$c_stream"
  c_status=$?
  rm -f "conf.$c_stream"
  return "$c_status"
}
# part FILE OFFSET SIZE: these bytes of it.
part() { dd if="$1" bs=1048576 skip="$2" count="$3" iflag=skip_bytes,count_bytes,fullblock status=none; }
md5() { md5sum | cut -c -32; }
# attempts COMMAND...: until it succeeds, or has given up, or has failed too often; it says why, and with what status.
attempts() {
  a_count=1
  while test ! -e failed; do
    "$@" && return
    a_most=@TRIES@
    test "$code" != @MISMATCH@ || a_most=@MISMATCHES@
    test "$a_count" -lt "$a_most" || { give_up "$code" "$why"; return 1; }
    sleep "$a_count"
    a_count=$((a_count + 1))
  done
  return 1
}
# moved STREAM BYTES: counts them, together with those of the other streams.
moved() {
  echo "$2" >".moved.$1" && mv -f ".moved.$1" "moved.$1"
  count "$1"
}
# count WRITER: of several that count at once, any may be the last to tell.
count() {
  m_sum=0
  for m_each in moved.*; do
    test ! -e "$m_each" || { read -r m_count <"$m_each" && m_sum=$((m_sum + m_count)); }
  done
  echo "$m_sum $total" >".counted.$1" && mv -f ".counted.$1" counted
}
# streams COUNT COMMAND: runs it so many times at once, each with its number and the count; fails where one does.
streams() {
  s_pids= s_number=0
  while test "$s_number" -lt "$1"; do
    "$2" "$s_number" "$1" &
    s_pids="$s_pids $!"
    s_number=$((s_number + 1))
  done
  trap 'kill $s_pids 2>/dev/null; exit 143' TERM HUP INT
  for s_pid in $s_pids; do wait "$s_pid" || give_up 1 "one of the streams was killed"; done
  count all
  test ! -e failed
}
cd -- "$FIRECREST_TRANSFER" && rm -f failed moved.* || exit 1
