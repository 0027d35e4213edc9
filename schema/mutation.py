"""What can be changed: blocking file utilities answer the file, the rest makes a task at once."""

from typing import Annotated

import strawberry

from resolvers import archives, changes, files
from resolvers.files import Written
from schema.fields import Info, mutation, says
from schema.inputs import (
    ChangeModeInput,
    ChangeOwnerInput,
    CompressFilesInput,
    CopyFileInput,
    CreateDirectoryInput,
    CreateSymlinkInput,
    ExtractArchiveInput,
    MoveFileInput,
    RemoveFileInput,
    TouchFileInput,
    UploadFileInput,
)
from schema.job_mutation import JobMutation
from schema.payloads import (
    ChangeModePayload,
    ChangeOwnerPayload,
    CompressFilesPayload,
    CopyFilePayload,
    CreateDirectoryPayload,
    CreateSymlinkPayload,
    ExtractArchivePayload,
    MoveFilePayload,
    RemoveFilePayload,
    TouchFilePayload,
    UploadFilePayload,
)
from schema.staging_mutation import StagingMutation
from schema.transfer_mutation import TransferMutation
from schema.uploads import streamed


@strawberry.type(description="What can be changed; each field takes one input and answers one payload.")
class Mutation(JobMutation, TransferMutation, StagingMutation):
    """What can be changed."""

    @mutation(UploadFilePayload)
    async def upload_file(
        self,
        info: Info,
        input: Annotated[UploadFileInput, says("The file.")],  # noqa: A002
    ) -> Written:
        """Write a small file: it is there whole or not at all."""
        content = streamed(input.content, "content")
        return await files.upload(info.context, input.system, input.path, content, input.overwrite, input.mode)

    @mutation(CreateDirectoryPayload)
    async def create_directory(
        self,
        info: Info,
        input: Annotated[CreateDirectoryInput, says("The directory.")],  # noqa: A002
    ) -> Written:
        """Make a directory."""
        return await files.create_directory(info.context, input.system, input.path, input.parents, input.mode)

    @mutation(TouchFilePayload)
    async def touch_file(
        self,
        info: Info,
        input: Annotated[TouchFileInput, says("The file.")],  # noqa: A002
    ) -> Written:
        """Let a file be changed just now, and make an empty one where there is none."""
        return await changes.touch(info.context, input.system, input.path)

    @mutation(CreateSymlinkPayload)
    async def create_symlink(
        self,
        info: Info,
        input: Annotated[CreateSymlinkInput, says("The link.")],  # noqa: A002
    ) -> Written:
        """Make a symbolic link."""
        return await changes.link(info.context, input.system, input.path, input.link_target)

    @mutation(CopyFilePayload)
    async def copy_file(
        self,
        info: Info,
        input: Annotated[CopyFileInput, says("What, and where to.")],  # noqa: A002
    ) -> Written:
        """Copy a file, or a directory with everything in it: the copy is there whole or not at all."""
        return await changes.copy(
            info.context, input.system, input.path, input.target, input.dereference, input.overwrite
        )

    @mutation(MoveFilePayload)
    async def move_file(
        self,
        info: Info,
        input: Annotated[MoveFileInput, says("What, and where to.")],  # noqa: A002
    ) -> Written:
        """Move or rename; never / and never the home."""
        return await changes.move(info.context, input.system, input.path, input.target, input.overwrite)

    @mutation(ChangeModePayload)
    async def change_mode(
        self,
        info: Info,
        input: Annotated[ChangeModeInput, says("Whose, and which.")],  # noqa: A002
    ) -> Written:
        """Change permissions; never those of / or the home."""
        return await changes.change_mode(info.context, input.system, input.path, input.mode, input.recursive)

    @mutation(ChangeOwnerPayload)
    async def change_owner(
        self,
        info: Info,
        input: Annotated[ChangeOwnerInput, says("Whose, and whom to.")],  # noqa: A002
    ) -> Written:
        """Change the owner, the group, or both, as far as the system lets this user."""
        return await changes.change_owner(
            info.context, input.system, input.path, input.owner, input.group, input.recursive
        )

    @mutation(CompressFilesPayload)
    async def compress_files(
        self,
        info: Info,
        input: Annotated[CompressFilesInput, says("Of what, and where to.")],  # noqa: A002
    ) -> Written:
        """Make an archive of a file, or of a directory and what is below it: it is there whole or not at all."""
        return await archives.compress(
            info.context,
            input.system,
            input.path,
            input.target,
            compression=input.compression,
            match=input.match,
            dereference=input.dereference,
            overwrite=input.overwrite,
        )

    @mutation(ExtractArchivePayload)
    async def extract_archive(
        self,
        info: Info,
        input: Annotated[ExtractArchiveInput, says("Which, and where to.")],  # noqa: A002
    ) -> Written:
        """Take an archive apart, unless anything in it leads out of the target, or it holds more than the limits."""
        return await archives.extract(
            info.context,
            input.system,
            input.path,
            input.target,
            compression=input.compression,
            overwrite=input.overwrite,
        )

    @mutation(RemoveFilePayload)
    async def remove_file(
        self,
        info: Info,
        input: Annotated[RemoveFileInput, says("What goes.")],  # noqa: A002
    ) -> Written:
        """Remove a file or a directory; never / and never the home."""
        return await files.remove(info.context, input.system, input.path, input.recursive)
