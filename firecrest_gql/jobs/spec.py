"""A job's specification as a task keeps it, and as the system takes it."""

from dataclasses import asdict, dataclass, replace
from posixpath import basename
from typing import Any, cast

from firecrest_gql.command import Command, Result
from firecrest_gql.errors import CommandFailed, InvalidInput
from firecrest_gql.jobs.check import PATHS, check_script, shown_argument
from firecrest_gql.model.files import from_raw
from firecrest_gql.model.jobs import JobSpec


def with_file(spec: JobSpec, script: bytes) -> JobSpec:
    """The specification with an uploaded script, which may hold bytes that are not UTF-8."""
    if spec.script is not None or spec.script_path is not None:
        raise InvalidInput("script, scriptFile, scriptPath: give exactly one of them")
    check_script("scriptFile", script)
    return replace(spec, script=script.decode("utf-8", "surrogateescape"))


def plain(spec: JobSpec) -> JobSpec:
    """The specification with the bytes that its base64: paths stand for, as surrogate escapes where they need be."""
    paths = {path: from_raw(value, shown_argument(path)) for path in PATHS if (value := getattr(spec, path))}
    return replace(spec, **cast("dict[str, Any]", paths))


def to_input(spec: JobSpec) -> dict[str, Any]:
    """What was given, as JSON holds it."""
    return {name: value for name, value in asdict(spec).items() if value not in (None, ())}


def from_input(values: dict[str, Any]) -> JobSpec:
    """The specification that `to_input` took apart; JSON has made its tuples lists."""
    read: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}
    read["environment"] = tuple((name, value) for name, value in values.get("environment", ()))
    return JobSpec(**read)


def job_name(spec: JobSpec) -> str:
    """The name that the job will bear, as far as we know: the given one, else the script's; "" for a bare text."""
    return spec.name or (basename(spec.script_path) if spec.script_path else "")


def needs_home(spec: JobSpec) -> bool:
    """Whether one of its paths begins with ~."""
    return any((getattr(spec, path) or "").startswith("~") for path in PATHS)


def at_home(spec: JobSpec, home: str) -> JobSpec:
    """The specification with ~ replaced: no scheduler does it."""
    paths = {path: value for path in PATHS if (value := getattr(spec, path))}
    return replace(spec, **{path: home + value[1:] for path, value in paths.items() if value.startswith("~")})


@dataclass(frozen=True, slots=True)
class Home(Command[str]):
    """The login's home directory."""

    @property
    def argv(self) -> list[str]:
        """The variable that the login has set."""
        return ["printenv", "HOME"]

    def parse(self, result: Result) -> str:
        """One line."""
        home = result.stdout.decode("utf-8", "surrogateescape").removesuffix("\n")
        if result.exit_status != 0 or not home.startswith("/"):
            raise CommandFailed("the system tells no home directory: give absolute paths")
        return home.rstrip("/")
