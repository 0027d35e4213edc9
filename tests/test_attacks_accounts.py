"""What the ordinary users of a demo's real system can see of each other."""

import subprocess
from collections.abc import Iterator

import pytest

from firecrest_gql.demo.openssh import ensure_account

pytestmark = [pytest.mark.openssh]

NAME = "fireprivate"


@pytest.fixture
def removed() -> Iterator[None]:
    """The account that a test makes is gone afterwards."""
    yield
    subprocess.run(["/usr/sbin/userdel", "--remove", NAME], check=True, capture_output=True)


@pytest.mark.usefixtures("removed")
async def test_the_home_of_a_new_account_is_closed_to_others() -> None:
    home = await ensure_account(NAME)
    assert home.stat().st_mode & 0o777 == 0o700
