"""The embedded system's users, and the uid that they share."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Account:
    """A user of the embedded system: a name and a home; the uid is everybody's."""

    name: str
    home: Path

    @property
    def environment(self) -> Mapping[str, str]:
        """What sshd sets for a login, and no more."""
        return {
            "HOME": str(self.home),
            "USER": self.name,
            "LOGNAME": self.name,
            "SHELL": "/bin/sh",
            "PATH": "/usr/local/bin:/usr/bin:/bin",
        }
