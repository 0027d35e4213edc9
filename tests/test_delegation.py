"""What an authority signs, and what it refuses."""

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import asyncssh
import pytest
from cryptography.fernet import Fernet

from firecrest_gql.command import Remote
from firecrest_gql.delegation import (
    CertificateKind,
    CertificateRequest,
    LocalAuthority,
    Purpose,
    ensure_ca_key,
    ensure_seal_key,
)
from firecrest_gql.delegation.certificates import key_id
from firecrest_gql.delegation.programs import program_name, read_only, reads_program_from_stdin
from firecrest_gql.errors import FirecrestError, Forbidden, InvalidInput, Unauthenticated
from firecrest_gql.model.identity import Grant, ServiceProof, Token
from firecrest_gql.model.jobs import JobFilter
from firecrest_gql.schedulers.pbs import Pbs
from firecrest_gql.settings import SystemSettings
from tests.openssh import authority_for

CA = asyncssh.generate_private_key("ssh-ed25519")
HOST_KEY = CA.export_public_key().decode()
PUBLIC_KEY = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
MARKER = "f" * 32


def system(name: str, **changes: Any) -> SystemSettings:
    """A system with a service account, for mode per-command."""
    fields: dict[str, Any] = {
        "name": name,
        "login_nodes": [{"host": "localhost"}],
        "host_keys": [HOST_KEY],
        "delegation": {"mode": "per-command", "source_addresses": ["192.0.2.7", "2001:db8::/64"]},
        "scheduler": {"kind": "slurm", "path": "/usr/bin"},
        "service_account": "firesvc",
    }
    return SystemSettings(**fields | changes)


SYSTEMS = (
    system("alps"),
    system("open", delegation={"mode": "per-session", "source_addresses": ["192.0.2.7"], "certificate_seconds": 600}),
    system("mine", delegation={"mode": "static", "key_file": "/key"}),
    system("staff", allowed_users=["anna"]),
    system("scoped", required_scope="hpc"),
    system("jumpy", jump_host={"host": "jump"}),
)


@pytest.fixture
def authority() -> LocalAuthority:
    """One that knows all of `SYSTEMS`."""
    return authority_for(CA, *SYSTEMS)


def wish(**changes: Any) -> CertificateRequest:
    """Bob's wish to run `stat -- /`, on the system alps."""
    proof = Token("bob!")
    request = CertificateRequest(CertificateKind.COMMAND, "alps", "bob", PUBLIC_KEY, "r-1", proof, ("stat", "--", "/"))
    settled: dict[str, Any] = {"marker": MARKER, "time_limit": 30} | changes
    return replace(request, **settled)


def service(*argv: str, **changes: Any) -> CertificateRequest:
    """The service account's wish."""
    return wish(**{"username": "firesvc", "proof": ServiceProof(), "argv": argv} | changes)


async def test_a_certificate_is_for_one_user_one_line_our_addresses_and_one_minute(authority: LocalAuthority) -> None:
    signed = await authority.certify(wish())
    certificate: Any = asyncssh.import_certificate(signed.text)
    assert certificate.principals == ["bob"]
    assert certificate.options["force-command"] == wish().line(SYSTEMS[0])
    assert [str(network) for network in certificate.options["source-address"]] == ["192.0.2.7/32", "2001:db8::/64"]
    assert set(certificate.options) == {"force-command", "source-address"}  # and so no extension at all
    assert certificate._key_id == "firecrest-gql request=r-1 subject=subject-bob system=alps"
    assert 85 <= certificate._valid_before - certificate._valid_after <= 91
    assert certificate._valid_before <= time.time() + 60
    assert signed.expires_at == certificate._valid_before


async def test_a_certificate_of_a_session_has_no_command_and_ends_with_the_token(authority: LocalAuthority) -> None:
    signed = await authority.certify(wish(system="open", kind=CertificateKind.SESSION, argv=()))
    certificate: Any = asyncssh.import_certificate(signed.text)
    assert set(certificate.options) == {"source-address"}
    assert signed.expires_at <= time.time() + 300  # the token's life; the system would allow 600


async def test_a_jump_opens_the_way_through_and_runs_nothing(authority: LocalAuthority) -> None:
    certificate: Any = asyncssh.import_certificate(
        (await authority.certify(wish(system="jumpy", kind=CertificateKind.JUMP, argv=()))).text
    )
    assert certificate.options["force-command"] == "/bin/false"
    assert certificate.options["permit-port-forwarding"]


REFUSED: dict[str, tuple[CertificateRequest, type[FirecrestError], str]] = {
    "an unknown system": (wish(system="nowhere"), InvalidInput, "nowhere"),
    "a forged token": (wish(proof=Token("bob")), Unauthenticated, "token"),
    "a forged grant": (wish(proof=Grant("gAAAAA")), Unauthenticated, "sealed"),
    "a grant that is no ASCII": (wish(proof=Grant("ü")), Unauthenticated, "sealed"),
    "another user": (wish(username="anna"), Forbidden, "cannot act as anna"),
    "root": (wish(username="root", proof=Token("root!")), Forbidden, "root"),
    "a system account": (wish(username="slurm", proof=Token("slurm!")), Forbidden, "slurm"),
    "a name of another pattern": (wish(username="B b", proof=Token("B b!")), Forbidden, "B b"),
    "a user whom the system does not admit": (wish(system="staff"), Forbidden, "staff"),
    "a token without the system's scope": (wish(system="scoped"), Forbidden, "scoped"),
    "a session where each command is certified": (wish(kind=CertificateKind.SESSION), Forbidden, "per-command"),
    "a static key's system": (wish(system="mine"), Forbidden, "static"),
    "a jump where no jump host is": (wish(kind=CertificateKind.JUMP), Forbidden, "jump host"),
    "no program": (wish(argv=()), InvalidInput, "program"),
    "an option in place of the program": (wish(argv=("-c", "id")), InvalidInput, "program"),
    "a shell that reads its program": (wish(argv=("sh", "-s")), Forbidden, "standard input"),
    "no end": (wish(time_limit=0), InvalidInput, "time limit"),
    "an end too far": (wish(time_limit=1e9), InvalidInput, "time limit"),
    "a marker that a shell would read": (wish(marker="$(id)"), InvalidInput, "marker"),
    "a NUL byte": (wish(argv=("stat", "a\0")), InvalidInput, "NUL"),
    "no public key": (wish(public_key="ssh-ed25519 AAAA"), InvalidInput, "public key"),
    "the service account for a user": (service("squeue", username="bob"), Forbidden, "service account"),
    "the service account for a session": (service(system="open", kind=CertificateKind.SESSION), Forbidden, "single"),
    "the service account for a change": (service("scancel", "1"), Forbidden, "scancel"),
}


@pytest.mark.parametrize("case", REFUSED)
async def test_refused_is(case: str, authority: LocalAuthority) -> None:
    request, kind, told = REFUSED[case]
    with pytest.raises(kind, match=told):
        await authority.certify(request)


async def test_the_service_account_reads_without_a_users_proof(authority: LocalAuthority) -> None:
    for argv in (
        ("squeue", "--all"),
        ("scontrol", "-o", "show", "node"),
        ("stat", "-f", "--", "/"),
        ("true",),
        ("env", "TZ=UTC", "sacct"),
    ):
        assert (await authority.certify(service(*argv))).text


async def test_a_grant_stands_in_for_the_token_on_its_system_only(authority: LocalAuthority) -> None:
    grant = await authority.grant(Token("bob!"), "alps", Purpose.TASK)
    assert (await authority.certify(wish(proof=grant))).text
    with pytest.raises(Forbidden, match="for the system alps"):
        await authority.certify(wish(proof=grant, system="open"))
    with pytest.raises(Forbidden, match="cannot act as anna"):
        await authority.certify(wish(proof=grant, username="anna"))


async def test_a_grant_of_another_authority_opens_nothing(authority: LocalAuthority) -> None:
    grant = await authority_for(CA, *SYSTEMS).grant(Token("bob!"), "alps", Purpose.TASK)
    with pytest.raises(Unauthenticated, match="sealed"):
        await authority.certify(wish(proof=grant))


async def test_a_grant_is_refused_where_the_user_is(authority: LocalAuthority) -> None:
    for token, name, kind in (
        ("bob", "alps", Unauthenticated),
        ("bob!", "staff", Forbidden),
        ("bob!", "x", InvalidInput),
    ):
        with pytest.raises(kind):
            await authority.grant(Token(token), name, Purpose.TASK)


async def test_a_token_is_verified_once() -> None:
    asked: list[str] = []

    class Counting(str):
        def endswith(self, *_: Any) -> bool:
            asked.append(self)
            return True

    authority, token = authority_for(CA, *SYSTEMS), Token(Counting("bob!"))
    for _ in range(3):
        await authority.certify(wish(proof=token))
    assert len(asked) == 1


def test_a_key_id_is_printable_and_bounded() -> None:
    told = key_id("r\n\x1b[31m" + "x" * 1000, "auth0|ü", "alps")
    assert told.isprintable()
    assert told.isascii()
    assert len(told) < 200
    assert "subject=auth0|_ " in told


READS_ITS_PROGRAM = (
    *("sh", "sh -s", "bash -", "sh -s x", "bash --norc", "sh /dev/stdin", "env A=1 sh", "nice -n 5 bash", "busybox sh"),
    *("python3", "python3.11 -", "python3 -I -", "perl", "timeout 5s dash", "/bin/sh -es", "sh -c", "node", "ruby -"),
    *("sh /dev//stdin", "sh //dev/stdin", "bash /dev/../dev/stdin", "sh /dev/./fd/0"),
)
BRINGS_ITS_PROGRAM = (
    *(
        "cat",
        "sh -c id",
        "sh -ec id x -s",
        "sh script",
        "python3 -c 1",
        "python3 -I -c 1",
        "python3 -m this",
        "perl -e 1",
    ),
    *("env A=1 squeue -n sh", "timeout 5s sh -c id", "stat -- sh", "sbatch --parsable"),
)


@pytest.mark.parametrize("line", READS_ITS_PROGRAM)
def test_a_program_on_standard_input_is_seen(line: str) -> None:
    assert reads_program_from_stdin(line.split())


@pytest.mark.parametrize("line", BRINGS_ITS_PROGRAM)
def test_data_on_standard_input_is_allowed(line: str) -> None:
    assert not reads_program_from_stdin(line.split())


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("squeue --noheader", "squeue"),
        ("env SLURM_TIME_FORMAT=%s SLURM_BITSTR_LEN=0 squeue --all", "squeue"),
        ("env", ""),
        ("", ""),
    ],
)
def test_logs_and_messages_name_the_program_and_not_the_env_before_it(line: str, name: str) -> None:
    assert program_name(line.split()) == name


@pytest.mark.parametrize(
    "line",
    [
        "scontrol",
        "scontrol update x",
        "stat /",
        "/tmp/squeue",
        "scontrol -o update show",
        "scontrol -M show reconfigure",
        "scontrol --cluster show update",
        "sacct -f /etc/passwd",
        "sacct --parsable --file=/etc/passwd",
        "env PATH=/tmp squeue",
        "env TZ=UTC sbatch",
        "srun --jobid=1 --overlap id",
        "sh -c true firecrest-attach 1 srun --jobid=1 --overlap -- id",
        "sacctmgr show user",
        "pbsnodes -o node1",
        "pbsnodes -a -F json -r node1",
        "qsub",
        "qselect",
    ],
)
def test_the_service_account_changes_nothing(line: str) -> None:
    assert not read_only(line.split())


@pytest.mark.parametrize(
    "command",
    [
        Pbs().queue(JobFilter(all_users=True), "firesvc", "here"),
        Pbs().accounting(JobFilter(all_users=True, job_ids=("7.pbs", "8[].pbs")), "firesvc", "here"),
        Pbs().nodes(),
        Pbs().version(),
        Pbs().recall(),
    ],
    ids=lambda command: type(command).__name__,
)
def test_the_service_account_may_watch_pbs(command: Remote) -> None:
    assert read_only(command.argv)


def test_the_authoritys_keys_are_made_once_and_for_their_owner_only(tmp_path: Path) -> None:
    first = ensure_ca_key(tmp_path / "keys" / "ca")
    assert ensure_ca_key(tmp_path / "keys" / "ca").public_data == first.public_data
    sealed = ensure_seal_key(tmp_path / "keys" / "seal").encrypt(b"word")
    assert ensure_seal_key(tmp_path / "keys" / "seal").decrypt(sealed) == b"word"
    assert isinstance(ensure_seal_key(tmp_path / "keys" / "seal"), Fernet)
    assert {file.stat().st_mode & 0o777 for file in (tmp_path / "keys").iterdir()} == {0o600}
