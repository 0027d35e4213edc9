"""Strings that some shell, program or parser would take for more than a string."""

import itertools
import random
from collections.abc import Callable, Iterator

from tests.sizes import size
from tests.words import ODD_WORDS

RUN = (
    *(
        "$(CANARY)",
        "`CANARY`",
        "';CANARY;'",
        '";CANARY;"',
        "|CANARY",
        "a\\",
        "\nCANARY\n",
        "&&CANARY",
        "CANARY&",
        "e\n",
    ),
    *("${IFS}CANARY", "-exec CANARY ;", "\\';CANARY", "--reference=CANARY", "%(CANARY)", "\\0047;CANARY;", "<(CANARY)"),
    *("$'\\nCANARY'", "!CANARY", "\\012CANARY\\012", ";s:x:CANARY:e;", "--use-compress-program=CANARY", "CANARY"),
    *("$((a[$(CANARY)]))", "x=$(CANARY)", "};CANARY;{", ");CANARY;(", "\\0140CANARY\\0140", "-okill=CANARY", "*/../*"),
)
PIECES = [*ODD_WORDS, *RUN, *RUN]


def attacks(count: int, canary: str) -> list[str]:
    """So many different strings, each at most 200 bytes long, none with a NUL byte; what they want to run is this.

    They are the same in each run: Hypothesis would take minutes to find as many.
    """
    chance, found = random.Random(4), dict[str, None]()
    while len(found) < count:
        text = "".join(chance.choices(PIECES, k=chance.randint(2, 5)))
        found[_cut(text.replace("CANARY", canary).replace("\0", ""))] = None
        found.pop("", None)
    return list(found)


Next = Callable[[], str]


def one_by_one(canary: str, number: int) -> Next:
    """Gives one of the strings after the other, beginning somewhere else for each number."""
    texts = attacks(size(200, 5000), canary)
    start = number * 17 % len(texts)
    endless: Iterator[str] = itertools.cycle([*texts[start:], *texts[:start]])
    return lambda: next(endless)


def _cut(text: str) -> str:
    return text.encode("utf-8", "surrogateescape")[:200].decode("utf-8", "surrogateescape")


def as_name(text: str) -> str:
    """The string as the beginning of a name."""
    return text.replace("/", "_")
