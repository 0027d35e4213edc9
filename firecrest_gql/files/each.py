"""Commands on many paths at once: each answer, and the words of each failure, come with their path, between NULs."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, TypeVar

from firecrest_gql.command import Result, Stdin
from firecrest_gql.errors import FirecrestError
from firecrest_gql.files.confinement import Hold, confined_each
from firecrest_gql.files.failures import failure, failure_of
from firecrest_gql.files.road import FileCommand

T = TypeVar("T")

# What to run for $held, in the name of $path; which of them are good for all at once, as $@, and by what; what to print
# for one that fails, and why.
BATCH = r"""
run=$1 good=$2 many=$3 lost=$4
shift 4
exec 3>&1
for path do
  shift
  held=$path
  if eval "$good"; then set -- "$@" "$path"; continue; fi
  words=$( (eval "$run") 2>&1 >&3) || printf "$lost" "$path" "$words"
done
[ "$#" = 0 ] || eval "$many"
"""
MOST_WORDS = 4000  # bytes, of which the first tell enough


class EachCommand(FileCommand[T]):
    """A command on many paths at once, which come NUL-separated on standard input."""

    paths: tuple[str, ...]
    good: ClassVar[str] = "false"
    """A shell's test of $held: whether `many` will not fail; where it does all the same, its words are searched."""
    lost: ClassVar[str] = rf"\0%s\0%.{MOST_WORDS}s\0"
    """A format of printf for a path without an answer, and why: no answer begins with an empty value."""

    @property
    @abstractmethod
    def each(self) -> str:
        """A shell's program that gives for $held, in the name of $path, one answer."""

    @property
    def many(self) -> str:
        """The same for all of $@, which are good."""
        return ":"

    @property
    def argv(self) -> list[str]:
        """What is good is done at once, the others one after the other."""
        return ["xargs", "-0", "sh", "-c", BATCH, "sh", self.each, self.good, self.many, self.lost]

    @property
    def holds(self) -> Mapping[str, Hold]:
        """Each is an entry, links not followed, unless overridden."""
        return {"paths": Hold.ENTRY}

    @property
    def stdin(self) -> Stdin:
        """The paths, each ended by NUL."""
        return Stdin.of(b"".join(path.encode("utf-8", "surrogateescape") + b"\0" for path in self.paths))

    def confined(self, trees: Sequence[str]) -> list[str]:
        """One after the other, each held for itself."""
        return ["xargs", "-0", *confined_each(self.each, self.lost, trees, self.holds["paths"])]


@dataclass(frozen=True, slots=True)
class Told:
    """The answers as they came, each of so many values, and for each path that has none the words that say why."""

    answers: tuple[list[str], ...]
    words: Mapping[str, str]
    result: Result

    @classmethod
    def of(cls, result: Result, width: int) -> "Told":
        """What an `EachCommand` has printed."""
        values = result.stdout.decode("utf-8", "surrogateescape").split("\0")[:-1]
        answers, words, at = list[list[str]](), dict[str, str](), 0
        while at < len(values):
            size = width if values[at] else 3
            record, at = values[at : at + size], at + size
            if record[0] and len(record) == size:
                answers.append(record)
            elif len(record) == size:
                words[record[1]] = record[2]
        return cls(tuple(answers), words, result)

    def failure(self, path: str) -> FirecrestError:
        """Why this path has no answer."""
        if path in self.words:
            return failure(path, self.words[path].encode("utf-8", "surrogateescape"), self.result.exit_status)
        return failure_of(path, self.result)
