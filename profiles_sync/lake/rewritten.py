"""What a merge of our own commits beside the files that it touches: the rows that stand now, and the change feed."""

import uuid
from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from profiles_sync.lake import log
from profiles_sync.lake.files import put
from profiles_sync.lake.hits import Hit
from profiles_sync.lake.log import Action
from profiles_sync.lake.storage import storage_of
from profiles_sync.lake.tables import Lake

MERGED = {"operation": "MERGE", "operationParameters": {}, "isBlindAppend": False}
KIND = "_change_type"  # the column of the change feed that says what happened to the row
Found = NDArray[np.bool_]


def named(known: pa.Table, found: Sequence[Hit]) -> Found:
    """Of each change whether the table has its key."""
    is_there = np.zeros(known.num_rows, np.bool_)
    is_there[np.concatenate([hit.changes for hit in found] or [np.empty(0, np.int64)])] = True
    return is_there


def after(changes: pa.Table, known: pa.Table, found: Found) -> tuple[pa.Table, pa.Table]:
    """The rows that stand now, and the change feed: each changed row as it is now, and each deleted one.

    Args:
        changes: All of them, with `_op`.
        known: Those that may name a row of the table.
        found: Of each of these whether it does.
    """
    is_delete = pc.equal(known["_op"].combine_chunks(), "D").to_numpy(zero_copy_only=False)
    kinds = np.where(is_delete, "delete", np.where(found, "update_postimage", "insert"))
    real = found | ~is_delete  # nothing was deleted where nothing was found
    new = changes.filter(pc.equal(changes["_op"], "I"))
    feed = pa.concat_tables(
        [
            known.append_column(KIND, pa.array(kinds, pa.string())).filter(pa.array(real)),
            new.append_column(KIND, pa.array(["insert"] * new.num_rows, pa.string())),
        ]
    ).drop_columns(["_op"])
    return feed.filter(pc.not_equal(feed[KIND], "delete")).drop_columns([KIND]), feed


def written(lake: Lake, name: str, standing: pa.Table, feed: pa.Table) -> Iterator[Action]:
    """Files of both, as far as there are rows."""
    if standing.num_rows:
        about = {"dataChange": True, "modificationTime": log.now(), "stats": f'{{"numRecords":{standing.num_rows}}}'}
        yield {"add": _file(lake, name, "part", standing) | about}
    if feed.num_rows:
        yield {"cdc": _file(lake, name, "_change_data/cdc", feed) | {"dataChange": False}}


def removed(add: Action) -> Action:
    """The entry that takes a file out, of the one that put it in."""
    kept = {name: add[name] for name in ("path", "partitionValues", "size", "deletionVector") if name in add}
    return kept | {"deletionTimestamp": log.now(), "dataChange": True, "extendedFileMetadata": True}


def _file(lake: Lake, name: str, kind: str, rows: pa.Table) -> Action:
    filesystem, root = storage_of(lake.path(name), lake.options)
    path = f"{kind}-{uuid.uuid4().hex}.parquet"
    return {"path": path, "partitionValues": {}, "size": put(filesystem, f"{root}/{path}", rows)}
