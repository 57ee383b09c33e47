"""The rows of one lake table that a backfill sends."""

from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from profiles_sync.control.backfills import Backfill
from profiles_sync.errors import LakeError
from profiles_sync.lake import inferred
from profiles_sync.lake.base import Lake
from profiles_sync.lake.tables import ARROW, scan
from profiles_sync.spec.backfill import is_in_range
from profiles_sync.spec.tables import Change, Type
from profiles_sync.warehouses.base import OPERATION, Batch

_TIMES = ["received_at"]


@dataclass(frozen=True)
class History:
    """A table's rows: `batch` has all that the lake has now."""

    lake: Lake
    one: Backfill
    batch: Batch
    is_inferred: bool

    @property
    def rows(self) -> Iterator[pa.RecordBatch]:
        """Those that are sent."""
        name = self.batch.table.name
        if self.batch.table.change is Change.MERGE:
            return (some.drop_columns([OPERATION]) for some in self.batch.arrow())
        if is_in_range(name):
            return (some.filter(_in_window(self.one, some["received_at"])) for some in self.batch.arrow())
        return self._raw(name)

    @property
    def bytes(self) -> int:
        """About the size of the files' part that is sent, from the files' size and how many of their rows that are."""
        name = self.batch.table.name
        if not is_in_range(name):
            return self.batch.bytes
        opened = self.lake.open(name)
        assert opened is not None, name
        times = scan(opened, _TIMES)["received_at"]
        sent = pc.sum(_in_window(self.one, times)).as_py() or 0
        return round(self.batch.bytes * sent / max(len(times), 1))

    def _raw(self, name: str) -> Iterator[pa.RecordBatch]:
        if not self.is_inferred:
            return (some.filter(_at_most(some["uuid_ts"], self.one.until)) for some in self.batch.arrow())
        ids = _current(self.lake, name, self.one.until)["id"].combine_chunks()
        chosen = (some.filter(pc.is_in(some["id"], ids)) for some in self.batch.arrow())
        return map(inferred.without_times, chosen)


def history_of(lake: Lake, one: Backfill, name: str, is_inferred: bool) -> History:
    """Of a table as it is now."""
    batch = lake.changes(name, None)
    if batch is None:
        raise LakeError(f"space {lake.slug}: {name} is not in the lake any more; request the backfill anew without it")
    return History(lake, one, batch, is_inferred)


def _current(lake: Lake, name: str, until: int) -> pa.Table:
    opened = lake.open(name)
    assert opened is not None, name
    rows = scan(opened, inferred.READ[name])
    graph = _current(lake, "id_graph_updates", until) if name == "profile_traits_updates" else None
    return inferred.current(name, rows.filter(_at_most(rows["uuid_ts"], until)), graph)


def _in_window(one: Backfill, times: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    mask = pc.is_valid(times)
    if one.window.start is not None:
        mask = pc.and_(mask, pc.greater_equal(times, _time(one.window.start)))
    if one.window.end is not None:
        mask = pc.and_(mask, pc.less(times, _time(one.window.end)))
    return mask


def _at_most(times: pa.Array | pa.ChunkedArray, until: int) -> pa.Array | pa.ChunkedArray:
    return pc.less_equal(times, _time(until))


def _time(microseconds: int) -> pa.Scalar:
    return pa.scalar(microseconds, ARROW[Type.TIMESTAMP])
