"""Gentle on the login node: what costs much waits its turn, lets others go first, and can be switched off."""

import asyncio
import io
import tarfile
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from firecrest_gql.command import Operation, Result
from firecrest_gql.demo.run import Demo
from firecrest_gql.errors import ErrorCode, Unsupported
from tests.client import Client, fetch_token
from tests.files import change, refused, write
from tests.openssh import RealSshd, Words, caller, real_sshd, system_of, transport_to
from tests.service import SYSTEMS, another_server
from tests.waiting import until


@dataclass(frozen=True)
class Costly(Words):
    """Any program, as a costly operation."""

    @property
    def operation(self) -> Operation:
        """One of them."""
        return Operation.CHECKSUM


@pytest.fixture(scope="module")
async def sshd(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RealSshd]:
    """A running one."""
    async with real_sshd(tmp_path_factory.mktemp("sshd")) as running:
        yield running


@pytest.fixture(scope="module")
async def strictly(running: Demo, demo_state: Path) -> AsyncIterator[dict[str, Any]]:
    """A server whose systems do nothing that is costly."""
    off = {"disabled_operations": [operation.value for operation in Operation]}
    async with another_server(demo_state, "strictly", systems=off) as described:
        yield described


@pytest.mark.openssh
async def test_what_costs_much_runs_at_low_priority(sshd: RealSshd) -> None:
    system = system_of(sshd)
    async with transport_to(sshd, system) as transport:
        told = await transport.run(system, caller("firebash"), Costly(("sh", "-c", "nice; ionice")))
        assert told == Result(0, b"19\nidle\n", b"")
        assert (await transport.run(system, caller("firebash"), Words(("nice",)))).stdout == b"0\n"


@pytest.mark.openssh
async def test_it_runs_a_few_at_a_time_and_others_pass(sshd: RealSshd) -> None:
    system, gate = system_of(sshd), f"/tmp/gate-{uuid.uuid4().hex}"
    hold = 'echo > "$0.$1"; while [ ! -e "$0" ]; do sleep 0.05; done'
    who = caller("firebash")

    def begun() -> int:
        return len([*Path("/tmp").glob(f"{Path(gate).name}.*")])

    async with transport_to(sshd, system) as transport:
        costly = [Costly(("sh", "-c", hold, gate, str(number))) for number in range(4)]
        running = [asyncio.create_task(transport.run(system, who, command)) for command in costly]
        await until(lambda: begun() == system.limits.costly_per_user)
        assert (await transport.run(system, who, Words(("echo", "passes")))).stdout == b"passes\n"
        assert begun() == system.limits.costly_per_user
        try:
            await transport.run(system, who, Words(("touch", gate)))
            assert [result.exit_status for result in await asyncio.gather(*running)] == [0] * 4
        finally:
            await transport.run(system, who, Words(("sh", "-c", 'rm "$0" "$0".*', gate)))


@pytest.mark.openssh
async def test_what_is_switched_off_asks_for_no_certificate(sshd: RealSshd) -> None:
    system = system_of(sshd, disabled_operations=["checksum"], login_nodes=[{"host": "192.0.2.1"}])
    async with transport_to(sshd, system) as transport:
        with pytest.raises(Unsupported, match=r"^checksum: is switched off on real$"):
            await transport.run(system, caller("firebash"), Costly(("true",)))


@pytest.mark.parametrize(
    ("operation", "asked"),
    [
        ("checksum", "checksum"),
        ("diskUsage", "diskUsage"),
        ("recursion", "entries(recursive: true) { totalCount }"),
        ("orderBy", "entries(orderBy: SIZE_DESC) { totalCount }"),
        ("search", 'search(name: "*") { totalCount }'),
        ("contentSearch", 'search(contains: "x") { totalCount }'),
    ],
)
async def test_a_site_can_switch_costly_reads_off(strictly: dict[str, Any], operation: str, asked: str) -> None:
    user = Client(strictly, await fetch_token(strictly, "fireuser"))
    query = f'{{ system(name: "local") {{ file(path: "~") {{ name %s {asked} }} }} }}'
    error = await user.error(query % "entries { totalCount }" if "entries" not in asked else query % "")
    assert (error["extensions"]["code"], error["message"].split(":")[0]) == (ErrorCode.UNSUPPORTED, operation)


async def test_a_site_can_switch_costly_changes_off(strictly: dict[str, Any], user: Client, folder: Path) -> None:
    await write(user, folder / "file")
    inmate = Client(strictly, await fetch_token(strictly, "fireuser"))
    target = {"target": str(folder / "new")}
    cases: dict[str, tuple[str, dict[str, Any]]] = {
        "copyFile": ("copyFile", target),
        "compressFiles": ("compressFiles", target),
        "extractArchive": ("extractArchive", target),
        "changeMode": ("recursion", {"mode": "0600", "recursive": True}),
    }
    for field, (operation, more) in cases.items():
        code, message = await refused(inmate, field, path=str(folder / "file"), **more)
        assert (code, message.split(":")[0]) == (ErrorCode.UNSUPPORTED, operation)
    await change(inmate, "changeMode", path=str(folder / "file"), mode="0600")


@pytest.mark.slurm
@pytest.mark.skipif("slurm" not in SYSTEMS, reason="FIRECREST_TEST_SYSTEMS leaves it out")
async def test_a_listing_of_a_hundred_with_sums_and_heads_makes_a_handful_of_commands(
    user: Client, remote: str, running: Demo
) -> None:
    said = io.BytesIO()
    with tarfile.open(fileobj=said, mode="w") as archive:
        for number in range(100):
            member = tarfile.TarInfo(f"file-{number:03}")
            member.size = len(data := f"{number}\nmore\n".encode())
            archive.addfile(member, io.BytesIO(data))
    upload = "mutation($input: UploadFileInput!) { uploadFile(input: $input) { path } }"
    given = {"system": "slurm", "path": f"{remote}/a.tar", "content": None}
    assert "errors" not in await user.upload(upload, said.getvalue(), input=given)
    await change(user, "extractArchive", "slurm", path=f"{remote}/a.tar", target=f"{remote}/all")
    query = """query($path: String!) { system(name: "slurm") { file(path: $path) { entries(first: 100) {
        totalCount nodes { checksum mimeType head(lines: 1) { text } } } } } }"""
    request = uuid.uuid4().hex
    answer = (await user.post(query, headers={"X-Request-ID": request}, path=f"{remote}/all")).json()
    assert "errors" not in answer
    nodes = answer["data"]["system"]["file"]["entries"]["nodes"]
    assert [node["head"]["text"] for node in nodes] == [f"{number}\n" for number in range(100)]
    assert len({node["checksum"] for node in nodes}) == 100
    assert running.slurm is not None
    [log] = running.slurm.folder.rglob("sshd.log")
    logins = [line for line in log.read_text().splitlines() if "Accepted publickey" in line and request in line]
    assert 1 <= len(logins) <= 6, logins
