"""Identity rules of one space, copied into the settings file of another.

A new space may take its rules from one that exists: external ID types, priorities, limits and blocked values are
copied, and each goes its own way from there. Source: Segment, "Identity Resolution Onboarding".
"""

import shutil
from pathlib import Path
from typing import Any

import yaml

from profiles_sync.errors import SettingsError
from profiles_sync.settings.file import written
from profiles_sync.settings.loading import load

_NO_RULES = {"path", "distributed_above"}  # where identities are worked out


def import_rules(source: Path, target: Path) -> dict[str, Any]:
    """Write the source's identity rules below those settings that the target's file has; returns them.

    Raises:
        SettingsError: The target has identity rules, the source has none, or one of the two is wrong.
    """
    if "identity" in written(target):
        raise SettingsError(f"settings {target}: identity: stands there already; take it out to import rules instead")
    rules = load(source).identity.model_dump(mode="json", exclude_unset=True, exclude=_NO_RULES)
    if not rules:
        raise SettingsError(f"settings {source}: has no identity rules but the defaults, which every space has")
    _append(target, yaml.safe_dump({"identity": rules}, sort_keys=False, allow_unicode=True))
    return rules


def _append(path: Path, block: str) -> None:
    """At the end, so that comments stay. The file is replaced only by one that can be read."""
    new = path.with_name(f".{path.name}.new")
    try:
        shutil.copy(path, new)  # with its mode: there may be a secret in it
        with new.open("a", encoding="utf-8") as out:
            out.write(f"\n{block}")
        load(new)
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)
