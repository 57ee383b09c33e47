"""What a run came to, told to those who asked for it; and the run that could not be, written down."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from profiles_sync.control import alerts, history, schedule, skipped
from profiles_sync.control.alerts import Event
from profiles_sync.control.skipped import Skipped
from profiles_sync.errors import LakeBusy
from profiles_sync.lake.base import Lake
from profiles_sync.problems import UNREAD, problem_of
from profiles_sync.settings import Settings
from profiles_sync.settings.alerts import Occasion
from profiles_sync.sync.results import FAILED, PARTIAL, SUCCESS

if TYPE_CHECKING:
    from profiles_sync.sync.hourly import RunResult

_log = logging.getLogger(__name__)
_OCCASIONS = {FAILED: Occasion.SYNC_FAILED, PARTIAL: Occasion.SYNC_PARTIALLY_SUCCEEDED}


@contextmanager
def watched(settings: Settings, lake: Lake, result: "RunResult", started: int, is_sync: bool = True) -> Iterator[None]:
    """Around a run that began at `started`, in microseconds. An alert that goes wrong is a warning of the result.

    What is no sync, but a step before one, is never a late one.

    Raises:
        LakeBusy: Another run was under way; then this one is skipped, and recorded as that.
    """
    late = _late(settings, lake, started) if is_sync else []
    try:
        yield
    except LakeBusy as error:
        for warning in skip(settings, lake, Skipped(started, str(error))):
            _log.warning(warning)
        raise
    if settings.alerts:
        result.report.warnings += alerts.tell(settings, [*late, *_outcome(lake, result, str(started))])


def skip(settings: Settings, lake: Lake, one: Skipped) -> list[str]:
    """Record a sync that was left out and tell of it; what went wrong with that is no reason to stop anything."""
    try:
        skipped.record(lake, one)
    except Exception:
        _log.debug("skipped", exc_info=True)
    return alerts.tell(settings, [Event(Occasion.SYNC_SKIPPED, one.reason)])


def _outcome(lake: Lake, result: "RunResult", sync_id: str) -> Iterator[Event]:
    """An event for each warehouse that is no success or was warned of, and one for the run where that is not theirs."""
    for name, one in result.warehouses.items():
        if one.status != SUCCESS:
            in_a_row = _in_a_row(lake, name, sync_id)
            yield Event(_OCCASIONS[one.status], one.said or "", name, in_a_row, one.problems, sync_id)
        if warnings := [f"{table}: {'; '.join(found)}" for table, found in one.warnings.items()]:
            yield Event(Occasion.QUALITY_WARNING, ". ".join(warnings), name)
    is_told = result.error and any(one.error == result.error for one in result.warehouses.values())
    if (said := result.error or "; ".join(result.report.unread)) and not is_told:
        occasion = _OCCASIONS[FAILED if result.error else PARTIAL]
        in_a_row = None if result.warehouses else _in_a_row(lake, None, sync_id)
        problem = result.problem or (None if result.error else problem_of(said, UNREAD))
        # The history has a run by itself only where it came to no warehouse.
        yield Event(occasion, said, None, in_a_row, (problem,) if problem else (), sync_id if in_a_row else None)


def _in_a_row(lake: Lake, warehouse: str | None, sync_id: str) -> int | None:
    """See `history.in_a_row`; None if this sync is not in the history."""
    try:
        syncs = history.syncs(lake)
    except Exception:  # the lake cannot be read, which may be what is told
        _log.debug("history", exc_info=True)
        return None
    is_there = any((one.sync_id, one.warehouse) == (sync_id, warehouse) for one in syncs)
    return history.in_a_row(warehouse, syncs) if is_there else None


def _late(settings: Settings, lake: Lake, started: int) -> list[Event]:
    """A sync is late when another one was due before it, and that one neither began nor was skipped."""
    if not any(Occasion.SYNC_LATE in one.when for one in settings.alerts.values()):
        return []
    try:
        return _overdue(settings, lake, started)
    except Exception:  # the run itself will say so
        _log.debug("late", exc_info=True)
        return []


def _overdue(settings: Settings, lake: Lake, started: int) -> list[Event]:
    every, now = schedule.frequency(settings, lake), started / 1e6
    last = max(
        [*(one.started_at for one in history.syncs(lake)), *(one.due_at for one in skipped.skipped(lake))], default=0
    )
    if every is None or not last:
        return []
    due = schedule.next_due(every, last / 1e6)
    if schedule.next_due(every, due) > now:
        return []
    return [
        Event(Occasion.SYNC_LATE, f"a sync was due at {schedule.iso(due)}, and the next began at {schedule.iso(now)}")
    ]
