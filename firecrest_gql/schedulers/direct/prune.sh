# What ended more than 30 days ago is forgotten, but for the newest, whose number the next one is counted from; and
# what a submission that was killed has left.
j_before=$(($(date +%s) - 2592000))
for j_old in "$j_jobs"/[1-9]*; do
  { read -r j_how j_code j_when <"$j_old/ended"; } || continue
  test "$j_when" -ge "$j_before" || test "${j_old##*/}" -ge "$j_id" && continue
  # Out of sight in one step: nobody must see a folder that has lost a part.
  mv -T "$j_jobs/$(readlink "$j_old")" "$j_jobs/.new.0.${j_old##*/}" && rm -rf "$j_old" "$j_jobs/.new.0.${j_old##*/}"
done
for j_old in "$j_jobs"/.new.*; do
  j_when=${j_old#*/.new.}
  test "${j_when%.*}" -ge "$j_before" || rm -rf "$j_old"
done
