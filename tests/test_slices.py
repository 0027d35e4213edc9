"""Long lists leave the event loop to others on their way."""

import asyncio
from collections.abc import AsyncIterator

import strawberry

from resolvers.slices import SLICE, in_slices
from schema.fields import field


@strawberry.type
class Query:
    """A list of numbers."""

    @field(list[int])
    def numbers(self) -> AsyncIterator[int]:
        """Each once, in order."""
        return in_slices(range(10 * SLICE))


async def test_a_long_list_is_answered_whole_and_in_order_while_others_have_their_turns() -> None:
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    others = asyncio.create_task(other())
    said = await strawberry.Schema(Query).execute("{ numbers }")
    others.cancel()
    assert said.data == {"numbers": list(range(10 * SLICE))}
    assert turns >= 10
