"""The folder of a transfer's job, `~/.firecrest/transfers/<key>`: how it is made, read, kept up and cleared."""

from dataclasses import dataclass, field

from firecrest_gql.command import Command, Result, Stdin
from firecrest_gql.errors import CommandFailed, NoSpace
from firecrest_gql.files.placing import CLEAR

FOLDERS = '"$HOME/.firecrest/transfers"'
MAX_SAID = 2**20  # bytes of standard output that a look brings back
MAX_WORDS = 4096  # bytes of standard error
REMOVING_SECONDS = 300  # for what a job left half-written
ABSENT = 3  # the status of a program whose folder is gone

# KEY, then `input`, and on standard input what the program may read, followed by the secrets: so many bytes of each.
# What ended a day ago goes, and what has not after a month; a job that has begun is left as it is.
PREPARE = f"""
umask 077
mkdir -p {FOLDERS} && cd {FOLDERS} || exit 1
forget='for ended do rm -rf -- "${{ended%/*}}"; done'
find . -mindepth 2 -maxdepth 2 -name status -mtime +0 -exec sh -c "$forget" sh {{}} + 2>/dev/null
find . -mindepth 1 -maxdepth 1 -mtime +30 -exec rm -rf -- {{}} + 2>/dev/null
mkdir -p "$1" && cd "$1" || exit 1
head -c "$2" >.input && mv -f .input input && cat >.secrets && mv -f .secrets secrets || exit 1
[ -s secrets ] || rm -f secrets
pwd
"""

# KEY. On standard input the secrets, as they are from now on.
RENEW = f"""
umask 077
cd {FOLDERS}/"$1" 2>/dev/null || exit {ABSENT}
cat >.secrets && mv -f .secrets secrets
"""

# KEY. The status or nothing, what was counted or measured, and the sizes of what follows: its output and its words.
LOOK = f"""
cd {FOLDERS}/"$1" 2>/dev/null || exit {ABSENT}
first() {{ line=; [ ! -e "$1" ] || IFS= read -r line <"$1"; printf "%s" "$line"; }}
size() {{ stat -c %s "$1" 2>/dev/null || echo 0; }}
status=$(first status) counted=$(first counted)
out=$(size stdout)
[ -n "$status" ] && [ "$out" -le {MAX_SAID} ] || out=0
printf "%s\\n%s\\n%s\\n" "$status" "${{counted:-$(first progress)}}" "$out"
[ -z "$status" ] || {{ head -c "$out" stdout; tail -c {MAX_WORDS} stderr; }} 2>/dev/null
:
"""

# KEY. Nothing runs any more, and nothing of it begins from now on: see run.sh. The secrets go, what has been read of
# the user's files, and what was made beside a target and never took its place.
REMOVE_REST = (
    CLEAR
    + f"""
cd {FOLDERS}/"$1" 2>/dev/null || exit 0
[ -e status ] || echo removed >status
rm -f secrets .secrets input .input conf.* piece sum
[ -s beside ] || exit 0
beside=$(cat beside; echo x)
beside=${{beside%x}}
case ${{beside##*/}} in .firecrest.*) sh -c "$clear" sh "$beside" || exit 1;; esac
rm -f beside
"""
)


@dataclass(frozen=True, slots=True)
class Prepare(Command[str]):
    """The folder, with what its program reads; done again, it changes nothing of a job that runs."""

    key: str
    input: bytes = field(default=b"", repr=False)
    secrets: bytes = field(default=b"", repr=False)

    @property
    def argv(self) -> list[str]:
        """The program, the key, and the size of the first part."""
        return ["sh", "-c", PREPARE, "firecrest-prepare", self.key, str(len(self.input))]

    @property
    def stdin(self) -> Stdin:
        """Both parts."""
        return Stdin.of(self.input + self.secrets)

    def parse(self, result: Result) -> str:
        """Where the folder is."""
        if result.exit_status != 0:
            raise _failure(result, "the folder of a transfer cannot be made in the home")
        return result.stdout.decode("utf-8", "surrogateescape").removesuffix("\n")


@dataclass(frozen=True, slots=True)
class Renew(Command[bool]):
    """New secrets for a job that waits or runs; False where its folder is gone."""

    key: str
    secrets: bytes = field(repr=False)

    @property
    def argv(self) -> list[str]:
        """The program and the key."""
        return ["sh", "-c", RENEW, "firecrest-renew", self.key]

    @property
    def stdin(self) -> Stdin:
        """The secrets."""
        return Stdin.of(self.secrets)

    def parse(self, result: Result) -> bool:
        """The status tells."""
        if result.exit_status not in (0, ABSENT):
            raise _failure(result, "what a transfer needs cannot be written to the home")
        return result.exit_status == 0


@dataclass(frozen=True, slots=True)
class Seen:
    """What the folder tells: bytes done and in all as far as they are known, and the program's end once it has come."""

    done: int | None = None
    total: int | None = None
    end: Result | None = None


@dataclass(frozen=True, slots=True)
class Look(Command[Seen]):
    """How far the job's program is."""

    key: str

    @property
    def argv(self) -> list[str]:
        """The program and the key."""
        return ["sh", "-c", LOOK, "firecrest-look", self.key]

    def parse(self, result: Result) -> Seen:
        """Three lines, the output, and the words of standard error; of a folder that is gone nothing is known."""
        if result.exit_status == ABSENT:
            return Seen()
        if result.exit_status != 0:
            raise _failure(result, "the folder of a transfer cannot be read")
        status, counted, size, said = result.stdout.split(b"\n", 3)
        done, _, total = counted.decode("ascii", "replace").partition(" ")
        out, words = said[: int(size)], said[int(size) :]
        end = Result(int(status), out, words) if status.isdigit() else None
        return Seen(_number(done), _number(total), end)


@dataclass(frozen=True, slots=True)
class RemoveRest(Command[None]):
    """The secrets gone, and what was half-written; a job that begins later does nothing."""

    key: str

    @property
    def argv(self) -> list[str]:
        """The program and the key."""
        return ["sh", "-c", REMOVE_REST, "firecrest-clear", self.key]

    @property
    def time_limit(self) -> float:
        """A large tree takes long."""
        return REMOVING_SECONDS

    def parse(self, result: Result) -> None:
        """Nothing to read."""
        if result.exit_status != 0:
            raise _failure(result, "what a transfer left half-written cannot be removed")


def _number(text: str) -> int | None:
    return int(text) if text.isdigit() else None


def _failure(result: Result, what: str) -> CommandFailed | NoSpace:
    words = result.stderr.decode("utf-8", "replace").strip()[-300:]
    full = "No space left on device" in words or "Disk quota exceeded" in words
    return (NoSpace if full else CommandFailed)(f"{what}: {words or f'status {result.exit_status}'}")
