"""What every test shares."""

import pytest

from tests.parts import PROGRAMS, require
from tests.sizes import size as size  # loads Hypothesis's profile

pytest_plugins = [
    "tests.redis",
    "tests.files",
    "tests.jobs_system",
    "tests.object_store",
    "tests.provider",
    "tests.service",
    "tests.slurm",
    "tests.transfers",
    "tests.between",
    "tests.staging_bench",
    "tests.workstation",
]


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip, or fail, a marked test whose real part this machine lacks."""
    for mark in item.iter_markers():
        if mark.name in PROGRAMS:
            require(mark.name)
