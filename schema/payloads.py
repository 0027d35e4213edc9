"""What mutations answer."""

import strawberry

from firecrest_gql.model.files import File as FileValue
from resolvers import files
from resolvers.files import Written
from schema.fields import Info, attribute, field, optional
from schema.files import File
from schema.tasks import Task


@strawberry.type(description="The task that submits the job.")
class SubmitJobPayload:
    """The task that submits the job."""

    task: Task = attribute("The task: SUCCEEDED as soon as the scheduler has accepted the job.")


@strawberry.type(description="The task that acts on jobs.")
class JobResultsPayload:
    """What the payloads of acts on several jobs share."""

    task: Task = attribute("The task: its result tells what became of each job.")


@strawberry.type(description="The task that cancels the jobs.")
class CancelJobsPayload(JobResultsPayload):
    """The task that cancels the jobs."""


@strawberry.type(description="The task that holds the jobs.")
class HoldJobsPayload(JobResultsPayload):
    """The task that holds the jobs."""


@strawberry.type(description="The task that releases the jobs.")
class ReleaseJobsPayload(JobResultsPayload):
    """The task that releases the jobs."""


@strawberry.type(description="The task that requeues the jobs.")
class RequeueJobsPayload(JobResultsPayload):
    """The task that requeues the jobs."""


@strawberry.type(description="The task that changes the job.")
class UpdateJobPayload:
    """The task that changes the job."""

    task: Task = attribute("The task: its result is the job.")


@strawberry.type(description="The task that runs the command.")
class AttachToJobPayload:
    """The task that runs the command."""

    task: Task = attribute("The task: its result is the command's output.")


@strawberry.type(description="The task that queries the jobs.")
class QueryJobsPayload:
    """The task that queries the jobs."""

    task: Task = attribute("The task: its result is the list of jobs.")


@strawberry.type(description="The task that was cancelled.")
class CancelTaskPayload:
    """The task that was cancelled."""

    task: Task = attribute("The task: CANCELLED, or RUNNING until its worker has ended the work.")


@strawberry.type(description="A file that was changed.")
class FilePayload:
    """What the payloads of file operations share."""

    path: str = attribute("The path, as it was given.")

    @field(optional(File))
    async def file(self: Written, info: Info) -> FileValue:
        """The file as it now is; null with an error where reading it back failed."""
        return await files.written(info.context, self)


@strawberry.type(description="The file that was written.")
class UploadFilePayload(FilePayload):
    """The file that was written."""


@strawberry.type(description="The file that was touched.")
class TouchFilePayload(FilePayload):
    """The file that was touched."""


@strawberry.type(description="The link that was made.")
class CreateSymlinkPayload(FilePayload):
    """The link that was made."""


@strawberry.type(description="The copy; its path is the target's.")
class CopyFilePayload(FilePayload):
    """The copy."""


@strawberry.type(description="The file where it now is; its path is the target's.")
class MoveFilePayload(FilePayload):
    """The file where it now is."""


@strawberry.type(description="The archive that was made; its path is the target's.")
class CompressFilesPayload(FilePayload):
    """The archive that was made."""


@strawberry.type(description="The directory that has what the archive holds; its path is the target's.")
class ExtractArchivePayload(FilePayload):
    """The directory that has what the archive holds."""


@strawberry.type(description="The file with its new permissions.")
class ChangeModePayload(FilePayload):
    """The file with its new permissions."""


@strawberry.type(description="The file with its new owner and group.")
class ChangeOwnerPayload(FilePayload):
    """The file with its new owner and group."""


@strawberry.type(description="The directory that was made.")
class CreateDirectoryPayload:
    """The directory that was made."""

    path: str = attribute("The path, as it was given.")

    @field(optional(File))
    async def file(self: Written, info: Info) -> FileValue:
        """The directory as it now is; null with an error where reading it back failed."""
        return await files.written(info.context, self)


@strawberry.type(description="What was removed.")
class RemoveFilePayload:
    """What was removed."""

    path: str = attribute("The path, as it was given.")
