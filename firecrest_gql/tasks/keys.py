"""The names of all that we keep in Redis: one server or a replicated pair, not a cluster."""

import hashlib

PREFIX = "firecrest:"
OPEN = f"{PREFIX}open"  # sorted set of the ids of all tasks that are not final, oldest first
QUEUE = "firecrest-tasks"  # the name of the queue; saq puts its own prefix before it


def task(task_id: str) -> str:
    """Hash: the task itself."""
    return f"{PREFIX}task:{task_id}"


def owner(task_id: str) -> str:
    """String with an expiry: the token of the worker that is on this task."""
    return f"{PREFIX}owner:{task_id}"


def begun(task_id: str) -> str:
    """String with an expiry: what must not be done twice has begun, and is not to be cut off either."""
    return f"{PREFIX}attempt:{task_id}"


def cancel(task_id: str) -> str:
    """String with an expiry: its user wants the task cancelled, and nothing of the kind above had begun by then."""
    return f"{PREFIX}cancel:{task_id}"


def woken(task_id: str) -> str:
    """String with an expiry: what a waiting task waits for may have come, so that it is not put off again."""
    return f"{PREFIX}woken:{task_id}"


def index(subject: str) -> str:
    """Sorted set of a user's tasks: all scores are 0, the members are sort keys."""
    return f"{PREFIX}index:{_user(subject)}"


def open_of(subject: str) -> str:
    """Set of the ids of a user's tasks that are not final."""
    return f"{PREFIX}open:{_user(subject)}"


def events(subject: str) -> str:
    """Stream: each change of each of a user's tasks."""
    return f"{PREFIX}events:{_user(subject)}"


def idempotency(subject: str, kind: str, system: str | None, key: str) -> str:
    """String with an expiry: the task that this key made, and the digest of what was asked."""
    return f"{PREFIX}idempotency:{hashlib.sha256(chr(0).join([subject, kind, system or '', key]).encode()).hexdigest()}"


def transfer(transfer_id: str) -> str:
    """Hash: one transfer."""
    return f"{PREFIX}transfer:{transfer_id}"


def transfer_parts(transfer_id: str) -> str:
    """String with an expiry: the parts that a staged object was made of."""
    return f"{PREFIX}transfer-parts:{transfer_id}"


def transfers(subject: str) -> str:
    """Sorted set of a user's transfers: all scores are 0, the members are sort keys."""
    return f"{PREFIX}transfers:{_user(subject)}"


def sweep(prefix: str) -> str:
    """String with an expiry: a worker has looked lately at what is staged under this prefix."""
    return f"{PREFIX}sweep:{prefix}"


def swept(prefix: str) -> str:
    """String: the key behind which the next look begins."""
    return f"{PREFIX}swept:{prefix}"


def listing(task_id: str) -> str:
    """Sorted set with an expiry: the jobs that a query has found, in order of submission."""
    return f"{PREFIX}listing:{task_id}"


def listings(subject: str) -> str:
    """Sorted set with an expiry: a user's queries whose answers are kept, by time."""
    return f"{PREFIX}listings:{_user(subject)}"


def turn(subject: str) -> str:
    """String with an expiry: the task that does a user's long query."""
    return f"{PREFIX}turn:{_user(subject)}"


def task_bell(task_id: str) -> str:
    """Channel that rings at each change of one task."""
    return f"{PREFIX}bell:{task_id}"


def user_bell(subject: str) -> str:
    """Channel that rings at each change of any of a user's tasks."""
    return f"{PREFIX}bell:{_user(subject)}"


def _user(subject: str) -> str:
    # A subject is the provider's text: of any length, with any characters, and nothing for a key's name.
    return f"user_{hashlib.sha256(subject.encode()).hexdigest()[:32]}"
