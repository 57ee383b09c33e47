"""MERGE for large tables: the rows that change are marked as gone and written anew, no data file is rewritten.

What it writes grows with the changes and not with the table, and so does what it reads: an index of each large file
tells which of its rows have a changed key. All is one commit, with the new rows beside the changed ones.

The change feed has each changed row as it is now and each deleted one; not how a changed row was before, which would
mean to read the whole table. Where a file's vector has become long, or somebody else wrote one, deltalake's own MERGE
takes over, which rewrites such files.
"""

import hashlib
import uuid
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from deltalake import DeltaTable
from numpy.typing import NDArray
from pyarrow import fs
from pyroaring import BitMap64

from profiles_sync.lake import indexes, log, vectors
from profiles_sync.lake.files import put
from profiles_sync.lake.indexes import DataFile, Index
from profiles_sync.lake.log import Action
from profiles_sync.lake.storage import of_table, storage_of
from profiles_sync.lake.tables import Lake
from profiles_sync.lake.tips import metadata_of

_LONGEST = 64 << 10  # characters of a vector in the log; then its file is worth rewriting
_ATTEMPTS = 5
_FEATURES = ("appendOnly", "changeDataFeed", "deletionVectors", "invariants")  # that our tables may use
_INFO = {"operation": "MERGE", "operationParameters": {}, "isBlindAppend": False}
_BETWEEN = "\0"  # parts a key's columns; it stands in no value
Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class _Hit:
    """Rows of a file that changed keys name: where they are in the file, and which changes name them.

    `gone` are the rows that were marked before.
    """

    path: str
    rows: Numbers
    changes: Numbers
    gone: BitMap64


def merge(lake: Lake, name: str, keys: Sequence[str], changes: pa.Table, transactions: Mapping[str, int]) -> bool:
    """Apply changes in one commit.

    Args:
        lake: Of the table.
        name: Of the table.
        keys: Its key columns, texts that are never null.
        changes: One row per key, with `_op`: I (a new key), U (update or insert) or D (delete).
        transactions: Application transactions to commit with it.

    Returns:
        False when nothing was done, because this table needs deltalake's MERGE.
    """
    for _ in range(_ATTEMPTS):
        table = lake.open(name)
        assert table is not None, name
        files = log.live_files(table)
        if files is None or not all(vectors.is_readable(one.get("deletionVector")) for one in files.values()):
            return False
        known = changes.filter(pc.not_equal(changes["_op"], "I"))
        hits = list(_hits(lake, name, files, keys, known))
        marked = [_marked(files[hit.path], hit) for hit in hits]
        if any(len(add["deletionVector"]["pathOrInlineDv"]) > _LONGEST for add in marked):
            return False
        actions = _allowed(table)
        actions += [log.transaction(app, at) for app, at in transactions.items()]
        actions += [{"remove": _removed(files[hit.path])} for hit in hits]
        actions += [{"add": add} for add in marked]
        found = np.zeros(known.num_rows, np.bool_)
        found[np.concatenate([hit.changes for hit in hits] or [np.empty(0, np.int64)])] = True
        actions += _written(table, changes, known, found)
        if log.commit(lake, name, table.version() + 1, actions, _INFO):
            return True
    return False


def _allowed(table: DeltaTable) -> list[Action]:
    """What makes the log allow vectors. deltalake's own words for it lose the change feed, or ask for too much."""
    about = table.metadata()
    if about.configuration.get("delta.enableDeletionVectors") == "true":
        return []
    features = sorted({*_FEATURES, *(table.protocol().writer_features or ())})
    readers = sorted({"deletionVectors", *(table.protocol().reader_features or ())})
    versions = {"minReaderVersion": 3, "minWriterVersion": 7}
    allowed = {"configuration": about.configuration | {"delta.enableDeletionVectors": "true"}}
    return [
        {"protocol": versions | {"readerFeatures": readers, "writerFeatures": features}},
        {"metaData": metadata_of(table) | allowed},
    ]


def _hits(lake: Lake, name: str, files: Mapping[str, Action], keys: Sequence[str], known: pa.Table) -> Iterator[_Hit]:
    if not known.num_rows:
        return
    digests, looked_up, others = _digests(_joined(known, keys)), [], []
    for add in files.values():
        file = DataFile(add["path"], add["size"], orjson.loads(add.get("stats") or "{}").get("numRecords", 0))
        if indexes.is_indexed(lake, file, known.num_rows):
            looked_up.append((add, _looked_up(lake, name, file, keys, digests)))
        else:
            others.append(add)
    for add, (rows, places) in [*looked_up, *_read(lake, name, others, keys, known)]:
        gone = vectors.decoded(add.get("deletionVector"))
        stays = np.array([row not in gone for row in rows.tolist()], np.bool_)
        if stays.any():
            yield _Hit(add["path"], rows[stays], places[stays], gone)


def _looked_up(lake: Lake, name: str, file: DataFile, keys: Sequence[str], digests: Numbers) -> tuple[Numbers, Numbers]:
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


def _marked(add: Action, hit: _Hit) -> Action:
    """The file's entry with further rows gone; its statistics are of all rows then, and say so."""
    gone = hit.gone | BitMap64(hit.rows.tolist())
    stats = orjson.loads(add["stats"]) | {"tightBounds": False}
    changed = {"deletionVector": vectors.encoded(gone), "stats": orjson.dumps(stats).decode(), "dataChange": True}
    return add | changed


def _removed(add: Action) -> Action:
    kept = {name: add[name] for name in ("path", "partitionValues", "size", "deletionVector") if name in add}
    return kept | {"deletionTimestamp": log.now(), "dataChange": True, "extendedFileMetadata": True}


def _written(table: DeltaTable, changes: pa.Table, known: pa.Table, found: NDArray[np.bool_]) -> Iterator[Action]:
    """The rows that stand now, and the change feed."""
    op = known["_op"].combine_chunks()
    is_delete = pc.equal(op, "D").to_numpy(zero_copy_only=False)
    kinds = np.where(is_delete, "delete", np.where(found, "update_postimage", "insert"))
    real = found | ~is_delete  # nothing was deleted where nothing was found
    new = changes.filter(pc.equal(changes["_op"], "I"))
    feed = pa.concat_tables(
        [
            known.append_column("_change_type", pa.array(kinds)).filter(pa.array(real)),
            new.append_column("_change_type", pa.array(["insert"] * new.num_rows, pa.string())),
        ]
    ).drop_columns(["_op"])
    standing = feed.filter(pc.not_equal(feed["_change_type"], "delete")).drop_columns(["_change_type"])
    if standing.num_rows:
        yield {"add": _file(table, standing, "part", "") | {"stats": f'{{"numRecords":{standing.num_rows}}}'}}
    if feed.num_rows:
        yield {"cdc": _file(table, feed, "cdc", "_change_data/") | {"dataChange": False}}


def _file(table: DeltaTable, rows: pa.Table, kind: str, folder: str) -> dict[str, Any]:
    filesystem, root = of_table(table)
    path = f"{folder}{kind}-{uuid.uuid4().hex}.parquet"
    size = put(filesystem, f"{root}/{path}", rows)
    entry = {"path": path, "partitionValues": {}, "size": size, "dataChange": True}
    return entry | ({} if folder else {"modificationTime": log.now()})
