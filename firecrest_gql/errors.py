"""One tree of errors: each class has a code of the contract, a sentence, and whether a retry may help."""

from enum import StrEnum
from typing import ClassVar


class ErrorCode(StrEnum):
    """What went wrong, as a client can act on it; the contract's `ErrorCode`."""

    UNAUTHENTICATED = "UNAUTHENTICATED"
    FORBIDDEN = "FORBIDDEN"
    RATE_LIMITED = "RATE_LIMITED"
    QUERY_TOO_COMPLEX = "QUERY_TOO_COMPLEX"
    OVERLOADED = "OVERLOADED"
    MAINTENANCE = "MAINTENANCE"
    INVALID_INPUT = "INVALID_INPUT"
    UNSUPPORTED = "UNSUPPORTED"
    CONFLICT = "CONFLICT"
    CURSOR_EXPIRED = "CURSOR_EXPIRED"
    CANCELLED = "CANCELLED"
    NOT_FOUND = "NOT_FOUND"
    PERMISSION_DENIED = "PERMISSION_DENIED"
    ALREADY_EXISTS = "ALREADY_EXISTS"
    NOT_A_DIRECTORY = "NOT_A_DIRECTORY"
    IS_A_DIRECTORY = "IS_A_DIRECTORY"
    NOT_EMPTY = "NOT_EMPTY"
    TOO_LARGE = "TOO_LARGE"
    NO_SPACE = "NO_SPACE"
    CHECKSUM_MISMATCH = "CHECKSUM_MISMATCH"
    SCHEDULER_REJECTED = "SCHEDULER_REJECTED"
    JOB_FAILED = "JOB_FAILED"
    COMMAND_FAILED = "COMMAND_FAILED"
    COMMAND_TIMEOUT = "COMMAND_TIMEOUT"
    SYSTEM_UNAVAILABLE = "SYSTEM_UNAVAILABLE"
    STORAGE_UNAVAILABLE = "STORAGE_UNAVAILABLE"
    TASKS_UNAVAILABLE = "TASKS_UNAVAILABLE"
    DELEGATION_UNAVAILABLE = "DELEGATION_UNAVAILABLE"
    IDENTITY_PROVIDER_UNAVAILABLE = "IDENTITY_PROVIDER_UNAVAILABLE"
    INTERNAL = "INTERNAL"


class FirecrestError(Exception):
    """An error that a client is told of as it is; `message` names the thing, the value and the way out."""

    code: ClassVar[ErrorCode] = ErrorCode.INTERNAL
    retryable: ClassVar[bool] = False

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.retry_after = retry_after


class Unauthenticated(FirecrestError):
    """No bearer token, or one that does not hold."""

    code = ErrorCode.UNAUTHENTICATED


class Forbidden(FirecrestError):
    """The caller is known and may not do this."""

    code = ErrorCode.FORBIDDEN


class RateLimited(FirecrestError):
    """The caller asked more than its share; `retry_after` says when to come back."""

    code = ErrorCode.RATE_LIMITED
    retryable = True


class QueryTooComplex(FirecrestError):
    """The document is deeper or costlier than the limits."""

    code = ErrorCode.QUERY_TOO_COMPLEX


class Overloaded(FirecrestError):
    """More work is waiting than this server queues."""

    code = ErrorCode.OVERLOADED
    retryable = True


class InvalidInput(FirecrestError):
    """An argument that can never work, named."""

    code = ErrorCode.INVALID_INPUT


class Unsupported(FirecrestError):
    """What this scheduler or site does not do."""

    code = ErrorCode.UNSUPPORTED


class Conflict(FirecrestError):
    """The state of the thing, or an earlier use of the same key, forbids it."""

    code = ErrorCode.CONFLICT


class CursorExpired(FirecrestError):
    """The events behind this cursor are no longer kept: query again."""

    code = ErrorCode.CURSOR_EXPIRED


class Cancelled(FirecrestError):
    """Somebody cancelled the work."""

    code = ErrorCode.CANCELLED


class NotFound(FirecrestError):
    """No such thing, or none that the caller may see."""

    code = ErrorCode.NOT_FOUND


class PermissionDenied(FirecrestError):
    """The system refused: EACCES, EPERM."""

    code = ErrorCode.PERMISSION_DENIED


class AlreadyExists(FirecrestError):
    """The target is there: EEXIST."""

    code = ErrorCode.ALREADY_EXISTS


class NotADirectory(FirecrestError):
    """A component of the path is no directory: ENOTDIR."""

    code = ErrorCode.NOT_A_DIRECTORY


class IsADirectory(FirecrestError):
    """The path is a directory where none may be: EISDIR."""

    code = ErrorCode.IS_A_DIRECTORY


class NotEmpty(FirecrestError):
    """The directory has entries: ENOTEMPTY."""

    code = ErrorCode.NOT_EMPTY


class TooLarge(FirecrestError):
    """Over a limit, which the message names."""

    code = ErrorCode.TOO_LARGE


class NoSpace(FirecrestError):
    """The file system or the quota is full: ENOSPC, EDQUOT."""

    code = ErrorCode.NO_SPACE


class SchedulerRejected(FirecrestError):
    """The workload manager said no, in its own words."""

    code = ErrorCode.SCHEDULER_REJECTED


class ChecksumMismatch(FirecrestError):
    """The bytes are not those that were promised."""

    code = ErrorCode.CHECKSUM_MISMATCH


class CommandFailed(FirecrestError):
    """A remote command ended with another status than promised."""

    code = ErrorCode.COMMAND_FAILED


class CommandTimeout(FirecrestError):
    """A remote command took longer than the limit and was ended."""

    code = ErrorCode.COMMAND_TIMEOUT
    retryable = True


class SystemUnavailable(FirecrestError):
    """No login node of the system answered."""

    code = ErrorCode.SYSTEM_UNAVAILABLE
    retryable = True


class Unreached(SystemUnavailable):
    """Nobody has taken the request: nothing was done, and whoever must not do it twice may try again."""


class StorageUnavailable(FirecrestError):
    """The object store did not answer."""

    code = ErrorCode.STORAGE_UNAVAILABLE
    retryable = True


class TasksUnavailable(FirecrestError):
    """Redis, which holds the tasks, did not answer."""

    code = ErrorCode.TASKS_UNAVAILABLE
    retryable = True


class DelegationUnavailable(FirecrestError):
    """The signer did not answer."""

    code = ErrorCode.DELEGATION_UNAVAILABLE
    retryable = True


class IdentityProviderUnavailable(FirecrestError):
    """The identity provider's keys could not be read."""

    code = ErrorCode.IDENTITY_PROVIDER_UNAVAILABLE
    retryable = True
