# submit.sh PROGRAM KEY SCRIPT NAME DIRECTORY STDIN STDOUT STDERR LIMIT RANGES COUNT MOST WAITS
# Standard input: the environment, an empty line, the arguments, each behind =, an empty line, and the script where
# SCRIPT, a path, is empty.
# Without a KEY it only checks the job. Prints the id of the job with this key: the one there is already, else a new one. It is put together in a folder of
# its own, which is given to the world in one step: killed half way, it exists wholly or not at all.
j_umask=$(umask)
umask 077
j_program=$1 j_key=$2 j_from=$3 j_name=$4 j_directory=$5 j_stdin=$6 j_stdout=$7 j_stderr=$8 j_limit=$9
shift 9
j_ranges=$1 j_count=$2 j_most=$3 j_waiting=$4
reject() { rm -rf "$j_new"; echo "rejected $*"; exit 0; }
# The answer once the queue has seen the job, which then runs if it can; apart from this session, which may be killed.
answer() {
  unlock
  setsid -w sh .program queue </dev/null >/dev/null 2>&1
  echo "job $1"
  exit 0
}
known() { { IFS= read -r j_known <".keys/$j_key/record"; } 2>/dev/null && rm -rf "$j_new" && answer "$j_known"; }

mkdir -p "$j_jobs/.keys" && cd "$j_jobs" || exit 73
j_new=
known
j_new=$j_jobs/.new.$(date +%s).$$
mkdir "$j_new" || exit 73
while IFS= read -r j_line && test -n "$j_line"; do printf "%s\n" "$j_line" || exit 74; done >"$j_new/environment"
while IFS= read -r j_line && test -n "$j_line"; do printf "%s\n" "${j_line#=}" || exit 74; done >"$j_new/arguments"
if test -z "$j_from"; then
  cat >"$j_new/script" || exit 74
else
  decode "$j_from"
  j_problem=$(cd && cp -- "$j_decoded" "$j_new/script" 2>&1) || reject "$j_problem"
fi
test "$(head -c 2 "$j_new/script" | tr -d "\000")" = "#!" || reject "the script must begin with #! and an interpreter"
chmod 700 "$j_new/script" || exit 74

case $j_directory in /*) ;; "") j_directory=$HOME ;; *) j_directory=$HOME/$j_directory ;; esac
decode "$j_directory"
(cd -- "$j_decoded") 2>/dev/null || reject "the working directory $j_decoded cannot be entered"
lock "-w 20" || exit 75
known
{ read -r j_id <.last; } 2>/dev/null || j_id=0
j_id=$((j_id + 1))
j_one=$(tasks | head -n 1)
for j_path in "$j_stdout" "${j_stderr:-$j_stdout}"; do
  expand "$j_path" "$j_one"
  decode "$j_path"
  if test -e "$j_decoded"; then test -w "$j_decoded" && test ! -d "$j_decoded"; else test -w "$(dirname -- "$j_decoded")"; fi ||
    reject "the output $j_decoded cannot be written"
done
test -z "$j_stdin" || { expand "$j_stdin" "$j_one"; decode "$j_path"; test -r "$j_decoded"; } ||
  reject "the input $j_decoded cannot be read"
prlimit --locks=1000000000000000000 true 2>/dev/null || reject "jobs cannot be marked: prlimit --locks is refused here"
for j_each in $j_waiting; do
  j_other=${j_each#*:} j_other=${j_other%_*}
  { read -r j_known <"$j_other/record"; } 2>/dev/null && test "$j_known" = "$j_other" ||
    reject "there is no job $j_other to wait for"
done
j_unfinished=$j_count
for j_size in $(grep -lsE "$j_open" .keys/*/state | sed "s/state\$/record/" | xargs -r sed -sn 12p); do
  j_unfinished=$((j_unfinished + j_size))
done
test "$j_unfinished" -le @MOST_UNFINISHED@ || reject "at most @MOST_UNFINISHED@ jobs and tasks can wait or run at once"
if test -z "$j_key"; then
  rm -rf "$j_new"
  echo "accepted $(uname -n) $(date +%s)"
  exit 0
fi
test -z "$j_waiting" || printf "%s\n" "$j_waiting" >"$j_new/waits" || exit 74
echo "PENDING $(date +%s)" >"$j_new/state" || exit 74
printf "%s\n" "$j_id" "$j_key" "$(uname -n)" "$j_name" "$j_directory" "$j_stdin" "$j_stdout" "$j_stderr" "$j_limit" \
  "$j_umask" "$j_ranges" "$j_count" "$j_most" >"$j_new/record" || exit 74
printf "%s\n" "$j_program" | cmp -s - .program || put ./.program "$j_program" || exit 74
# A number is never given twice; one whose submission is killed here is lost.
put ./.last "$j_id" && ln -sfT ".keys/$j_key" "$j_id" && mv -T "$j_new" ".keys/$j_key" || exit 74
answer "$j_id"
