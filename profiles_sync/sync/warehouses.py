"""Every enabled warehouse up to the lake, one after the other; one that cannot be synced holds up no other."""

from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING

from profiles_sync.control import credentials, history
from profiles_sync.control.connections import Connection
from profiles_sync.control.selecting import Selected, selections
from profiles_sync.control.warehouses import Managed, enabled
from profiles_sync.errors import ProfilesSyncError
from profiles_sync.lake.base import Lake
from profiles_sync.settings import Settings
from profiles_sync.sync.results import WarehouseResult
from profiles_sync.sync.retrying import sync_patiently
from profiles_sync.sync.run import Bounds
from profiles_sync.sync.schemas import PROBLEM, refused

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def sync_warehouses(
    settings: Settings,
    lake: Lake,
    spark: "Callable[[], SparkSession]",
    connections: Mapping[str, Connection],
    results: dict[str, WarehouseResult],
    sync_id: str,
    say: Callable[[str], None],
) -> None:
    """Fill `results`, which hold what was done also when the run is broken off.

    A warehouse that was enabled after the run connected those that it found is left to the next one.
    """
    schemas, chosen = history.schemas(lake), selections(settings, lake)
    for one in enabled(settings, lake):
        if one.name in connections:
            bounds = bounds_of(settings, connections[one.name], chosen[one.name])
            results[one.name] = synced(settings, lake, spark, one, schemas, bounds, sync_id, say)


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
    """One warehouse up to the lake; `schemas` are those of the first syncs."""
    warehouse = one.opened(settings.schema_name)
    schema = warehouse.schema
    if wrong := refused(warehouse, schemas, settings):
        return WarehouseResult(one.name, error=wrong, problem=PROBLEM, schema=schema)
    try:
        warehouse = credentials.complete(one, lake).opened(settings.schema_name, spark)
    except ProfilesSyncError as error:
        return WarehouseResult(one.name, error=str(error), problem=error.problem, schema=schema)
    result = sync_patiently(
        warehouse,
        lake,
        sync_id,
        lambda table: say(f"syncing {table} to {one.name}"),
        settings.retries,
        bounds=bounds,
    )
    result.schema = schema
    return result
