"""The composition root: every collaborator is built here, once, and handed to whoever needs it."""

import asyncio
import gc
from collections import ChainMap
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import cast

from broadcaster import Broadcast
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import BaseRoute, Route, WebSocketRoute

from firecrest_gql.delegation.remote import RemoteAuthority
from firecrest_gql.delegation.signer import SignerServer
from firecrest_gql.errors import TasksUnavailable
from firecrest_gql.files.archives import Archives
from firecrest_gql.files.changes import Changes
from firecrest_gql.files.directories import Directories
from firecrest_gql.files.downloads import Downloads
from firecrest_gql.files.road import FileRoad
from firecrest_gql.files.service import Files
from firecrest_gql.gateway.bodies import BoundedRequests
from firecrest_gql.gateway.content import Content
from firecrest_gql.gateway.endpoint import Endpoint
from firecrest_gql.gateway.health import health_routes
from firecrest_gql.gateway.playground import Playground
from firecrest_gql.jobs.attempts import Attempts
from firecrest_gql.jobs.compute import Compute
from firecrest_gql.jobs.hastening import Hastening
from firecrest_gql.jobs.listings import Listings
from firecrest_gql.jobs.output import JobOutput
from firecrest_gql.jobs.patience import LONG_SECONDS, Patience
from firecrest_gql.jobs.queries import JobQueries
from firecrest_gql.jobs.query import Jobs
from firecrest_gql.jobs.recent import RecentJobs
from firecrest_gql.jobs.tails import Tails
from firecrest_gql.jobs.turns import Turns
from firecrest_gql.jobs.watch import JobWatch
from firecrest_gql.jobs.work import JobWork
from firecrest_gql.ports import Ports, local_authority, ports, provider
from firecrest_gql.settings import Settings, SettingsError
from firecrest_gql.status.book import HealthBook
from firecrest_gql.status.probes import Probes
from firecrest_gql.tasks.bell import RedisBell
from firecrest_gql.tasks.connection import redis_answers
from firecrest_gql.tasks.feed import Feed
from firecrest_gql.tasks.worker import run_worker as work_until_signal
from firecrest_gql.transfers.accepting import Accepting
from firecrest_gql.transfers.copy_work import CopyWork
from firecrest_gql.transfers.download_work import DownloadWork
from firecrest_gql.transfers.jobs_path import OnJobsPath
from firecrest_gql.transfers.resuming import Resuming
from firecrest_gql.transfers.service import Transfers
from firecrest_gql.transfers.staged_copies import StagedCopies
from firecrest_gql.transfers.staged_downloads import StagedDownloads
from firecrest_gql.transfers.staged_uploads import StagedUploads
from firecrest_gql.transfers.sweep import Sweep
from firecrest_gql.transfers.upload_work import UploadWork
from firecrest_gql.transfers.work import TransferWork
from resolvers.context import Services
from schema import build_schema

PLAYGROUND = Path(__file__).parent.parent / "playground" / "dist"


@asynccontextmanager
async def services(settings: Settings, reach: Ports) -> AsyncIterator[Services]:
    """The rules, over the ports."""
    redis = reach.store.redis
    async with Broadcast(backend=RedisBell(settings.redis_url.get_secret_value())) as broadcast:
        jobs = Jobs(reach.transport, reach.schedulers, RecentJobs(redis))
        looks = Jobs(Patience(reach.transport), reach.schedulers, RecentJobs(redis))
        watch = JobWatch(jobs, looks, reach.authority, redis, broadcast)
        road = FileRoad(reach.transport)
        files, tails = Files(road), Tails(reach.transport)
        archives = Archives(road, files)
        inside, copies, uploads, downloads, resuming = transfers(reach, files, archives)
        yield Services(
            settings=settings,
            files=files,
            changes=Changes(road, files),
            archives=archives,
            downloads=Downloads(reach.transport, files),
            directories=Directories(road),
            jobs=jobs,
            compute=Compute(reach.authority, reach.store, reach.queue.enqueue, reach.schedulers),
            watch=watch,
            output=JobOutput(jobs, tails, watch),
            transfers=inside,
            staged_copies=copies,
            staged_uploads=uploads,
            staged_downloads=downloads,
            resuming=resuming,
            stage=reach.stage,
            records=reach.records,
            listings=Listings(redis),
            tails=tails,
            store=reach.store,
            queue=reach.queue,
            feed=Feed(reach.store, broadcast),
            health=HealthBook(),
        )


def transfers(
    reach: Ports, files: Files, archives: Archives
) -> tuple[Transfers, StagedCopies, StagedUploads, StagedDownloads, Resuming]:
    """What is moved inside systems, and through the object store."""
    authority, store, queue, ways = reach.authority, reach.store, reach.queue, reach.ways
    accepting = Accepting(authority, store, queue.enqueue, reach.records)
    road = FileRoad(OnJobsPath(reach.transport))
    return (
        Transfers(road, files, archives, ways, accepting),
        StagedCopies(road, files, ways, accepting, reach.stage),
        StagedUploads(road, files, ways, accepting, reach.stage, queue.wake),
        StagedDownloads(road, files, ways, accepting, reach.stage),
        Resuming(authority, store, queue.enqueue, reach.records, reach.stage),
    )


async def redis_is_up(reach: Ports) -> None:
    """Ask Redis; raises `TasksUnavailable`."""
    with redis_answers():
        await cast("Awaitable[bool]", reach.store.redis.ping())


async def workers_live(reach: Ports) -> None:
    """Count the workers; raises `TasksUnavailable` where there is none."""
    if await reach.queue.live_workers() == 0:
        raise TasksUnavailable("no worker lives: tasks wait until one is started")


def probes(settings: Settings, reach: Ports, book: HealthBook) -> Probes:
    """What looks after the systems and the service's own parts."""
    components: dict[str, Callable[[], Awaitable[object]]] = {
        "api": partial(asyncio.sleep, 0),  # its latency: how long this process takes to come round to a waiting request
        "tasks": partial(redis_is_up, reach),
        "workers": partial(workers_live, reach),
        "identity provider": reach.keys.check,
    }
    if isinstance(reach.authority, RemoteAuthority):
        components["signer"] = reach.authority.check
    if reach.stage is not None:
        components["object store"] = reach.stage.store.check
    return Probes(
        book,
        reach.transport,
        settings.systems,
        reach.schedulers,
        components,
        interval=settings.server.probe_seconds,
    )


def build_app(settings: Settings) -> Starlette:
    """The ASGI application of `firecrest-gql serve`."""
    schema = build_schema(settings.limits)
    routes: list[BaseRoute] = []

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with ports(settings) as reach, services(settings, reach) as built:
            endpoint = Endpoint(
                schema, built, reach.verifier, limits=settings.limits, allowed_origins=settings.server.allowed_origins
            )
            limits = settings.limits
            bounded = partial(
                BoundedRequests, max_body_size=limits.max_body_size, max_bodies_size=limits.max_bodies_size
            )
            routes[:] = [
                Route("/graphql", bounded(endpoint), methods=["GET", "POST"]),
                WebSocketRoute("/graphql", endpoint),
                Route("/content/{id}", bounded(Content(built, reach.verifier, limits))),
                *health_routes(built.health, partial(redis_is_up, reach)),
                *_playground(settings),
            ]
            app.router.routes = routes
            looking = asyncio.create_task(probes(settings, reach, built.health).run())
            # Schema and modules stay: a full collection that walks them holds up every request for a tenth of a second.
            gc.freeze()
            try:
                yield
            finally:
                looking.cancel()
                await asyncio.gather(looking, return_exceptions=True)

    app = Starlette(lifespan=lifespan, middleware=_cors(settings.server.allowed_origins))
    return app


def job_work(settings: Settings, reach: Ports) -> JobWork:
    """What the worker does for the tasks of compute."""
    redis, systems = reach.store.redis, {system.name: system for system in settings.systems}
    return JobWork(reach.transport, systems, reach.schedulers, Attempts(redis), RecentJobs(redis))


def job_queries(settings: Settings, reach: Ports) -> JobQueries:
    """What the worker does for long queries."""
    redis, systems = reach.store.redis, {system.name: system for system in settings.systems}
    jobs = Jobs(Patience(reach.transport, LONG_SECONDS), reach.schedulers, RecentJobs(redis))
    return JobQueries(jobs, systems, Turns(redis), Listings(redis))


def transfer_work(settings: Settings, reach: Ports) -> TransferWork:
    """What the worker does for transfers inside systems."""
    systems = {system.name: system for system in settings.systems}
    return TransferWork(reach.transport, systems, reach.ways, Attempts(reach.store.redis), reach.records)


async def run_worker(
    settings: Settings,
    jobs: Callable[[Settings, Ports], JobWork] = job_work,
    moves: Callable[[Settings, Ports], TransferWork] = transfer_work,
) -> None:
    """Do tasks until SIGTERM or SIGINT."""
    async with ports(settings) as reach:
        inside = moves(settings, reach)
        staged = (work(inside, reach.stage) for work in (CopyWork, UploadWork, DownloadWork))
        moving = (*staged, inside)  # the first that has a kind is the one who does it
        systems = {system.name: system for system in settings.systems}
        acts = Hastening(jobs(settings, reach).functions, reach.store.redis, systems)
        works = (acts, job_queries(settings, reach), *moving)
        async with swept(reach):
            await work_until_signal(
                reach.store,
                reach.queue,
                dict(ChainMap(*(dict(each.functions) for each in works))),
                settings.worker,
                retry_seconds=settings.worker.retry_seconds,
                grace_seconds=settings.worker.grace_seconds,
                undo=dict(ChainMap(*(dict(each.undo) for each in moving))),
            )


@asynccontextmanager
async def swept(reach: Ports) -> AsyncIterator[None]:
    """The staging area, where there is one, is kept clear meanwhile."""
    async with asyncio.TaskGroup() as group:
        if reach.stage is None:
            yield
            return
        sweeping = group.create_task(Sweep(reach.stage, reach.records, reach.store, reach.store.redis).run())
        yield
        sweeping.cancel()


async def run_signer(settings: Settings) -> None:
    """Sign until cancelled; the only process that reads the CA key."""
    where = settings.authority
    if where.socket is None:
        raise SettingsError("authority.socket: is needed by the signer")
    async with provider(settings) as (_, verifier):
        await SignerServer(where.socket, local_authority(settings, verifier), where.allowed_uids).serve_forever()


def _playground(settings: Settings) -> list[BaseRoute]:
    directory = settings.server.playground_directory or PLAYGROUND
    wanted = settings.server.playground and (directory / "index.html").exists()
    return Playground(settings.server, directory).routes() if wanted else []


def _cors(origins: tuple[str, ...]) -> list[Middleware]:
    headers = ["Authorization", "Content-Type", "If-None-Match", "If-Range", "Range", "X-Request-ID"]
    of_files = ["Accept-Ranges", "Content-Disposition", "Content-Range", "ETag"]
    expose = ["X-Request-ID", "Retry-After", "WWW-Authenticate", *of_files]
    return [
        Middleware(
            CORSMiddleware,
            allow_origins=origins,
            allow_methods=["GET", "HEAD", "POST"],
            allow_headers=headers,
            expose_headers=expose,
        )
    ]
