"""Our scripts with the keys and arguments that they take."""

from typing import Any, cast

from redis.asyncio import Redis

from firecrest_gql.model.tasks import Task
from firecrest_gql.tasks import documents, keys, listing, scripts
from firecrest_gql.tasks.connection import redis_answers

IDEMPOTENCY_SECONDS = 7 * 86_400
QUIET_SECONDS = 7 * 86_400  # a user's list and stream outlive the user's last task by so long
CANCEL_SECONDS = 7 * 86_400  # longer than any task stays open
MAX_OPEN_TASKS = 10_000  # of one user
MAX_LISTED_TASKS = 20_000  # of one user; an older one is still found by its id


class Steps:
    """The atomic steps on tasks; `TasksUnavailable` where Redis does not answer."""

    def __init__(self, redis: Redis, *, retention_seconds: int, event_retention: int) -> None:
        self._retention_seconds = retention_seconds
        self._user_seconds = retention_seconds + QUIET_SECONDS
        self._event_retention = event_retention
        self._create = redis.register_script(scripts.CREATE)
        self._change = redis.register_script(scripts.CHANGE)
        self._cancel = redis.register_script(scripts.CANCEL)
        self._tail = redis.register_script(scripts.TAIL)

    async def create(self, task: Task, key: str | None, digest: str) -> list[Any]:
        """Keep a new task, unless the idempotency key, where there is one, has made one; the script's answer."""
        fields = documents.dump_task(task)
        with redis_answers():
            answer = await self._create(
                keys=[
                    keys.task(task.id),
                    keys.idempotency(task.subject, task.kind, task.system, key or ""),
                    keys.index(task.subject),
                    keys.OPEN,
                    keys.open_of(task.subject),
                    keys.events(task.subject),
                ],
                args=[
                    task.id,
                    listing.sort_key(task),
                    digest if key else "",
                    IDEMPOTENCY_SECONDS,
                    self._user_seconds,
                    self._event_retention,
                    MAX_LISTED_TASKS,
                    MAX_OPEN_TASKS,
                    keys.task_bell(task.id),
                    keys.user_bell(task.subject),
                    documents.dump_change(task.history[-1]),
                    f"{task.created_at.timestamp():.6f}",
                    *(part for field in fields.items() for part in field),
                ],
            )
        return cast("list[Any]", answer)

    async def change(self, new: Task, step: str, owner: str) -> bytes:
        """Keep the task's next version; the script's answer. `TooLarge` for a result that cannot be kept."""
        state = documents.dump_state(new)
        with redis_answers():
            answer = await self._change(
                keys=[
                    keys.task(new.id),
                    keys.owner(new.id),
                    keys.OPEN,
                    keys.open_of(new.subject),
                    keys.events(new.subject),
                    keys.index(new.subject),
                ],
                args=[
                    new.id,
                    new.version - 1,
                    step,
                    state,
                    documents.dump_change(new.history[-1]),
                    owner,
                    int(new.final),
                    self._retention_seconds,
                    self._user_seconds,
                    self._event_retention,
                    keys.task_bell(new.id),
                    keys.user_bell(new.subject),
                ],
            )
        return cast("bytes", answer)

    async def cancel(self, task_id: str) -> bool:
        """Tell whoever works on the task, now or later, to end it; False where it must not be cut off any more."""
        with redis_answers():
            return bool(await self._cancel(keys=[keys.begun(task_id), keys.cancel(task_id)], args=[CANCEL_SECONDS]))

    async def tail(self, subject: str) -> str:
        """The id of the last entry of the user's stream."""
        with redis_answers():
            answer = await self._tail(keys=[keys.events(subject)], args=[self._user_seconds])
        return cast("bytes", answer).decode()
