"""Sees to it that the bucket has our rules, where the store has any and we may set them."""

from typing import Any, Final

from botocore.exceptions import ClientError

from firecrest_gql.errors import StorageUnavailable
from firecrest_gql.settings import StorageSettings
from firecrest_gql.storage.rules import Rule, cors_rule, has_rule, lifecycle_rule, without_ours

NO_RULES: Final = ("NoSuchLifecycleConfiguration", "NoSuchCORSConfiguration")
NOT_IMPLEMENTED: Final = ("NotImplemented", "501")
UNRULED: Final = "the store lets no bucket have such rules, so that its operator must see to what they do"


async def ruled(client: Any, settings: StorageSettings) -> str | None:
    """Leave the bucket with our rules among its own; what its operator must see to, if anything."""
    rules = (
        ("lifecycle_configuration", "Lifecycle", "Rules", lifecycle_rule(settings)),
        ("cors", "CORS", "CORSRules", cors_rule(settings)),
    )
    unknown = [each[1] for each in rules if not await _known(_see_to(client, settings, *each))]
    return f"{UNRULED}: {', '.join(unknown)}" if unknown else None


async def _see_to(client: Any, settings: StorageSettings, kind: str, name: str, field_name: str, rule: Rule) -> None:
    bucket = {"Bucket": settings.bucket}
    rules = await _rules(getattr(client, f"get_bucket_{kind}")(**bucket), field_name)
    if has_rule(rules, rule):
        return
    if not settings.set_rules:
        raise StorageUnavailable(f"the bucket lacks our {name} rule, and storage.set_rules is off: {dict(rule)}")
    changed = {f"{name}Configuration": {field_name: [*without_ours(rules, rule), rule]}}
    await getattr(client, f"put_bucket_{kind}")(**bucket, **changed)


async def _rules(asking: Any, field_name: str) -> list[Rule]:
    try:
        return list((await asking)[field_name])
    except ClientError as error:
        if _code(error) in NO_RULES:
            return []
        raise


async def _known(seeing_to: Any) -> bool:
    """Whether the store has rules of this kind at all."""
    try:
        await seeing_to
    except ClientError as error:
        if _code(error) in NOT_IMPLEMENTED:
            return False
        raise
    return True


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))
