"""Every check has one body and two sizes: a bounded one for every run, and the full one of `make test-full`."""

import os

from hypothesis import HealthCheck, settings

FULL = os.environ.get("FIRECREST_TEST_SIZE") == "full"

settings.register_profile("ci", deadline=None, max_examples=25, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("full", settings.get_profile("ci"), max_examples=500)
settings.load_profile("full" if FULL else "ci")


def size(bounded: int, full: int) -> int:
    """How many, in this run."""
    return full if FULL else bounded
