"""Programs in front of a system's own, which write down how they are called; and one that nobody should ever run."""

import os
import re
import shutil
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

REAL = Path("/usr/bin")
# Those of the envelope, which nobody gives a string of the user's; what `timeout` starts is written down itself.
UNRECORDED = frozenset({"timeout", "dd", "sleep", "env"})
INTO = "RECORD_INTO"  # the variable that tells each program of a lane where to write
# A file for each process: what a process has become since is behind what it was before.
WRITE = f"""#!/bin/sh
printf '%s\\0' "$#" "${{0##*/}}" "$@" >> "${INTO}/calls/$$"
"""
RECORD = f'{WRITE}exec "{REAL}/${{0##*/}}" "$@"\n'
# Instead of a program that the system need not have: it keeps what it was given, too, and gives an answer.
STAND_IN = f"""{WRITE}{REAL}/env -0 > "${INTO}/sent/environment"
{REAL}/cat > "${INTO}/sent/stdin"
echo 'ANSWER'
"""
# What a program does only every few seconds would make its calls a matter of how busy the machine is.
LONG_SLEEP = f"#!/bin/sh\nexec {REAL}/sleep 60\n"
# It leaves its trace where nothing is ever removed.
CANARY = '#!/bin/sh\n{ echo "$0 $*"; tr "\\0" " " < /proc/$PPID/cmdline; } >> TRACES/$$\n'
TEMPORARY = re.compile(r"\.firecrest\.[A-Za-z0-9]{8,16}")

Calls = Counter[tuple[str, ...]]


@dataclass(frozen=True)
class Lane:
    """Where the programs of commands that run one after the other write down their calls."""

    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        """What its commands find in their environment."""
        return {INTO: str(self.folder)}

    def taken(self) -> Calls:
        """Each argument vector since the last time, and how often it was executed."""
        calls: Calls = Counter()
        for file in (self.folder / "calls").iterdir():
            values = os.fsdecode(file.read_bytes()).split("\0")[:-1]
            file.unlink()
            while values:
                count = int(values[0]) + 2
                if len(values) >= count:  # the envelope's feeder may be killed while it writes
                    calls[tuple(values[1:count])] += 1
                values = values[count:]
        return Counter({call: times for call, times in calls.items() if not _of_envelope(call)})

    def sent(self) -> tuple[dict[str, str], bytes]:
        """The environment and the standard input of the last program that was a stand-in."""
        lines = os.fsdecode((self.folder / "sent" / "environment").read_bytes()).split("\0")[:-1]
        return dict(line.split("=", 1) for line in lines), (self.folder / "sent" / "stdin").read_bytes()


def _of_envelope(call: tuple[str, ...]) -> bool:
    """Whether it is the envelope's own shell, or only counts bytes, which the envelope does beside the command."""
    if call[:2] == ("sh", "-c") and call[3:4] == ("firecrest-gql",):
        return True
    return call == ("wc", "-c") or (len(call) == 3 and call[:2] == ("head", "-c") and call[2].isdigit())


@dataclass(frozen=True)
class Recorder:
    """The programs, the lanes, and the traces of the canary."""

    folder: Path
    canary: str

    @property
    def path(self) -> str:
        """A PATH on which everything is written down."""
        return f"{self.folder / 'programs'}:{self.quiet_path}"

    @property
    def quiet_path(self) -> str:
        """A PATH that has the canary, and else what every system has."""
        return f"{self.folder / 'canary'}:/usr/local/bin:/usr/bin:/bin"

    def lane(self, name: str) -> Lane:
        """A new lane."""
        lane = Lane(self.folder / name)
        for kind in ("calls", "sent"):
            (lane.folder / kind).mkdir(parents=True)
            (lane.folder / kind).chmod(0o777)
        return lane

    def stand_in(self, name: str, answer: str) -> None:
        """A program in the place of the system's own, which keeps what it is given, and answers so."""
        self.put(name, STAND_IN.replace("ANSWER", answer))

    def put(self, name: str, program: str, *, where: str = "programs") -> None:
        """Another program in front of the system's own."""
        path = self.folder / where / name
        path.unlink(missing_ok=True)
        path.write_text(program)
        path.chmod(0o755)

    def traces(self) -> list[str]:
        """What has been run that is none of our programs, and by whom."""
        return [trace.read_text(errors="replace") for trace in (self.folder / "traces").iterdir()]


@contextmanager
def recording() -> Iterator[Recorder]:
    """A recorder where every account finds it; it goes at the end."""
    mark = uuid.uuid4().hex[:12]
    recorder = Recorder(Path("/var/tmp") / f"record-{mark}", f"canary{mark}")
    for name in ("programs", "canary", "traces"):
        (recorder.folder / name).mkdir(parents=True)
    recorder.folder.chmod(0o755)
    (recorder.folder / "traces").chmod(0o777)
    recorder.put(recorder.canary, CANARY.replace("TRACES", str(recorder.folder / "traces")), where="canary")
    recorder.put("sleep", LONG_SLEEP)
    recorder.put(".record", RECORD)
    for program in REAL.iterdir():
        if program.name not in UNRECORDED:
            (recorder.folder / "programs" / program.name).symlink_to(".record")
    try:
        yield recorder
    finally:
        shutil.rmtree(recorder.folder)


def meant(template: Calls, strings: Mapping[str, str]) -> Calls:
    """The calls of a command, each plain name in them replaced by the string that it stands for."""
    names = re.compile("|".join(sorted(map(re.escape, strings), key=len, reverse=True)))
    calls: Calls = Counter()
    for call, times in template.items():
        calls[tuple(names.sub(lambda match: strings[match[0]], word) for word in call)] += times
    return calls


def comparable(calls: Calls, folder: Path) -> Calls:
    """The calls without what differs each time: the folder that they are about, and names of temporary files."""
    told: Calls = Counter()
    for call, times in calls.items():
        told[tuple(TEMPORARY.sub(".firecrest.", word.replace(str(folder), "/FOLDER")) for word in call)] += times
    return told
