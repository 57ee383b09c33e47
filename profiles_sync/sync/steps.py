"""The main job's steps, each by itself, for schedulers with a task for each: see `hourly.run` for all of them in one.

A step that fails is a failed sync of its own in the history, and is told to those who asked for alerts.
"""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from profiles_sync.control import history
from profiles_sync.control.connections import connections
from profiles_sync.control.lock import only_run
from profiles_sync.control.policy import Right, ask
from profiles_sync.control.warehouses import enabled
from profiles_sync.lake.opening import lake_of
from profiles_sync.pipeline import apart
from profiles_sync.pipeline.engine import Engine
from profiles_sync.settings import Settings
from profiles_sync.sync.backfill import carry_on
from profiles_sync.sync.checking import quality_of
from profiles_sync.sync.connected import connect
from profiles_sync.sync.hourly import RunResult, fail_where_nothing_is_read, of_the_lake, sync_all, told_in
from profiles_sync.sync.measured import measured
from profiles_sync.sync.watched import watched

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

Spark = Callable[[], "SparkSession"]
Say = Callable[[str], None]
#: What a step does to a lake that it holds the lock of; whether a sync ends with it.
Do = Callable[[Engine, RunResult, str], bool]


def ingest_events(settings: Settings, spark: Spark, say: Say) -> RunResult:
    """Take the new files as one batch and read them. While a batch is open there is no other."""

    def ingest(engine: Engine, result: RunResult, sync_id: str) -> bool:
        connect(engine.lake, enabled(settings, engine.lake))  # what comes now is no history
        apart.ingest(engine, result.report)
        fail_where_nothing_is_read(settings, result)
        return False

    return _step(settings, spark, say, "ingest events", ingest)


def resolve_identities(settings: Settings, spark: Spark, say: Say) -> RunResult:
    """Resolve the identities of the open batch."""

    def resolve(engine: Engine, result: RunResult, sync_id: str) -> bool:
        apart.resolve_identities(engine, result.report)
        return False

    return _step(settings, spark, say, "resolve identities", resolve)


def build_tables(settings: Settings, spark: Spark, say: Say) -> RunResult:
    """Build the tables of the open batch; where there are no warehouses, that is the sync."""

    def build(engine: Engine, result: RunResult, sync_id: str) -> bool:
        apart.build_tables(engine, result.report)
        return bool(result.report.batch) and not enabled(settings, engine.lake)

    return _step(settings, spark, say, "build tables", build)


def sync_warehouses(settings: Settings, spark: Spark, say: Say) -> RunResult:
    """Bring every enabled warehouse up to the lake, as far as its batches are whole."""

    def sync(engine: Engine, result: RunResult, sync_id: str) -> bool:
        apart.refuse_half_a_batch(engine.lake)
        there = connect(engine.lake, enabled(settings, engine.lake))
        sync_all(settings, engine.lake, spark, there, result, sync_id, say)
        return False  # each warehouse has its record

    return _step(settings, spark, say, "sync warehouses", sync, is_sync=True)


def backfill(settings: Settings, spark: Spark, say: Say) -> RunResult:
    """Begin the automatic backfills that it is time for, and go on with all that are open; syncs go on meanwhile."""
    lake, result, started = lake_of(settings, spark), RunResult(), time.time_ns() // 1000
    ask(settings, lake, Right.CHANGE, "backfill")
    with measured(settings, lake, result, started, "backfill"), told_in(result):
        by_name = {one.name: one for one in enabled(settings, lake)}
        done, wrong = carry_on(settings, lake, spark, by_name, connections(lake), say)
        result.backfills |= {name: one.shown() for name, one in done.items()}
        if wrong:
            result.error = "; ".join(wrong)
    return result


def _step(settings: Settings, spark: Spark, say: Say, name: str, do: Do, is_sync: bool = False) -> RunResult:
    lake, result, started = lake_of(settings, spark), RunResult(), time.time_ns() // 1000
    ask(settings, lake, Right.CHANGE, "run")
    quality_of(settings, lake)  # a wrong file of expectations is told before anything is done
    with (
        measured(settings, lake, result, started, name),
        watched(settings, lake, result, started, is_sync),
        told_in(result),
        only_run(lake) as held,
    ):
        is_end = False
        with told_in(result):
            is_end = do(Engine(settings, held, spark, say), result, str(started))
        if (is_end or result.error) and not result.warehouses:
            history.record(held, [of_the_lake(result, started)])
    return result
