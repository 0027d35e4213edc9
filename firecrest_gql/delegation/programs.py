"""Which argument vectors are fit to be certified: data on standard input is never a program."""

import re
from collections.abc import Sequence
from itertools import dropwhile
from posixpath import basename, normpath

_SHELLS = ("sh", "ash", "bash", "csh", "dash", "fish", "ksh", "mksh", "rbash", "tcsh", "yash", "zsh")
# The options that bring a program with them, as the next argument or attached, by interpreter.
_PROGRAM_OPTIONS = {
    **dict.fromkeys(_SHELLS, "c"),
    "python": "cm",
    "pypy": "cm",
    "perl": "eE",
    "ruby": "e",
    "lua": "e",
    "node": "ep",
    "php": "r",
    "expect": "c",
    "tclsh": "",
    "Rscript": "e",
}
_WRAPPERS = frozenset(
    ("busybox", "env", "ionice", "nice", "nohup", "setsid", "stdbuf", "sudo", "time", "timeout", "xargs")
)
_WRAPPERS_OWN = re.compile(r"-.*|[^/]*=.*|[\d.:,]+[smhd]?", re.DOTALL)  # options, assignments, numbers
_STDIN = re.compile(r"-?|/dev/(stdin|fd/\d+|tty)|/proc/(self|thread-self|\d+)/fd/\d+")
_VERSION = re.compile(r"[\d.]+$")


def program_name(argv: Sequence[str]) -> str:
    """By what messages and logs call a command: its program, not the env before it; arguments are the user's."""
    words = dropwhile(lambda word: word == "env" or "=" in word, argv)
    return next(words, "")[:64]


def reads_program_from_stdin(argv: Sequence[str]) -> bool:
    """Whether it is an interpreter, perhaps behind a wrapper such as env, that takes its program from stdin."""
    behind_wrapper = False
    for position, word in enumerate(argv):
        if behind_wrapper and _WRAPPERS_OWN.fullmatch(word):
            continue
        name = _VERSION.sub("", basename(word))
        if name in _PROGRAM_OPTIONS:
            return not _brings_program(argv[position + 1 :], _PROGRAM_OPTIONS[name])
        if name not in _WRAPPERS:
            return False
        behind_wrapper = True
    return False


def _brings_program(arguments: Sequence[str], options: str) -> bool:
    """True for a clear case alone: plain flags, then a program in an option, or a file that is not standard input."""
    for position, word in enumerate(arguments):
        if _STDIN.fullmatch(_shortest(word)):
            return False
        if not word.startswith("-"):
            return True
        if options and (found := re.fullmatch(rf"-([A-Za-z]*?)[{options}](.*)", word, re.DOTALL)):
            return "s" not in found[1] and bool(found[2] or arguments[position + 1 :])
        if not re.fullmatch(r"-[BEIOSabefhlnquwx]+", word):
            return False
    return False


def _shortest(path: str) -> str:
    """The path without detours: /dev//stdin and /dev/../dev/stdin are /dev/stdin."""
    return "/" + normpath(path).lstrip("/") if path.startswith("/") else path


# What a system's service account may run: nothing here changes anything.
_SERVICE_PROGRAMS = {
    "df": r".*",
    "id": r".*",
    "pbsnodes": r"-a(\0-F\0json)?",  # others of its options take nodes away
    "qstat": r".*",
    "sacct": r"(?!(.*\0)?(-[^-]|--fi)).*",  # -f, --file: it would read any file of the account
    # Of its options only those without a value, which could be mistaken for the command.
    "scontrol": r"(-[ado]+\0|--(all|details|oneliner)\0)*(show|ping|version)(\0.*)?",
    "sinfo": r".*",
    "squeue": r".*",
    "stat": r"-f(\0.*)?",
    "true": r"",
}
# What may stand before them, behind env: it changes how they print and nothing else.
_SERVICE_ASSIGNMENTS = frozenset(("SLURM_BITSTR_LEN=0", "SLURM_TIME_FORMAT=%s", "TZ=UTC"))


def read_only(argv: Sequence[str]) -> bool:
    """Whether the service account may run this: the programs of probes and of job watching, found on the PATH."""
    if argv and argv[0] == "env":
        argv = [*dropwhile(_SERVICE_ASSIGNMENTS.__contains__, argv[1:])]
    allowed = _SERVICE_PROGRAMS.get(argv[0]) if argv else None
    return allowed is not None and re.fullmatch(allowed, "\0".join(argv[1:]), re.DOTALL) is not None
