"""What a backfill sends: which tables, of which days, and how many of them at most.

Source: Segment, "Profiles Sync Setup", sections "Using historical backfill" and "Profiles Sync limits".
"""

import calendar
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from profiles_sync.spec.tables import Group, table

MONTHS = 2  # of events, where nobody asks for another range
_IN_RANGE = (Group.EVENT_TYPE, Group.TRACK)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Window:
    """The `received_at` of the events that are sent, in microseconds since 1970 UTC; `end` is the first too late."""

    start: int | None = None
    end: int | None = None


def window(first: str | None, last: str | None, now: datetime) -> Window:
    """Of two days or times in ISO-8601, both included; without any the last two months.

    Raises:
        ValueError: One of them is no day and no time, or the last is before the first.
    """
    if first is None and last is None:
        return Window(_microseconds(months_before(now, MONTHS)))
    found = Window(_microseconds(_at(first)) if first else None, _microseconds(_end_of(last)) if last else None)
    if found.start is not None and found.end is not None and found.end <= found.start:
        raise ValueError(f"{last} is before {first}")
    return found


def months_before(at: datetime, months: int) -> datetime:
    """The same day and time so many calendar months before, or the last day of a month that is shorter."""
    year, month = divmod(at.year * 12 + at.month - 1 - months, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return at.replace(year=year, month=month + 1, day=min(at.day, last))


def is_in_range(name: str) -> bool:
    """Whether a table's rows are chosen by their time; of the others all are sent."""
    return table(name).group in _IN_RANGE


def is_event_table(name: str) -> bool:
    """Whether a table counts for the limit: there is one for each name of a Track event."""
    return table(name).group is Group.TRACK


def one_too_many(limit: int, counted: Collection[str], wanted: Iterable[str]) -> str | None:
    """The first event table, by name, that is over Segment's limit; None where all may be backfilled.

    Args:
        limit: How many event tables a workspace may backfill.
        counted: Those that it has backfilled already.
        wanted: Tables of any group.
    """
    new = sorted(set(filter(is_event_table, wanted)) - set(counted))
    left = max(limit - len(set(counted)), 0)
    return new[left] if len(new) > left else None


def _at(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def _end_of(text: str) -> datetime:
    """The first moment after a day, or after a time."""
    is_day = len(text) <= len("2026-01-31")
    return _at(text) + (timedelta(days=1) if is_day else timedelta(microseconds=1))


def _microseconds(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(microseconds=1)
