"""Several streams as one: what fails is waited for or left out, as long as another one is there."""

from collections.abc import AsyncIterator

import pytest

from firecrest_gql.errors import FirecrestError, Forbidden, SystemUnavailable
from resolvers import merge
from resolvers.merge import Begin, merged

DOWN, FORBIDDEN = SystemUnavailable("down"), Forbidden("not you")


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(merge, "FIRST_PAUSE", 0.01)


def tells(*attempts: list[str | FirecrestError]) -> Begin[str]:
    """A stream that tells, or raises, these at each attempt; then it ends."""
    left = [*attempts]

    async def begin(again: bool) -> AsyncIterator[str]:
        assert again == (len(left) < len(attempts))
        for item in left.pop(0):
            if isinstance(item, FirecrestError):
                raise item
            yield item

    return begin


async def told(*streams: Begin[str]) -> list[str]:
    return sorted([item async for item in merged(streams)])


async def test_each_streams_items_come_and_all_end() -> None:
    assert await told(tells(["a", "b"]), tells(["c"]), tells([])) == ["a", "b", "c"]


async def test_a_stream_that_fails_is_begun_again_and_the_others_go_on() -> None:
    assert await told(tells([DOWN], [DOWN], ["a", DOWN], ["b"]), tells(["c"])) == ["a", "b", "c"]


async def test_a_stream_against_whose_failure_no_retry_helps_is_left_out() -> None:
    assert await told(tells([FORBIDDEN]), tells([DOWN], ["b"]), tells(["c"])) == ["b", "c"]


@pytest.mark.parametrize(
    ("attempts", "raised"),
    [
        (([DOWN], [DOWN]), DOWN),
        (([FORBIDDEN], [DOWN]), DOWN),
        (([FORBIDDEN], [FORBIDDEN]), FORBIDDEN),
        (([FORBIDDEN], ["a", FORBIDDEN]), FORBIDDEN),
    ],
)
async def test_it_fails_where_no_stream_is_left(
    attempts: tuple[list[str | FirecrestError], ...], raised: FirecrestError
) -> None:
    with pytest.raises(type(raised)):
        await told(*map(tells, attempts))


async def test_what_is_no_error_of_ours_is_raised_at_once() -> None:
    async def broken(again: bool) -> AsyncIterator[str]:
        yield "a"
        raise RuntimeError("a defect")

    with pytest.raises(RuntimeError):
        await told(broken, tells(["b"]))
