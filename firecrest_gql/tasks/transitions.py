"""The life of a task as a table, and one step of it as a pure function."""

from dataclasses import replace
from datetime import datetime

from firecrest_gql.errors import Conflict
from firecrest_gql.model.tasks import (
    FINAL_TASK_STATUSES,
    Task,
    TaskChange,
    TaskError,
    TaskProgress,
    TaskResult,
    TaskStatus,
)

ALLOWED: dict[TaskStatus, frozenset[TaskStatus]] = {
    TaskStatus.QUEUED: frozenset(
        {TaskStatus.QUEUED, TaskStatus.RUNNING, TaskStatus.WAITING, TaskStatus.FAILED, TaskStatus.CANCELLED}
    ),
    TaskStatus.RUNNING: frozenset(TaskStatus),
    TaskStatus.WAITING: frozenset(TaskStatus),
    **{final: frozenset() for final in FINAL_TASK_STATUSES},
}

MAX_MESSAGE_LENGTH = 2_000
MAX_HISTORY_LENGTH = 100


def changed(
    task: Task,
    *,
    at: datetime,
    status: TaskStatus | None = None,
    message: str | None = None,
    progress: TaskProgress | None = None,
    result: TaskResult | None = None,
    error: TaskError | None = None,
) -> Task:
    """The task after one more step; `Conflict` where the table does not allow it.

    Without a status, and without a progress, it keeps its own.
    """
    new = task.status if status is None else status
    if new not in ALLOWED[task.status]:
        raise Conflict(f"Task {task.id} is {task.status} and cannot become {new}.")
    change = TaskChange(task.version + 1, new, at, bounded(message), progress or task.progress)
    return replace(
        task,
        status=new,
        version=change.version,
        message=change.message,
        progress=change.progress,
        updated_at=at,
        finished_at=at if new in FINAL_TASK_STATUSES else None,
        history=_shortened((*task.history, change)),
        result=result if result is not None else task.result,
        error=error and replace(error, message=bounded(error.message) or ""),
    )


def as_of(task: Task, change: TaskChange) -> Task:
    """The task as it was after this change; its result and error belong to the last change alone."""
    if change.version == task.version:
        return task
    return replace(
        task,
        status=change.status,
        version=change.version,
        message=change.message,
        progress=change.progress,
        updated_at=change.at,
        finished_at=None,
        history=tuple(step for step in task.history if step.version <= change.version),
        result=None,
        error=None,
    )


def bounded(text: str | None) -> str | None:
    """The text as it can be kept: not longer than a screen or two, and always valid Unicode."""
    if text is None:
        return None
    clean = text.encode("utf-8", "replace").decode()
    return clean if len(clean) <= MAX_MESSAGE_LENGTH else f"{clean[: MAX_MESSAGE_LENGTH - 1]}…"


def _shortened(history: tuple[TaskChange, ...]) -> tuple[TaskChange, ...]:
    """At most so many changes: the first says how many of those behind it are gone."""
    if len(history) <= MAX_HISTORY_LENGTH:
        return history
    first, kept = history[0], history[len(history) - MAX_HISTORY_LENGTH + 1 :]
    gone = kept[0].version - first.version - 1
    return (replace(first, message=f"({gone} changes after this one are no longer kept)"), *kept)
