"""What the demo tells its processes (the settings) and its clients (`demo.json`)."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from firecrest_gql.demo.embedded import Embedded
from firecrest_gql.demo.identity import IdentityProvider
from firecrest_gql.demo.parts import Parts
from firecrest_gql.demo.ports import LOOPBACK
from firecrest_gql.demo.slurm import SlurmSystem

PROBE_SECONDS = 2


def demo_settings(state: Path, port: int, parts: Parts, systems: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The settings file of all processes."""
    store, authority = parts.object_store, state / "authority"
    return {
        "name": "firecrest-gql demo",
        "identity": {
            "issuer": parts.identity.issuer,
            "audience": parts.identity.audience,
            "required_scope": parts.identity.scope,
            "username_claim": "username",
        },
        "redis_url": parts.valkey.url,
        "authority": {
            "socket": str(authority / "signer.sock"),
            "ca_key_file": str(authority / "ca_key"),
            "seal_key_file": str(authority / "seal_key"),
        },
        "server": {
            "host": LOOPBACK,
            "port": port,
            "probe_seconds": PROBE_SECONDS,
            "playground_clients_file": str(state / "playground.json"),
        },
        "storage": {
            "endpoint_url": store.endpoint_url,
            "bucket": store.bucket,
            "region": store.region,
            "access_key_id": store.access_key,
            "secret_access_key": store.secret_key,
        },
        "systems": [dict(system) for system in systems],
    }


def embedded_system(embedded: Embedded) -> dict[str, Any]:
    """The settings block of the system `local`."""
    return {
        "name": "local",
        "description": "This machine: an embedded SSH server, jobs as detached processes",
        "login_nodes": [{"host": embedded.host, "port": embedded.port}],
        "host_keys": [embedded.host_public_key],
        "delegation": {"source_addresses": [f"{LOOPBACK}/32"]},
        "scheduler": {"kind": "direct"},
        "file_systems": [_homes(str(next(iter(embedded.homes.values())).parent))],
    }


def _homes(path: str) -> dict[str, Any]:
    """The settings block of the file system that holds the homes."""
    return {"path": path, "kind": "home", "default": True, "user_path": f"{path}/{{username}}"}


def slurm_system(slurm: SlurmSystem) -> dict[str, Any]:
    """The settings block of the system `slurm`."""
    return {
        "name": "slurm",
        "description": "Real OpenSSH and Slurm on one node, with accounting",
        "login_nodes": [{"host": slurm.host, "port": slurm.port}],
        "host_keys": [slurm.host_public_key],
        "delegation": {"source_addresses": [f"{LOOPBACK}/32"]},
        "scheduler": {
            "kind": "slurm",
            "environment": dict(slurm.environment),
            "allowed_options": ["--comment", "--begin", "--exclusive", "--hold", "--nice", "--licenses=demo*"],
        },
        "file_systems": [_homes("/home")],
        "transfers": {"queue": {"partition": "xfer", "max_time_limit_seconds": 6 * 3600}},
        "service_account": slurm.service_account,
    }


def playground_clients(identity: IdentityProvider) -> dict[str, Any]:
    """What the playground's token helper needs; the secrets are the demo's own, for loopback alone."""
    return {"token_url": identity.token_url, "clients": _clients(identity)}


def demo_file(port: int, identity: IdentityProvider, homes: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    """What a client needs to know: `demo.json`."""
    return {
        "graphql_url": f"http://{LOOPBACK}:{port}/graphql",
        "ws_url": f"ws://{LOOPBACK}:{port}/graphql",
        "playground_url": f"http://{LOOPBACK}:{port}/",
        "issuer": identity.issuer,
        "token_url": identity.token_url,
        "clients": _clients(identity),
        "systems": [{"name": name, "home": dict(home)} for name, home in homes.items()],
    }


def _clients(identity: IdentityProvider) -> list[dict[str, str]]:
    return [
        {"client_id": client.client_id, "client_secret": client.client_secret, "username": client.username}
        for client in identity.clients
    ]
