"""Reads the settings and reports every fault at once."""

from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import SettingsError as EnvironmentFault

from firecrest_gql.settings.service import Settings


class SettingsError(Exception):
    """The settings do not hold; the message has one line for each fault, naming its key."""


def load_settings(path: Path) -> Settings:
    """The settings in this YAML file under the environment's; raises `SettingsError` with all faults."""
    content = _read(path)
    known = {key: value for key, value in content.items() if key in Settings.model_fields}
    faults = [f"{key}: there is no such key" for key in content if key not in known]
    try:
        settings = Settings(**known)
    except ValidationError as error:
        faults += [f"{'.'.join(map(str, fault['loc'])) or '(top)'}: {fault['msg']}" for fault in _causes(error)]
    except EnvironmentFault as error:
        faults.append(f"{error}: a list or block in the environment is JSON")
    if faults:
        raise SettingsError("\n  ".join([f"{path} and the environment have {len(faults)} fault(s):", *faults]))
    return settings


def _causes(error: ValidationError) -> list[ErrorDetails]:
    """The faults, without those that follow from others: a list whose items do not hold is counted as empty."""
    faults = error.errors()
    inner = {fault["loc"][:depth] for fault in faults for depth in range(len(fault["loc"]))}
    return [fault for fault in faults if fault["type"] != "too_short" or fault["loc"] not in inner]


def _read(path: Path) -> dict[Any, Any]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} is not YAML{_place(error)}") from None
    if not isinstance(content, dict):
        raise SettingsError(f"{path} must hold keys and values")
    return content


def _place(error: Exception) -> str:
    """Where alone: what the parser says more quotes the file, which holds secrets."""
    mark = error.problem_mark if isinstance(error, yaml.MarkedYAMLError) else None
    return f": line {mark.line + 1}, column {mark.column + 1}" if mark is not None else ""
