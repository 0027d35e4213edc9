"""The settings, validated once at start: a YAML file and `FIRECREST_…` environment variables over it."""

from firecrest_gql.settings.load import SettingsError, load_settings
from firecrest_gql.settings.service import (
    AuthoritySettings,
    IdentitySettings,
    LimitSettings,
    ServerSettings,
    Settings,
    WorkerSettings,
)
from firecrest_gql.settings.storage import StorageSettings
from firecrest_gql.settings.system import (
    DelegationMode,
    DelegationSettings,
    FileSystemSettings,
    LoginNode,
    QuotaFormat,
    QuotaSettings,
    SchedulerSettings,
    SystemLimits,
    SystemSettings,
)
from firecrest_gql.settings.transfers import TransferQueueSettings, TransferSettings

__all__ = [
    "AuthoritySettings",
    "DelegationMode",
    "DelegationSettings",
    "FileSystemSettings",
    "IdentitySettings",
    "LimitSettings",
    "LoginNode",
    "QuotaFormat",
    "QuotaSettings",
    "SchedulerSettings",
    "ServerSettings",
    "Settings",
    "SettingsError",
    "StorageSettings",
    "SystemLimits",
    "SystemSettings",
    "TransferQueueSettings",
    "TransferSettings",
    "WorkerSettings",
    "load_settings",
]
