# What ended more than 30 days ago is forgotten, but for the newest, whose number the next one is counted from; and
# what a submission that was killed has left.
j_before=$(($(date +%s) - 2592000))
for j_old in "$j_jobs"/[1-9]*; do
  { read -r j_how j_code j_when <"$j_old/ended"; } || continue
  test "$j_when" -ge "$j_before" || test "${j_old##*/}" -ge "$j_id" || rm -rf "$j_old/" "$j_old"
done
for j_old in "$j_jobs"/.new.*; do
  j_when=${j_old#*/.new.}
  test "${j_when%.*}" -ge "$j_before" || rm -rf "$j_old"
done
