"""The domain's enums as the schema serves them."""

from enum import StrEnum

from firecrest_gql.errors import ErrorCode
from firecrest_gql.jobs.page import JobOrder
from firecrest_gql.model.files import Compression, FileOrder, FileType, QuotaKind
from firecrest_gql.model.health import HealthStatus
from firecrest_gql.model.jobs import JobState, OutputStream
from firecrest_gql.model.tasks import TaskKind, TaskStatus
from firecrest_gql.model.transfers import TransferKind
from schema.fields import enum


class ChecksumAlgorithm(StrEnum):
    """How a file's bytes are summed up."""

    SHA1 = "SHA1"
    SHA224 = "SHA224"
    SHA256 = "SHA256"
    SHA384 = "SHA384"
    SHA512 = "SHA512"
    MD5 = "MD5"


enum(
    ChecksumAlgorithm,
    "How a file's bytes are summed up.",
    {name: f"{name} as its coreutils program prints it, hexadecimal." for name in ChecksumAlgorithm},
)
enum(
    JobOrder,
    "In which order jobs are listed.",
    {"SUBMITTED_DESC": "The newest first.", "SUBMITTED": "The oldest first."},
)
enum(
    QuotaKind,
    "Whom a quota bounds.",
    {"USER": "One user.", "GROUP": "A group of the system.", "PROJECT": "A project, or a fileset."},
)
enum(
    FileOrder,
    "In which order files are listed.",
    {
        "NAME": "By the raw bytes of the names; of the paths below the directory where it is recursive.",
        "NAME_DESC": "The same, backwards.",
        "SIZE": "The smallest first.",
        "SIZE_DESC": "The largest first.",
        "MODIFIED": "The longest unchanged first.",
        "MODIFIED_DESC": "The last changed first.",
    },
)
enum(
    Compression,
    "How an archive is compressed.",
    {
        "NONE": "An archive of tar as it is.",
        "GZIP": "An archive of tar, compressed by gzip.",
        "BZIP2": "An archive of tar, compressed by bzip2.",
        "XZ": "An archive of tar, compressed by xz.",
        "ZSTD": "An archive of tar, compressed by zstd.",
        "ZIP": "A zip file; it is read, not made.",
    },
)
enum(
    FileType,
    "What kind of entry a name stands for.",
    {
        "REGULAR": "A file with bytes.",
        "DIRECTORY": "A directory.",
        "SYMLINK": "A symbolic link, itself and not what it points to.",
        "FIFO": "A named pipe.",
        "SOCKET": "A Unix socket.",
        "BLOCK_DEVICE": "A block device.",
        "CHARACTER_DEVICE": "A character device.",
        "UNKNOWN": "Something that the system could not name.",
    },
)
enum(
    HealthStatus,
    "How a component is.",
    {
        "HEALTHY": "Everything that was checked answers.",
        "DEGRADED": "It answers, but something behind it does not.",
        "UNAVAILABLE": "It does not answer.",
        "MAINTENANCE": "It is being worked on, as announced.",
        "UNKNOWN": "It has not been checked yet.",
    },
)
enum(OutputStream, "One of a job's outputs.", {"STDOUT": "Standard output.", "STDERR": "Standard error."})
enum(
    JobState,
    "Where a job is in its life.",
    {
        "PENDING": "It waits for resources or its turn.",
        "HELD": "It waits until it is released.",
        "CONFIGURING": "Its nodes are being made ready.",
        "RUNNING": "It runs.",
        "SUSPENDED": "It has its nodes and is stopped.",
        "COMPLETING": "Its processes have ended and its nodes are being cleaned.",
        "COMPLETED": "It ended with exit code 0.",
        "FAILED": "It ended with another exit code or by a signal.",
        "CANCELLED": "Its user or an administrator ended it.",
        "TIMEOUT": "It ran into its time limit.",
        "DEADLINE": "It could not end before its deadline.",
        "OUT_OF_MEMORY": "It took more memory than it had.",
        "NODE_FAIL": "A node of it failed.",
        "BOOT_FAIL": "Its nodes could not be booted.",
        "PREEMPTED": "A job of higher priority took its place.",
        "REQUEUED": "It goes back into the queue.",
        "UNKNOWN": "The scheduler told a state that this service does not know: see rawState.",
    },
)
enum(
    TaskKind,
    "What was asked for.",
    {
        "SUBMIT_JOB": "A job was to be submitted.",
        "CANCEL_JOBS": "Jobs were to be cancelled.",
        "HOLD_JOBS": "Jobs were to be held, so that they do not start.",
        "RELEASE_JOBS": "Held jobs were to be released.",
        "REQUEUE_JOBS": "Jobs were to go back into the queue.",
        "UPDATE_JOB": "A pending job was to be changed.",
        "ATTACH_TO_JOB": "A command was to run inside a running job.",
        "QUERY_JOBS": "Jobs were to be queried.",
        "UPLOAD": "A client's bytes were to come to a system.",
        "DOWNLOAD": "A system's bytes were to be staged for a client.",
        "COPY": "Files were to be copied.",
        "MOVE": "Files were to be moved.",
        "REMOVE": "Files were to be removed.",
        "COMPRESS": "Files were to be put into an archive.",
        "EXTRACT": "An archive was to be unpacked.",
        "SYNC": "A tree was to be made like another.",
    },
)
enum(
    TransferKind,
    "What becomes of a transfer's bytes.",
    {
        "UPLOAD": "From the client, by the object store, to a system.",
        "DOWNLOAD": "From a system, by the object store, to the client.",
        "COPY": "To another place.",
        "MOVE": "To another place, and away from the first.",
        "REMOVE": "Away.",
        "COMPRESS": "Into an archive.",
        "EXTRACT": "Out of an archive.",
        "SYNC": "So that one tree is like another.",
    },
)
enum(
    TaskStatus,
    "Where a task is in its life.",
    {
        "QUEUED": "No worker has begun it.",
        "RUNNING": "A worker does it.",
        "WAITING": "It waits for the client's upload or for its own scheduler job.",
        "SUCCEEDED": "It is done; `result` tells what came of it.",
        "FAILED": "It is over without success; `error` tells why.",
        "CANCELLED": "Somebody cancelled it.",
    },
)
enum(
    ErrorCode,
    "What went wrong, as a client can act on it: `extensions.code` of every error.",
    {
        "UNAUTHENTICATED": "No bearer token, or one that does not hold.",
        "FORBIDDEN": "The caller is known and may not do this.",
        "RATE_LIMITED": "The caller asked more than its share.",
        "QUERY_TOO_COMPLEX": "The document is deeper, longer or costlier than the limits.",
        "OVERLOADED": "More work waits than this server queues: try again.",
        "MAINTENANCE": "The system is being worked on.",
        "INVALID_INPUT": "An argument can never work; the message names it.",
        "UNSUPPORTED": "This scheduler or site does not do that.",
        "CONFLICT": "The state of the thing, or an earlier use of the same key, forbids it.",
        "CURSOR_EXPIRED": "The events behind the cursor are no longer kept: query again.",
        "CANCELLED": "Somebody cancelled the work.",
        "NOT_FOUND": "No such thing, or none that the caller may see.",
        "PERMISSION_DENIED": "The system refused the user.",
        "ALREADY_EXISTS": "The target is there already.",
        "NOT_A_DIRECTORY": "A part of the path is no directory.",
        "IS_A_DIRECTORY": "The path is a directory where none may be.",
        "NOT_EMPTY": "The directory has entries.",
        "TOO_LARGE": "Over a limit, which the message names.",
        "NO_SPACE": "The file system or the quota is full.",
        "CHECKSUM_MISMATCH": "The bytes are not those that were promised.",
        "SCHEDULER_REJECTED": "The scheduler said no, in its own words.",
        "JOB_FAILED": "The job that was to do the work failed.",
        "COMMAND_FAILED": "A remote command ended otherwise than promised.",
        "COMMAND_TIMEOUT": "A remote command took longer than its limit and was ended.",
        "SYSTEM_UNAVAILABLE": "No login node of the system answers.",
        "STORAGE_UNAVAILABLE": "The object store does not answer.",
        "TASKS_UNAVAILABLE": "The store of tasks does not answer.",
        "DELEGATION_UNAVAILABLE": "The signer of certificates does not answer.",
        "IDENTITY_PROVIDER_UNAVAILABLE": "The identity provider's keys cannot be read.",
        "INTERNAL": "A fault of this service, logged under the request id.",
    },
)

SERVED_ENUMS = (ErrorCode,)
"""Those that no field leads to."""
