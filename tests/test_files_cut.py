"""An upload that is cut off anywhere leaves the old content as it was, and nothing beside it."""

import asyncio
import json
import os
import pwd
import random
from collections.abc import AsyncIterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import pytest

from firecrest_gql.command import Stdin
from firecrest_gql.demo.ports import LOOPBACK
from firecrest_gql.errors import SystemUnavailable
from firecrest_gql.files.writing import MakeDirectory, Remove, Upload
from tests.client import Client, signed_in
from tests.cut_road import road_to
from tests.files import change, write
from tests.openssh import caller, real_sshd, system_of, transport_to
from tests.service import serving
from tests.sizes import size
from tests.test_files_names import SLURM
from tests.transfers import home_of
from tests.waiting import until

SIZE = size(1_000_000, 5_000_000)
ROUNDS = size(3, 50)
OLD, NEW = b"old content", b"new" * (SIZE // 3)
GONE_SECONDS = 60
QUERY = "mutation($input: UploadFileInput!) { uploadFile(input: $input) { path } }"


def body(system: str, path: Path) -> tuple[bytes, str]:
    """A GraphQL multipart request that overwrites the file, and its media type."""
    given = {"system": system, "path": str(path), "content": None, "overwrite": True}
    operations = json.dumps({"query": QUERY, "variables": {"input": given}})
    fields = {"operations": operations, "map": '{"0": ["variables.input.content"]}'}
    request = httpx.Request("POST", "http://x", data=fields, files={"0": ("file", NEW, "application/octet-stream")})
    return request.read(), request.headers["content-type"]


async def cut(user: Client, system: str, path: Path, length: int) -> None:
    """Send so many bytes of the request's body, and leave."""
    content, kind = body(system, path)
    address = urlsplit(user.demo["graphql_url"])
    _, writer = await asyncio.open_connection(address.hostname, address.port)
    head = [
        f"POST {address.path} HTTP/1.1",
        f"Host: {address.netloc}",
        *(f"{name}: {value}" for name, value in user.headers.items()),
        f"Content-Type: {kind}",
        f"Content-Length: {len(content)}",
    ]
    writer.write("\r\n".join([*head, "", ""]).encode() + content[:length])
    with suppress(ConnectionError):
        await writer.drain()
    writer.transport.abort()


def intact(path: Path, *contents: bytes) -> bool:
    """Whether one of these contents is there, and nothing else in the directory."""
    return path.read_bytes() in contents and [found.name for found in path.parent.iterdir()] == [path.name]


@pytest.fixture(params=["local", SLURM])
def system(request: pytest.FixtureRequest) -> str:
    """The embedded system, and real sshd."""
    return str(request.param)


@pytest.fixture
async def cuts(demo: dict[str, Any], system: str) -> AsyncIterator[Path]:
    """A new directory in the user's home; it is removed again."""
    made = home_of(demo, system) / f"cuts-{uuid4().hex}"
    await change(await signed_in(demo), "createDirectory", system, path=str(made))
    yield made
    query = "mutation($input: RemoveFileInput!) { removeFile(input: $input) { path } }"
    await (await signed_in(demo)).ask(query, input={"system": system, "path": str(made), "recursive": True})


async def placed(user: Client, system: str, folder: Path, number: int) -> Path:
    """A file with the old content, alone in a directory of its own."""
    path = folder / str(number) / "file"
    await change(user, "createDirectory", system, path=str(path.parent))
    await write(user, path, OLD, system)
    return path


@pytest.mark.redis
@pytest.mark.s3
@pytest.mark.oidc
async def test_a_client_that_leaves_in_the_middle_changes_nothing(
    demo: dict[str, Any], system: str, cuts: Path
) -> None:
    chance = random.Random(1)
    async with asyncio.TaskGroup() as gone:
        for number in range(ROUNDS):
            user = await signed_in(demo)
            path = await placed(user, system, cuts, number)
            await cut(user, system, path, chance.randrange(len(body(system, path)[0])))
            assert path.read_bytes() == OLD
            gone.create_task(until(partial(intact, path, OLD), seconds=GONE_SECONDS))


@pytest.mark.redis
@pytest.mark.s3
@pytest.mark.oidc
async def test_a_server_that_is_killed_in_the_middle_leaves_the_old_or_the_new(
    demo: dict[str, Any], demo_state: Path, system: str, cuts: Path
) -> None:
    chance, loop = random.Random(2), asyncio.get_running_loop()
    async with serving(demo_state, f"killed-{system}") as server, asyncio.TaskGroup() as gone:
        for number in range(ROUNDS):
            client = Client(server.described, (await signed_in(demo)).token)
            path = await placed(client, system, cuts, number)
            if number == 0:
                begun = loop.time()
                await write(client, path, OLD + NEW, system)
                whole = loop.time() - begun
                await write(client, path, OLD, system)
            asking = asyncio.create_task(_send(client, system, path))
            await asyncio.sleep(chance.uniform(0, whole))  # what is to be hit is any moment of it
            await server.process.kill()
            await asking
            assert path.read_bytes() in (OLD, NEW)
            gone.create_task(until(partial(intact, path, OLD, NEW), seconds=GONE_SECONDS))
            await server.process.start()


async def _send(client: Client, system: str, path: Path) -> None:
    given = {"system": system, "path": str(path), "content": None, "overwrite": True}
    with suppress(httpx.HTTPError):
        await client.upload(QUERY, NEW, input=given)


@pytest.mark.openssh
async def test_a_road_to_sshd_that_breaks_in_the_middle_leaves_the_old_content(tmp_path: Path) -> None:
    chance, bob = random.Random(3), caller("firebash")
    async with real_sshd(tmp_path) as sshd, road_to(sshd.host, sshd.port) as (road, port):
        system = system_of(sshd, login_nodes=[{"host": LOOPBACK, "port": port}])
        folder = Path(pwd.getpwnam("firebash").pw_dir) / f"cut-{os.getpid()}"
        async with transport_to(sshd, system) as transport:
            async with asyncio.TaskGroup() as gone:
                for number in range(ROUNDS):
                    path = folder / str(number) / "file"
                    await transport.run(system, bob, MakeDirectory(str(path.parent), parents=True))
                    await transport.run(system, bob, Upload(str(path), Stdin.of(OLD), "0644", overwrite=True))
                    road.left = chance.randrange(8_000, SIZE)  # behind the key exchange and the login
                    with pytest.raises(SystemUnavailable):
                        await transport.run(system, bob, Upload(str(path), Stdin.of(NEW), "0644", overwrite=True))
                    assert path.read_bytes() == OLD
                    gone.create_task(until(partial(intact, path, OLD), seconds=GONE_SECONDS))
            await transport.run(system, bob, Remove(str(folder), recursive=True))
