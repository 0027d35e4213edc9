"""Two systems of the demo, and what a user copies from the one to the other."""

import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.files import names, path_of
from tests.transfers import home_of

COPY = "startCopy"
WAYS = ["local to slurm", "slurm to local"]


@dataclass(frozen=True, slots=True)
class Road:
    """Two systems, and a directory of the user's on each."""

    source: str
    target: str
    here: Path
    there: Path

    def asked(self, name: str, to: str | None = None, **given: Any) -> dict[str, Any]:
        """The input of a copy of what has this name."""
        return {
            "system": self.source,
            "targetSystem": self.target,
            "path": path_of(self.here / name),
            "target": path_of(self.there / (to or name)),
            **given,
        }


@pytest.fixture(params=WAYS)
async def road(request: pytest.FixtureRequest, demo: dict[str, Any]) -> AsyncIterator[Road]:
    """From either system to the other; nothing temporary may be left."""
    source, _, target = request.param.partition(" to ")
    made = []
    for name in (source, target):
        home = home_of(demo, name)
        made.append(home / f"between-{uuid4().hex}")
        made[-1].mkdir()
        shutil.chown(made[-1], home.owner(), home.group())
    yield Road(source, target, *made)
    for each in made:
        assert names(each, "**/.firecrest.*") == []
        shutil.rmtree(each)
