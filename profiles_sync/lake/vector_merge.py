"""MERGE for large tables: the rows that change are marked as gone and written anew, no data file is rewritten.

What it writes grows with the changes and not with the table, and so does what it reads: an index of each large file
tells which of its rows have a changed key. All is one commit, with the new rows beside the changed ones.

The change feed has each changed row as it is now and each deleted one; not how a changed row was before, which would
mean to read the whole table. Where a file's vector has become long, or somebody else wrote one, deltalake's own MERGE
takes over, which rewrites such files.
"""

from collections.abc import Mapping, Sequence

import orjson
import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable
from pyroaring import BitMap64

from profiles_sync.lake import log, vectors
from profiles_sync.lake.hits import Hit, hits
from profiles_sync.lake.log import Action
from profiles_sync.lake.rewritten import MERGED, after, named, removed, written
from profiles_sync.lake.tables import Lake
from profiles_sync.lake.tips import metadata_of

_LONGEST = 64 << 10  # characters of a vector in the log; then its file is worth rewriting
_ATTEMPTS = 5
_FEATURES = ("appendOnly", "changeDataFeed", "deletionVectors", "invariants")  # that our tables may use


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
        found = list(hits(lake, name, files, keys, known))
        marked = [_marked(files[hit.path], hit) for hit in found]
        if any(len(add["deletionVector"]["pathOrInlineDv"]) > _LONGEST for add in marked):
            return False
        actions = _allowed(table)
        actions += [log.transaction(app, at) for app, at in transactions.items()]
        actions += [{"remove": removed(files[hit.path])} for hit in found]
        actions += [{"add": add} for add in marked]
        actions += written(lake, name, *after(changes, known, named(known, found)))
        if log.commit(lake, name, table.version() + 1, actions, MERGED):
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


def _marked(add: Action, hit: Hit) -> Action:
    """The file's entry with further rows gone; its statistics are of all rows then, and say so."""
    gone = hit.gone | BitMap64(hit.rows.tolist())
    stats = orjson.loads(add["stats"]) | {"tightBounds": False}
    changed = {"deletionVector": vectors.encoded(gone), "stats": orjson.dumps(stats).decode(), "dataChange": True}
    return add | changed
