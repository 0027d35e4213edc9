"""The block of the settings that names the object store."""

from pydantic import Field, SecretStr

from firecrest_gql.settings.block import Block

LARGEST_OBJECT = 5 * 2**40  # bytes; like the other bounds: S3's "Multipart upload limits"
SMALLEST_PART, LARGEST_PART = 5 * 2**20, 5 * 2**30  # bytes; the last part may be smaller
MOST_PARTS = 10_000
LONGEST_URL = 7 * 86_400  # seconds, of Signature Version 4


class StorageSettings(Block):
    """The S3 store that stages transfers."""

    endpoint_url: str = Field(description="The store's address as this service sees it")
    public_url: str | None = Field(None, description="Its address as clients see it; None: endpoint_url")
    bucket: str = Field(pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")
    prefix: str = Field(
        "firecrest", pattern=r"^[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*$", description="What our keys begin with"
    )
    region: str = "us-east-1"
    access_key_id: SecretStr
    secret_access_key: SecretStr
    url_seconds: int = Field(3600, ge=10, le=LONGEST_URL, description="How long a presigned URL is good")
    retention_seconds: int = Field(
        7 * 86_400, ge=60, description="How long staged files, and uploads that nobody completes, are kept"
    )
    max_upload_size: int = Field(LARGEST_OBJECT, ge=1, le=LARGEST_OBJECT, description="Bytes of one staged file")
    part_size: int = Field(
        16 * 2**20, ge=SMALLEST_PART, le=LARGEST_PART, description="Bytes of a part; more for a large file"
    )
    allowed_origins: tuple[str, ...] = Field(("*",), description="Origins whose pages may use presigned URLs")
    set_rules: bool = Field(True, description="Set the bucket's lifecycle and CORS rules, or else only check them")
