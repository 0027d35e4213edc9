"""How a task stands in Redis: a hash of JSON documents, of which only `state` changes."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import TypeAdapter

from firecrest_gql.errors import InvalidInput, TooLarge
from firecrest_gql.model.tasks import Task, TaskChange

STATE = {"status", "version", "message", "progress", "updated_at", "finished_at", "history", "error", "result"}
WORK = {"input", "grant"}  # what a worker needs; gone as soon as the task is final

VISIBLE_FIELDS = ("fixed", "state")
ALL_FIELDS = ("fixed", "state", "input", "grant")

MAX_INPUT_SIZE = 16 * 2**20  # bytes of JSON
MAX_STATE_SIZE = 2**20  # bytes of JSON: status, history and result

_TASK = TypeAdapter(Task)
_CHANGE = TypeAdapter(TaskChange)


def dump_task(task: Task) -> dict[str, bytes]:
    """All fields of a new task's hash; `TooLarge` for an input over 16 MiB, `InvalidInput` for one that is no JSON."""
    return {
        "fixed": _TASK.dump_json(task, exclude=STATE | WORK),
        "state": dump_state(task),
        "input": canonical(task.input),
        "grant": task.grant.encode(),
        "version": str(task.version).encode(),
    }


def dump_state(task: Task) -> bytes:
    """The part that changes; `TooLarge` where a result is too long to be kept."""
    state = _TASK.dump_json(task, include=STATE)
    if len(state) > MAX_STATE_SIZE:
        raise TooLarge(f"The result of task {task.id} takes {len(state)} bytes; at most {MAX_STATE_SIZE} are kept.")
    return state


def load_task(fields: Sequence[bytes | None]) -> Task | None:
    """The task out of `VISIBLE_FIELDS` or `ALL_FIELDS`; None where there is no such hash."""
    if fields[0] is None or fields[1] is None:
        return None
    parts: dict[str, Any] = {**json.loads(fields[0]), **json.loads(fields[1])}
    if len(fields) == len(ALL_FIELDS):
        parts["input"] = json.loads(fields[2] or b"{}")
        parts["grant"] = (fields[3] or b"").decode()
    return _TASK.validate_python(parts)


def dump_change(change: TaskChange) -> bytes:
    """One change, for the user's stream."""
    return _CHANGE.dump_json(change)


def load_change(document: bytes) -> TaskChange:
    """One change out of the user's stream."""
    return _CHANGE.validate_json(document)


def canonical(value: Mapping[str, Any]) -> bytes:
    """The same bytes for the same content, whatever the order of its keys."""
    try:
        document = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"The input of a task must be plain data: {error}.") from error
    if len(document) > MAX_INPUT_SIZE:
        raise TooLarge(f"The input takes {len(document)} bytes; at most {MAX_INPUT_SIZE} make a task.")
    return document
