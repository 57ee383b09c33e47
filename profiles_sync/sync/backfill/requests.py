"""A new backfill: one that somebody asked for, or the one that begins by itself; within Segment's limits."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime

from profiles_sync.control import backfills, connections, history
from profiles_sync.control.backfills import Backfill
from profiles_sync.control.connections import Connection
from profiles_sync.control.log import Log
from profiles_sync.control.policy import whoami
from profiles_sync.control.selecting import selections
from profiles_sync.control.warehouses import ABOUT, Managed
from profiles_sync.errors import ChangedMeanwhile, ChangeRefused, OverLimit, SettingsError
from profiles_sync.lake.base import Lake
from profiles_sync.settings import Settings
from profiles_sync.spec.backfill import Window, is_event_table, is_in_range, one_too_many, window
from profiles_sync.spec.selection import Selection
from profiles_sync.sync.backfill.staging import refuse_more
from profiles_sync.sync.results import SUCCESS

REQUESTED = "backfill requested"
_ATTEMPTS = 10
_DAY = 86_400_000_000  # microseconds


def begun(settings: Settings, lake: Lake, connection: Connection) -> Backfill | None:
    """The automatic backfill of a warehouse, where it is time for it: once, after a successful sync with rows.

    Where a limit refused it and somebody asked for a part, it is theirs from then on.
    """
    stands = connection.warehouse, connection.added
    if any((old.warehouse, old.added) == stands for old in backfills.backfills(lake)):
        return None
    if not _has_synced(lake, connection):
        return None
    tables = sorted(filter(_selection(settings, lake, connection).has, connection.tables))
    return _added(settings, lake, connection, tables, window_of(None, None), None)


def requested(
    settings: Settings,
    lake: Lake,
    one: Managed,
    of_events: Window,
    tables: Sequence[str],
    who: str,
    waiting: Sequence[Backfill] = (),
) -> Backfill:
    """A backfill that somebody asked for: a new one, or that of `waiting` by which the same was asked for.

    Raises:
        ChangeRefused: The warehouse has had no successful sync with rows, or a table that is named is off.
        OverLimit: It is more than Segment's limits let through; nothing was written.
        SettingsError: There is no such table.
    """
    connection = connections.connections(lake).get(one.name)
    if connection is None or not _has_synced(lake, connection):
        raise ChangeRefused(
            f"backfill of {one.name}: it begins after the first successful sync with more than 0 rows, and there was "
            "none yet; let `profiles-sync run` go well with new events first"
        )
    wanted = _chosen(lake, connection, _selection(settings, lake, connection), tables)
    again = next((old for old in waiting if _is_same(old, wanted, of_events)), None)
    return again or _added(settings, lake, connection, wanted, of_events, who)


def _is_same(old: Backfill, tables: Sequence[str], of_events: Window) -> bool:
    """A command that was broken off and is given again; the last two months have moved on since."""
    moved = (of_events.start or 0) - (old.window.start or 0)
    is_moved = of_events.end is None and 0 < moved < _DAY
    return set(old.tables) == set(tables) and (old.window == of_events or (old.window.end is None and is_moved))


def _added(
    settings: Settings, lake: Lake, connection: Connection, tables: Sequence[str], of_events: Window, who: str | None
) -> Backfill:
    """A backfill within the limits: what was counted still holds when its change is made, or it is counted again."""
    number = str(time.time_ns() // 1000)
    made = Backfill(number, connection.warehouse, connection.added, who, tuple(tables), of_events, connection.until)
    refuse_more(settings, lake, made)
    details = {"backfill": number, "tables": made.tables, "window": [of_events.start, of_events.end]}
    for attempt in range(_ATTEMPTS):
        log = Log.read(lake)
        _refuse_tables(settings, log, made.warehouse, tables)
        try:
            log.add(who or whoami(), REQUESTED, ABOUT, made.warehouse, details)
            break
        except ChangedMeanwhile:
            if attempt == _ATTEMPTS - 1:
                raise
    return backfills.request(lake, made)


def _refuse_tables(settings: Settings, log: Log, name: str, tables: Sequence[str]) -> None:
    limit = settings.limits.backfill_event_tables
    asked = [change.details["tables"] for change in log.changes if change.action == REQUESTED]
    there = [one.tables for one in backfills.backfills(log.lake)]  # an older version's changes name not all
    counted = {table for tables in (*asked, *there) for table in tables if is_event_table(table)}
    if extra := one_too_many(limit, counted, tables):
        raise OverLimit(
            f"backfill of {name}: {extra} is one event table more than the {limit:,} that may be backfilled "
            "(limits.backfill_event_tables); nothing was written; name fewer tables by --tables, or raise the limit"
        )


def _selection(settings: Settings, lake: Lake, connection: Connection) -> Selection:
    return selections(settings, lake)[connection.warehouse].selection


def _chosen(lake: Lake, connection: Connection, selection: Selection, tables: Sequence[str]) -> list[str]:
    """Those that are named; else the events, and of the other tables those that the warehouse has a history of."""
    there = lake.public_tables()
    if unknown := [name for name in tables if name not in there]:
        raise SettingsError(f"--tables: the lake has no table {unknown[0]}; `profiles-sync plan` shows their names")
    if left_out := [name for name in tables if not selection.has(name)]:
        raise ChangeRefused(
            f"backfill of {connection.warehouse}: {left_out[0]} is off in Selective Sync; switch it on first by "
            f"`profiles-sync warehouse selection {connection.warehouse} --on {left_out[0]}`"
        )
    wanted = [name for name in there if is_in_range(name) or name in connection.tables]
    return list(dict.fromkeys(tables)) or list(filter(selection.has, wanted))


def _has_synced(lake: Lake, connection: Connection) -> bool:
    """Whether a sync since the connection succeeded and had rows."""
    return any(
        sync.warehouse == connection.warehouse
        and sync.status == SUCCESS
        and sync.rows > 0
        and sync.finished_at >= connection.at
        for sync in history.syncs(lake)
    )


def window_of(first: str | None, last: str | None, now: datetime | None = None) -> Window:
    """See `spec.backfill.window`."""
    try:
        return window(first, last, now or datetime.now(UTC))
    except ValueError as error:
        raise SettingsError(f"--from, --to: {error}; give days such as 2026-01-31") from None
