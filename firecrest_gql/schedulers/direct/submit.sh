# submit.sh RUNNER KEY SCRIPT NAME DIRECTORY STDIN STDOUT STDERR LIMIT [ARGUMENT...]
# Standard input: the environment, an empty line, and the script where SCRIPT, a path, is empty.
# Prints the id of the job with this key: the one there is already, else a new one. It is put together in a folder of
# its own, and the detached runner gives it to the world in one step: killed half way, it exists wholly or not at all.
mask=$(umask)
umask 077
jobs=$HOME/.firecrest/jobs
runner=$1 key=$2 from=$3
shift 3
reject() { rm -rf "$new"; echo "rejected $*"; exit 0; }

mkdir -p "$jobs/.keys" || exit 73
if { IFS= read -r id <"$jobs/.keys/$key/record"; } 2>/dev/null; then
  echo "job $id"
  exit 0
fi
new=$jobs/.new.$(date +%s).$$
mkdir "$new" || exit 73
while IFS= read -r line && test -n "$line"; do printf "%s\n" "$line" || exit 74; done >"$new/environment"
if test -z "$from"; then
  cat >"$new/script" || exit 74
else
  cd || exit 73
  from=$(printf "%b." "$from")
  problem=$(cp -- "${from%.}" "$new/script" 2>&1) || reject "$problem"
fi
test "$(head -c 2 "$new/script" | tr -d "\000")" = "#!" || reject "the script must begin with #! and an interpreter"
chmod 700 "$new/script" || exit 74
# The substitution ends when the runner closes its output; the runner goes on, and holds nothing of the connection.
answer=$(setsid sh -c "$runner" firecrest-job "$new" "$key" "$mask" "$@" </dev/null 2>&1 3>&- 4>&- 5>&- 6>&- 7>&- &)
printf "%s\n" "$answer"
