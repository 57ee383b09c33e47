"""How the identity graph grew: profiles that were created, and those that merged into others.

Times are those at which events were received, for late ones would change hours that somebody looked at already.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

_HOUR = 3_600_000_000  # microseconds
_HOURS = 48  # that are shown one by one
_POINTS, _DAYS = 90, 90  # of profiles over time


@dataclass(frozen=True)
class Hour:
    """How many profiles were created, and how many merged into others, in the hour from `at` on."""

    at: datetime
    created: int
    merged: int


@dataclass(frozen=True)
class Growth:
    """The graph over time.

    Attributes:
        created: Profiles that were ever created.
        merged: Those of them that merged into others.
        hours: The last ones, up to the newest event that changed the graph.
        over_time: A moment, and how many profiles there were.
    """

    created: int
    merged: int
    hours: tuple[Hour, ...]
    over_time: tuple[tuple[datetime, int], ...]

    @property
    def profiles(self) -> int:
        """How many there are now."""
        return self.created - self.merged


def growth(graph: pa.Table) -> Growth:
    """What rows of `id_graph_updates` tell: a profile is created by a row with itself, and merged by its next one."""
    is_new = pc.equal(graph["segment_id"], graph["canonical_segment_id"])
    away = graph.filter(pc.invert(is_new)).group_by("segment_id").aggregate([("received_at", "min")])
    created, merged = _moments(graph.filter(is_new)["received_at"]), _moments(away["received_at_min"])
    if not len(created):
        return Growth(0, 0, (), ())
    newest = max(created.max(), merged.max(initial=0))
    return Growth(len(created), len(merged), _hours(created, merged, newest), _over_time(created, merged, newest))


def _hours(created: NDArray[np.int64], merged: NDArray[np.int64], newest: int) -> tuple[Hour, ...]:
    last = newest // _HOUR
    first = max(int(created.min()) // _HOUR, last - _HOURS + 1)
    edges = np.arange(first, last + 2) * _HOUR
    several = zip(edges[:-1].tolist(), *(np.histogram(of, edges)[0].tolist() for of in (created, merged)), strict=True)
    return tuple(Hour(_moment(at), new, away) for at, new, away in several)


def _over_time(created: NDArray[np.int64], merged: NDArray[np.int64], newest: int) -> tuple[tuple[datetime, int], ...]:
    """At equal distances, of the last days; each counts all that was received until then."""
    at = np.linspace(max(int(created.min()), newest - _DAYS * 24 * _HOUR), newest, _POINTS).astype(np.int64)
    there = np.searchsorted(np.sort(created), at, "right") - np.searchsorted(np.sort(merged), at, "right")
    return tuple((_moment(one), many) for one, many in zip(at.tolist(), there.tolist(), strict=True))


def _moments(times: pa.ChunkedArray) -> NDArray[np.int64]:
    return numbers(times.cast(pa.timestamp("us", "UTC"), safe=False).cast(pa.int64()))


def numbers(column: pa.ChunkedArray) -> NDArray[np.int64]:
    """Whole numbers as numpy has them."""
    return np.asarray(column.to_numpy(), np.int64)


def _moment(microseconds: int) -> datetime:
    return datetime.fromtimestamp(microseconds / 1e6, UTC)
