"""Which profiles the identity graph knows, and which of them were never merged away; asked of the lake's own log.

A log of many rows has an index for it, so that an hour's few thousand profiles are found without reading it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable
from numpy.typing import NDArray

from profiles_sync.lake import indexes
from profiles_sync.lake.base import Lake
from profiles_sync.lake.indexes import Index
from profiles_sync.lake.paths import PathLake
from profiles_sync.lake.tables import scan
from profiles_sync.pipeline.landing import numbers
from profiles_sync.pipeline.state import GRAPH, last_rows

Numbers = NDArray[np.int64]
_PREFIX, _LENGTH = "use_", 31  # of a segment_id
_COLUMNS = ["segment_id", "profile", "canonical", "seq"]


@dataclass
class Graph:
    """The graph of a space as the lake has it; what was asked once is remembered."""

    lake: Lake
    _known: pa.Array = field(default_factory=lambda: pa.array([], pa.string()))
    _canonical: pa.Array = field(default_factory=lambda: pa.array([], pa.string()))
    _asked: pa.Array = field(default_factory=lambda: pa.array([], pa.string()))

    def learn(self, segment_ids: pa.Array) -> None:
        """Look up those of some ids that were not asked for yet; distinct, none of them empty."""
        new = segment_ids.filter(pc.invert(pc.is_in(segment_ids, self._asked)))
        if not len(new):
            return
        known, canonical = _found(self.lake, new)
        self._asked = pa.concat_arrays([self._asked, new])
        self._known = pa.concat_arrays([self._known, new.filter(known)])
        self._canonical = pa.concat_arrays([self._canonical, new.filter(canonical)])

    def is_known(self, segment_ids: pa.Array) -> pa.Array:
        """Whether each is a profile's; null for null."""
        return _among(segment_ids, self._known)

    def is_canonical(self, segment_ids: pa.Array) -> pa.Array:
        """Whether each is a profile's that was never merged away; null for null."""
        return _among(segment_ids, self._canonical)


def _among(values: pa.Array, some: pa.Array) -> pa.Array:
    return pc.if_else(pc.is_valid(values), pc.is_in(values, some), None)


def _found(lake: Lake, wanted: pa.Array) -> tuple[pa.Array, pa.Array]:
    """Of each, whether it is known and whether it is canonical."""
    asked = _halves(wanted)
    rows = pa.concat_tables(_rows(lake, np.unique(asked[:, 0])))
    last = rows.take(pa.array(last_rows(numbers(rows, "profile"), numbers(rows, "seq"))))
    stands = last.filter(pc.equal(last["profile"], last["canonical"]))
    return _in(asked, last), _in(asked, stands)


def _in(asked: Numbers, rows: pa.Table) -> pa.Array:
    there = np.stack([numbers(rows, "high"), numbers(rows, "low")], axis=1)
    return pc.and_(pc.is_in(_bytes(asked), _bytes(there)), pa.array(asked[:, 0] != 0))


def _bytes(halves: Numbers) -> pa.FixedSizeBinaryArray:
    buffer = pa.py_buffer(np.ascontiguousarray(halves))
    return pa.FixedSizeBinaryArray.from_buffers(pa.binary(16), len(halves), [None, buffer])


def _rows(lake: Lake, keys: Numbers) -> Iterator[pa.Table]:
    """The log's rows that may be of these profiles."""
    yield _keyed(pa.table([pa.array([], pa.string()), *[pa.array([], pa.int64())] * 3], _COLUMNS))
    table, index = lake.open(GRAPH), Index("by_segment_id", _COLUMNS, _keyed)
    if table is None:
        return
    if not (isinstance(lake, PathLake) and isinstance(table, DeltaTable)):
        yield _keyed(scan(table, _COLUMNS))
        return
    for file in indexes.files_of(table):
        look = indexes.rows_of if indexes.is_indexed(lake, file, len(keys)) else indexes.rows_read
        yield look(lake, GRAPH, file, index, keys)


def _keyed(rows: pa.Table) -> pa.Table:
    halves = _halves(rows["segment_id"])
    first = [pa.array(np.ascontiguousarray(half)) for half in halves.T]
    others = [rows[name].combine_chunks().cast(pa.int64()) for name in _COLUMNS[1:]]
    return pa.table([*first, *others], ["high", "low", *_COLUMNS[1:]])


def _halves(ids: pa.Array) -> Numbers:
    """Two numbers of eight characters of each id, behind its prefix: 95 bits. Zeroes for what is no segment_id."""
    texts = ids.combine_chunks() if isinstance(ids, pa.ChunkedArray) else ids
    texts = texts.cast(pa.string())
    has_form = pc.and_(pc.equal(pc.binary_length(texts), _LENGTH), pc.starts_with(texts, _PREFIX)).fill_null(False)
    kept, halves = texts.filter(has_form), np.zeros((len(texts), 2), np.int64)
    if len(kept):
        begin = int(np.frombuffer(kept.buffers()[1], np.int32)[kept.offset])
        data = np.frombuffer(kept.buffers()[2], np.uint8, len(kept) * _LENGTH, begin).reshape(-1, _LENGTH)
        characters = data[:, len(_PREFIX) : len(_PREFIX) + 16]
        halves[has_form.to_numpy(zero_copy_only=False)] = np.ascontiguousarray(characters).view("<i8")
    return halves
