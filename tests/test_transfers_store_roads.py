"""What a site's network and its allowed paths demand of the programs between a system and the store."""

import ipaddress
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from pydantic import SecretStr

from firecrest_gql.errors import PermissionDenied, StorageUnavailable
from firecrest_gql.files.road import Confined, FileCommand
from firecrest_gql.settings import TransferSettings
from firecrest_gql.transfers.staged import EVERY_PART, Fetch, Send
from firecrest_gql.transfers.staged_trees import FetchTree
from tests.files import names
from tests.staging_bench import Bench
from tests.test_transfers_store_programs import manifest


def test_a_jobs_curl_goes_by_the_proxy(bench: Bench) -> None:
    url = "http://store.example/object?X-Amz-Signature=secret"
    bench.store.held[url] = b"data"
    bench.settings = TransferSettings(proxy=SecretStr(f"http://127.0.0.1:{bench.store.server_port}"))
    command = Fetch(str(bench.home / "file"), 4, "0644")
    command.parse(bench.run(command, [(EVERY_PART, url)], manifest(b"data")))
    assert (bench.home / "file").read_bytes() == b"data"


def certificate(path: Path) -> Path:
    """A file with a key, and its certificate for this machine, which nobody has signed but itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "store")])
    now, day = datetime.now(UTC), timedelta(days=1)
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now - day, now + day)
        .add_extension(address, critical=True)
        .sign(key, hashes.SHA256())
    )
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    path.write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain) + made.public_bytes(pem))
    return path


def test_a_jobs_curl_believes_the_ca_bundle_and_nobody_else(bench: Bench) -> None:
    known, data = certificate(bench.home / "known.pem"), {"/object?X-Amz-Signature=secret": b"data"}
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(known)
    bench.store.socket = context.wrap_socket(bench.store.socket, server_side=True)
    bench.store.held |= data
    command = Fetch(str(bench.home / "file"), 4, "0644")
    urls = [(EVERY_PART, bench.store.url("object").replace("http:", "https:"))]
    for bundle in (None, str(certificate(bench.home / "other.pem"))):
        bench.settings = TransferSettings(ca_bundle=bundle)
        with pytest.raises(StorageUnavailable, match=r"system: curl: \(60\)"):
            command.parse(bench.run(command, urls, manifest(b"data")))
    bench.settings = TransferSettings(ca_bundle=str(known))
    command.parse(bench.run(command, urls, manifest(b"data")))
    assert (bench.home / "file").read_bytes() == b"data"


def test_the_allowed_paths_hold_in_what_is_fetched_and_sent(bench: Bench) -> None:
    allowed, outside = bench.home / "allowed", bench.home / "outside"
    for each in (allowed, outside):
        each.mkdir()
        (each / "file").write_bytes(b"data")
    (allowed / "out").symlink_to(outside)
    bench.store.held["/object?X-Amz-Signature=secret"] = b"data"
    urls, lines = [(EVERY_PART, bench.store.url("object"))], manifest(b"data")
    for command in (Fetch(f"{allowed}/out/new", 4, "0644"), FetchTree(f"{allowed}/out/new", 4)):
        with pytest.raises(PermissionDenied):
            confined(command, allowed).parse(bench.run(confined(command, allowed), urls, lines))
    fetch = Fetch(f"{allowed}/new", 4, "0644")
    confined(fetch, allowed).parse(bench.run(confined(fetch, allowed), urls, lines))
    assert (names(outside), names(allowed), (allowed / "new").read_bytes()) == (
        ["file"],
        ["file", "new", "out"],
        b"data",
    )
    bench.store.held.clear()
    urls, lines = [("1", bench.store.url("1")), ("2", bench.store.url("2"))], "1 0 4\n"
    for send in (Send(f"{allowed}/out/file", 4, 4), Send(f"{allowed}/out/file", 2**20, None, "cat")):
        with pytest.raises(PermissionDenied):
            confined(send, allowed).parse(bench.run(confined(send, allowed), urls, lines))
    assert bench.store.held == {}
    inside = Send(f"{allowed}/file", 4, 4)
    confined(inside, allowed).parse(bench.run(confined(inside, allowed), urls, lines))
    assert list(bench.store.held.values()) == [b"data"]


def confined(command: FileCommand[Any], allowed: Path) -> Confined[Any]:
    """The command where this tree alone is allowed."""
    return Confined(command, (str(allowed),))
