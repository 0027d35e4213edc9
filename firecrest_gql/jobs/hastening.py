"""Has what a task did to jobs told soon: the watch of its system, slow where all was quiet, looks again at once."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from redis.asyncio import Redis

from firecrest_gql.errors import TasksUnavailable
from firecrest_gql.jobs.board import hasten
from firecrest_gql.model.tasks import Pause, Task, TaskError, TaskKind, TaskResult
from firecrest_gql.settings import SystemSettings
from firecrest_gql.tasks.attempt import WorkFunction

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Hastening:
    """The same work; after each attempt, however it went, whoever watches that user's jobs is told soon."""

    work: Mapping[TaskKind, WorkFunction]
    redis: Redis
    systems: Mapping[str, SystemSettings]

    @property
    def functions(self) -> Mapping[TaskKind, WorkFunction]:
        """By the kind of task."""
        return {kind: partial(self._hastened, function) for kind, function in self.work.items()}

    async def _hastened(self, function: WorkFunction, task: Task) -> TaskResult | Pause | TaskError:
        try:
            return await function(task)
        finally:
            await self._hasten(task)

    async def _hasten(self, task: Task) -> None:
        if (system := self.systems.get(task.system or "")) is None:
            return
        try:
            await hasten(self.redis, system, task.username)
        except TasksUnavailable as error:
            logger.warning("what task %s did is told late: %s", task.id, error.message)
