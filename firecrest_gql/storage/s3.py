"""Any S3 store, by aioboto3."""

import aioboto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from firecrest_gql.errors import StorageUnavailable
from firecrest_gql.settings import StorageSettings

CONFIG = Config(connect_timeout=5, read_timeout=10, retries={"max_attempts": 1}, s3={"addressing_style": "path"})


class ObjectStore:
    """The staging bucket."""

    def __init__(self, settings: StorageSettings) -> None:
        self._settings = settings
        self._session = aioboto3.Session(
            aws_access_key_id=settings.access_key_id.get_secret_value(),
            aws_secret_access_key=settings.secret_access_key.get_secret_value(),
            region_name=settings.region,
        )

    async def check(self) -> None:
        """Ask for the bucket; raises `StorageUnavailable`."""
        try:
            async with self._session.client("s3", endpoint_url=self._settings.endpoint_url, config=CONFIG) as client:
                await client.head_bucket(Bucket=self._settings.bucket)
        except (BotoCoreError, ClientError) as error:
            raise StorageUnavailable(f"the object store does not answer: {type(error).__name__}") from None
