"""Every enabled warehouse up to the lake, beside each other; one that fails, or hangs, holds up no other."""

import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from threading import Lock
from typing import TYPE_CHECKING

from profiles_sync.control import credentials, history
from profiles_sync.control.connections import Connection
from profiles_sync.control.selecting import Selected, selections
from profiles_sync.control.warehouses import Managed, enabled
from profiles_sync.errors import ProfilesSyncError, WarehouseUnreachable
from profiles_sync.lake.base import Lake
from profiles_sync.session import in_threads
from profiles_sync.settings import Settings
from profiles_sync.sync import lanes
from profiles_sync.sync.checking import quality_of
from profiles_sync.sync.lanes import Lane
from profiles_sync.sync.results import WarehouseResult
from profiles_sync.sync.retrying import sync_patiently
from profiles_sync.sync.run import Bounds
from profiles_sync.sync.schemas import PROBLEM, refused
from profiles_sync.watching import steps
from profiles_sync.watching.here import at
from profiles_sync.watching.steps import step

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def sync_warehouses(
    settings: Settings,
    lake: Lake,
    spark: "Callable[[], SparkSession]",
    connections: Mapping[str, Connection],
    sync_id: str,
    say: Callable[[str], None],
) -> Iterator[WarehouseResult]:
    """What came of each, as soon as that is there.

    A warehouse that was enabled after the run connected those that it found is left to the next one.
    """
    schemas, chosen, shown = history.schemas(lake), selections(settings, lake), _Shown(say)
    there, tasks, began, spark = {}, {}, time.time_ns() // 1000, in_threads(spark)
    quality = quality_of(settings, lake)
    for one in enabled(settings, lake):
        if one.name in connections:
            bounds = bounds_of(settings, connections[one.name], chosen[one.name])
            bounds = replace(bounds, gate=quality.gate(one.name) if quality else None)
            there[one.name] = one
            tasks[one.name] = _task(settings, lake, spark, one, schemas, bounds, sync_id, shown)
    engine, beside = settings.engine, lanes.lanes_of(tasks, lambda name: there[name].held_alone)
    for name, result in lanes.done(beside, engine.warehouses_at_once, engine.silent_minutes * 60):
        shown.is_done(name)
        yield result or _silent(settings, there[name], began)


_Task = Callable[[Lane[WarehouseResult]], WarehouseResult]


def _task(
    settings: Settings,
    lake: Lake,
    spark: "Callable[[], SparkSession]",
    one: Managed,
    schemas: Mapping[str, str],
    bounds: Bounds,
    sync_id: str,
    shown: "_Shown",
) -> _Task:
    """The sync of a warehouse in a lane: nothing is recorded by one that was left behind."""

    def task(lane: Lane[WarehouseResult]) -> WarehouseResult:
        def say(table: str) -> None:
            lane.alive()
            shown.say(one.name, table)

        mine = lake.guarded(lane.guarded(lake.guard))
        with step("sync", one.name) as done:
            result = synced(settings, mine, spark, one, schemas, bounds, sync_id, say)
            done.rows, done.status = result.rows, result.status
        return result

    return task


def _silent(settings: Settings, one: Managed, began: int) -> WarehouseResult:
    error = WarehouseUnreachable(
        f"warehouse {one.name}: nothing was heard of it for {settings.engine.silent_minutes:g} minutes "
        "(engine.silent_minutes), and the run went on without it; what was not committed is not there, the next run "
        "repeats it"
    )
    schema = one.opened(settings.schema_name).schema
    return _failed(one.name, error, schema, began)


class _Shown:
    """What each warehouse is at, in one line for all."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say, self._at, self._lock = say, dict[str, str](), Lock()

    def say(self, name: str, table: str) -> None:
        """A warehouse is at a table."""
        with self._lock:
            self._at[name] = f"{table} to {name}"
            self._say(f"syncing {', '.join(self._at.values())}")

    def is_done(self, name: str) -> None:
        """A warehouse is at nothing any more."""
        with self._lock:
            self._at.pop(name, None)


def bounds_of(settings: Settings, connection: Connection, chosen: Selected, whole: Collection[str] = ()) -> Bounds:
    """What a sync of a warehouse sends."""
    return Bounds(connection.tables, settings.limits.sync_bytes, chosen.selection, chosen.since, whole)


def synced(
    settings: Settings,
    lake: Lake,
    spark: "Callable[[], SparkSession] | None",
    one: Managed,
    schemas: Mapping[str, str],
    bounds: Bounds,
    sync_id: str,
    say: Callable[[str], None],
) -> WarehouseResult:
    """One warehouse up to the lake.

    Args:
        settings: Of the space.
        lake: Of the space.
        spark: Gives the session.
        one: The warehouse.
        schemas: Those of the first syncs.
        bounds: What is sent.
        sync_id: Of the sync.
        say: Told each table.
    """
    warehouse, began = one.opened(settings.schema_name), time.time_ns() // 1000
    schema = warehouse.schema
    if wrong := refused(warehouse, schemas, settings):
        return WarehouseResult(one.name, {}, wrong, PROBLEM, False, schema, began, time.time_ns() // 1000)
    try:
        warehouse = credentials.complete(one, lake).opened(settings.schema_name, spark)
    except ProfilesSyncError as error:
        return _failed(one.name, error, schema, began)
    result = sync_patiently(warehouse, lake, sync_id, say, settings.retries, bounds=bounds)
    checked = bounds.gate.checked if bounds.gate else {}
    ended = time.time_ns() // 1000
    return replace(result, schema=schema, started_at=began, finished_at=ended, checked=checked)


def _failed(name: str, error: ProfilesSyncError, schema: str, began: int) -> WarehouseResult:
    """Before anything was sent."""
    with at(warehouse=name):
        steps.failed("sync", error)
    return WarehouseResult(name, {}, str(error), error.problem, False, schema, began, time.time_ns() // 1000)
