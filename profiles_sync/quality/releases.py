"""What an admin let go although checks held it back, in the control log."""

from collections.abc import Iterable

from profiles_sync.control.log import Log
from profiles_sync.lake.base import Lake

ABOUT, RELEASED = "quality", "released"


def release(log: Log, who: str, warehouse: str, tables: Iterable[str]) -> None:
    """Write it down.

    Raises:
        ChangedMeanwhile: Somebody else was first.
    """
    log.add(who, RELEASED, ABOUT, warehouse, {"tables": sorted(tables)})


def released(lake: Lake, warehouse: str, since: int) -> frozenset[str]:
    """The tables that were released for a warehouse since a time, in microseconds since 1970."""
    return frozenset(
        table
        for change in Log.read(lake).changes
        if (change.about, change.action, change.name) == (ABOUT, RELEASED, warehouse) and change.at >= since
        for table in change.details["tables"]
    )
