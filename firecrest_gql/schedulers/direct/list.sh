# list.sh [ID...]: the time now, then each line of the files that tell of jobs, behind the file's path.
if cd "$j_jobs" 2>/dev/null; then
  j_files=
  for j_number; do j_files="$j_files ${j_number%_*}"; done
  test "$#" -gt 0 || j_files=".keys/*"
  set --
  for j_each in $j_files; do j_states="$j_states $j_each/state*" j_others="$j_others $j_each/record $j_each/waits"; done
  ! grep -qsE "^(PENDING|RUNNING|COMPLETING) " $j_states || setsid -w sh .program queue -n </dev/null >/dev/null 2>&1
fi
date +%s
test -z "$j_states" || LC_ALL=C grep -Has "" $j_others $j_states || :
