"""Touching, linking, modes and owners: one program of coreutils each."""

import re
from dataclasses import dataclass

from firecrest_gql.command import Command, Result
from firecrest_gql.errors import InvalidInput
from firecrest_gql.files.failures import check
from firecrest_gql.files.home import KEEP

# chmod(1): octal digits, or symbolic clauses separated by commas.
MODE = re.compile(r"[0-7]{3,4}|[ugoa]*([-+=]([rwxXst]*|[ugo]))+(,[ugoa]*([-+=]([rwxXst]*|[ugo]))+)*")
MAX_MODE_LENGTH = 100
# What useradd(8) and directories of accounts allow, or a number; a colon would be another group.
ACCOUNT_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.@\\-]{0,255}\$?|[0-9]{1,10}")

# The program and its options, then the path, which is last: what it points to must not be the home either.
CHANGE = KEEP + 'for p do :; done; keep "$p/" && exec "$@"'


@dataclass(frozen=True, slots=True)
class Touch(Command[None]):
    """A file that is there, changed just now."""

    path: str

    @property
    def argv(self) -> list[str]:
        """`touch`."""
        return ["touch", "--", self.path]

    def parse(self, result: Result) -> None:
        """Nothing to read."""
        check(self.path, result)


@dataclass(frozen=True, slots=True)
class Link(Command[None]):
    """A new symbolic link; what it points to need not be there."""

    path: str
    link_target: str

    @property
    def argv(self) -> list[str]:
        """`ln` refuses an existing path in the same step that makes the link."""
        return ["ln", "-sT", "--", self.link_target, self.path]

    def parse(self, result: Result) -> None:
        """Nothing to read."""
        check(self.path, result)


@dataclass(frozen=True, slots=True)
class ChangeMode(Command[None]):
    """Other permissions, of everything below as well where asked."""

    path: str
    mode: str
    recursive: bool = False

    @property
    def argv(self) -> list[str]:
        """`chmod`; links that it meets on its way down are left alone."""
        options = ["-R"] if self.recursive else []
        return ["sh", "-c", CHANGE, "sh", "chmod", *options, "--", self.mode, self.path]

    def parse(self, result: Result) -> None:
        """Nothing to read."""
        check(self.path, result)


@dataclass(frozen=True, slots=True)
class ChangeOwner(Command[None]):
    """Another owner, another group, or both."""

    path: str
    owner: str | None
    group: str | None
    recursive: bool = False

    @property
    def argv(self) -> list[str]:
        """`chown`, or `chgrp` where only the group changes; links met on the way down change themselves."""
        options = ["-R"] if self.recursive else []
        both = f"{self.owner}:{self.group}" if self.group is not None else self.owner
        words = ["chgrp", *options, "--", self.group] if self.owner is None else ["chown", *options, "--", both]
        return ["sh", "-c", CHANGE, "sh", *(word for word in words if word is not None), self.path]

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
    for argument, name in (("owner", owner), ("group", group)):
        if name is not None and not ACCOUNT_NAME.fullmatch(name):
            raise InvalidInput(f"{argument}: a name or a number, not {name[:20]!r}")
