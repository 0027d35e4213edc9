"""Who moves the bytes: what each method makes of a transfer's terms, and how another one is added."""

import re
import tomllib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from firecrest_gql.command import Command, Result
from firecrest_gql.errors import FirecrestError, InvalidInput, Unsupported
from firecrest_gql.files.writing import Remove
from firecrest_gql.model.jobs import JobSpec
from firecrest_gql.model.transfers import Terms, Transfer, TransferKind
from firecrest_gql.ports import ways
from firecrest_gql.schedulers.dialect import Scheduler
from firecrest_gql.schedulers.direct import Direct
from firecrest_gql.schedulers.slurm import Slurm
from firecrest_gql.settings import Settings, SettingsError, SystemSettings
from firecrest_gql.transfers.terms import terms_for
from tests.jobs_system import SYSTEM
from tests.scheduler_commands import run_in
from tests.waiting import until

DOCUMENT = Path(__file__).parent.parent / "docs" / "transfers.md"
SCHEDULERS: dict[str, Scheduler] = {"direct": Direct(), "slurm": Slurm()}
NOTHING = Remove("/tmp/x")


def system(kind: str = "slurm", **transfers: Any) -> SystemSettings:
    """A system with this block of transfers."""
    values = {**SYSTEM.model_dump(), "scheduler": {"kind": kind}, "transfers": transfers}
    return SystemSettings.model_validate(values)


def spec(of: SystemSettings, **terms: Any) -> JobSpec:
    """The job of a transfer there."""
    found = ways(Settings.model_construct(systems=(of,)), dict(SCHEDULERS)).to(of)
    return found.spec(Terms(**terms), NOTHING, "/folder")


def refusal(of: SystemSettings, **terms: Any) -> tuple[type[FirecrestError], str]:
    """Why there is none."""
    with pytest.raises(FirecrestError) as caught:
        spec(of, **terms)
    return type(caught.value), caught.value.message.partition(":")[0]


@pytest.mark.parametrize(
    ("sizes", "known"),
    [
        ({}, None),
        ({"size": 4}, 4),
        ({"size": 4, "estimate": 6}, 6),
        ({"size": 4, "estimate": 6, "staged_size": 5}, 5),
        ({"estimate": 5 * 2**40}, None),  # of what another job has still to make: the most that can be staged
    ],
)
def test_a_job_has_time_for_the_bytes_that_are_known(sizes: dict[str, Any], known: int | None) -> None:
    names: dict[str, Any] = dict.fromkeys(("id", "subject", "username", "system", "task_id"), "any")
    transfer = Transfer(kind=TransferKind.COPY, created_at=datetime.now(UTC), **names, **sizes)
    assert terms_for({}, transfer).size == known


def test_a_queue_gives_the_job_what_the_site_says_and_the_user_asks() -> None:
    queue = {"partition": "xfer", "qos": "low", "account": "data", "directives": ["#SBATCH --constraint=dtn"]}
    there = system(queue=queue, path="/opt/bin:/bin")
    made = spec(there)
    assert (made.partition, made.qos, made.account, made.time_limit_seconds) == ("xfer", "low", "data", 21_600)
    assert made.script is not None
    assert made.script.split("\n")[:5][-1] == "#SBATCH --constraint=dtn"
    assert "/opt/bin:/bin" in made.script
    assert [spec(there, size=size).time_limit_seconds for size in (1, 2 * 2**40, 5 * 2**40)] == [21_600, 41_943, 86_400]
    assert spec(there, size=5 * 2**40, time_limit_seconds=60).time_limit_seconds == 60
    made = spec(there, account="own", time_limit_seconds=60, after_job="17")
    assert (made.account, made.time_limit_seconds, made.dependency) == ("own", 60, "afterok:17")


def test_a_queue_refuses_what_the_site_does_not_let_through() -> None:
    strict = system(queue={"account_required": True, "max_time_limit_seconds": 60, "time_limit_seconds": 60})
    assert refusal(strict) == (InvalidInput, "account")
    assert refusal(strict, account="own", time_limit_seconds=61) == (InvalidInput, "timeLimitSeconds")


def test_where_there_is_no_queue_a_process_does_it_if_one_login_node_knows_it() -> None:
    made = spec(system(), time_limit_seconds=60)
    assert (made.partition, made.account, made.time_limit_seconds) == (None, None, 60)
    assert refusal(system(), account="own") == (Unsupported, "account")
    assert refusal(system(), after_job="17") == (Unsupported, "afterJob")
    assert spec(system("direct"), after_job="17").dependency == "afterok:17"
    several = system().model_copy(update={"login_nodes": SYSTEM.login_nodes * 2})
    assert refusal(several) == (Unsupported, "transfers")


def test_a_method_that_nobody_brings_is_a_fault_of_the_settings() -> None:
    with pytest.raises(SettingsError, match=r"no method carrier-pigeon; there are process, queue"):
        spec(system(method="carrier-pigeon"))


def block(language: str) -> str:
    """The document's one block in this language."""
    [found] = re.findall(rf"```{language}\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    return str(found)


async def test_a_method_of_another_package_is_found_by_its_entry_point(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "gentle_transfers.py").write_text(block("python"))
    installed, home = tmp_path / "gentle_transfers-1.dist-info", tmp_path / "home"
    installed.mkdir()
    home.mkdir()
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: gentle-transfers\nVersion: 1\n")
    [(group, points)] = tomllib.loads(block("toml"))["project"]["entry-points"].items()
    lines = [f"[{group}]", *(f"{name} = {value}" for name, value in points.items())]
    (installed / "entry_points.txt").write_text("\n".join(lines))
    monkeypatch.syspath_prepend(str(tmp_path))
    there = system("direct", method="gentle")
    found = ways(Settings.model_construct(systems=(there,)), dict(SCHEDULERS)).to(there)
    folder = home / "folder"
    folder.mkdir()
    (folder / "input").touch()
    made = found.spec(Terms(), Nice(), str(folder))
    await run_in(found.scheduler.submit(made, "task_gentle"), home)
    await until((folder / "status").exists)
    assert (folder / "stdout").read_text() == "19\n"


@dataclass(frozen=True, slots=True)
class Nice(Command[None]):
    """Tells its own priority."""

    @property
    def argv(self) -> list[str]:
        return ["nice"]

    def parse(self, result: Result) -> None:
        """Nothing to read."""
