"""Strings that some shell, program or parser would take for more than a string."""

from collections.abc import Sequence
from functools import cache

from hypothesis import strategies as st

from tests.test_files_names import drawn
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
ATTACK = st.lists(st.sampled_from([*ODD_WORDS, *RUN, *RUN]), min_size=2, max_size=5).map("".join)


@cache
def attacks(count: int, canary: str) -> Sequence[str]:
    """So many different strings, each at most 200 bytes long, none with a NUL byte; what they want to run is this."""
    found: dict[str, None] = {}
    for text in drawn(ATTACK, count + count // 4 + 20):
        found[_cut(text.replace("CANARY", canary).replace("\0", ""))] = None
    found.pop("", None)
    assert len(found) >= count
    return list(found)[:count]


def _cut(text: str) -> str:
    return text.encode("utf-8", "surrogateescape")[:200].decode("utf-8", "surrogateescape")


def as_name(text: str) -> str:
    """The string as the beginning of a name."""
    return text.replace("/", "_")
