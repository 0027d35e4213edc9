"""A directory of any number of files: every page, each name once, also while files come and go."""

import asyncio
import os
import pwd
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

import pytest

from firecrest_gql.files.directories import Directories, Listed
from firecrest_gql.files.pages import Wanted
from firecrest_gql.files.road import FileRoad
from firecrest_gql.files.service import Files
from firecrest_gql.ssh import Transport
from tests.openssh import RealSshd, caller, real_sshd, system_of, transport_to
from tests.sizes import size

pytestmark = pytest.mark.openssh
FILES, PAGE = size(3_000, 200_000), size(500, 5_000)
BOB = caller("firebash")


@pytest.fixture(scope="module")
async def sshd(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RealSshd]:
    """A running one."""
    async with real_sshd(tmp_path_factory.mktemp("sshd")) as running:
        yield running


@pytest.fixture
async def transport(sshd: RealSshd) -> AsyncIterator[Transport]:
    """A transport to it."""
    async with transport_to(sshd, system_of(sshd)) as made:
        yield made


@pytest.fixture
def crowd(sshd: RealSshd) -> Iterator[Path]:
    """A directory with many empty files; it is removed again."""
    folder = Path(pwd.getpwnam("firebash").pw_dir) / f"crowd-{os.getpid()}"
    folder.mkdir(mode=0o755)
    for number in range(FILES):
        (folder / f"file-{number:06}").touch()
    yield folder
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()


@contextmanager
def coming_and_going(folder: Path) -> Iterator[None]:
    """Other files come and go all the time."""
    over = Event()

    def churn() -> None:
        number = 0
        while not over.is_set():
            made = [folder / f"file-{number % FILES:06}-{step}" for step in range(50)]
            for path in made:
                path.touch()
            for path in made:
                path.unlink()
            number += 7919

    thread = Thread(target=churn)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


async def test_all_pages_give_each_name_once_while_files_come_and_go(
    sshd: RealSshd, transport: Transport, crowd: Path
) -> None:
    road, system = FileRoad(transport), system_of(sshd)
    directory = await Files(road).stat(system, BOB, str(crowd))
    directories, seen, after = Directories(road), list[str](), None

    async def page(behind: tuple[str, str] | None) -> Listed:
        return await directories.page(system, BOB, directory, Wanted(), first=PAGE, after=behind, count=False)

    with coming_and_going(crowd):
        while True:
            listed = await page(after)
            seen += [entry.below for entry in listed.entries]
            if not listed.more:
                break
            after = (listed.entries[-1].key, listed.entries[-1].below)
            await asyncio.sleep(0)
    assert seen == sorted(set(seen))
    assert [name for name in seen if name.count("-") == 1] == [f"file-{number:06}" for number in range(FILES)]
