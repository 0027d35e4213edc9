"""An event that many subscriptions are told alike is executed once; nothing is shared with another user."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, cast

import pytest
import strawberry

from firecrest_gql.model.identity import Principal, Token
from resolvers.context import Context, Services
from schema import events
from schema.events import EventData, sharing_executor

BY_NUMBER = "subscription($n: Int = 1) { told(first: $n) { number who } }"
FAILS = "subscription { told { number fails } }"
WAITS = "subscription { told { number waits } }"
USER = Principal("s1", "alice", frozenset({"openid"}), datetime(2027, 1, 1, tzinfo=UTC), Token("t"))
OTHER = replace(USER, subject="s2", username="bob")


@dataclass(frozen=True)
class Change:
    """What happened."""

    number: int


class Counted:
    """A schema whose fields count how often they are asked."""

    def __init__(self) -> None:
        self.asked = 0
        told = self

        @strawberry.type
        class Answer:
            @strawberry.field
            def number(self, info: strawberry.Info) -> int:
                told.asked += 1
                return cast("Change", self).number

            @strawberry.field
            def who(self, info: strawberry.Info) -> str:
                return str(info.context.principal.username)

            @strawberry.field
            def fails(self) -> str | None:
                raise ValueError("not today")

            @strawberry.field
            async def waits(self, info: strawberry.Info) -> str:
                await asyncio.sleep(0)
                return str(info.context.request_id)

        @strawberry.type
        class Subscription:
            @strawberry.subscription(graphql_type=Answer)  # type: ignore[untyped-decorator]
            async def told(self, first: int = 1) -> AsyncIterator[Any]:
                for number in range(first, first + 2):
                    yield Change(number)

        self.schema = strawberry.Schema(
            query=Answer, subscription=Subscription, execution_context_class=sharing_executor()
        )

    async def events(self, document: str, of: Principal = USER, origin: str = "http://here", **values: Any) -> Any:
        """What one subscription is told."""
        context = Context(of, "request", cast("Services", None), origin=origin)
        return [event async for event in await self.schema.subscribe(document, values, context)]

    async def datas(self, document: str, of: Principal = USER, **more: Any) -> list[Any]:
        """The same, the data alone."""
        return [event.data["told"] for event in await self.events(document, of, **more)]


async def test_a_hundred_subscriptions_of_one_user_have_each_event_executed_once() -> None:
    counted = Counted()
    told = await asyncio.gather(*(counted.events(BY_NUMBER) for _ in range(100)))
    assert [event.data["told"]["number"] for event in told[99]] == [1, 2]
    assert counted.asked == 2
    assert len({id(each[0].data) for each in told}) == 1
    assert told[0][0].data.text == '{"told":{"number":1,"who":"alice"}}'


@pytest.mark.parametrize(
    "other", [OTHER, replace(USER, username="bob"), replace(USER, subject="s2"), replace(USER, scopes=frozenset())]
)
async def test_nothing_is_shared_with_another_user_or_other_scopes(other: Principal) -> None:
    counted = Counted()
    mine, theirs = await counted.datas(BY_NUMBER), await counted.datas(BY_NUMBER, other)
    assert counted.asked == 4
    assert ({each["who"] for each in mine}, {each["who"] for each in theirs}) == ({"alice"}, {other.username})


async def test_a_new_token_of_the_same_user_shares() -> None:
    counted = Counted()
    await counted.datas(BY_NUMBER)
    await counted.datas(BY_NUMBER, replace(USER, token=Token("newer")))
    assert counted.asked == 2


async def test_another_document_address_or_variable_is_another_answer() -> None:
    counted = Counted()
    await counted.datas(BY_NUMBER)
    assert await counted.datas(BY_NUMBER.replace("number who", "n: number")) == [{"n": 1}, {"n": 2}]
    await counted.datas(BY_NUMBER, origin="http://there")
    assert [each["number"] for each in await counted.datas(BY_NUMBER, n=2)] == [2, 3]
    assert counted.asked == 8


async def test_what_failed_or_had_to_wait_is_asked_again_for_each() -> None:
    counted = Counted()
    for document in (FAILS, WAITS):
        counted.asked = 0
        first, second = await counted.events(document), await counted.events(document)
        assert counted.asked == 4
        assert not any(isinstance(event.data, EventData) for event in (*first, *second))
        assert all(bool(event.errors) is (document == FAILS) for event in (*first, *second))


async def test_as_many_answers_are_kept_as_the_bound_says(monkeypatch: pytest.MonkeyPatch) -> None:
    counted = Counted()
    monkeypatch.setattr(events, "MAX_KEPT", 1)
    for _ in range(2):
        await counted.datas(BY_NUMBER)
    assert counted.asked == 4
    monkeypatch.setattr(events, "MAX_SIZE", 1)
    assert len(await counted.datas(BY_NUMBER)) == 2
