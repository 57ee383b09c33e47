"""Switching to materialized views: select them, have them loaded whole, and count what arrived.

Source: Segment, "Profiles Sync Tables and Materialized Views", section "Switching to materialized Profile Sync".
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from profiles_sync.control import credentials, history
from profiles_sync.control.lock import only_run
from profiles_sync.control.log import Log
from profiles_sync.control.policy import Right, ask
from profiles_sync.control.selecting import select, selections
from profiles_sync.control.warehouses import Managed, known
from profiles_sync.errors import ChangeRefused
from profiles_sync.lake.base import Lake
from profiles_sync.lake.opening import lake_of
from profiles_sync.lake.tables import scan
from profiles_sync.settings import Settings
from profiles_sync.spec.tables import BY_NAME, MATERIALIZED_TABLES
from profiles_sync.sync.checking import gate_of
from profiles_sync.sync.connected import connect
from profiles_sync.sync.hourly import sync_of
from profiles_sync.sync.results import WarehouseResult
from profiles_sync.sync.warehouses import bounds_of, synced

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

MATERIALIZED = tuple(table.name for table in MATERIALIZED_TABLES)


@dataclass(frozen=True)
class Switched:
    """What came of it; `counts` are table to its rows in the lake and in the warehouse."""

    result: WarehouseResult
    counts: dict[str, tuple[int, int]]

    @property
    def is_verified(self) -> bool:
        """Whether each of the three was synced and the warehouse has as many rows of it as the lake."""
        failed = any(one.error for name, one in self.result.tables.items() if name in self.counts)
        return not (self.result.error or failed) and all(lake == there for lake, there in self.counts.values())

    def shown(self) -> dict[str, Any]:
        """As `--json` prints it."""
        errors = {name: one.error for name, one in self.result.tables.items() if one.error}
        return {
            "warehouse": self.result.name,
            "verified": self.is_verified,
            "status": self.result.status,
            "tables": {name: {"lake": lake, "warehouse": there} for name, (lake, there) in self.counts.items()},
            "errors": errors,
            "error": self.result.error,
        }


def switch(
    settings: Settings,
    name: str,
    spark: "Callable[[], SparkSession] | None" = None,
    say: Callable[[str], None] = lambda step: None,
    who: str | None = None,
) -> Switched:
    """Select the profile materialized tables, sync the warehouse with all rows of theirs, and compare the counts.

    It may be done again, also after it was broken off: their rows are replaced by the lake's in one transaction each.

    Raises:
        Denied: That takes the Workspace Owner.
        ChangeRefused: The warehouse is not enabled, or had no sync yet.
        LakeBusy: A run is under way.
    """
    lake, started = lake_of(settings, spark), time.time_ns() // 1000
    who = ask(settings, lake, Right.SELECT, f"warehouse materialize {name}", who)
    schemas = history.schemas(lake)
    one = known(settings, Log.read(lake), name)
    if not one.is_enabled or name not in schemas:
        why = "had no sync yet; let a run go well first" if one.is_enabled else f"is {one.status}; enable it first"
        raise ChangeRefused(f"warehouse {name} {why}")
    select(settings, name, on=MATERIALIZED, who=who)
    with only_run(lake) as held:
        connection = connect(held, [one])[name]
        bounds = bounds_of(settings, connection, selections(settings, lake)[name], MATERIALIZED)
        bounds = replace(bounds, gate=gate_of(settings, held, name))
        result = synced(
            settings, held, spark, one, schemas, bounds, str(started), lambda table: say(f"syncing {table} to {name}")
        )
        history.record(held, [sync_of(result, str(started))])
        return Switched(result, {} if result.error else _counts(settings, lake, spark, one))


def _counts(
    settings: Settings, lake: Lake, spark: "Callable[[], SparkSession] | None", one: Managed
) -> dict[str, tuple[int, int]]:
    """They are declared, so that they are called the same in every warehouse; one that is not there has no rows."""
    warehouse = credentials.complete(one, lake).opened(settings.schema_name, spark)
    found = {}
    with warehouse.connect(read_only=True) as connection:
        there = connection.columns(warehouse.schema)
        for name in MATERIALIZED:
            table = lake.open(name)
            rows = 0 if table is None else scan(table, list(BY_NAME[name].key)).num_rows
            query = warehouse.dialect.count_rows(warehouse.schema, name)
            found[name] = rows, int(connection.query(query)[0][0]) if name in there else 0
    return found
