"""The events of a batch in landing order, each once, and the identifiers they carry as dense codes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from profiles_sync.lake.base import Lake
from profiles_sync.pipeline import messages, staging
from profiles_sync.pipeline.bulk.order import landing_order
from profiles_sync.pipeline.hashing import factorize
from profiles_sync.pipeline.staged import IDENTIFIERS, IDENTITY, Parsed

Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class Landing:
    """A batch before identity resolution.

    Attributes:
        events: Those that stay, in landing order: `staged.IDENTITY` and `split`, the number of the event's file.
        offsets: Event `i` carries `codes[offsets[i]:offsets[i + 1]]`, best rank first.
        codes: Places in `identifiers`.
        identifiers: The distinct ones: `rank`, `high`, `low`, `value`.
        kept: Per file, per line: whether its event stays; False also for a line that is no event.
        duplicates: How many events do not stay.
    """

    events: pa.Table
    offsets: Numbers
    codes: NDArray[np.int32]
    identifiers: pa.Table
    kept: list[NDArray[np.bool_]]
    duplicates: int

    def numbers(self, column: str) -> Numbers:
        """A column of whole numbers."""
        return numbers(self.events, column)


def numbers(table: pa.Table, column: str) -> Numbers:
    """A column of whole numbers without nulls."""
    made: Numbers = table[column].to_numpy()
    return made


def land(lake: Lake, batch: int, parsed: Sequence[Parsed]) -> Landing:
    """Put what the files of a batch hold in order and drop what was kept before."""
    every = _every(parsed, [one.identity for one in parsed], IDENTITY)
    order = landing_order(numbers(every, "received_at"), every["message_id"].combine_chunks())
    if (np.diff(order) < 0).any():  # the files of an hour often are in order
        every = every.take(pa.array(order))
    stays = messages.kept(lake, numbers(every, "high"), numbers(every, "low"), numbers(every, "received_at"), batch)
    events = every.filter(pa.array(stays)).combine_chunks() if not stays.all() else every.combine_chunks()
    kept = [np.zeros(one.places, np.bool_) for one in parsed]
    place = [np.full(one.places, -1, np.int64) for one in parsed]
    split, row = numbers(events, "split"), numbers(events, "row")
    for number in range(len(parsed)):
        mine = split == number
        kept[number][row[mine]] = True
        place[number][row[mine]] = np.flatnonzero(mine)
    carried = _every(parsed, [one.identifiers for one in parsed], IDENTIFIERS)
    return Landing(events, *_coded(carried, place, len(events)), kept, len(every) - len(events))


def _every(parsed: Sequence[Parsed], slices: Sequence[staging.Slice], schema: pa.Schema) -> pa.Table:
    tables = [
        table.append_column("split", pa.array(np.full(table.num_rows, number, np.int32)))
        for number, table in enumerate(map(staging.read, slices))
    ]
    return pa.concat_tables([schema.append(pa.field("split", pa.int32())).empty_table(), *tables]).combine_chunks()


def _coded(carried: pa.Table, place: Sequence[Numbers], events: int) -> tuple[Numbers, NDArray[np.int32], pa.Table]:
    split, row = numbers(carried, "split"), numbers(carried, "row")
    at = np.full(len(row), -1, np.int64)
    for number, places in enumerate(place):
        mine = split == number
        at[mine] = places[row[mine]]
    order = np.argsort(at, kind="stable")
    order = order[int(np.searchsorted(at[order], 0)) :]
    offsets = np.concatenate([[0], np.cumsum(np.bincount(at[order], minlength=events))]).astype(np.int64)
    high, low = numbers(carried, "high")[order], numbers(carried, "low")[order]
    codes, firsts = factorize(high, low)
    distinct = carried.select(["rank", "high", "low", "value"]).take(pa.array(order[firsts]))
    return offsets, codes, distinct.combine_chunks()


def of(column: pa.ChunkedArray, places: Numbers) -> pa.Array:
    """The values at the places, in one piece."""
    taken = pc.take(column, pa.array(places))
    return taken.combine_chunks() if isinstance(taken, pa.ChunkedArray) else taken
