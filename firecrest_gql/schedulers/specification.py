"""What every dialect asks of a job before it goes out: values a system can carry, variables that are the job's."""

import re
from collections.abc import Iterator
from signal import Signals

from firecrest_gql.errors import InvalidInput
from firecrest_gql.model.jobs import JobSpec

KEY = re.compile(r"[a-z0-9_]{1,40}")
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

# A variable that would act on the scheduler's programs, or on the shell that starts them, instead of on the job.
REFUSED_VARIABLES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"PATH|LD_.*"), "it would choose the programs that submit the job: set it in the script"),
    (re.compile(r"SBATCH_.*|SLURM_.*|SLURMD?_.*|SQUEUE_.*"), "the scheduler reads it: use the fields of the job"),
    (re.compile(r"FIRECREST_.*"), "the name is reserved"),
    (
        re.compile(r"IFS|ENV|UID|EUID|PPID|SHELLOPTS|BASHOPTS|BASH_VERSINFO|_|OPTIND|PWD|OLDPWD"),
        "the shell keeps it for itself: set it in the script",
    ),
)


def require_key(key: str) -> None:
    """Raise `InvalidInput` for a key that not every scheduler can carry."""
    if not KEY.fullmatch(key):
        raise InvalidInput(f"the key {key!r} must match {KEY.pattern}")


def require_carriable(spec: JobSpec) -> None:
    """Raise `InvalidInput` for a job that can never be submitted anywhere."""
    if (spec.script is None) == (spec.script_path is None):
        raise InvalidInput("exactly one of the script and its path on the system is needed")
    for name, text in _texts(spec):
        if "\0" in text:
            raise InvalidInput(f"{name} has a NUL byte, which no scheduler can carry")
    for name in ("name", "working_directory", "stdin_path", "stdout_path", "stderr_path"):
        if getattr(spec, name) == "":
            raise InvalidInput(f"{name} is empty: leave it out")
    if spec.time_limit_seconds is not None and spec.time_limit_seconds < 1:
        raise InvalidInput("the time limit must be at least 1 second")
    _require_variables(spec)


def signal_name(name: str | None) -> str | None:
    """The signal without SIG, as kill and scancel take it; raises `InvalidInput` for one that Linux does not have."""
    if name is None:
        return None
    bare = Signals(int(name)).name if name in {str(int(signal)) for signal in Signals} else f"SIG{_bare(name)}"
    if bare not in Signals.__members__:
        raise InvalidInput(f"{name!r} is no signal, such as TERM or USR1")
    return _bare(bare)


def _bare(name: str) -> str:
    return name.upper().removeprefix("SIG")


def environment_lines(spec: JobSpec) -> bytes:
    r"""NAME=value, one a line, with \\ and \n for backslash and newline, and an empty line at the end."""
    lines = "".join(f"{name}={escaped(value)}\n" for name, value in spec.environment)
    return f"{lines}\n".encode("utf-8", "surrogateescape")


# Exports what `environment_lines` wrote, up to the empty line, and reads not a byte more.
READ_ENVIRONMENT = (
    'while IFS= read -r FIRECREST_LINE && [ -n "$FIRECREST_LINE" ]; do '
    'FIRECREST_VALUE=$(printf "%b." "${FIRECREST_LINE#*=}"); '
    'export "${FIRECREST_LINE%%=*}=${FIRECREST_VALUE%.}"; '
    "done"
)


def escaped(text: str) -> str:
    r"""The text on one line, as printf's %b and `unescaped` read it back."""
    return text.replace("\\", "\\\\").replace("\n", "\\n")


def unescaped(line: str) -> str:
    """The text that `escaped` put on one line."""
    return re.sub(r"\\(.)", lambda match: "\n" if match[1] == "n" else match[1], line)


def _texts(spec: JobSpec) -> Iterator[tuple[str, str]]:
    for name in spec.__dataclass_fields__:
        value = getattr(spec, name)
        if isinstance(value, str):
            yield name, value
        elif isinstance(value, tuple):
            yield from ((name, part) for item in value for part in ((item,) if isinstance(item, str) else item))


def _require_variables(spec: JobSpec) -> None:
    for name, _ in spec.environment:
        if not VARIABLE.fullmatch(name):
            raise InvalidInput(f"{name!r} is no name of an environment variable: {VARIABLE.pattern}")
        for pattern, reason in REFUSED_VARIABLES:
            if pattern.fullmatch(name):
                raise InvalidInput(f"the environment variable {name} cannot be set: {reason}")
