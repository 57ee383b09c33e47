"""Let rows go that checks held back: now, as the lake has them, and these tables alone."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from profiles_sync.control import alerts, history
from profiles_sync.control.alerts import Event
from profiles_sync.control.lock import only_run
from profiles_sync.control.log import Log
from profiles_sync.control.policy import Right, ask
from profiles_sync.control.selecting import selections
from profiles_sync.control.warehouses import known
from profiles_sync.errors import ChangeRefused
from profiles_sync.lake.opening import lake_of
from profiles_sync.quality import records, releases
from profiles_sync.settings import Settings
from profiles_sync.settings.alerts import Occasion
from profiles_sync.sync.checking import gate_of
from profiles_sync.sync.connected import connect
from profiles_sync.sync.hourly import sync_of
from profiles_sync.sync.results import WarehouseResult
from profiles_sync.sync.warehouses import bounds_of, synced

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def release(
    settings: Settings,
    name: str,
    tables: Sequence[str] = (),
    spark: "Callable[[], SparkSession] | None" = None,
    say: Callable[[str], None] = lambda step: None,
    who: str | None = None,
) -> WarehouseResult:
    """Sync tables of a warehouse whatever their checks say: those that are held back, or some of them.

    It is a sync of its own, so nothing that arrives later goes with it unseen. Rows of a backfill go with the next run.

    Raises:
        Denied: That takes an Admin.
        ChangeRefused: The warehouse is not enabled, or has no such table that is held back.
        LakeBusy: A run is under way.
    """
    lake, started = lake_of(settings, spark), time.time_ns() // 1000
    who = ask(settings, lake, Right.CHANGE, f"quality release {name}", who)
    log = Log.read(lake)
    one, held = known(settings, log, name), [held.table for held in records.held(lake) if held.warehouse == name]
    chosen = list(tables or held)
    if not one.is_enabled:
        raise ChangeRefused(f"warehouse {name} is {one.status}; enable it first")
    if other := [table for table in chosen if table not in held] or ([] if chosen else ["table"]):
        raise ChangeRefused(f"warehouse {name}: no {other[0]} is held back; held back: {', '.join(held) or 'none'}")
    with only_run(lake) as mine:
        releases.release(log, who, name, chosen)
        alerts.warn(settings, [Event(Occasion.WAREHOUSE_MODIFIED, f"{', '.join(chosen)} released, by {who}", name)])
        bounds = bounds_of(settings, connect(mine, [one])[name], selections(settings, mine)[name])
        bounds = replace(bounds, gate=gate_of(settings, mine, name, chosen), only=chosen)
        result = synced(
            settings,
            mine,
            spark,
            one,
            history.schemas(mine),
            bounds,
            str(started),
            lambda table: say(f"syncing {table} to {name}"),
        )
        history.record(mine, [sync_of(result, str(started))])
        records.add(mine, str(started), name, result.checked)
        return result
