"""Reads the settings and reports every fault at once."""

from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from firecrest_gql.settings.service import Settings


class SettingsError(Exception):
    """The settings do not hold; the message has one line for each fault, naming its key."""


def load_settings(path: Path) -> Settings:
    """The settings in this YAML file under the environment's; raises `SettingsError` with all faults."""
    try:
        return Settings(**_read(path))
    except ValidationError as error:
        faults = [
            f"  {'.'.join(str(part) for part in fault['loc']) or '(top)'}: {fault['msg']}" for fault in error.errors()
        ]
        raise SettingsError("\n".join([f"{path} and the environment have {len(faults)} fault(s):", *faults])) from None


def _read(path: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} is not YAML: {error}") from None
    if not isinstance(content, dict):
        raise SettingsError(f"{path} must hold keys and values")
    if unknown := sorted(set(content) - set(Settings.model_fields)):
        raise SettingsError(f"{path} has unknown keys: {', '.join(map(str, unknown))}")
    return content
