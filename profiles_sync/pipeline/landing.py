"""The events of a batch in landing order, each once, and the identifiers they carry as dense codes."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeVar

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
Kind = TypeVar("Kind", bound=np.generic)


@dataclass(frozen=True)
class Landing:
    """A batch before identity resolution.

    Attributes:
        events: Those that stay, in landing order: `staged.IDENTITY`, `split`, the number of the event's file, and
            `line`, its place among the lines of all files, one file after the other.
        offsets: Event `i` carries `codes[offsets[i]:offsets[i + 1]]`, best rank first.
        codes: Places in `identifiers`.
        identifiers: The distinct ones: `rank`, `high`, `low`, `value`.
        first: Where each file's lines begin among those of all files, and where the last one's end.
        kept: Per file, per line: whether its event stays; False also for a line that is no event.
        duplicates: How many events do not stay.
    """

    events: pa.Table
    offsets: Numbers
    codes: NDArray[np.int32]
    identifiers: pa.Table
    first: Numbers
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
    first = np.cumsum([0, *(one.places for one in parsed)], dtype=np.int64)
    every = _every([one.identity for one in parsed], first, IDENTITY)
    split = np.repeat(np.arange(len(parsed), dtype=np.int32), np.array([one.identity.rows for one in parsed], np.int64))
    every = every.append_column("split", pa.array(split))
    order = landing_order(numbers(every, "received_at"), every["message_id"].combine_chunks())
    if (np.diff(order) < 0).any():  # the files of an hour often are in order
        every = every.take(pa.array(order))
    stays = messages.kept(lake, numbers(every, "high"), numbers(every, "low"), numbers(every, "received_at"), batch)
    events = every.filter(pa.array(stays)).combine_chunks() if not stays.all() else every.combine_chunks()
    line = numbers(events, "line")
    place = np.full(first[-1], -1, np.int64)
    place[line] = np.arange(len(line))
    carried = _every([one.identifiers for one in parsed], first, IDENTIFIERS)
    coded = _coded(carried, place, len(events))
    return Landing(events, *coded, first, by_file(place >= 0, first), len(every) - len(events))


def by_file(lines: NDArray[Kind], first: Numbers) -> list[NDArray[Kind]]:
    """What belongs to the lines of all files, file by file."""
    return [lines[begin:end] for begin, end in pairwise(first.tolist())]


def _every(slices: Sequence[staging.Slice], first: Numbers, schema: pa.Schema) -> pa.Table:
    tables = [
        table.append_column("line", pa.array(begin + numbers(table, "row")))
        for table, begin in zip(map(staging.read, slices), first[:-1], strict=True)
    ]
    added = schema.append(pa.field("line", pa.int64()))
    return pa.concat_tables([added.empty_table(), *tables]).combine_chunks()


def _coded(carried: pa.Table, place: Numbers, events: int) -> tuple[Numbers, NDArray[np.int32], pa.Table]:
    at = place[numbers(carried, "line")]
    order = _order(at)
    offsets = np.concatenate([[0], np.cumsum(np.bincount(at[order], minlength=events))]).astype(np.int64)
    codes, firsts = factorize(numbers(carried, "high")[order], numbers(carried, "low")[order])
    places = firsts if isinstance(order, slice) else order[firsts]
    distinct = carried.select(["rank", "high", "low", "value"]).take(pa.array(places))
    return offsets, codes, distinct.combine_chunks()


def _order(at: Numbers) -> Numbers | slice:
    """What stays, which -1 does not, in its order; the files of an hour often are in order, and all stays."""
    if (np.diff(at, prepend=0) >= 0).all():
        return slice(None)
    order = np.argsort(at, kind="stable")
    return order[int(np.searchsorted(at[order], 0)) :]


def of(column: pa.ChunkedArray, places: Numbers) -> pa.Array:
    """The values at the places, in one piece."""
    taken = pc.take(column, pa.array(places))
    return taken.combine_chunks() if isinstance(taken, pa.ChunkedArray) else taken
