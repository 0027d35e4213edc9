"""What no change may touch: the home itself, and the directories that lead to it, by whatever name."""

# holds DIRECTORY INNER: whether the one is, or leads to, the other. Both have other names, by way of links; a link
# itself is none of them, but `LINK/` is what it points to.
# keep PATH: fails where PATH is, or holds, the home.
KEEP = """
holds() {
  [ -d "$1" ] && [ ! -L "$1" ] && real=$(cd -P -- "$1" 2>/dev/null && pwd -P) || return 1
  case "$(cd -P -- "$2" && pwd -P)/" in "${real%/}"/*) return 0;; esac
  return 1
}
keep() { ! holds "$1" "$HOME" || { echo "Operation not permitted" >&2; return 1; }; }
"""
