"""The POSIX programs beside this module, as they travel: without comments and indentation."""

from importlib.resources import files

from firecrest_gql.schedulers.specification import READ_ENVIRONMENT

GRACE_SECONDS = 5  # between SIGTERM and SIGKILL
MOST_RUNNING = 100  # jobs and tasks at once
MOST_UNFINISHED = 1000  # jobs and tasks that wait or run
MOST_KEPT = 5000  # jobs and tasks on disk

_VALUES = {
    "@READ_ENVIRONMENT@": READ_ENVIRONMENT,
    "@GRACE@": GRACE_SECONDS,
    "@MOST_RUNNING@": MOST_RUNNING,
    "@MOST_UNFINISHED@": MOST_UNFINISHED,
    "@MOST_KEPT@": MOST_KEPT,
}


def _program(*names: str) -> str:
    text = "".join(files(__package__).joinpath(f"{name}.sh").read_text(encoding="utf-8") for name in names)
    for name, value in _VALUES.items():
        text = text.replace(name, str(value))
    lines = (line.strip() for line in text.splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("#"))


# What stays on the system: it starts jobs and stands by them. The other programs call it by its path.
PROGRAM = _program("common", "paths", "queue", "run", "tidy", "main")
SUBMIT = _program("common", "paths", "submit")
LIST = _program("common", "list")
ACT = _program("common", "act")
UPDATE = _program("common", "update")
FIND = 'IFS= read -r id 2>/dev/null <"$HOME/.firecrest/jobs/.keys/$1/record" && echo "$id"; :'
SCRIPTS = (
    'cd "$HOME/.firecrest/jobs" 2>/dev/null || exit 0; for number; do IFS= read -r id 2>/dev/null <"$number/record" && '
    'test "$id" = "$number" && echo "$id $(wc -c <"$id/script")" && cat "$id/script"; done; :'
)
VERSION = "command -v setsid prlimit flock >/dev/null && test -r /proc/self/limits && uname -sr"
