"""Touching, linking, modes and owners: one program of coreutils each."""

import re
from dataclasses import dataclass

from firecrest_gql.command import Operation, Result
from firecrest_gql.errors import InvalidInput
from firecrest_gql.files.confinement import Hold
from firecrest_gql.files.failures import check
from firecrest_gql.files.home import KEEP
from firecrest_gql.files.road import FileCommand

# chmod(1): octal digits, or symbolic clauses separated by commas.
MODE = re.compile(r"[0-7]{3,4}|[ugoa]*([-+=]([rwxXst]*|[ugo]))+(,[ugoa]*([-+=]([rwxXst]*|[ugo]))+)*")
MAX_MODE_LENGTH = 100
# What useradd(8) and directories of accounts allow, or a number; a colon would be another group. Groups of Active
# Directory have names of several words.
ACCOUNT_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.@\\-]{0,255}\$?|[0-9]{1,10}")
GROUP_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.@\\ -]{0,255}\$?|[0-9]{1,10}")

# $1 path, then the program and its options. What it points to must not be the home either; `LINK/.` makes a recursive
# change begin at the directory that a link leads to.
CHANGE = (
    KEEP
    + """
p=$1
shift
keep "$p/" || exit 1
[ "$2" != -R ] || [ ! -L "$p" ] || [ ! -d "$p" ] || p=$p/.
exec "$@" "$p"
"""
)


@dataclass(frozen=True, slots=True)
class Touch(FileCommand[None]):
    """A file that is there, changed just now."""

    path: str

    @property
    def holds(self) -> dict[str, Hold]:
        """What a link points to is touched."""
        return {"path": Hold.MADE}

    @property
    def argv(self) -> list[str]:
        """`touch`."""
        return ["touch", "--", self.path]

    def parse(self, result: Result) -> None:
        """Nothing to read."""
        check(self.path, result)


@dataclass(frozen=True, slots=True)
class Link(FileCommand[None]):
    """A new symbolic link; what it points to need not be there."""

    path: str
    link_target: str

    @property
    def holds(self) -> dict[str, Hold]:
        """The link is new; where it points to is looked at when it is followed."""
        return {"path": Hold.ENTRY}

    @property
    def argv(self) -> list[str]:
        """`ln` refuses an existing path in the same step that makes the link."""
        return ["ln", "-sT", "--", self.link_target, self.path]

    def parse(self, result: Result) -> None:
        """Nothing to read."""
        check(self.path, result)


@dataclass(frozen=True, slots=True)
class ChangeMode(FileCommand[None]):
    """Other permissions, of everything below as well where asked."""

    path: str
    mode: str
    recursive: bool = False

    @property
    def holds(self) -> dict[str, Hold]:
        """What a link points to is changed."""
        return {"path": Hold.FILE}

    @property
    def argv(self) -> list[str]:
        """`chmod`; links that it meets on its way down are left alone."""
        options = ["-R"] if self.recursive else []
        return ["sh", "-c", CHANGE, "sh", self.path, "chmod", *options, "--", self.mode]

    @property
    def operation(self) -> Operation | None:
        """Where it goes down the tree."""
        return Operation.RECURSION if self.recursive else None

    def parse(self, result: Result) -> None:
        """Nothing to read."""
        check(self.path, result)


@dataclass(frozen=True, slots=True)
class ChangeOwner(FileCommand[None]):
    """Another owner, another group, or both."""

    path: str
    owner: str | None
    group: str | None
    recursive: bool = False

    @property
    def holds(self) -> dict[str, Hold]:
        """What a link points to is changed."""
        return {"path": Hold.FILE}

    @property
    def argv(self) -> list[str]:
        """`chown`, or `chgrp` where only the group changes; links met on the way down change themselves."""
        options = ["-R"] if self.recursive else []
        both = f"{self.owner}:{self.group}" if self.group is not None else self.owner
        words = ["chgrp", *options, "--", self.group] if self.owner is None else ["chown", *options, "--", both]
        return ["sh", "-c", CHANGE, "sh", self.path, *(word for word in words if word is not None)]

    @property
    def operation(self) -> Operation | None:
        """Where it goes down the tree."""
        return Operation.RECURSION if self.recursive else None

    def parse(self, result: Result) -> None:
        """Nothing to read."""
        check(self.path, result)


def check_mode(mode: str) -> None:
    """Refuse what chmod would not understand."""
    if len(mode) > MAX_MODE_LENGTH or not MODE.fullmatch(mode):
        raise InvalidInput(f"mode: three or four octal digits, or clauses such as u+rw,go-w, not {mode[:20]!r}")


def check_owner(owner: str | None, group: str | None) -> None:
    """Refuse what can be no name of an account, and a change of nothing."""
    if owner is None and group is None:
        raise InvalidInput("owner, group: one of the two is needed")
    for argument, name, form in (("owner", owner, ACCOUNT_NAME), ("group", group, GROUP_NAME)):
        if name is not None and not form.fullmatch(name):
            raise InvalidInput(f"{argument}: a name or a number, not {name[:20]!r}")
