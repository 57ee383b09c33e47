"""What an operator does with a warehouse that is there: enable, disable, delete. Nothing here connects to one.

Source: Segment, "Profiles Sync Setup", sections "Settings and maintenance" and "Disable or delete a warehouse".
"""

from collections.abc import Mapping
from typing import Any

from profiles_sync.control import alerts, backfills, vault
from profiles_sync.control.alerts import Event
from profiles_sync.control.backfills import Backfill, Step
from profiles_sync.control.linked import kept_as
from profiles_sync.control.log import Log
from profiles_sync.control.policy import Right, ask
from profiles_sync.control.warehouses import ABOUT, Managed, Status, known
from profiles_sync.lake.base import Lake
from profiles_sync.lake.opening import lake_of
from profiles_sync.settings import Settings
from profiles_sync.settings.alerts import Occasion

_TOLD = {
    Status.CREATED: Occasion.WAREHOUSE_CREATED,
    Status.ENABLED: Occasion.WAREHOUSE_MODIFIED,
    Status.DISABLED: Occasion.WAREHOUSE_DISABLED,
    Status.DELETED: Occasion.WAREHOUSE_DELETED,
}


def enable(settings: Settings, name: str, who: str | None = None) -> Managed:
    """Let a warehouse be synced from the next run on: one that was requested, or one that was disabled.

    Raises:
        Denied: That takes an Admin.
        ChangeRefused: It was not tested and requested.
        ChangedMeanwhile: Somebody else was first.
    """
    return _switch(settings, name, Status.ENABLED, "enable", who)


def disable(settings: Settings, name: str, who: str | None = None) -> Managed:
    """Sync a warehouse no more; its credentials are kept. A sync that is under way still ends."""
    return _switch(settings, name, Status.DISABLED, "disable", who)


def delete(settings: Settings, name: str, who: str | None = None) -> Managed:
    """Forget a warehouse and its credentials; what was synced stays there. One that is enabled is refused.

    The Data Graph's connection to it goes as well.

    A deletion that broke off before the credentials were gone is done again, as often as one likes.
    """
    lake = lake_of(settings)
    who = ask(settings, lake, Right.CHANGE, f"warehouse delete {name}", who)
    log = Log.read(lake)
    one = known(settings, log, name)
    kept, waiting = vault.files_of(lake, name, kept_as(name)), _open_backfills(lake, name)
    if one.status is not Status.DELETED:
        one = changed(settings, log, one, Status.DELETED, who)[1]
    elif kept:  # of a deletion, or of an addition, that broke off; whoever is adding it at this moment is refused
        log.add(who, Status.DELETED, ABOUT, name, {"in_file": one.in_file})
    vault.erase(lake, kept)
    for backfill in waiting:
        backfills.note(lake, backfill, Step.CANCELLED)
    return one


def _open_backfills(lake: Lake, name: str) -> list[Backfill]:
    """Those that nobody will go on with once the warehouse is deleted."""
    return [one for one in backfills.backfills(lake) if one.warehouse == name and one.is_open]


def changed(
    settings: Settings, log: Log, one: Managed, status: Status, who: str, details: Mapping[str, Any] | None = None
) -> tuple[Log, Managed]:
    """A warehouse and the log after a change of its status, where that fits."""
    one.may_become(status)
    log = log.add(who, status, ABOUT, one.name, {"in_file": one.in_file, **(details or {})})
    if status in _TOLD:
        alerts.warn(settings, [Event(_TOLD[status], f"by {who}", one.name)])
    return log, known(settings, log, one.name)


def _switch(settings: Settings, name: str, status: Status, command: str, who: str | None) -> Managed:
    lake = lake_of(settings)
    who = ask(settings, lake, Right.CHANGE, f"warehouse {command} {name}", who)
    log = Log.read(lake)
    return changed(settings, log, known(settings, log, name), status, who)[1]
