"""What every process reaches the world by, built once: Redis, systems, object store, signer, identity provider."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import httpx

from firecrest_gql import plugins
from firecrest_gql.delegation.authority import Authority
from firecrest_gql.delegation.keys import ensure_ca_key, ensure_seal_key
from firecrest_gql.delegation.local import LocalAuthority
from firecrest_gql.delegation.remote import RemoteAuthority
from firecrest_gql.iam.keys import ProviderKeys
from firecrest_gql.iam.tokens import TokenVerifier
from firecrest_gql.jobs.bounded import Bounded
from firecrest_gql.jobs.ceilings import Ceilings
from firecrest_gql.schedulers.dialect import Scheduler
from firecrest_gql.schedulers.direct import Direct
from firecrest_gql.settings import Settings, SettingsError
from firecrest_gql.ssh.transport import Transport
from firecrest_gql.storage import ObjectStore
from firecrest_gql.tasks.connection import connect
from firecrest_gql.tasks.queue import WorkQueue
from firecrest_gql.tasks.store import TaskStore
from firecrest_gql.tasks.worker import connections_of
from firecrest_gql.transfers.job import Ways, method_name
from firecrest_gql.transfers.records import TransferRecords
from firecrest_gql.transfers.stage import Stage

PROVIDER_SECONDS = 10


@dataclass(frozen=True)
class Ports:
    """What both the server and the worker reach the world by."""

    store: TaskStore
    queue: WorkQueue
    authority: Authority
    transport: Bounded
    schedulers: dict[str, Scheduler]
    keys: ProviderKeys
    verifier: TokenVerifier
    stage: Stage | None
    ways: Ways
    records: TransferRecords


def schedulers(settings: Settings) -> dict[str, Scheduler]:
    """One dialect of each kind that a system names; raises `SettingsError` for a kind that nobody brings."""
    known = plugins.registered("schedulers")
    kinds = {system.scheduler.kind for system in settings.systems}
    if unknown := sorted(kinds - set(known)):
        raise SettingsError(f"systems: no scheduler {', '.join(unknown)}; there are {', '.join(sorted(known))}")
    return {kind: known[kind].load()() for kind in kinds}


def ways(settings: Settings, known: dict[str, Scheduler]) -> Ways:
    """The transfer methods that the systems name; raises `SettingsError` for one that nobody brings."""
    brought = plugins.registered("transfer_methods")
    names = {method_name(system) for system in settings.systems}
    if unknown := sorted(names - set(brought)):
        raise SettingsError(f"transfers: no method {', '.join(unknown)}; there are {', '.join(sorted(brought))}")
    return Ways({name: brought[name].load()() for name in names}, {"direct": Direct(), **known})


@asynccontextmanager
async def provider(settings: Settings) -> AsyncIterator[tuple[ProviderKeys, TokenVerifier]]:
    """The identity provider's keys, and the verifier that uses them."""
    identity = settings.identity
    async with httpx.AsyncClient(timeout=PROVIDER_SECONDS, follow_redirects=False) as http:
        keys = ProviderKeys(identity.issuer, http, cooldown_seconds=identity.key_cooldown_seconds)
        yield keys, TokenVerifier(identity, keys)


def local_authority(settings: Settings, verifier: TokenVerifier) -> LocalAuthority:
    """The authority that holds the CA key in this process."""
    where = settings.authority
    if where.ca_key_file is None or where.seal_key_file is None:
        raise SettingsError("authority: ca_key_file and seal_key_file are needed by whoever signs")
    ca_key, seal_key = ensure_ca_key(where.ca_key_file), ensure_seal_key(where.seal_key_file)
    return LocalAuthority(settings, verifier.verify, ca_key, seal_key)


@asynccontextmanager
async def ports(settings: Settings) -> AsyncIterator[Ports]:
    """Everything that reaches the world, closed at the end."""
    redis = connect(settings.redis_url.get_secret_value(), connections=connections_of(settings.worker))
    worker = settings.worker
    async with AsyncExitStack() as stack:
        stack.push_async_callback(redis.aclose)
        keys, verifier = await stack.enter_async_context(provider(settings))
        socket = settings.authority.socket
        authority = RemoteAuthority(socket) if socket is not None else local_authority(settings, verifier)
        stack.push_async_callback(authority.aclose)
        transport = Transport(authority)
        stack.push_async_callback(transport.aclose)
        store = TaskStore(
            redis, retention_seconds=worker.task_retention_seconds, event_retention=worker.event_retention
        )
        storage = settings.storage
        objects = None if storage is None else await stack.enter_async_context(ObjectStore.open(storage))
        records = TransferRecords(redis, retention_seconds=worker.transfer_retention_seconds)
        known = schedulers(settings)
        yield Ports(
            store=store,
            queue=WorkQueue(redis, store),
            authority=authority,
            transport=Bounded(transport, Ceilings(redis)),
            schedulers=known,
            keys=keys,
            verifier=verifier,
            ways=ways(settings, known),
            stage=None if objects is None else Stage(objects, records),
            records=records,
        )
