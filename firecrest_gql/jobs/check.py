"""Refuses what can never work before anything is started, naming the argument."""

import re
from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase

from firecrest_gql.errors import InvalidInput
from firecrest_gql.jobs import limits
from firecrest_gql.model.files import RAW, from_raw
from firecrest_gql.model.jobs import JobChange, JobSpec

VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")  # POSIX.1-2017, 8.1
ARRAY = re.compile(r"\d+(-\d+(:\d+)?)?(,\d+(-\d+(:\d+)?)?)*(%\d+)?")  # https://slurm.schedmd.com/sbatch.html --array
DEPENDENCY = re.compile(r"[A-Za-z0-9_:,?+.\[\]@-]+")  # … --dependency
SIGNAL = re.compile(r"[A-Z][A-Z0-9+]{0,15}|[1-9]\d?")
CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def check_spec(spec: JobSpec) -> None:
    """Raise `InvalidInput` for the first argument that can never work."""
    _script(spec)
    for argument, value in _given(spec, ("name", "partition", "account", "qos", "reservation", "constraint")):
        _line(argument, value)
    for argument, value in _given(spec, PATHS):
        check_path(argument, value)
    for argument, highest in NUMBERS.items():
        _number(argument, getattr(spec, argument), highest)
    for argument, pattern in (("array", ARRAY), ("dependency", DEPENDENCY)):
        _shape(argument, getattr(spec, argument), pattern)
    _arguments(spec.arguments)
    _environment(spec.environment)


PATHS = ("script_path", "working_directory", "stdin_path", "stdout_path", "stderr_path")
NUMBERS = {
    "time_limit_seconds": limits.MAX_NUMBER,
    "node_count": limits.MAX_NUMBER,
    "task_count": limits.MAX_NUMBER,
    "cpus_per_task": limits.MAX_NUMBER,
    "memory": limits.MAX_MEMORY,
    "gpu_count": limits.MAX_NUMBER,
}


def check_options(options: Sequence[str], allowed: Sequence[str]) -> None:
    """Raise `InvalidInput`, naming it, for the first option that the site does not allow by name or pattern."""
    for option in options:
        name = option.partition("=")[0]
        if not any(name == pattern or fnmatchcase(option, pattern) for pattern in allowed):
            known = f"it allows {', '.join(allowed)}" if allowed else "it allows none"
            raise InvalidInput(f"options: {option[:80]!r} is not what this site allows; {known}")
    if _size("options", options) > limits.MAX_OPTIONS:
        raise InvalidInput(f"options: more than {limits.MAX_OPTIONS} bytes in all")


def check_ids(job_ids: Sequence[str]) -> None:
    """Raise `InvalidInput` where these cannot be the jobs of one request; their form is the scheduler's to check."""
    if not job_ids:
        raise InvalidInput("jobIds: name at least one job")
    if len(job_ids) > limits.MAX_IDS:
        raise InvalidInput(f"jobIds: at most {limits.MAX_IDS} jobs in one request, not {len(job_ids)}")


def check_change(change: JobChange) -> None:
    """Raise `InvalidInput` where nothing is to change, or something can never be so."""
    if change == JobChange():
        raise InvalidInput("name, partition, timeLimitSeconds: give at least one of them")
    for argument, value in (("name", change.name), ("partition", change.partition)):
        if value is not None:
            _line(argument, value)
    _number("time_limit_seconds", change.time_limit_seconds, limits.MAX_NUMBER)


def check_signal(signal: str | None) -> None:
    """Raise `InvalidInput` where this is no signal's name (without SIG) or number."""
    if signal is not None and not SIGNAL.fullmatch(signal):
        raise InvalidInput(f"signal: {signal!r} is no signal; give a name such as TERM or USR1, or a number")


def check_key(key: str | None) -> None:
    """Raise `InvalidInput` for an idempotency key that is empty, too long, or holds what cannot be kept."""
    if key is not None and not (1 <= len(key) <= limits.MAX_KEY and key.isprintable()):
        raise InvalidInput(f"idempotencyKey: 1 to {limits.MAX_KEY} printable characters")


def check_command(command: Sequence[str]) -> None:
    """Raise `InvalidInput` where no program is named, or the words cannot travel."""
    if not command or not command[0] or command[0].startswith("-"):
        raise InvalidInput("command: it begins with the name of a program")
    if any("\0" in word for word in command):
        raise InvalidInput("command: no word holds a NUL byte")
    if _size("command", command) > limits.MAX_ARGUMENTS:
        raise InvalidInput(f"command: more than {limits.MAX_ARGUMENTS} bytes in all; put them into a file")


def check_path(argument: str, value: str) -> None:
    """Raise `InvalidInput` for a path that is neither absolute nor below `~`, or that a scheduler cannot carry."""
    name = shown_argument(argument)
    if not (value.startswith(("/", "~/", RAW)) or value == "~"):
        raise InvalidInput(f"{name}: {value[:80]!r} is neither absolute nor begins with ~/ or {RAW}")
    _bytes(name, value)
    path = from_raw(value, name)
    if value.startswith(RAW) and not path.startswith("/"):
        raise InvalidInput(f"{name}: what follows {RAW} is no absolute path")
    if len(path.encode("utf-8", "surrogateescape")) > limits.MAX_PATH:
        raise InvalidInput(f"{name}: longer than {limits.MAX_PATH} bytes")
    if re.search(r"[\x00\n\r]", path):
        raise InvalidInput(f"{name}: a scheduler takes no path with a newline or a NUL byte")


def _script(spec: JobSpec) -> None:
    if (spec.script is None) == (spec.script_path is None):
        raise InvalidInput("script, scriptFile, scriptPath: give exactly one of them")
    if spec.script is not None:
        check_script("script", _bytes("script", spec.script, "surrogateescape"))


def check_script(argument: str, script: bytes) -> None:
    """Raise `InvalidInput` for what is too long, or no text at all."""
    if not 0 < len(script) <= limits.MAX_SCRIPT:
        raise InvalidInput(f"{argument}: 1 to {limits.MAX_SCRIPT} bytes, not {len(script)}")
    if b"\0" in script:
        raise InvalidInput(f"{argument}: it holds a NUL byte, so it is no script")


def _given(spec: JobSpec, arguments: Sequence[str]) -> list[tuple[str, str]]:
    return [(name, value) for name in arguments if (value := getattr(spec, name)) is not None]


def _line(argument: str, value: str) -> None:
    if not 1 <= len(_bytes(shown_argument(argument), value)) <= limits.MAX_LINE:
        raise InvalidInput(f"{shown_argument(argument)}: 1 to {limits.MAX_LINE} bytes")
    if CONTROL.search(value):
        raise InvalidInput(f"{shown_argument(argument)}: it holds a newline or another control character")


def _number(argument: str, value: int | None, highest: int) -> None:
    if value is not None and not 1 <= value <= highest:
        raise InvalidInput(f"{shown_argument(argument)}: 1 to {highest}, not {value}")


def _shape(argument: str, value: str | None, pattern: re.Pattern[str]) -> None:
    if value is not None and (len(value) > limits.MAX_LINE or not pattern.fullmatch(value)):
        raise InvalidInput(f"{argument}: {value[:80]!r} is not of the form that a scheduler reads")


def _arguments(arguments: Sequence[str]) -> None:
    if any("\0" in argument for argument in arguments):
        raise InvalidInput("arguments: no argument holds a NUL byte")
    if _size("arguments", arguments) > limits.MAX_ARGUMENTS:
        raise InvalidInput(f"arguments: more than {limits.MAX_ARGUMENTS} bytes in all; put them into a file")


def _environment(environment: Sequence[tuple[str, str]]) -> None:
    names = [name for name, _ in environment]
    for name in names:
        if not VARIABLE.fullmatch(name):
            raise InvalidInput(f"environment: {name[:80]!r} is no name of a variable")
    if len(set(names)) < len(names):
        raise InvalidInput(f"environment: {next(name for name in names if names.count(name) > 1)} stands twice")
    if any("\0" in value for _, value in environment):
        raise InvalidInput("environment: no value holds a NUL byte")
    if _size("environment", [part for pair in environment for part in pair]) > limits.MAX_ENVIRONMENT:
        raise InvalidInput(f"environment: more than {limits.MAX_ENVIRONMENT} bytes in all; put them into a file")


def _size(argument: str, values: Sequence[str]) -> int:
    return sum(len(_bytes(argument, value)) + 1 for value in values)


def _bytes(argument: str, value: str, errors: str = "strict") -> bytes:
    try:
        return value.encode("utf-8", errors)
    except UnicodeEncodeError:
        raise InvalidInput(f"{argument}: it holds half a character, which no system can take") from None


_camel: Callable[[re.Match[str]], str] = lambda match: match[1].upper()  # noqa: E731


def shown_argument(argument: str) -> str:
    """The argument as the contract writes it."""
    return re.sub(r"_([a-z])", _camel, argument)
