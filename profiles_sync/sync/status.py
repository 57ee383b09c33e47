"""What the last runs did; it imports nothing of the engine, so that the answer is there at once.

From a notebook: `status_of(load(Path("acme.yml")))` gives plain data, `syncs_of(…)` the Syncs table as Arrow.
"""

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from profiles_sync.control import history, schedule, skipped
from profiles_sync.control.backfills import read, shown_not_begun
from profiles_sync.control.credentials import KEPT, is_kept
from profiles_sync.control.history import Sync
from profiles_sync.control.log import Log
from profiles_sync.control.policy import Right, ask
from profiles_sync.control.warehouses import Managed, known, managed
from profiles_sync.errors import SettingsError
from profiles_sync.lake.base import Lake
from profiles_sync.lake.opening import readable_lake_of
from profiles_sync.settings import Settings, masked

#: Of a warehouse's settings; its status and its selection say what they have become.
_NO_CONNECTION = {"enabled", "selective"}


def status_of(settings: Settings, sync: str | None = None, who: str | None = None) -> dict[str, Any]:
    """Per warehouse where it stands, its last and next sync; the syncs and what was skipped, newest first, or one sync.

    Raises:
        SettingsError: There is no sync of that id.
        Denied: That takes a role.
    """
    lake = readable_lake_of(settings)
    ask(settings, lake, Right.SEE, "status", who)
    done = history.syncs(lake)
    chosen = [one for one in done if sync in (None, one.sync_id)]
    if sync is not None and not chosen:
        raise SettingsError(f"no sync {sync}; `profiles-sync status` lists the ids")
    overview = overview_of(settings, lake, done)
    left_out = [] if sync else [one.shown() for one in skipped.skipped(lake)]
    found = {"warehouses": overview, "syncs": [one.shown() for one in chosen]}
    return found | ({"skipped": left_out} if left_out else {})


def overview_of(settings: Settings, lake: Lake, done: Sequence[Sync]) -> dict[str, dict[str, Any]]:
    """Per warehouse where it stands, its last and next sync, and its last backfill; `done` are the syncs, newest first.

    Who asks has been asked whether they may see it.
    """
    due, every = schedule.next_sync(settings, lake), schedule.frequency(settings, lake)
    overview = {name: _overview(one, done, due, every) for name, one in managed(settings, Log.read(lake)).items()}
    told = read(lake)
    for backfill in told.backfills:  # the last one of a warehouse is shown
        if backfill.warehouse in overview:
            overview[backfill.warehouse]["backfill"] = backfill.shown()
    for name, (_, why) in told.not_begun.items():
        if name in overview:
            overview[name]["backfill"] = shown_not_begun(why)
    return overview


def syncs_of(settings: Settings, who: str | None = None) -> pa.Table:
    """The Syncs table: a row for each sync of a warehouse, newest first, with its rows by table group."""
    lake = readable_lake_of(settings)
    ask(settings, lake, Right.SEE, "status", who)
    return history.table_of(history.syncs(lake))


def warehouses_of(settings: Settings, who: str | None = None) -> list[dict[str, Any]]:
    """The warehouses in the order of the settings, then those that were added; connects to none."""
    lake = readable_lake_of(settings)
    ask(settings, lake, Right.SEE, "warehouse list", who)
    done = history.syncs(lake)
    return [
        {
            "name": name,
            "type": one.settings and one.settings.type,
            "place": one.settings and one.opened(settings.schema_name).place,
            "enabled": one.is_enabled,
            "status": str(one.status),
            "last_sync": (last := history.last_of(name, done)) and history.time_of(last.started_at),
        }
        for name, one in managed(settings, Log.read(lake)).items()
    ]


def connection_of(settings: Settings, name: str, who: str | None = None) -> dict[str, Any]:
    """Connection settings: the fields of a warehouse, secrets masked, and the addresses that it has to let in.

    Raises:
        SettingsError: There is no warehouse of that name.
    """
    lake = readable_lake_of(settings)
    ask(settings, lake, Right.SEE, f"warehouse show {name}", who)
    one = known(settings, Log.read(lake), name)
    fields = masked(one.settings.model_dump(by_alias=True, exclude=_NO_CONNECTION)) if one.settings else {}
    places = {field: KEPT if is_kept(where) else where for field, where in one.secrets.items()}
    shown = {"warehouse": name, "status": str(one.status), "connection": fields | places}
    return shown | {"egress_addresses": settings.egress_addresses}


def changes_of(settings: Settings, who: str | None = None) -> list[dict[str, Any]]:
    """The audit trail: who changed what, newest first."""
    lake = readable_lake_of(settings)
    ask(settings, lake, Right.SEE, "audit", who)
    return [change.shown() for change in reversed(Log.read(lake).changes)]


def _overview(one: Managed, done: Sequence[Sync], due: str | None, every: float | None) -> dict[str, Any]:
    last = history.last_of(one.name, done)
    return {
        "enabled": one.is_enabled,
        "status": str(one.status),
        "last_sync": last and history.time_of(last.started_at),
        "last_status": last and last.status,
        "next_sync": due if one.is_enabled else None,
        "frequency": every and f"every {every:g} minutes",
        "backfill": None,
    }
