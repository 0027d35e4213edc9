"""One request makes as few commands as possible: keys asked for together are one command per system."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from typing import TypeVar

from strawberry.dataloader import DataLoader

from firecrest_gql.errors import FirecrestError
from firecrest_gql.files.ends import Span
from firecrest_gql.files.reading import expected, with_lines
from firecrest_gql.files.service import Files
from firecrest_gql.jobs.query import Jobs
from firecrest_gql.model.files import File, FileContent, FileSystemUsage
from firecrest_gql.model.identity import Caller
from firecrest_gql.model.jobs import Job, JobUsage
from firecrest_gql.settings import SystemSettings
from resolvers.allowance import Allowance

G = TypeVar("G", bound=Hashable)
V = TypeVar("V")


class Loaders:
    """A loader for each thing worth batching; nothing is kept, for streams and mutations change what is read."""

    def __init__(self, files: Files, jobs: Jobs, caller: Caller, allowance: Allowance) -> None:
        self._systems: dict[str, SystemSettings] = {}
        self._guesses: dict[tuple[str, Span, str], int] = {}
        self._allowance = allowance
        self._files = files
        self._jobs = jobs
        self._caller = caller
        self._stats: DataLoader[tuple[str, str], File] = DataLoader(self._load_stats, cache=False)
        self._sums: DataLoader[tuple[tuple[str, str], str], str] = DataLoader(self._load_sums, cache=False)
        self._pieces: DataLoader[tuple[tuple[str, Span], str], FileContent | None] = DataLoader(
            self._load_pieces, cache=False
        )
        self._mime_types: DataLoader[tuple[str, str], str] = DataLoader(self._load_mime_types, cache=False)
        self._disk_usages: DataLoader[tuple[str, str], int] = DataLoader(self._load_disk_usages, cache=False)
        self._usages: DataLoader[tuple[str, str], FileSystemUsage] = DataLoader(self._load_usages, cache=False)
        self._job: DataLoader[tuple[str, str, bool], Job] = DataLoader(self._load_jobs, cache=False)
        self._job_usages: DataLoader[tuple[str, str], JobUsage] = DataLoader(self._load_job_usages, cache=False)
        self._scripts: DataLoader[tuple[str, str], str | None] = DataLoader(self._load_scripts, cache=False)

    async def file(self, system: SystemSettings, path: str) -> File:
        """The file at this path, as the caller wrote it."""
        self._systems[system.name] = system
        return await self._stats.load((system.name, path))

    async def checksum(self, system: SystemSettings, algorithm: str, location: str) -> str:
        """The checksum of the file at this place."""
        self._systems[system.name] = system
        return await self._sums.load(((system.name, algorithm), location))

    async def piece(self, system: SystemSettings, file: File, spans: Sequence[Span]) -> FileContent:
        """The first of these pieces of the file that has the lines that are wanted, if lines are."""
        self._systems[system.name] = system
        for span in spans:
            self._guesses[system.name, span, file.location] = expected(file, span)
            if (content := await self._pieces.load(((system.name, span), file.location))) is not None:
                return content
        raise AssertionError("the last piece is one")

    async def mime_type(self, system: SystemSettings, location: str) -> str:
        """The media type of what is at this place."""
        self._systems[system.name] = system
        return await self._mime_types.load((system.name, location))

    async def disk_usage(self, system: SystemSettings, location: str) -> int:
        """The bytes on disk of the tree at this place."""
        self._systems[system.name] = system
        return await self._disk_usages.load((system.name, location))

    async def usage(self, system: SystemSettings, location: str) -> FileSystemUsage:
        """The room of the file system at this place."""
        self._systems[system.name] = system
        return await self._usages.load((system.name, location))

    async def job(self, system: SystemSettings, job_id: str, usage: bool = False) -> Job:
        """The job with this id, with its usage if wanted."""
        self._systems[system.name] = system
        return await self._job.load((system.name, job_id, usage))

    async def job_usage(self, system: SystemSettings, job_id: str) -> JobUsage:
        """What the job with this id has used."""
        self._systems[system.name] = system
        return await self._job_usages.load((system.name, job_id))

    async def script(self, system: SystemSettings, job_id: str) -> str | None:
        """The script of the job with this id."""
        self._systems[system.name] = system
        return await self._scripts.load((system.name, job_id))

    async def _load_stats(self, keys: list[tuple[str, str]]) -> Sequence[File | FirecrestError]:
        return await _grouped(keys, self._stats_of)

    async def _stats_of(self, name: str, paths: list[str]) -> Sequence[File | FirecrestError]:
        return await self._files.stats(self._systems[name], self._caller, paths, argument="path")

    async def _load_jobs(self, keys: list[tuple[str, str, bool]]) -> Sequence[Job | FirecrestError]:
        used = {name for name, _, usage in keys if usage}

        async def load(name: str, ids: list[str]) -> Sequence[Job | FirecrestError]:
            return await self._jobs.jobs_by_id(self._caller, self._systems[name], ids, name in used)

        return await _grouped([(name, job_id) for name, job_id, _ in keys], load)

    async def _load_job_usages(self, keys: list[tuple[str, str]]) -> Sequence[JobUsage | FirecrestError]:
        async def load(name: str, ids: list[str]) -> Sequence[JobUsage | FirecrestError]:
            usages = await self._jobs.usages(self._caller, self._systems[name], ids)
            return [usages[job_id] for job_id in ids]

        return await _grouped(keys, load)

    async def _load_scripts(self, keys: list[tuple[str, str]]) -> Sequence[str | FirecrestError | None]:
        async def load(name: str, ids: list[str]) -> Sequence[str | FirecrestError | None]:
            scripts = await self._jobs.scripts(self._caller, self._systems[name], ids)
            return [scripts[job_id] for job_id in ids]

        return await _grouped(keys, load)

    async def _load_sums(self, keys: list[tuple[tuple[str, str], str]]) -> Sequence[str | FirecrestError]:
        return await _grouped(keys, self._sums_of)

    async def _load_pieces(
        self, keys: list[tuple[tuple[str, Span], str]]
    ) -> Sequence[FileContent | FirecrestError | None]:
        return await _grouped(keys, self._pieces_of)

    async def _load_mime_types(self, keys: list[tuple[str, str]]) -> Sequence[str | FirecrestError]:
        return await _grouped(keys, self._by_place(self._files.mime_types))

    async def _load_disk_usages(self, keys: list[tuple[str, str]]) -> Sequence[int | FirecrestError]:
        return await _grouped(keys, self._by_place(self._files.disk_usages))

    async def _load_usages(self, keys: list[tuple[str, str]]) -> Sequence[FileSystemUsage | FirecrestError]:
        return await _grouped(keys, self._by_place(self._files.usages))

    def _by_place(
        self, ask: Callable[[SystemSettings, Caller, Sequence[str]], Awaitable[Mapping[str, V | FirecrestError]]]
    ) -> Callable[[str, list[str]], Awaitable[Sequence[V | FirecrestError]]]:
        async def load(name: str, places: list[str]) -> Sequence[V | FirecrestError]:
            answers = await ask(self._systems[name], self._caller, places)
            return [answers[place] for place in places]

        return load

    async def _pieces_of(
        self, group: tuple[str, Span], locations: list[str]
    ) -> Sequence[FileContent | FirecrestError | None]:
        name, span = group
        guesses = {location: self._guesses[name, span, location] for location in locations}
        told = await self._files.pieces(self._systems[name], self._caller, span, guesses, self._allowance)
        return [self._kept(told[location], span) for location in locations]

    def _kept(self, content: FileContent | FirecrestError, span: Span) -> FileContent | FirecrestError | None:
        """What is left of it once it is cut to lines; the rest is held no more."""
        if isinstance(content, FirecrestError):
            return content
        kept = with_lines(content, span)
        self._allowance.give_back(len(content.data) - (0 if kept is None else len(kept.data)))
        return kept

    async def _sums_of(self, group: tuple[str, str], locations: list[str]) -> Sequence[str | FirecrestError]:
        name, algorithm = group
        sums = await self._files.checksums(self._systems[name], self._caller, algorithm, locations)
        return [sums[location] for location in locations]


async def _grouped(
    keys: list[tuple[G, str]], load: Callable[[G, list[str]], Awaitable[Sequence[V | FirecrestError]]]
) -> list[V | FirecrestError]:
    """Load all groups at once; a group that fails as a whole fails its own names alone."""
    groups: dict[G, list[str]] = defaultdict(list)
    for group, name in dict.fromkeys(keys):
        groups[group].append(name)
    found: dict[tuple[G, str], V | FirecrestError] = {}

    async def fill(group: G, names: list[str]) -> None:
        try:
            answers: Sequence[V | FirecrestError] = await load(group, names)
        except FirecrestError as error:
            answers = [error] * len(names)
        found.update(zip(((group, name) for name in names), answers, strict=True))

    async with asyncio.TaskGroup() as loading:
        for group, names in groups.items():
            loading.create_task(fill(group, names))
    return [found[key] for key in keys]
