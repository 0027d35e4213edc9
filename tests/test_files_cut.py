"""An upload that is cut off anywhere leaves the old content as it was, and nothing beside it."""

import asyncio
import json
import os
import pwd
import random
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from firecrest_gql.command import Stdin
from firecrest_gql.demo.ports import LOOPBACK
from firecrest_gql.demo.run import Demo
from firecrest_gql.errors import SystemUnavailable
from firecrest_gql.files.writing import MakeDirectory, Remove, Upload
from tests.client import Client
from tests.cut_road import road_to
from tests.files import write
from tests.openssh import caller, real_sshd, system_of, transport_to
from tests.service import serving
from tests.sizes import size
from tests.waiting import until

SIZE = size(1_000_000, 5_000_000)
ROUNDS = size(3, 50)
OLD, NEW = b"old content", b"new" * (SIZE // 3)
GONE_SECONDS = 60
QUERY = "mutation($input: UploadFileInput!) { uploadFile(input: $input) { path } }"


def body(path: Path) -> tuple[bytes, str]:
    """A GraphQL multipart request that overwrites the file, and its media type."""
    given = {"system": "local", "path": str(path), "content": None, "overwrite": True}
    operations = json.dumps({"query": QUERY, "variables": {"input": given}})
    fields = {"operations": operations, "map": '{"0": ["variables.input.content"]}'}
    request = httpx.Request("POST", "http://x", data=fields, files={"0": ("file", NEW, "application/octet-stream")})
    return request.read(), request.headers["content-type"]


async def cut(user: Client, path: Path, length: int) -> None:
    """Send so many bytes of the request's body, and leave."""
    content, kind = body(path)
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


def intact(path: Path) -> bool:
    """Whether the old or the new content is there, and nothing else in the directory."""
    return path.read_bytes() in (OLD, NEW) and [found.name for found in path.parent.iterdir()] == [path.name]


@pytest.mark.redis
@pytest.mark.s3
@pytest.mark.oidc
async def test_a_client_that_leaves_in_the_middle_changes_nothing(user: Client, folder: Path) -> None:
    path = folder / "file"
    await write(user, path, OLD)
    length = len(body(path)[0])
    for at in random.Random(1).sample(range(length), ROUNDS):
        await cut(user, path, at)
        assert path.read_bytes() == OLD
    await until(lambda: intact(path), seconds=GONE_SECONDS)
    assert path.read_bytes() == OLD


@pytest.mark.redis
@pytest.mark.s3
@pytest.mark.oidc
async def test_a_server_that_is_killed_in_the_middle_leaves_the_old_or_the_new(
    running: Demo, demo_state: Path, user: Client, folder: Path
) -> None:
    path = folder / "file"
    await write(user, path, OLD)
    chance = random.Random(2)
    async with serving(demo_state, "killed") as server:
        client = Client(server.described, user.token)
        for _ in range(ROUNDS):
            await write(user, path, OLD)
            asking = asyncio.create_task(_send(client, path))
            await asyncio.sleep(chance.uniform(0, 0.3))  # what is to be hit is any moment of it
            await server.process.kill()
            await asking
            assert path.read_bytes() in (OLD, NEW)
            await until(lambda: intact(path), seconds=GONE_SECONDS)
            await server.process.start()


async def _send(client: Client, path: Path) -> None:
    with suppress(httpx.HTTPError):
        await client.upload(
            QUERY, NEW, input={"system": "local", "path": str(path), "content": None, "overwrite": True}
        )


@pytest.mark.openssh
async def test_a_road_to_sshd_that_breaks_in_the_middle_leaves_the_old_content(tmp_path: Path) -> None:
    chance, bob = random.Random(3), caller("firebash")
    async with real_sshd(tmp_path) as sshd, road_to(sshd.host, sshd.port) as (road, port):
        system = system_of(sshd, login_nodes=[{"host": LOOPBACK, "port": port}])
        path = Path(pwd.getpwnam("firebash").pw_dir) / f"cut-{os.getpid()}" / "file"
        async with transport_to(sshd, system) as transport:
            await transport.run(system, bob, MakeDirectory(str(path.parent)))
            for _ in range(ROUNDS):
                await transport.run(system, bob, Upload(str(path), Stdin.of(OLD), "0644", overwrite=True))
                road.left = chance.randrange(8_000, SIZE)  # behind the key exchange and the login
                with pytest.raises(SystemUnavailable):
                    await transport.run(system, bob, Upload(str(path), Stdin.of(NEW), "0644", overwrite=True))
                assert path.read_bytes() == OLD
                await until(lambda: intact(path), seconds=GONE_SECONDS)
            await transport.run(system, bob, Remove(str(path.parent), recursive=True))
