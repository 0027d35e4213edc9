"""A real S3 store of the tests' own, which knows nothing but its bucket."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from pydantic import SecretStr

from firecrest_gql.demo.object_store import make_object_store
from firecrest_gql.demo.process import running
from firecrest_gql.settings import StorageSettings


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def object_store(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[StorageSettings]:
    """A running store's block of the settings."""
    made = make_object_store(tmp_path_factory.mktemp("store"))
    async with running(made.process):
        yield StorageSettings(
            endpoint_url=made.endpoint_url,
            bucket=made.bucket,
            region=made.region,
            access_key_id=SecretStr(made.access_key),
            secret_access_key=SecretStr(made.secret_key),
        )
