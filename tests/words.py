"""Words that have broken quoting somewhere."""

ODD_WORDS = (
    *(
        "",
        " ",
        "a b",
        "'",
        '"',
        "'\"'\"'",
        "it's",
        "\\",
        "\\\\",
        "\\'",
        "\\0101",
        "\\n",
        "\n",
        "x\n",
        "\n\n",
        "\t",
        "\r",
    ),
    *("-n", "--", "-rf", "$(id)", "`id`", "$HOME", "${HOME}", "$$", "!", "!!", "!$", "a!b", "^a^b^", "~", "~root"),
    *("*", "?", "[a-z]", "{a,b}", "%", "%s", "%%d", "#", "a#b", ";", "&", "&&", "|", "<", ">", "(", ")", "a=b", "=x"),
    *("\udcff\udcfe", "\udcc3", "é", "日本", "\x01\x7f", "@", ":", ",", "a;touch /tmp/evil", "data#1", "R&D", "+o"),
)


def as_bytes(word: str) -> bytes:
    """The word as the system has it: surrogate escapes (PEP 383) are the bytes that they stand for."""
    return word.encode("utf-8", "surrogateescape")
