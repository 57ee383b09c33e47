"""Which rows of a table's files have one of the keys that changes name.

A large file is asked through its index, the key columns of a small one are read.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray
from pyarrow import fs
from pyroaring import BitMap64

from profiles_sync.lake import indexes, vectors
from profiles_sync.lake.indexes import DataFile, Index
from profiles_sync.lake.log import Action, rows_of
from profiles_sync.lake.storage import storage_of

if TYPE_CHECKING:
    from profiles_sync.lake.tables import Lake

_BETWEEN = "\0"  # parts a key's columns; it stands in no value
Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class Hit:
    """Rows of a file that changed keys name: where they are in the file, and which changes name them.

    `gone` are the rows that were marked before.
    """

    path: str
    rows: Numbers
    changes: Numbers
    gone: BitMap64


def hits(lake: "Lake", name: str, files: Mapping[str, Action], keys: Sequence[str], known: pa.Table) -> Iterator[Hit]:
    """The files that have any.

    Args:
        lake: Of the table.
        name: Of the table.
        files: Path to `add` action of each of its files.
        keys: Its key columns, texts that are never null.
        known: The changes, one row per key.
    """
    if not known.num_rows:
        return
    digests, looked_up, others = _digests(_joined(known, keys)), [], []
    for add in files.values():
        file = DataFile(add["path"], add["size"], rows_of(add) or 0)
        if indexes.is_indexed(lake, file, known.num_rows):
            looked_up.append((add, _looked_up(lake, name, file, keys, digests)))
        else:
            others.append(add)
    for add, (rows, places) in [*looked_up, *_read(lake, name, others, keys, known)]:
        gone = vectors.decoded(add.get("deletionVector"))
        stays = np.array([row not in gone for row in rows.tolist()], np.bool_)
        if stays.any():
            yield Hit(add["path"], rows[stays], places[stays], gone)


def _looked_up(
    lake: "Lake", name: str, file: DataFile, keys: Sequence[str], digests: Numbers
) -> tuple[Numbers, Numbers]:
    """The rows of a file that have one of the keys, and which."""
    found = indexes.rows_of(lake, name, file, by_key(keys), np.unique(digests[:, 0]))
    at = [found[column].to_numpy() for column in ("high", "low", "row")]
    places = pc.index_in(_as_bytes(np.stack(at[:2], axis=1)), _as_bytes(digests)).fill_null(-1).to_numpy()
    return at[2][places >= 0], places[places >= 0].astype(np.int64)


def by_key(keys: Sequence[str]) -> Index:
    """By which the rows of a table with this key are looked up."""
    return Index("by_key", keys, _keyed)


def _as_bytes(digests: Numbers) -> pa.FixedSizeBinaryArray:
    return pa.FixedSizeBinaryArray.from_buffers(pa.binary(16), len(digests), [None, pa.py_buffer(digests)])


def _keyed(rows: pa.Table) -> pa.Table:
    """Of each row of a file the digest of its key, and where it is."""
    high, low = _digests(_joined(rows, rows.column_names)).T
    columns = [np.ascontiguousarray(high), np.ascontiguousarray(low), np.arange(rows.num_rows)]
    return pa.table([pa.array(one) for one in columns], ["high", "low", "row"])


def _digests(texts: pa.StringArray) -> Numbers:
    """128 bits of each, in two numbers: so many that no two keys share them."""
    made = b"".join(hashlib.blake2b(text.encode(), digest_size=16).digest() for text in texts.to_pylist())
    return np.frombuffer(made, "<i8").reshape(-1, 2)


def _read(
    lake: "Lake", name: str, adds: Sequence[Action], keys: Sequence[str], known: pa.Table
) -> Iterator[tuple[Action, tuple[Numbers, Numbers]]]:
    """The same of files without an index."""
    filesystem, root = storage_of(lake.path(name), lake.options)
    keys = sorted(keys, key=lambda key: -pc.count_distinct(known[key]).as_py())  # the one that rules out most
    first, whole = known[keys[0]].combine_chunks(), _joined(known, keys)
    with ThreadPoolExecutor() as readers:
        found = readers.map(lambda add: _found(filesystem, f"{root}/{add['path']}", keys, first, whole), adds)
        yield from zip(adds, found, strict=True)


def _found(
    filesystem: fs.FileSystem, path: str, keys: Sequence[str], first: pa.StringArray, whole: pa.StringArray
) -> tuple[Numbers, Numbers]:
    """The rows of a file that have one of the keys, and which. The first column alone rules out nearly all of them."""
    with filesystem.open_input_file(path) as file:
        data = pq.ParquetFile(file)

        def column(key: str) -> pa.ChunkedArray:
            return data.read([key], use_threads=False)[0].cast(pa.string())  # deltalake writes text views

        first_column = column(keys[0])
        rows = np.flatnonzero(pc.is_in(first_column, first).to_numpy())
        if not len(rows):
            return rows, rows
        at = pa.array(rows)
        parts = [first_column.take(at)] + [column(key).take(at) for key in keys[1:]]
    places = pc.index_in(_joined(pa.table(parts, list(keys)), keys), whole).fill_null(-1).to_numpy().astype(np.int64)
    return rows[places >= 0], places[places >= 0]


def _joined(rows: pa.Table, keys: Sequence[str]) -> pa.StringArray:
    return pc.binary_join_element_wise(*(rows[key].combine_chunks().cast(pa.string()) for key in keys), _BETWEEN)
