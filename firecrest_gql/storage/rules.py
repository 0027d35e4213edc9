"""The bucket's own rules: what is staged expires there by itself, and browsers may read the `ETag` of a part.

Rules of others in the same bucket stay as they are. See S3's PutBucketLifecycleConfiguration and PutBucketCors.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from firecrest_gql.settings import StorageSettings

OURS = "firecrest-gql"
DAY = 86_400  # seconds; the unit of lifecycle rules
ACTIVE_DAYS = 30  # for which a client may go on sending parts

Rule = Mapping[str, Any]


def lifecycle_rule(settings: StorageSettings) -> Rule:
    """Ends what is left over a day after we should have removed it ourselves.

    Of an upload it knows no more than when it began: those that go on are not to be ended.
    """
    days = settings.retention_seconds // DAY + 2
    return {
        "ID": f"{OURS}-{settings.prefix}".replace("/", "-"),
        "Status": "Enabled",
        "Filter": {"Prefix": f"{settings.prefix}/"},
        "Expiration": {"Days": days},
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": days + ACTIVE_DAYS},
    }


def cors_rule(settings: StorageSettings) -> Rule:
    """What a page needs to send parts and to fetch results."""
    return {
        "AllowedOrigins": list(settings.allowed_origins),
        "AllowedMethods": ["GET", "HEAD", "PUT"],
        "AllowedHeaders": ["*"],
        "ExposeHeaders": ["ETag"],
        "MaxAgeSeconds": 3600,
    }


def has_rule(rules: Sequence[Rule], rule: Rule) -> bool:
    """Whether one of them says all that ours says."""
    return any(all(_plain(each.get(name)) == _plain(value) for name, value in rule.items()) for each in rules)


def without_ours(rules: Sequence[Rule], rule: Rule) -> list[Rule]:
    """The rules of others: one with our name, or that differs from ours in its origins only, gives way."""
    return [each for each in rules if _identity(each) != _identity(rule)]


def _identity(rule: Rule) -> Any:
    return rule.get("ID") or {name: _plain(value) for name, value in rule.items() if name != "AllowedOrigins"}


def _plain(value: Any) -> Any:
    return sorted(value) if isinstance(value, list | tuple) else value
