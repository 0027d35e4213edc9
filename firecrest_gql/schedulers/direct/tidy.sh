# tidy: what ended more than 30 days ago is forgotten, and of very many jobs the oldest, but for what ended within the
# hour; and what a submission that was killed has left.
tidy() {
  find . -maxdepth 1 -name ".new.*" -mmin +1440 -exec rm -rf {} + 2>/dev/null
  forget "$(find .keys -mindepth 2 -maxdepth 2 -name state -mtime +29)"
  set -- .keys/*/state*
  test "$#" -le @MOST_KEPT@ || forget "$(find .keys -mindepth 2 -maxdepth 2 -name state -mmin +60 -printf "%T@ %p\n" |
    sort -n | head -n "$(($# - @MOST_KEPT@))" | cut -d " " -f 2)"
}
forget() {
  test -n "$1" || return 0
  lock
  for j_old in $1; do
    j_old=${j_old%/state}
    grep -qsE "$j_open" "$j_old"/state* && continue
    read -r j_number <"$j_old/record" || continue
    # Out of sight in one step: nobody must see a folder that has lost a part.
    mv -T "$j_old" ".new.$j_number" && rm -rf "$j_number" ".new.$j_number"
  done 2>/dev/null
  unlock
}
