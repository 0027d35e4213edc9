"""The one home of quoting: an argument vector as a line that bash, dash, tcsh, fish and their kin read alike.

The line runs a constant POSIX program, which prints a marker, decodes its arguments, feeds the command exactly the
announced bytes, ends it with its process group when its time is over or the client is silent, and reports its status.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from firecrest_gql.errors import InvalidInput, TooLarge

MAX_LINE_SIZE = 32 * 1024  # bytes; Linux takes one argument of at most 128 KiB, and sshd passes the line as one
KILL_AFTER_SECONDS = 1  # between SIGTERM and SIGKILL
SILENCE_SECONDS = 25  # without a byte on standard input, after its data, the client counts as gone
HEARTBEAT_SECONDS = 8
HEARTBEAT = b"."
PIPE_SIZE = 65536  # bytes that a pipe takes from its writer though nobody reads (pipe(7))

# Between single quotes these four shells take every printable character as itself, but for these three: the quote,
# the backslash (fish reads \\ and \' there) and the exclamation mark (tcsh's history). Those go as \0ooo.
_BARE = re.compile(r"[A-Za-z0-9_./:,@+-]+")
_UNSAFE = re.compile(rb"[^ -~]|['\\!]")

# Where arguments come as `words` writes them, the positional parameters become what they stand for: \0ooo is decoded;
# the x keeps a trailing newline from the command substitution.
DECODE = r'for a do shift; case $a in *"\0"*) a=$(printf %bx "$a"); a=${a%x};; esac; set -- "$@" "$a"; done'


def _program(*, watched: bool) -> str:
    """What the line runs. No single quote, exclamation mark, newline or double backslash may stand in here.

    sshd's log tells the first 1,000 bytes of a line: the shorter this is, the more it tells of the command behind it.
    """
    # While the command does not read, nobody notices here that the client is gone, but by writing to it.
    watch = 'watch() { exec >/dev/null; trap "" PIPE; while sleep 1; do printf "\\n%s\\n" "$m" >&2 || leave; done; }'
    return "; ".join(
        (
            "m=$1 n=$2",
            "shift 2",
            DECODE,
            "exec 3<&0",
            # One read of what the client sends: anything at all says that it is there.
            f"alive() {{ test $(timeout --foreground {SILENCE_SECONDS} dd bs=65536 count=1 2>/dev/null | wc -c) -gt 0; "
            "}",
            *((watch,) if watched else ()),
            # The data is whole only where a byte follows it; else the command must not see its end. A command may also
            # end, or close its input, before it has read all (head dies of SIGPIPE): what follows is drained.
            f"feed() {{ {'watch & ' if watched else ''}"
            'if test "$n" -gt 0 && head -c "$n"; then alive || return; fi; exec >/dev/null 2>&1; '
            "while alive; do :; done; }",
            f'leave() {{ trap "" TERM; kill -TERM 0; sleep {KILL_AFTER_SECONDS}; kill -KILL 0; }}',
            # A shell that traps TERM waits for its command's end; were it to die of it, nobody would escalate to KILL.
            'run() { late=0; trap late=1 TERM; (exec "$@" 3<&-); s=$?; '
            # The feeder, and whatever the command has left in its process group, end with it.
            r'printf "\n%s %d %d\n" "$m" $s $late >&2; kill -KILL 0; }',
            "trap : TERM",
            r'printf "%s\n" "$m"',
            r'printf "%s\n" "$m" >&2',
            '{ feed; leave; } <&3 | run "$@"',
        )
    )


_PROGRAMS = {watched: _program(watched=watched) for watched in (False, True)}


@dataclass(frozen=True, slots=True)
class Envelope:
    """What surrounds a command on the system: the bytes it is fed, its bound on time, and its environment."""

    marker: str
    stdin_size: int
    time_limit: float
    path: str
    environment: Mapping[str, str] = field(default_factory=dict)


def command_line(argv: Sequence[str], envelope: Envelope) -> str:
    """The ASCII line for the account's shell; `InvalidInput` for a NUL byte, `TooLarge` above 32 KiB."""
    words = [
        *("exec", "/usr/bin/env", "LC_ALL=C", *_assignments({"PATH": envelope.path, **envelope.environment})),
        *(
            "timeout",
            "-k",
            str(KILL_AFTER_SECONDS),
            f"{envelope.time_limit:.3f}",
            "sh",
            "-c",
            f"'{_PROGRAMS[envelope.stdin_size > PIPE_SIZE]}'",
            "firecrest-gql",
        ),
        *(envelope.marker, str(envelope.stdin_size), *map(_encoded, argv)),
    ]
    line = " ".join(words)
    if len(line) > MAX_LINE_SIZE:
        raise TooLarge(f"the arguments take {len(line)} bytes; a command line is at most {MAX_LINE_SIZE} bytes long")
    return line


def words(arguments: Iterable[str]) -> str:
    """The arguments as words on one line of ASCII, which `DECODE` reads back; `InvalidInput` for a NUL byte."""
    return " ".join(map(_encoded, arguments))


def _assignments(variables: Mapping[str, str]) -> Iterable[str]:
    for name, value in variables.items():
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) or _UNSAFE.search(value.encode()):
            raise InvalidInput(f"the variable {name} cannot be set: printable ASCII without ', \\ and ! only")
        yield f"'{name}={value}'"


def _encoded(argument: str) -> str:
    """The argument as one word of every shell; what is not printable ASCII goes as octal numbers."""
    if _BARE.fullmatch(argument):
        return argument
    try:
        data = argument.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        raise InvalidInput("an argument holds half a character, which no system can take") from None
    if b"\0" in data:
        raise InvalidInput("an argument has a NUL byte, which no path and no argument can hold")
    safe = _UNSAFE.sub(lambda match: b"\\0%03o" % match[0][0], data)
    return f"'{safe.decode('ascii')}'"
