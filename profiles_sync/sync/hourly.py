"""The main job: new events into the lake, then every enabled warehouse up to the lake, then the record of it."""

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from profiles_sync.control import history
from profiles_sync.control.connections import Connection, connections
from profiles_sync.control.history import Sync
from profiles_sync.control.lock import only_run
from profiles_sync.control.policy import Right, ask
from profiles_sync.control.warehouses import enabled
from profiles_sync.errors import LakeBusy, ProfilesSyncError
from profiles_sync.lake.base import Lake
from profiles_sync.lake.faults import explained, problem
from profiles_sync.lake.opening import lake_of
from profiles_sync.pipeline.batches import progress
from profiles_sync.pipeline.engine import Engine, Report
from profiles_sync.pipeline.run import take_new_events
from profiles_sync.problems import UNREAD, Problem, problem_of
from profiles_sync.quality import records
from profiles_sync.settings import Settings
from profiles_sync.sync.backfill import carry_on
from profiles_sync.sync.checking import quality_of
from profiles_sync.sync.connected import connect
from profiles_sync.sync.measured import measured
from profiles_sync.sync.results import FAILED, PARTIAL, WarehouseResult, few, together
from profiles_sync.sync.upkeep import is_due, keep_up_lake
from profiles_sync.sync.warehouses import sync_warehouses
from profiles_sync.sync.watched import watched
from profiles_sync.watching import steps
from profiles_sync.watching.steps import step

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_log = logging.getLogger(__name__)


@dataclass
class RunResult:
    """What a run came to."""

    report: Report = field(default_factory=Report)
    warehouses: dict[str, WarehouseResult] = field(default_factory=dict)
    backfills: dict[str, dict[str, Any]] = field(default_factory=dict)
    error: str | None = None
    problem: Problem | None = None

    @property
    def status(self) -> str:
        """Failed when nothing was synced correctly, Partial success when something was not."""
        if self.error:
            return FAILED
        status = together(one.status for one in self.warehouses.values())
        return together([status, PARTIAL]) if self.report.unread else status

    def shown(self) -> dict[str, Any]:
        """As `run --json` prints it."""
        lake = self.report.shown()
        warehouses = {
            name: {"status": one.status, "rows": one.rows, "error": one.said} | one.odd_rows
            for name, one in self.warehouses.items()
        }
        first = {"status": self.status, "lines": lake.pop("lines"), "tables": lake.pop("tables")}
        return (
            first
            | {"warehouses": warehouses, "backfills": self.backfills}
            | lake
            | {"error": self.error or "; ".join(self.report.unread) or None}
        )


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
    lake, result, started = lake_of(settings, spark), RunResult(), time.time_ns() // 1000
    ask(settings, lake, Right.CHANGE, "run")
    quality_of(settings, lake)  # a wrong file of expectations is told before anything is done
    with measured(settings, lake, result, started, "run") as figures:
        with watched(settings, lake, result, started), told_in(result), only_run(lake) as held:
            with told_in(result):
                there = connect(held, enabled(settings, held))
                take_new_events(Engine(settings, held, spark, say), result.report)
                fail_where_nothing_is_read(settings, result)
                sync_all(settings, held, spark, there, result, str(started), say)
            if not result.warehouses:
                history.record(held, [of_the_lake(result, started)])
            _keep_up(settings, held, result, say)
        if not result.error:  # without the lock: live syncs go on meanwhile
            with step("backfill"):
                _backfill(settings, lake, spark, result, figures.delivered_before(say))
    return result


@contextmanager
def told_in(result: RunResult) -> Iterator[None]:
    """What goes wrong is a failed sync with a record, not a traceback on somebody's pager."""
    try:
        yield
    except LakeBusy:
        raise
    except ProfilesSyncError as error:
        steps.failed("run", error)
        result.error, result.problem = str(error), error.problem
    except Exception as error:
        _log.debug("run", exc_info=True)
        steps.failed("run", error, explained(error))
        result.error, result.problem = result.error or explained(error), problem(error)


def _keep_up(settings: Settings, lake: Lake, result: RunResult, say: Callable[[str], None]) -> None:
    """Upkeep that fails is done by the next run; what was synced stays synced."""
    try:
        if is_due(settings, lake):
            with step("upkeep"):
                keep_up_lake(settings, lake, say)
    except Exception as error:
        _log.debug("upkeep", exc_info=True)
        result.report.warnings.append(f"upkeep was not finished: {explained(error)}")


def fail_where_nothing_is_read(settings: Settings, result: RunResult) -> None:
    """A source that could not be read is a partial success; all of them are none."""
    unread = result.report.unread
    if unread and len(unread) == len(settings.sources):
        result.error = "; ".join(unread)
        result.problem = problem_of(result.error, UNREAD)


def _backfill(
    settings: Settings,
    lake: Lake,
    spark: "Callable[[], SparkSession]",
    result: RunResult,
    say: Callable[[str], None],
) -> None:
    """A backfill that is not finished is gone on with by the next run."""
    with told_in(result):
        synced = {one.name: one for one in enabled(settings, lake) if one.name in result.warehouses}
        done, warnings = carry_on(settings, lake, spark, synced, connections(lake), say)
        result.backfills |= {name: one.shown() for name, one in done.items()}
        result.report.warnings += warnings


def sync_all(
    settings: Settings,
    lake: Lake,
    spark: "Callable[[], SparkSession]",
    there: Mapping[str, Connection],
    result: RunResult,
    sync_id: str,
    say: Callable[[str], None],
) -> None:
    """Every warehouse; as soon as one has ended, that is in the history, whatever the others do.

    Where no source could be read its sync is no success: nobody knows what it lacks.
    """
    unread, newest = result.error, progress(lake).newest
    for one in sync_warehouses(settings, lake, spark, there, sync_id, say):
        if unread and not one.error:
            one.error, one.problem = unread, result.problem
        result.warehouses[one.name] = one
        result.report.warnings += [f"warehouse {one.name}: {told}" for told in (*_resent(one), *_odd(one))]
        with told_in(result):
            history.record(lake, [sync_of(one, sync_id, newest)])
            records.add(lake, sync_id, one.name, one.checked)
    for name in sorted(result.warehouses, key=list(there).index):
        result.warehouses[name] = result.warehouses.pop(name)


def _resent(one: WarehouseResult) -> Iterator[str]:
    """Each reason once."""
    for why in dict.fromkeys(one.resent.values()):
        names = [name for name, reason in one.resent.items() if reason == why]
        yield f"all rows of {few(names)} were sent again: {why}"


def _odd(one: WarehouseResult) -> Iterator[str]:
    """What the checks found of rows that went all the same."""
    for name, warnings in one.warnings.items():
        yield f"{name}: {'; '.join(warnings)}"


def of_the_lake(result: RunResult, started: int) -> Sync:
    """The record of a run without warehouses."""
    tables = dict(result.report.tables)
    rows = 0 if result.error else sum(tables.values())
    times = started, time.time_ns() // 1000
    return Sync(str(started), None, result.status, *times, rows, tables, error=result.error, problem=result.problem)


def sync_of(one: WarehouseResult, sync_id: str, newest: int = 0) -> Sync:
    """What came of a warehouse as the history has it."""
    tables = one.tables.items()
    return Sync(
        sync_id,
        one.name,
        one.status,
        one.started_at,
        one.finished_at,
        one.rows,
        {name: table.rows for name, table in tables if not table.error},
        {name: table.error for name, table in tables if table.error},
        one.error,
        one.schema,
        {name: table.problem for name, table in tables if table.problem},
        one.problem,
        one.resent,
        one.warnings,
        newest,
    )
