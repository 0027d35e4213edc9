"""Somebody who asks for thousands of presigned URLs in one request, beside everybody else."""

import asyncio

from firecrest_gql.settings import StorageSettings
from firecrest_gql.storage import ObjectStore

SETTINGS = StorageSettings.model_validate(
    {"endpoint_url": "http://127.0.0.1:1", "bucket": "staging", "access_key_id": "k", "secret_access_key": "unused"}
)
URLS = 200


async def test_others_get_their_turn_between_any_two_urls_that_are_signed() -> None:
    async with ObjectStore.open(SETTINGS) as store:
        await store.sign_get("first")
        signing = [asyncio.create_task(store.sign_get(str(number))) for number in range(URLS)]
        turns = 0
        while not all(each.done() for each in signing):
            await asyncio.sleep(0)
            turns += 1
        assert len({each.result() for each in signing}) == URLS
    assert turns >= URLS
