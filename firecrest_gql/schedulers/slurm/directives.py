"""What a script on the system says to sbatch that we must know before sbatch reads it."""

from dataclasses import dataclass, field, replace

from firecrest_gql.command import Command, Result
from firecrest_gql.model.jobs import JobSpec
from firecrest_gql.schedulers.slurm.comment import script_comment

READ_BYTES = 256 * 1024
PROGRAM = 'test -f "$1" && exec head -c "$2" -- "$1"'


@dataclass(frozen=True, slots=True)
class Directives(Command[JobSpec]):
    """Read the comment out of the script's directives, for --comment on the command line would replace it."""

    spec: JobSpec = field(repr=False)

    @property
    def argv(self) -> list[str]:
        """The beginning of a regular file."""
        return ["sh", "-c", PROGRAM, "firecrest-directives", self.spec.script_path or "", str(READ_BYTES)]

    def parse(self, result: Result) -> JobSpec:
        """What cannot be read is sbatch's to complain of."""
        comment = script_comment(result.stdout.decode("utf-8", "surrogateescape"))
        return self.spec if comment is None else replace(self.spec, comment=comment)
