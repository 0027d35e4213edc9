"""The signer behind its socket: who may ask, what it answers, and what it survives."""

import asyncio
import json
import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import asyncssh
import pytest

from firecrest_gql.delegation import Purpose, RemoteAuthority, SignerServer
from firecrest_gql.delegation.signer import SignerAddressTaken
from firecrest_gql.delegation.wire import MAX_LINE
from firecrest_gql.errors import DelegationUnavailable, Forbidden, InvalidInput, Unauthenticated
from firecrest_gql.model.identity import Grant, ServiceProof, Token
from tests.openssh import authority_for
from tests.test_delegation import CA, SYSTEMS, wish
from tests.words import ODD_WORDS

NOBODY = 65534


@pytest.fixture
def path() -> Iterator[Path]:
    """Where the signer listens: a short path, in a folder that every user may enter."""
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o711)
        yield Path(folder) / "signer" / "socket"


def signer(path: Path, *uids: int) -> SignerServer:
    """One that knows the systems of the delegation's tests."""
    return SignerServer(path, authority_for(CA, *SYSTEMS), uids)


@pytest.fixture
async def remote(path: Path) -> AsyncIterator[RemoteAuthority]:
    """A client of a running signer."""
    client = RemoteAuthority(path)
    async with signer(path):
        yield client
        await client.aclose()


async def test_the_signer_signs_exactly_the_line_of_the_words(remote: RemoteAuthority) -> None:
    request = wish(argv=("stat", "--", *ODD_WORDS))
    certificate: Any = asyncssh.import_certificate((await remote.certify(request)).text)
    assert certificate.options["force-command"] == request.line(SYSTEMS[0])


async def test_the_signer_turns_a_token_into_a_grant_and_signs_for_it(remote: RemoteAuthority) -> None:
    grant = await remote.grant(Token("bob!"), "alps", Purpose.TASK)
    assert "bob" not in grant.value
    assert (await remote.certify(wish(proof=grant))).text
    assert (await remote.certify(wish(proof=ServiceProof(), username="firesvc", argv=("squeue",)))).text


async def test_the_signers_refusals_arrive_as_what_they_are(remote: RemoteAuthority) -> None:
    with pytest.raises(Unauthenticated, match="does not hold"):
        await remote.certify(wish(proof=Token("forged")))
    with pytest.raises(Unauthenticated, match="sealed"):
        await remote.certify(wish(proof=Grant("forged")))
    with pytest.raises(InvalidInput, match="nowhere"):
        await remote.certify(wish(system="nowhere"))
    with pytest.raises(Forbidden, match="root"):
        await remote.certify(wish(username="root", proof=Token("root!")))
    with pytest.raises(Forbidden, match="standard input"):
        await remote.certify(wish(argv=("bash",)))


async def test_many_questions_overlap_on_one_connection(remote: RemoteAuthority) -> None:
    answers = await asyncio.gather(*(remote.certify(wish(argv=("stat", str(n)))) for n in range(200)))
    lines = {dict(_options(answer.text))["force-command"] for answer in answers}
    assert len(lines) == 200


async def test_the_client_finds_a_signer_that_was_restarted(path: Path) -> None:
    client = RemoteAuthority(path)
    for _ in range(3):
        async with signer(path):
            assert (await client.certify(wish())).text
    with pytest.raises(DelegationUnavailable):
        await client.certify(wish())


async def test_only_one_signer_has_a_socket_and_a_dead_ones_is_taken_over(path: Path) -> None:
    async with signer(path):
        with pytest.raises(SignerAddressTaken):
            await signer(path).start()
        assert [oct(place.stat().st_mode)[-3:] for place in (path, path.parent)] == ["600", "700"]
        os.link(path, path.with_name("dead"))
    os.link(path.with_name("dead"), path)
    async with signer(path):
        assert (await RemoteAuthority(path).certify(wish())).text


async def test_a_caller_of_an_uid_that_is_not_allowed_is_refused(path: Path) -> None:
    async with signer(path, os.geteuid() + 1):
        with pytest.raises(DelegationUnavailable):
            await RemoteAuthority(path).certify(wish())


@pytest.mark.openssh  # which needs root too
async def test_a_child_of_another_uid_gets_no_answer(path: Path) -> None:
    question = json.dumps({"number": 1, "act": "grant", "token": "bob!", "system": "alps", "purpose": "task"}) + "\n"
    for allowed, answered in (((0, NOBODY), True), ((0, 12345), False)):
        async with signer(path, *allowed):
            output = await asyncio.to_thread(_ask_as, NOBODY, path, question)
        assert (b"grant" in output) is answered


def _ask_as(uid: int, path: Path, question: str) -> bytes:
    """What a program running as that uid reads from the socket."""
    program = (
        "import socket, sys\n"
        "peer = socket.socket(socket.AF_UNIX); peer.settimeout(20); peer.connect(sys.argv[1])\n"
        "try:\n peer.sendall(sys.argv[2].encode()); print(peer.recv(65536))\n"
        "except OSError as error: print(type(error))\n"
    )
    python = shutil.which("python3", path="/usr/bin")
    assert python, "a Python that every user may run"
    argv = [python, "-I", "-c", program, str(path), question]
    return subprocess.run(argv, user=uid, group=uid, extra_groups=[], capture_output=True, check=True, cwd="/").stdout


@pytest.mark.parametrize(
    "line",
    [
        b"\n",
        b"[1]\n",
        b"{}\n",
        b"\xff\xfe\n",
        b"[" * 100_000 + b"\n",
        b'{"act":"grant"}\n',
        b'{"act":"grant","token":"bob!","system":"alps","purpose":"evil"}\n',
        b'{"act":"certify"}\n',
        b'{"act":"certify","request":{"kind":"command","proof":{"kind":"token","value":1},"argv":[]}}\n',
        b'{"act":"certify","request":{"kind":"command","proof":{"kind":"service"},"argv":[1],"system":"alps",'
        b'"username":"a","public_key":"","request_id":""}}\n',
    ],
)
async def test_nonsense_is_answered_with_an_error(line: bytes, path: Path) -> None:
    async with signer(path):
        reader, writer = await asyncio.open_unix_connection(str(path))
        writer.write(line)
        assert json.loads(await reader.readline())["error"]["code"] == "INVALID_INPUT"
        writer.close()


async def test_a_line_without_end_ends_the_connection(path: Path) -> None:
    async with signer(path):
        reader, writer = await asyncio.open_unix_connection(str(path))
        writer.write(b"x" * (2 * MAX_LINE))
        with suppress(ConnectionResetError):  # it closed before it had read all
            assert await reader.read() == b""
        writer.close()
        assert (await RemoteAuthority(path).certify(wish())).text


async def test_the_log_names_who_did_what_and_no_secret(
    remote: RemoteAuthority, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "firecrest_gql.delegation")
    await remote.certify(wish(argv=("stat", "/secret/place")))
    with pytest.raises(Unauthenticated):
        await remote.certify(wish(proof=Token("secret-token")))
    signed, refused = (record.getMessage() for record in caplog.records)
    assert signed == "signed kind=command user='bob' system='alps' request='r-1' program='stat'"
    assert refused.startswith("refused kind=command user='bob'")
    assert "secret" not in signed + refused


def _options(text: str) -> dict[str, Any]:
    certificate: Any = asyncssh.import_certificate(text)
    return dict(certificate.options)
