"""A job's comment: its user's own words, and behind them the mark by which a retry finds the job."""

import re
from collections.abc import Iterator, Sequence
from itertools import zip_longest

from firecrest_gql.errors import InvalidInput
from firecrest_gql.model.jobs import JobSpec
from firecrest_gql.schedulers.slurm.values import text

MARK = re.compile(r"(?:\A| )firecrest:[a-z0-9_]+\Z")
MAX_BYTES = 1024  # slurmctld's own limit (job_mgr.c, _validate_job_desc)


def comment_of(spec: JobSpec, key: str) -> str:
    """The comment to submit with; raises `InvalidInput` where the user's own leaves no room for the mark."""
    own = _own(spec)
    mark = f" firecrest:{key}" if own else f"firecrest:{key}"
    if len((own + mark).encode("utf-8", "surrogateescape")) > MAX_BYTES:
        raise InvalidInput(f"the job's comment: at most {MAX_BYTES - len(mark)} bytes")
    return own + mark


def own_comment(raw: str) -> str | None:
    """The user's own words out of a comment as Slurm tells it."""
    own = MARK.sub("", raw)
    return text(raw) if own == raw else own or None


def carries(raw: str, key: str) -> bool:
    """Whether the comment ends in the mark of this key."""
    marked = MARK.search(raw)
    return marked is not None and marked[0].strip() == f"firecrest:{key}"


def script_comment(script: str) -> str | None:
    """What the script's directives say of --comment, the last one if several do."""
    words = [word for line in _directives(script) for word in _words(line)]
    return _option(words)


def _own(spec: JobSpec) -> str:
    """An option counts more than the script, as sbatch's command line does."""
    for found in (_option(spec.options), spec.comment, script_comment(spec.script or "")):
        if found is not None:
            return found
    return ""


def _option(words: Sequence[str]) -> str | None:
    """The last --comment=… or --comment …."""
    found = None
    for word, following in zip_longest(words, words[1:]):
        if is_comment(word):
            _, equals, value = word.partition("=")
            found = value if equals else following
    return found


def is_comment(word: str) -> bool:
    """Whether the word is this option, which getopt takes abbreviated too."""
    name = word.partition("=")[0]
    return len(name) >= len("--com") and "--comment".startswith(name)


def _directives(script: str) -> Iterator[str]:
    """What stands behind #SBATCH, or #SLURM as of old, up to the first line that is none, or a second component."""
    for line in script.split("\n"):
        if line.startswith(("#SBATCH", "#SLURM")):
            directive = line.removeprefix("#SBATCH").removeprefix("#SLURM").strip()
            if re.match(r"(?:het|pack)job(?:\s|\Z)", directive, re.IGNORECASE):
                return
            yield directive
        elif line.strip() and not line.lstrip().startswith("#"):
            return


# A backslash takes the next character as it is; a quote lasts to its like; a # outside ends the line.
WORD = re.compile(r"""\\(?P<one>.)|"(?P<two>(?:\\.|[^"\\])*)"|'(?P<three>(?:\\.|[^'\\])*)'|(?P<four>[^\s#\\"'])""")


def _words(directive: str) -> Iterator[str]:
    """The words of a directive as sbatch's get_argument (opt.c) reads them, and not as a shell would."""
    word, at = "", 0
    while at < len(directive):
        match = WORD.match(directive, at)
        if match:
            word += re.sub(r"\\(.)", r"\1", match[match.lastgroup or 0])
            at = match.end()
            continue
        if word:
            yield word
        if directive[at] != " " and not directive[at].isspace():
            return
        word, at = "", at + 1
    if word:
        yield word
