"""The program that takes archives apart: in a private directory beside what will be, where all of it is looked at."""

from firecrest_gql.files.packing import TOOLS
from firecrest_gql.files.placing import PLACE

FREE_RATIO_SIZE = 64 * 2**20  # bytes that even the smallest archive may hold: zeros compress without end

# The first bytes of each kind; a plain archive, whose first bytes are a name, says what it is further on (tar(5)).
KIND = r"""
bytes() { od -A n -v -t x1 -j "$2" -N "$3" -- "$1" 2> /dev/null | tr -d " \n"; }
kind_of() {
  [ "$(bytes "$1" 257 5)" != 7573746172 ] || { echo none; return; }
  case $(bytes "$1" 0 6) in
    1f8b*) echo gzip;; 425a68*) echo bzip2;; fd377a585a00) echo xz;; 28b52ffd*) echo zstd;; 504b0[35]0[46]*) echo zip;;
    *) case $2 in
      *.gz|*.tgz) echo gzip;; *.bz2|*.tbz*) echo bzip2;; *.xz|*.txz) echo xz;; *.zst|*.tzst) echo zstd;;
      *.zip) echo zip;; *) echo none;;
    esac
  esac
}
"""

# Statuses of failure: 5 over a bound, 6 refused, 7 damaged; 2 and 3 as everywhere.
# Everything goes into $t/in, a new directory of the user's own. tar leaves out .. and what is absolute, and says so;
# unzip leaves out both in silence, so its names are read first. Its sizes are what its bytes are, not what it claims.
# A file of more than $most bytes in all is cut short by the limit on a file's size.
UNPACK = r"""
some() { [ -n "$(find "$t/in" "$@" -print -quit)" ]; }
fail() { echo "$2" >&2; exit "$1"; }
untar() {
  said=$({
    { "$@" < "$archive" 2> "$t/said.unpacked" || echo damaged >&3; } |
    { head -c "$stream" && { [ "$(head -c 1 | wc -c)" -eq 0 ] || echo bytes >&3; }; } |
    { tar --extract --verbose --file=- --directory="$t/in" --quoting-style=escape --no-same-owner \
        --no-same-permissions --delay-directory-restore --warning=no-unknown-keyword --warning=no-timestamp \
        2> "$t/said" || echo failed >&3; } |
    { [ "$(head -n "$((entries + 1))" | wc -l)" -le "$entries" ] || echo entries >&3; }
  } 3>&1)
  case $said in *bytes*) fail 5 bytes;; *entries*) fail 5 entries;; esac
  ! some -type f -size "+${most}c" || fail 5 bytes
  ! grep -q -e "Removing leading" -e "contains '\.\.'" -e "Cannot mknod" "$t/said" || fail 6 "$(head -n 1 "$t/said")"
  [ -z "$said" ] || fail 7 "$(cat "$t/said.unpacked" "$t/said")"
}
unpack_zip() {
  need unzip
  ln -s -- "$archive" "$t/archive.zip" && cd -- "$t/in" || exit 1
  unzip -Z1 ../archive.zip < /dev/null 2> "$t/said" | head -n "$((entries + 1))" > "$t/names"
  [ "$(wc -l < "$t/names")" -le "$entries" ] || fail 5 entries
  ! grep -q -E '^[/\]|(^|[/\])\.\.([/\]|$)' "$t/names" || fail 6 "a name that leads out"
  [ "$(unzip -p ../archive.zip < /dev/null 2> /dev/null | head -c "$((most + 1))" | wc -c)" -le "$most" ] ||
    fail 5 bytes
  unzip -q -o -^ -UU ../archive.zip < /dev/null > "$t/said" 2>&1
  case $? in 0|1) cd /;; *) fail 7 "$(cat "$t/said")";; esac
}
"""

# All of it is looked at from /, so that no link by way of /proc/self comes back here. A link may lead nowhere, but not
# out; a file's other names must be here too. Directories keep what they have from the one that they are in.
VERIFY = r"""
resolved() { find "$t/in" -type l -exec realpath -m -z --relative-to="$t/in" -- {} + 2> /dev/null; }
size() {
  sum=0
  while read -r _ _ bytes; do sum=$((sum + bytes)); done
  echo "$sum"
}
verify() {
  find "$t/in" > /dev/null || fail 6 "a directory that cannot be looked into"
  ! some ! -type f ! -type d ! -type l || fail 6 "something that is no file, directory or link"
  ! some -type l -lname "/*" || fail 6 "a link that leads out"
  links=$(find "$t/in" -type l -printf x | wc -c)
  [ "$(resolved | sed -z "/^\.\.\$/d;/^\.\.\//d" | tr -cd "\0" | wc -c)" -eq "$links" ] ||
    fail 6 "a link that leads out"
  [ -z "$(find "$t/in" -type f -links +1 -printf "%D %i %n\n" | sort | uniq -c |
    while read -r names _ _ links; do [ "$names" -eq "$links" ] || echo out; done)" ] || fail 6 "a link that leads out"
  [ "$(find "$t/in" -mindepth 1 -printf x | wc -c)" -le "$entries" ] || fail 5 entries
  [ "$(find "$t/in" -type f -printf "%D %i %s\n" | sort -u | size)" -le "$most" ] || fail 5 bytes
  find "$t/in" -type f -perm /6000 -exec chmod ug-s -- {} +
}
"""

# settle FROM look|move OVERWRITE: what is in FROM goes into the directory where we are, which is $root or below it.
# enter: no link leads there, nor has one come meanwhile. Where the allowed paths are held, no link is followed at all.
SETTLE = r"""
open_to_links() { case $1 in /proc/self/fd/*) return 1;; esac; [ -d "$1" ]; }
real() { [ -d "$1" ] && [ ! -L "$1" ]; }
clash() { printf "%s/%s" "${PWD#"$root"}" "${1#./}"; refuse "$2"; }
may_go() {
  [ -w . ] || clash "$2" "Permission denied" || return 1
  exists "$2" || return 0
  [ "$3" = 1 ] || clash "$2" "File exists" || return 1
  ! real "$2" || clash "$2" "Is a directory" || return 1
  ! real "$1" || clash "$2" "Not a directory"
}
go() {
  if ! real "$1" || [ -w "$1" ]; then put "$@"; return; fi
  mode=$(stat -c %a -- "$1")
  chmod u+w -- "$1" && put "$@" && chmod "$mode" -- "$2"
}
enter() {
  below=${PWD%/}/${1#./}
  cd -P -- "$1" && [ "$PWD" = "$below" ]
}
settle() {
  [ -w "$1" ] || chmod u+w -- "$1" || return 1
  for p in "$1"/* "$1"/.[!.]* "$1"/..?*; do
    exists "$p" || continue
    n=./${p##*/}
    if real "$p" && real "$n"; then (enter "$n" && settle "$p" "$2" "$3") || return 1
    elif [ "$2" = look ]; then may_go "$p" "$n" "$3" || return 1
    else go "$p" "$n" "$3" || return 1; fi
  done
}
"""

# $1 archive, $2 target, $3 whether to overwrite, $4 what kind or nothing, $5 most bytes, $6 most entries, $7 most bytes
# for each byte of the archive, $8 the archive's name. A directory that is there takes what
# comes, else it is made in one step.
EXTRACT = (
    PLACE
    + TOOLS
    + KIND
    + UNPACK
    + VERIFY
    + SETTLE
    + f"""
size=$(stat -L -c %s -- "$1") || exit 1
archive=$1 entries=$6 most=$((size * $7))
[ "$most" -ge {FREE_RATIO_SIZE} ] || most={FREE_RATIO_SIZE}
"""
    + r"""
[ "$most" -le "$5" ] || most=$5
stream=$((most + 20480 + entries * 2048))
[ ! -d "$1" ] || refuse "Is a directory" || exit 1
[ -f "$1" ] || fail 7 "it is no regular file"
head -c 1 -- "$1" > /dev/null || exit 1
[ -s "$1" ] || fail 7 "it is empty"
place=${2%/*} root=
if open_to_links "$2" || real "$2"; then
  if open_to_links "$2"; then cd -P -- "$2"; else cd -P -- "$place/" && enter "./${2##*/}"; fi 2> /dev/null ||
    { stat -- "$2/." > /dev/null; exit 2; }
  [ -r . ] || refuse "Permission denied" || exit 2
  exec 7< . && place=/proc/self/fd/7 root=$PWD
elif exists "$2"; then refuse "Not a directory" || exit 2
else free "$2" 0 || exit 2; fi
t=$(mktemp -u "$place/.firecrest.XXXXXXXXXXXXXXXX") || exit 2
note "$t" && mkdir -m 700 -- "$t" || { t=; exit 2; }
mkdir -- "$t/in" || exit 2
trap "" XFSZ
ulimit -f "$((most / 512 + 1))" 2> /dev/null
kind=${4:-$(kind_of "$1" "$8")}
cd /
case $kind in
  zip) unpack_zip;;
  none) gnu_tar; untar cat;;
  *) gnu_tar; need "$kind"; untar "$kind" -d -c;;
esac
verify
if [ -z "$root" ]; then go "$t/in" "$2" 0 || exit 2
else cd -P "$place" && settle "$t/in" look "$3" && settle "$t/in" move "$3" || exit 2; fi
cd /
"""
)
