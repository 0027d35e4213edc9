"""The POSIX programs beside this module, as they travel: without comments and indentation."""

from importlib.resources import files

from firecrest_gql.schedulers.specification import READ_ENVIRONMENT


def _program(*names: str) -> str:
    text = "".join(files(__package__).joinpath(f"{name}.sh").read_text(encoding="utf-8") for name in names)
    lines = (line.strip() for line in text.splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("#"))


SUBMIT = _program("submit")
RUN = _program("common", "run", "prune").replace("@READ_ENVIRONMENT@", READ_ENVIRONMENT)
LIST = _program("common", "list")
CANCEL = _program("common", "cancel")
FIND = 'IFS= read -r id 2>/dev/null <"$HOME/.firecrest/jobs/.keys/$1/record" && echo "$id"; :'
VERSION = "command -v setsid >/dev/null && test -r /proc/self/stat && uname -sr"
