"""What the last runs did; it imports nothing of the engine, so that the answer is there at once."""

from typing import Any

from profiles_sync.control import history
from profiles_sync.errors import SettingsError
from profiles_sync.lake.opening import readable_lake_of
from profiles_sync.settings import Settings
from profiles_sync.warehouses import open_warehouse


def status_of(settings: Settings, sync: str | None = None) -> dict[str, Any]:
    """Per warehouse whether it is enabled, its last and next sync; the syncs, newest first."""
    done = history.syncs(readable_lake_of(settings))
    if sync is not None:
        done = [one for one in done if one.sync_id == sync]
        if not done:
            raise SettingsError(f"no sync {sync}; `profiles-sync status` lists the ids")
    shown = [one.shown() for one in done]
    return {
        "warehouses": {
            name: {
                "enabled": one.enabled,
                "last_sync": next((sync["start_time"] for sync in shown if sync["warehouse"] == name), None),
                "next_sync": history.next_sync() if one.enabled else None,
            }
            for name, one in settings.warehouses.items()
        },
        "syncs": shown,
    }


def warehouses_of(settings: Settings) -> list[dict[str, Any]]:
    """The warehouses in the order of the settings; connects to none."""
    known = status_of(settings)["warehouses"]
    return [
        {
            "name": name,
            "type": one.type,
            "place": open_warehouse(name, one, settings.schema_name).place,
            "enabled": one.enabled,
            "last_sync": known[name]["last_sync"],
        }
        for name, one in settings.warehouses.items()
    ]
