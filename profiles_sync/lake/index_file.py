"""A file of rows in order of a key, of which a look-up reads a few blocks: how one is written, and what it finds.

A head, then blocks of some rows each. The head says what the file is about and which keys cannot be in it; it has each
block's first key, where it ends and its checksum, and a checksum itself. So a look-up reads the head, some two bytes a
row, and the blocks that may hold a key. A file that is torn, damaged or about something else is noticed before a row of
it is believed, or the lack of one.
"""

import os
import struct
import uuid
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

BLOCK = 32  # rows
_MAGIC = b"psindex1"  # counts up when what stands in an index changes: then all are made again
_START = struct.Struct("<8s4Q")  # the magic, the sizes of the head's three parts, their checksum
_FENCE = np.dtype([("first", "<i8"), ("end", "<i8"), ("sum", "<i8")])
_TYPES = {"int64": pa.int64(), "string": pa.string()}
_NULL = -1  # the length of a text that is none
_EVEN = np.uint64(0x9E3779B97F4A7C15)  # times this, numbers that follow each other are far apart
Numbers = NDArray[np.int64]
About = Mapping[str, object]


class Damaged(Exception):
    """The file is not whole, or not the one that it should be: it has to be made again."""


@dataclass(frozen=True)
class IndexFile:
    """An index whose head was read; blocks are read when they are asked for."""

    file: BinaryIO
    begin: int
    schema: pa.Schema
    rows: int
    filter: NDArray[np.uint8]
    fences: NDArray[np.void]

    def close(self) -> None:
        """Nothing can be found any more."""
        self.file.close()

    def find(self, keys: Numbers) -> pa.Table:
        """The rows that have one of the keys, which are ascending.

        Raises:
            Damaged: A block is not as it was written.
        """
        blocks = self._blocks(keys[_may_be_in(self.filter, keys)]).tolist()
        records, texts, width = [], [], len(self.schema)
        for block in blocks:
            data = self._read(block)
            split = min(BLOCK, self.rows - block * BLOCK) * width * 8
            records.append(data[:split])
            texts.append(data[split:])
        numbers = np.frombuffer(b"".join(records), "<i8").reshape(-1, width)
        return _table(self.schema, numbers, b"".join(texts), np.flatnonzero(among(numbers[:, 0], keys)))

    def _blocks(self, keys: Numbers) -> Numbers:
        """Those that may hold a key. Rows of one key may stand in several."""
        firsts = np.ascontiguousarray(self.fences["first"])
        begin = np.maximum(np.searchsorted(firsts, keys, "left") - 1, 0)
        end = np.searchsorted(firsts, keys, "right")
        marks = np.zeros(len(firsts) + 1, np.int64)
        np.add.at(marks, begin[begin < end], 1)
        np.add.at(marks, end[begin < end], -1)
        return np.flatnonzero(np.cumsum(marks[:-1]))

    def _read(self, block: int) -> bytes:
        begin, end = int(self.fences["end"][block - 1]) if block else 0, int(self.fences["end"][block])
        data = os.pread(self.file.fileno(), end - begin, self.begin + begin)
        if zlib.crc32(data) != self.fences["sum"][block]:
            raise Damaged(self.file.name)
        return data


def opened(path: Path, about: About) -> IndexFile:
    """The index at a path; who asks for it closes it.

    Raises:
        Damaged: Its head is not as it was written, or it is about something else.
        FileNotFoundError: There is none.
    """
    file = path.open("rb")
    try:
        return _opened(file, about)
    except BaseException:
        file.close()
        raise


def _opened(file: BinaryIO, about: About) -> IndexFile:
    start = file.read(_START.size)
    if len(start) < _START.size or not start.startswith(_MAGIC):
        raise Damaged(file.name)
    _, *sizes, head_sum = _START.unpack(start)
    if sum(sizes) > os.fstat(file.fileno()).st_size:
        raise Damaged(file.name)
    described, filter_, fences = (file.read(size) for size in sizes)
    if _sum(described, filter_, fences) != head_sum:
        raise Damaged(file.name)
    description = orjson.loads(described)
    if description["about"] != about:
        raise Damaged(file.name)
    schema = pa.schema([(name, _TYPES[kind]) for name, kind in description["columns"]])
    parts = np.frombuffer(filter_, np.uint8), np.frombuffer(fences, _FENCE)
    return IndexFile(file, _START.size + sum(sizes), schema, description["rows"], *parts)


def write(path: Path, about: About, rows: pa.Table) -> None:
    """Write an index of rows by their first column: whole numbers without nulls, and texts.

    It stands under its own name only when it is whole.
    """
    keys = rows[0].to_numpy()
    order = np.argsort(keys, kind="stable")
    blocks = list(_blocks_of(rows.take(pa.array(order))))
    fences = np.empty(len(blocks), _FENCE)
    fences["first"] = keys[order][::BLOCK]
    fences["end"] = np.cumsum([len(one) for one in blocks])
    fences["sum"] = [zlib.crc32(one) for one in blocks]
    columns = [[one.name, str(one.type)] for one in rows.schema]
    described = orjson.dumps({"about": about, "rows": rows.num_rows, "columns": columns})
    head = (described, _filter_of(keys), fences.tobytes())
    path.parent.mkdir(parents=True, exist_ok=True)
    made = path.with_name(f"_{uuid.uuid4().hex}.tmp")
    with made.open("wb") as file:
        file.write(_START.pack(_MAGIC, *(len(one) for one in head), _sum(*head)))
        file.writelines([*head, *blocks])
    made.replace(path)


def _sum(*parts: bytes) -> int:
    value = 0
    for part in parts:
        value = zlib.crc32(part, value)
    return value


def among(values: Numbers, keys: Numbers) -> NDArray[np.bool_]:
    """Which of the values are among the keys, which are ascending."""
    if not len(keys):
        return np.zeros(len(values), np.bool_)
    found: NDArray[np.bool_] = keys[np.minimum(np.searchsorted(keys, values), len(keys) - 1)] == values
    return found


def _filter_of(keys: Numbers) -> bytes:
    """A bit is set for every key, of 8 to 16 for each row: of keys that are not there one in ten or so hits one."""
    bits = np.zeros(1 << max(3, (8 * len(keys) - 1).bit_length()), np.bool_)
    bits[_places(keys, len(bits))] = True
    return np.packbits(bits, bitorder="little").tobytes()


def _may_be_in(filter_: NDArray[np.uint8], keys: Numbers) -> NDArray[np.bool_]:
    places = _places(keys, 8 * len(filter_))
    found: NDArray[np.bool_] = (filter_[places >> 3] >> (places & 7).astype(np.uint8) & 1).astype(np.bool_)
    return found


def _places(keys: Numbers, bits: int) -> Numbers:
    """Where in a filter, which has a power of two of bits."""
    return (keys.astype(np.uint64) * _EVEN >> np.uint64(65 - bits.bit_length())).astype(np.int64)


def _blocks_of(rows: pa.Table) -> Iterator[bytes]:
    """Of each row its numbers and the lengths of its texts; behind them the texts, row after row."""
    texts = _texts(rows.schema)
    records = np.empty((rows.num_rows, len(rows.schema)), "<i8")
    for place, column in enumerate(rows.columns):
        records[:, place] = _lengths(column) if place in texts else column.to_numpy()
    ends = np.concatenate([[0], np.cumsum(np.maximum(records[:, texts], 0).sum(axis=1))]).tolist()
    data = memoryview(_joined([rows[place] for place in texts]))
    for begin in range(0, rows.num_rows, BLOCK):
        end = min(begin + BLOCK, rows.num_rows)
        yield records[begin:end].tobytes() + data[ends[begin] : ends[end]]


def _lengths(texts: pa.ChunkedArray) -> Numbers:
    lengths: Numbers = pc.binary_length(texts).cast(pa.int64()).fill_null(_NULL).to_numpy()
    return lengths


def _joined(columns: Sequence[pa.ChunkedArray]) -> bytes:
    """All texts of the first row, of the second row, and so on."""
    if not columns:
        return b""
    large = [column.cast(pa.large_string()).fill_null("") for column in columns]
    rows = pc.binary_join_element_wise(*large, pa.scalar("", pa.large_string())).combine_chunks()
    _, offsets, data = rows.buffers()
    ends = np.frombuffer(offsets, np.int64)[rows.offset : rows.offset + len(rows) + 1]
    return data.slice(int(ends[0]), int(ends[-1] - ends[0])).to_pybytes() if data is not None else b""


def _texts(schema: pa.Schema) -> list[int]:
    return [place for place, one in enumerate(schema) if one.type == pa.string()]


def _table(schema: pa.Schema, records: Numbers, data: bytes, kept: Numbers) -> pa.Table:
    """The kept ones of some rows, whose texts stand one after the other."""
    texts = _texts(schema)
    lengths = records[:, texts].reshape(-1)
    offsets = np.concatenate([[0], np.cumsum(np.maximum(lengths, 0))])
    valid = np.packbits(lengths != _NULL, bitorder="little")
    every = pa.LargeStringArray.from_buffers(len(lengths), *map(pa.py_buffer, (offsets, data, valid)))
    columns = [
        every.take(pa.array(kept * len(texts) + texts.index(place))).cast(pa.string())
        if place in texts
        else pa.array(records[kept, place])
        for place in range(len(schema))
    ]
    return pa.table(columns, schema)
