# FOLDER PATH PROGRAM [ARGUMENT...]: run the program as a transfer's job, and leave in the folder what it said and how
# it ended. Its standard input is the folder's file `input`; what it makes beside a target it names in `beside`, for the
# progress, and for whoever has to remove it. A program that counts its bytes itself writes them, and a blank and the
# total where it knows that, into `counted`.
j_folder=$1
export LC_ALL=C PATH="$2" FIRECREST_TRANSFER="$1"
shift 2
# Gone, or ended: the transfer was cancelled before the job began, or a scheduler runs it again.
cd -- "$j_folder" && test ! -e status && test -e input || exit 1
exec </dev/null >log 2>&1
put() { printf "%s\n" "$2" >".$1" && mv -f ".$1" "$1"; }
size() {
  if test -d "$1"; then du -s --apparent-size --block-size=1 -- "$1" | head -n 1 | cut -f 1; else stat -c %s -- "$1"; fi
}
# A tree is measured in a tenth of the time at most.
measure() {
  j_pause=2
  while sleep "$j_pause"; do
    test -s beside && test ! -e counted || continue
    j_beside=$(cat beside; echo x)
    j_start=$(date +%s)
    j_size=$(size "${j_beside%x}" 2>/dev/null)
    test -z "$j_size" || put progress "$j_size"
    j_pause=$((2 + 9 * ($(date +%s) - j_start)))
  done
}
"$@" <input >stdout 2>stderr &
j_job=$!
measure &
j_meter=$!
trap 'j_again=1; kill -s TERM "$j_job"' TERM INT HUP
j_again=1 j_status=
while test -n "$j_again"; do
  j_again=
  wait "$j_job"
  j_code=$?
  # An interrupted wait gives the signal; a shell that had reaped the program already says 127 at the next.
  test "$j_code" -eq 127 && test -n "$j_status" || j_status=$j_code
done
kill "$j_meter"
put status "$j_status"
exit "$j_status"
