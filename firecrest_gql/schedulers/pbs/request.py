"""A job's wishes in PBS's terms, and those that PBS has no terms for."""

import re
from collections.abc import Iterator

from firecrest_gql.errors import InvalidInput, Unsupported
from firecrest_gql.model.jobs import JobSpec

# One range of indices, where Slurm takes a list of them.
ARRAY = re.compile(r"\d{1,9}-\d{1,9}(:\d{1,9})?(%\d{1,9})?")
# -W depend=type:id[:id][,type:id]: https://github.com/openpbs/openpbs/blob/master/doc/man1/qsub.1B
DEPENDENCY = re.compile(r"[a-z]+(:[A-Za-z0-9.\[\]@-]+)+(,[a-z]+(:[A-Za-z0-9.\[\]@-]+)+)*")
# A queue, or a reservation's: it follows an option, so it is none.
DESTINATION = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@-]{0,254}")
RESERVED_VARIABLE = re.compile(r"PBS_.*|QSUB_.*")


def require_expressible(spec: JobSpec) -> None:
    """Raise `InvalidInput`, or `Unsupported`, for what PBS would read as something else."""
    for name, pattern in (("array", ARRAY), ("dependency", DEPENDENCY)):
        _shape(name, getattr(spec, name), pattern)
    for name in ("partition", "reservation"):
        _shape(name, getattr(spec, name), DESTINATION)
    if spec.partition and spec.reservation:
        raise InvalidInput("partition, reservation: give one of them, for a reservation is a queue of PBS")
    for name in ("stdout_path", "stderr_path"):
        _path(name, getattr(spec, name))
    if spec.account is not None and spec.account.startswith("-"):
        raise InvalidInput(f"account: {spec.account!r} begins with -")
    _variables(spec)
    _chunk(spec)


def placement(spec: JobSpec) -> Iterator[str]:
    """The select statement: as many equal chunks as nodes, each on a host of its own; none where nothing is wished."""
    resources = "".join(f":{name}={value}" for name, value in _chunk(spec) if value is not None)
    if resources or spec.node_count is not None:
        yield from ("-l", f"select={spec.node_count or 1}{resources}")
    if (spec.node_count or 1) > 1:
        yield from ("-l", "place=scatter")


def _chunk(spec: JobSpec) -> list[tuple[str, str | int | None]]:
    """What each node gives: memory is asked for by node, tasks and GPUs in all."""
    tasks = _per_node(spec, "task_count")
    cpus = None if tasks is None and spec.cpus_per_task is None else (tasks or 1) * (spec.cpus_per_task or 1)
    memory = None if spec.memory is None else f"{-(-spec.memory // 1024)}kb"
    return [("ncpus", cpus), ("mpiprocs", tasks), ("mem", memory), ("ngpus", _per_node(spec, "gpu_count") or None)]


def _per_node(spec: JobSpec, name: str) -> int | None:
    count, nodes = getattr(spec, name), spec.node_count or 1
    if count is not None and count % nodes:
        raise InvalidInput(f"{name}: PBS gives each node the same, and {nodes} nodes cannot share {count}")
    return None if count is None else count // nodes


def _shape(name: str, value: str | None, pattern: re.Pattern[str]) -> None:
    if value is not None and not pattern.fullmatch(value):
        raise InvalidInput(f"{name}: {value[:80]!r} is not of the form that PBS reads: {pattern.pattern}")


def _path(name: str, value: str | None) -> None:
    """qsub takes printable ASCII alone (src/lib/Libcmds/prepare_path.c), and replaces nothing after a %."""
    if value is None:
        return
    if re.search(r"%(?!%)", value.replace("%%", "")):
        raise Unsupported(f"the scheduler pbs does not support patterns in names of files: {name}: write %% for a %")
    if not (value.isascii() and value.isprintable() and value.startswith("/")):
        raise InvalidInput(f"{name}: {value!r}: PBS takes an absolute path of printable ASCII characters")


def _variables(spec: JobSpec) -> None:
    r"""qsub does not escape the comma behind a backslash: what follows would be another variable."""
    for name, value in spec.environment:
        if RESERVED_VARIABLE.fullmatch(name):
            raise InvalidInput(f"the environment variable {name} cannot be set: the scheduler reads it")
        if "\\," in value or value.startswith("() {"):
            raise InvalidInput(
                f"the environment variable {name}: PBS carries no value with \\, or that begins with () {{"
            )
    if "\\" in (spec.working_directory or ""):
        raise InvalidInput("working_directory: PBS carries no path with a backslash")
