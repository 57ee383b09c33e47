"""The settings: one YAML file per space and environment variables, read into one frozen object.

`PROFILES_SYNC_` and the key, levels joined by `__`, sets the same key from the environment:
`PROFILES_SYNC_WAREHOUSES__PG__PASSWORD`. The environment wins over the file.
"""

from profiles_sync.settings.effective import MASK, masked, origins
from profiles_sync.settings.environment import unknown_variables
from profiles_sync.settings.loading import declared, load
from profiles_sync.settings.models import (
    ENV_PREFIX,
    CatalogSettings,
    EngineSettings,
    IdentitySettings,
    RetrySettings,
    Role,
    RuleSettings,
    Settings,
)
from profiles_sync.settings.spaces import Declared, spaces_of

__all__ = [
    "ENV_PREFIX",
    "MASK",
    "CatalogSettings",
    "Declared",
    "EngineSettings",
    "IdentitySettings",
    "RetrySettings",
    "Role",
    "RuleSettings",
    "Settings",
    "declared",
    "load",
    "masked",
    "origins",
    "spaces_of",
    "unknown_variables",
]
