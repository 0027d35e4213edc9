"""Strings of any kind reach the system as data: nothing is run of them, and programs are called as it was meant."""

import os
import uuid
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st

from firecrest_gql.errors import FirecrestError, InvalidInput
from firecrest_gql.files.attributes import MODE
from firecrest_gql.files.changes import Changes
from firecrest_gql.files.directories import Directories
from firecrest_gql.files.pages import Wanted
from firecrest_gql.files.road import FileRoad
from firecrest_gql.files.service import Files
from firecrest_gql.model.identity import Caller
from firecrest_gql.settings import SystemSettings
from firecrest_gql.ssh import Transport
from tests.embedded_system import make_system, remove_homes
from tests.files import path_of
from tests.openssh import authority_for, caller, real_sshd, system_of, transport_to
from tests.sizes import size
from tests.test_files_names import drawn
from tests.words import ODD_WORDS

STRINGS = 10  # that reach the system in one round
ROUNDS = size(4, 5000 // STRINGS)

RECORDED = ("touch", "ln", "mkdir", "chmod", "chgrp", "chown", "find", "grep", "sha256sum", "cp", "mv", "rm")
RECORD = """#!/bin/sh
{ printf '%d\\0%s\\0' "$#" "${0##*/}"; [ $# = 0 ] || printf '%s\\0' "$@"; } >> FOLDER/log
PATH=/usr/bin:/bin exec "${0##*/}" "$@"
"""
RUN = ["$(touch CANARY)", "`touch CANARY`", "';touch CANARY;'", '";touch CANARY;"', "|touch CANARY", "a\\"]
RUN += ["\ntouch CANARY\n", "&&touch CANARY", "${IFS}touch${IFS}CANARY", "-exec touch CANARY ;", "\\';touch CANARY"]
RUN += ["--reference=CANARY", "%(touch CANARY)", "\\0047;touch CANARY;", "$'\\ntouch CANARY'", "!touch", "\\012"]
ATTEMPT = st.lists(st.sampled_from([*ODD_WORDS, *RUN, *RUN, *RUN]), min_size=1, max_size=4).map("".join)


def traces(canary: str, home: Path, folder: Path) -> list[Path]:
    """What has been run would have left a file where programs run."""
    return [*home.rglob(canary), *Path("/tmp").glob(canary), *folder.glob(canary)]


class Recorder:
    """Programs in front of the system's own, which write down how they are called."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = f"{folder}:/usr/local/bin:/usr/bin:/bin"
        self._log = folder / "log"
        for name in RECORDED:
            (folder / name).write_text(RECORD.replace("FOLDER", str(folder)))
            (folder / name).chmod(0o755)
        self._log.touch()
        self._log.chmod(0o666)
        folder.chmod(0o755)

    def taken(self) -> list[list[str]]:
        """The argument vectors since the last time."""
        values = os.fsdecode(self._log.read_bytes()).split("\0")[:-1]
        os.truncate(self._log, 0)
        calls = []
        while values:
            count = int(values[0]) + 2
            calls.append(values[1:count])
            values = values[count:]
        return calls


@pytest.fixture
def recorder() -> Any:
    """Where every account finds it."""
    folder = Path("/var/tmp") / f"record-{uuid.uuid4().hex}"
    folder.mkdir()
    yield Recorder(folder)
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()


@dataclass(frozen=True)
class Shore:
    """What is needed to act on a system."""

    transport: Transport
    system: SystemSettings
    caller: Caller


@pytest.fixture(params=["embedded", pytest.param("sshd", marks=pytest.mark.openssh)])
async def shore(request: pytest.FixtureRequest, tmp_path: Path, recorder: Recorder) -> AsyncIterator[Shore]:
    """The embedded system, and real sshd, each with the recorder first on its PATH."""
    scheduler = {"kind": "direct", "path": recorder.path}
    if request.param == "sshd":
        async with real_sshd(tmp_path) as sshd:
            system = system_of(sshd, scheduler=scheduler)
            async with transport_to(sshd, system) as transport:
                yield Shore(transport, system, caller("firebash", for_hours=True))
    else:
        made = make_system(tmp_path)
        async with made.embedded.process:
            system = SystemSettings.model_validate(
                {
                    "name": "real",
                    "login_nodes": [{"host": made.embedded.host, "port": made.embedded.port}],
                    "host_keys": [made.embedded.host_public_key],
                    "delegation": {"source_addresses": ["127.0.0.1"]},
                    "scheduler": scheduler,
                }
            )
            transport = Transport(authority_for(made.ca, system))
            yield Shore(transport, system, caller("fireuser", for_hours=True))
            await transport.aclose()
        remove_homes(made.embedded)


async def test_no_string_is_run_and_each_arrives_as_it_was_meant(shore: Shore, recorder: Recorder) -> None:
    road, on = FileRoad(shore.transport), (shore.system, shore.caller)
    files = Files(road)
    changes, directories = Changes(road, files), Directories(road)
    home = Path(await files.home(*on))
    folder, canary = home / f"attempts-{uuid.uuid4().hex}", f"canary-{uuid.uuid4().hex}"
    for attempt in drawn(ATTEMPT, ROUNDS):
        text = attempt.replace("CANARY", canary).replace("/", "_").replace("\0", "")
        name = os.fsdecode(os.fsencode(text)[:240])
        if name in ("", ".", "..") or MODE.fullmatch(text):  # `=x` is a mode as it should be
            continue
        await files.create_directory(*on, str(folder), parents=True, mode=None)
        path, link = folder / name, folder / f"{name}+link"
        raw = path_of(path)
        recorder.taken()
        await changes.touch(*on, raw)
        await changes.link(*on, path_of(link), raw)
        await changes.change_mode(*on, raw, "u=rw,go-rwx", recursive=False)
        await changes.change_owner(*on, raw, None, str((await files.stat(*on, raw)).gid), recursive=False)
        await files.create_directory(*on, path_of(folder / f"{name}+dir"), parents=False, mode="0700")
        assert await files.checksums(*on, "SHA256", [str(path)])
        calls = recorder.taken()
        for meant in (
            ["touch", "--", str(path)],
            ["ln", "-sT", "--", str(path), str(link)],
            ["chmod", "--", "u=rw,go-rwx", str(path)],
            ["mkdir", "-m", "0700", "--", str(folder / f"{name}+dir")],
            ["sha256sum", "-z", "--", str(path)],
        ):
            assert meant in calls, (meant, calls)
        assert ["chgrp", str(path)] in [[call[0], call[-1]] for call in calls]
        for wrong in (
            changes.change_mode(*on, raw, text, recursive=False),
            changes.change_owner(*on, raw, text, None, recursive=False),
            changes.change_owner(*on, raw, None, text, recursive=False),
            files.create_directory(*on, raw, parents=False, mode=text),
        ):
            with pytest.raises(InvalidInput):
                await wrong
        # A name of an owner may end in a backslash: whether there is one the system tells.
        asked = [[program, "--", text, str(path)] for program in ("chown", "chgrp")]
        assert [call for call in recorder.taken() if call not in asked] == []
        directory = await files.stat(*on, str(folder))
        for wanted in (Wanted(match=text), Wanted(hidden=True, depth=5, match=text), Wanted(depth=5, words=text)):
            with suppress(FirecrestError):  # words of one line only
                await directories.page(*on, directory, wanted, first=5, after=None, count=False)
        calls = recorder.taken()
        assert len([call for call in calls if call[0] == "find" and "-name" in call and text in call]) >= 2
        assert all(call[:4] == ["grep", "-slZF", "-e", text] for call in calls if call[0] == "grep")
        await changes.copy(*on, raw, path_of(folder / f"{name}+copy"), dereference=False, overwrite=False)
        await changes.move(*on, raw, path_of(folder / f"{name}+moved"), overwrite=False)
        calls = recorder.taken()
        assert [call[-2] for call in calls if call[0] == "cp"] == [str(path)]
        assert [call[-2:] for call in calls if call[0] == "mv"][-1] == [str(path), str(folder / f"{name}+moved")]
        await files.remove(*on, str(folder), recursive=True)
        calls = [call for call in recorder.taken() if call[0] == "rm"]
        assert calls == [["rm", "-r", "--one-file-system", "--preserve-root=all", "--", str(folder)]]
    assert traces(canary, home, recorder.folder) == []
