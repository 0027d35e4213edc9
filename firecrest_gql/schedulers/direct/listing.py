"""The direct dialect's jobs, as the files on disk tell of them."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice

from firecrest_gql.command import Result, SchedulerCommand
from firecrest_gql.errors import CommandFailed
from firecrest_gql.model.jobs import FINAL_JOB_STATES, Job, JobFilter, JobState
from firecrest_gql.schedulers.direct.arrays import tasks_of
from firecrest_gql.schedulers.direct.failures import require_success
from firecrest_gql.schedulers.direct.programs import LIST
from firecrest_gql.schedulers.filtering import matches
from firecrest_gql.schedulers.specification import unescaped

PARTITION = "local"
MOST_TOLD = 20_000
"""Jobs and tasks of one listing, which is read from files that are the user's own to write: four times MOST_KEPT."""
INT = 2**31 - 1
JOB_ID = re.compile(r"[1-9][0-9]{0,15}")
Files = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Record:
    """A submission's record, line by line as submit.sh writes it."""

    job_id: str
    key: str
    node: str
    name: str
    directory: str
    stdin: str
    stdout: str
    stderr: str
    limit: str
    umask: str
    ranges: str
    count: str
    most: str

    def path(self, pattern: str, task: int | None) -> str:
        """Where a pattern leads, as the runner finds it."""
        task_id = "" if task is None else str(task)
        values = {"j": self.task(task), "A": self.job_id, "a": task_id, "%": "%"}
        path = re.sub("%(.)", lambda match: values.get(match[1], "%"), pattern)
        return path if path.startswith("/") else f"{self.directory}/{path}"

    def task(self, task: int | None) -> str:
        """The id of the array's task, or of the job."""
        return self.job_id if task is None else f"{self.job_id}_{task}"


@dataclass(frozen=True, slots=True)
class State:
    """One line of a state file: what became of a job, or of an array's task."""

    word: str
    submitted: int | None
    started: int | None
    ended: int | None
    status: int | None
    reason: str

    @classmethod
    def read(cls, line: str) -> "State":
        """The fields that are there; a dash stands for nothing."""
        words = ["" if word == "-" else word for word in line.split(" ", 9)] + [""] * 10
        submitted, started, ended = map(_number, words[1:4])
        return cls(words[0], submitted, started, ended, _number(words[4], INT), words[9])


@dataclass(frozen=True, slots=True)
class Queue(SchedulerCommand[list[Job]]):
    """This user's jobs, waiting, running and ended."""

    system: str
    username: str
    job_filter: JobFilter

    @property
    def argv(self) -> list[str]:
        """The program and the ids; without ids it tells of all."""
        return ["sh", "-c", LIST, "firecrest-jobs", *(self.job_filter.job_ids or ())]

    def parse(self, result: Result) -> list[Job]:
        """The time of the system's clock, then the lines of all files."""
        require_success(result, "the listing of jobs")
        if self.job_filter.job_ids == () or self.username not in (self.job_filter.users or (self.username,)):
            return []
        now, _, lines = result.stdout.decode("utf-8", "surrogateescape").partition("\n")
        if (clock := _number(now)) is None:
            raise CommandFailed(f"the listing of jobs begins with {now[:80]!r}, and not with the time")
        jobs = islice((job for folder in _folders(lines) for job in self._jobs(clock, folder)), MOST_TOLD)
        found = {job.job_id: job for job in jobs if matches(job, self.job_filter)}
        return sorted(found.values(), key=lambda job: [int(number) for number in job.job_id.split("_")])

    def _jobs(self, now: int, folder: Files) -> Iterator[Job]:
        if len(folder.get("record", ())) != len(Record.__slots__) or "state" not in folder:
            return
        record = Record(*map(unescaped, folder["record"]))
        if not JOB_ID.fullmatch(record.job_id):
            return
        waits = folder.get("waits", [""])[0]
        for task in tasks_of(record.ranges) if record.ranges else (None,):
            lines = folder.get("state" if task is None else f"state_{task}") or folder["state"]
            yield self._job(now, record, task, State.read(lines[0]), waits)

    def _job(self, now: int, record: Record, task: int | None, told: State, waits: str) -> Job:
        state = JobState.__members__.get(told.word, JobState.UNKNOWN)
        ended = told.ended if state in FINAL_JOB_STATES else None
        lost = state is JobState.NODE_FAIL or told.started is None
        return Job(
            system=self.system,
            job_id=record.task(task),
            name=record.name,
            user=self.username,
            state=state,
            raw_state=told.word,
            reason=unescaped(told.reason) or _waiting(state, record, waits),
            observed_at=datetime.now(UTC),
            partition=PARTITION,
            exit_code=told.status if not _signal(told.status) else None,
            signal=_signal(told.status),
            submitted_at=_time(told.submitted),
            started_at=_time(told.started),
            ended_at=_time(ended),
            elapsed_seconds=None if lost else min(INT, max(0, (ended or now) - (told.started or 0))),
            time_limit_seconds=_number(record.limit, INT),
            node_count=1,
            node_list=record.node if told.started else None,
            working_directory=record.directory,
            stdin_path=record.path(record.stdin, task) if record.stdin else None,
            stdout_path=record.path(record.stdout, task),
            stderr_path=record.path(record.stderr or record.stdout, task),
            array_job_id=None if task is None else record.job_id,
            array_task_id=None if task is None else str(task),
            dependency=waits.replace(" ", ",") if waits and state in (JobState.PENDING, JobState.HELD) else None,
        )


def _folders(lines: str) -> Iterator[Files]:
    """The lines of each file of each folder: `.keys/<key>/record:<line>`, where no path has a colon."""
    found: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for line in lines.split("\n")[:-1]:
        path, _, content = line.partition(":")
        folder, _, name = path.rpartition("/")
        found[folder][name].append(content)
    yield from found.values()


def _waiting(state: JobState, record: Record, waits: str) -> str | None:
    """Why it has not begun, in the words that Slurm's squeue(1) has for it."""
    if state is JobState.HELD:
        return "JobHeldUser"
    if state is not JobState.PENDING:
        return None
    return "Dependency" if waits else "JobArrayTaskLimit" if _number(record.most) else "Resources"


def _signal(status: int | None) -> int | None:
    """The shell gives 128 + n for signal n; a script that exits with such a number by itself looks the same."""
    return status - 128 if status is not None and 128 < status <= 192 else None


def _number(text: str, most: int = 2**37) -> int | None:
    """Digits, or None; the largest is a time that a calendar has."""
    return int(text) if re.fullmatch(r"[0-9]{1,12}", text) and int(text) <= most else None


def _time(seconds: int | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
