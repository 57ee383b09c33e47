"""A backfill that comes no further fails no sync; why is written down, shown by `status`, and told once."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from profiles_sync.control import alerts, backfills
from profiles_sync.control.alerts import Event
from profiles_sync.control.backfills import Backfill
from profiles_sync.control.connections import Connection
from profiles_sync.errors import LakeBusy, LockLost, ProfilesSyncError
from profiles_sync.lake.base import Lake
from profiles_sync.lake.faults import explained, problem
from profiles_sync.problems import Problem
from profiles_sync.settings import Settings
from profiles_sync.settings.alerts import Occasion
from profiles_sync.watching import steps

_log = logging.getLogger(__name__)


@contextmanager
def stopped(
    settings: Settings, lake: Lake, connection: Connection, one: Backfill | None, warnings: list[str]
) -> Iterator[None]:
    """Around a try; without a backfill, around the beginning of the automatic one. What stops it becomes a warning."""
    name = connection.warehouse
    try:
        yield
    except (LakeBusy, LockLost):  # another process is at it, or the run went on without this one and has told that
        _log.debug("backfill of %s", name, exc_info=True)
    except Exception as error:
        _log.debug("backfill of %s", name, exc_info=True)
        said = str(error) if isinstance(error, ProfilesSyncError) else explained(error)
        steps.failed("backfill", error, said)
        warnings.append(f"backfill of {name}: {said.removeprefix(f'backfill of {name}: ')}")
        warnings += told(settings, lake, connection, one, warnings[-1], (problem(error),))


def left_out(settings: Settings, lake: Lake, connection: Connection, before: Backfill, now: Backfill) -> list[str]:
    """The tables that a try left out, and why; told as well."""
    errors = [f"backfill of {connection.warehouse}: {table}: {error}" for table, error in now.errors.items()]
    return errors + (told(settings, lake, connection, before, "; ".join(errors), ()) if errors else [])


def told(
    settings: Settings,
    lake: Lake,
    connection: Connection,
    one: Backfill | None,
    said: str,
    problems: tuple[Problem, ...],
) -> list[str]:
    """Write down why a backfill stopped, and tell whoever asked for it where it is news; what went wrong with that."""
    try:
        is_news = backfills.stop(lake, connection.warehouse, connection.added, one, said)
    except Exception:  # the lake itself may be what is wrong; then each try tells
        _log.debug("backfill of %s", connection.warehouse, exc_info=True)
        is_news = True
    told = f"{said}; the next run tries again"
    event = Event(Occasion.BACKFILL_STOPPED, told, connection.warehouse, problems=problems)
    return alerts.tell(settings, [event]) if is_news else []
