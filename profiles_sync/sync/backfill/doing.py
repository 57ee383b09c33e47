"""What the command and the runs call."""

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from profiles_sync.control import backfills, schedule
from profiles_sync.control.backfills import Backfill, Step
from profiles_sync.control.connections import Connection, connections
from profiles_sync.control.log import Log
from profiles_sync.control.policy import Right, ask
from profiles_sync.control.warehouses import Managed, enabled, known
from profiles_sync.errors import ChangeRefused, OverLimit
from profiles_sync.lake.base import Lake
from profiles_sync.lake.faults import explained
from profiles_sync.lake.opening import lake_of, readable_lake_of
from profiles_sync.session import in_threads, session_of
from profiles_sync.settings import Settings
from profiles_sync.sync import lanes
from profiles_sync.sync.backfill.carrying_out import carry_out
from profiles_sync.sync.backfill.requests import begun, requested, window_of
from profiles_sync.sync.backfill.stopping import left_out, stopped, told
from profiles_sync.sync.lanes import Lane
from profiles_sync.watching import steps
from profiles_sync.watching.here import at
from profiles_sync.watching.steps import step

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_log = logging.getLogger(__name__)


def backfill(
    settings: Settings,
    name: str,
    first: str | None = None,
    last: str | None = None,
    tables: Sequence[str] = (),
    who: str | None = None,
    now: datetime | None = None,
    say: Callable[[str], None] = lambda step: None,
) -> Backfill:
    """Send a warehouse its history; what is open goes first, and the same is not asked for twice while it is.

    Args:
        settings: Of the space.
        name: Of the warehouse.
        first: Day or time of the first event, in ISO-8601; without `first` and `last` the last two months are sent.
        last: Day or time of the last event.
        tables: Only these; those that are named are sent whole, also where they are there already.
        who: Asks; else whoever runs this.
        now: When; else now.
        say: Told what is being done.

    Raises:
        Denied: That takes an Admin.
        ChangeRefused: The warehouse has had no successful sync with rows, or is not enabled.
        OverLimit: That is more than Segment's limits let through; nothing was written.
        SettingsError: There is no such warehouse, table or day.
    """
    lake = lake_of(settings)
    who = ask(settings, lake, Right.CHANGE, f"backfill {name}", who)
    one = known(settings, Log.read(lake), name)
    if not one.is_enabled:
        raise ChangeRefused(f"backfill of {name}: the warehouse is {one.status}; enable it first")
    waiting = open_ones(lake, connections(lake).get(name))
    new = None
    if not waiting or first or last or tables:
        new = requested(settings, lake, one, window_of(first, last, now), tables, who, waiting)
    with at(space=lake.slug), step("backfill", name):
        return _all_of(settings, lake, one, [old for old in waiting if new is None or old.id != new.id], new, say)


def _all_of(
    settings: Settings,
    lake: Lake,
    one: Managed,
    waiting: Sequence[Backfill],
    new: Backfill | None,
    say: Callable[[str], None],
) -> Backfill:
    """The last of those that are open, or what was asked for now.

    What a limit refuses stops no other; it gives way where something was asked for now, which is how it gets smaller.
    """
    refused: list[OverLimit] = []
    for asked in waiting:
        try:
            done = carry_out(settings, lake, session_of(settings), one, asked, say)
        except OverLimit as error:
            refused.append(error)
            if new:
                backfills.note(lake, asked, Step.CANCELLED)
                say(f"backfill {asked.id} of {one.name} is over a limit and gives way to what is asked for now")
    if refused and not new:
        raise refused[0]
    return carry_out(settings, lake, session_of(settings), one, new, say) if new else done


def backfilled(settings: Settings) -> list[str]:
    """The warehouses that are backfilled where none is named: those that are enabled."""
    return [one.name for one in enabled(settings, readable_lake_of(settings))]


def progress_of(settings: Settings, name: str, who: str | None = None) -> list[dict[str, Any]]:
    """The backfills of a warehouse, the newest first, with how far each one came."""
    lake = readable_lake_of(settings)
    ask(settings, lake, Right.SEE, "backfill", who)
    return [one.shown() for one in reversed(backfills.backfills(lake)) if one.warehouse == name]


def carry_on(
    settings: Settings,
    lake: Lake,
    spark: "Callable[[], SparkSession]",
    synced: Mapping[str, Managed],
    there: Mapping[str, Connection],
    say: Callable[[str], None],
) -> tuple[dict[str, Backfill], list[str]]:
    """Begin the automatic backfills that it is time for, and go on with all that are open until the next sync is due.

    Returns:
        The last of each warehouse that sent something, and what went wrong: it is tried again by the next run.
    """
    engine, names = settings.engine, list(filter(there.__contains__, synced))
    every, spark = schedule.frequency(settings, lake), in_threads(spark)
    until = None if every is None else schedule.next_due(every)
    tasks = {name: _task(settings, lake, spark, synced[name], there[name], say, until) for name in names}
    beside = lanes.lanes_of(tasks, lambda name: synced[name].held_alone)
    worked: dict[str, Backfill] = {}
    warnings: list[str] = []
    for name, found in lanes.done(beside, engine.warehouses_at_once, engine.silent_minutes * 60):
        one, wrong = found or (None, _silent(settings, lake, there[name]))
        worked |= {name: one} if one else {}
        warnings += wrong
    return worked, warnings


def _silent(settings: Settings, lake: Lake, connection: Connection) -> list[str]:
    """One that is left behind."""
    minutes = settings.engine.silent_minutes
    said = f"backfill of {connection.warehouse}: nothing was heard of it for {minutes:g} minutes"
    waiting = _open(lake, connection, [])
    return [said, *(told(settings, lake, connection, waiting[0], said, ()) if waiting else [])]


_Outcome = tuple[Backfill | None, list[str]]


def _task(
    settings: Settings,
    lake: Lake,
    spark: "Callable[[], SparkSession]",
    one: Managed,
    connection: Connection,
    say: Callable[[str], None],
    until: float | None,
) -> Callable[[Lane[_Outcome]], _Outcome]:
    """A warehouse's backfills in a lane: the last that sent something, and what went wrong."""

    def task(lane: Lane[_Outcome]) -> _Outcome:
        def alive(step: str) -> None:
            lane.alive()
            say(step)

        mine, worked, warnings = lake.guarded(lane.guarded(lake.guard)), None, list[str]()
        with at(warehouse=one.name), stopped(settings, mine, connection, None, warnings):
            begun(settings, mine, connection)
        for waiting in _open(mine, connection, warnings):
            with at(warehouse=one.name), stopped(settings, mine, connection, waiting, warnings):
                done = carry_out(settings, mine, spark, one, waiting, alive, until)
                worked = done if done.tables else worked  # there was history
                warnings += left_out(settings, mine, connection, waiting, done)
        return worked, warnings

    return task


def _open(lake: Lake, connection: Connection, warnings: list[str]) -> list[Backfill]:
    """See `open_ones`; none where the lake cannot be read."""
    try:
        return open_ones(lake, connection)
    except Exception as error:
        _log.debug("backfill of %s", connection.warehouse, exc_info=True)
        with at(warehouse=connection.warehouse):
            steps.failed("backfill", error, explained(error))
        warnings.append(f"backfill of {connection.warehouse} is not finished: {explained(error)}")
        return []


def open_ones(lake: Lake, connection: Connection | None) -> list[Backfill]:
    """Those of a warehouse as it is connected now that have something left to do, the oldest first."""
    if connection is None:
        return []
    stands = connection.warehouse, connection.added
    return [one for one in backfills.backfills(lake) if (one.warehouse, one.added) == stands and one.is_open]
