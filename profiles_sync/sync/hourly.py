"""The main job: new events into the lake, then every enabled warehouse up to the lake, then the record of it."""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from profiles_sync.control import history
from profiles_sync.control.history import Sync
from profiles_sync.control.lock import only_run
from profiles_sync.errors import ProfilesSyncError, unexpected
from profiles_sync.lake.tables import Lake, lake_of
from profiles_sync.pipeline.run import Engine, Report, take_new_events
from profiles_sync.settings import Settings
from profiles_sync.sync.run import FAILED, PARTIAL, SUCCESS, WarehouseResult, sync_warehouse
from profiles_sync.warehouses import open_warehouse

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_log = logging.getLogger(__name__)


@dataclass
class RunResult:
    """What a run came to."""

    report: Report = field(default_factory=Report)
    warehouses: dict[str, WarehouseResult] = field(default_factory=dict)
    error: str | None = None

    @property
    def status(self) -> str:
        """Failed when nothing was synced correctly, Partial success when something was not."""
        if self.error:
            return FAILED
        statuses = {one.status for one in self.warehouses.values()} or {SUCCESS}
        return statuses.pop() if len(statuses) == 1 else PARTIAL

    def shown(self) -> dict[str, Any]:
        """As `run --json` prints it."""
        report = self.report
        return {
            "status": self.status,
            **report.shown(),
            "warehouses": {
                name: {"status": one.status, "rows": one.rows, "error": one.error or _errors(one)} | one.odd_rows
                for name, one in self.warehouses.items()
            },
            "violations": report.violations,
            "cast_to_null": report.cast_to_null,
            "warnings": report.warnings,
            "error": self.error,
        }


def _errors(result: WarehouseResult) -> str | None:
    failed = [f"{name}: {table.error}" for name, table in result.tables.items() if table.error]
    return "; ".join(failed) or None


def run(
    settings: Settings, spark: "Callable[[], SparkSession]", say: Callable[[str], None] = lambda step: None
) -> RunResult:
    """One sync of everything.

    Args:
        settings: Of the space.
        spark: Gives the session, if the run comes to need one.
        say: Told what is being done.

    Raises:
        LakeBusy: Another run of the space is under way.
    """
    lake = lake_of(settings)
    with only_run(lake):
        started, result = time.time_ns() // 1000, RunResult()
        try:
            result.report = take_new_events(Engine(settings, lake, spark, say))
        except ProfilesSyncError as error:
            result.error = str(error)
        except Exception as error:  # a surprise is a failed sync with a record, not a traceback on somebody's pager
            _log.debug("batch", exc_info=True)
            result.error = unexpected(error)
        else:
            _sync_warehouses(settings, lake, result, str(started), say)
        schemas = {name: one.schema_name or settings.schema_name for name, one in settings.warehouses.items()}
        history.record(lake, _syncs(result, started, schemas))
        return result


def _sync_warehouses(
    settings: Settings, lake: Lake, result: RunResult, sync_id: str, say: Callable[[str], None]
) -> None:
    known = history.schemas(lake)
    for name, declared in settings.warehouses.items():
        if declared.enabled:
            warehouse = open_warehouse(name, declared, settings.schema_name)
            if (first := known.get(name, warehouse.schema)) != warehouse.schema:
                result.warehouses[name] = WarehouseResult(name, error=_moved(name, first, warehouse.schema))
                continue
            result.warehouses[name] = sync_warehouse(
                warehouse,
                lake,
                sync_id,
                lambda table, to=name: say(f"syncing {table} to {to}"),  # type: ignore[misc]
            )


def _moved(name: str, first: str, now: str) -> str:
    return (
        f"warehouse {name}: its schema is {first} since its first sync and cannot become {now}; set schema: {first} "
        "for it, or declare a warehouse with another name"
    )


def _syncs(result: RunResult, started: int, schemas: Mapping[str, str]) -> list[Sync]:
    finished, sync_id = time.time_ns() // 1000, str(started)
    if not result.warehouses:
        rows = 0 if result.error else sum(result.report.tables.values())
        return [
            Sync(sync_id, None, result.status, started, finished, rows, dict(result.report.tables), {}, result.error)
        ]
    return [
        Sync(
            sync_id,
            name,
            one.status,
            started,
            finished,
            one.rows,
            {table: done.rows for table, done in one.tables.items() if not done.error},
            {table: done.error for table, done in one.tables.items() if done.error},
            one.error,
            schemas.get(name),
        )
        for name, one in result.warehouses.items()
    ]
