"""MERGE for small tables: the files that hold a changed row are put together anew, without it, in one commit.

deltalake does the same in three times the time, most of it to plan a query over some kilobytes. The change feed is as
complete as its own: each changed row as it was and as it is now, each deleted and each new one.
"""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from profiles_sync.lake import log, tips
from profiles_sync.lake.hits import Hit, hits
from profiles_sync.lake.log import Action, Entries
from profiles_sync.lake.rewritten import KIND, MERGED, after, named, removed, written
from profiles_sync.lake.storage import storage_of
from profiles_sync.lake.tables import ARROW, Lake, shaped

_ATTEMPTS = 5
_MOST = 25_000  # rows of the files that hold a changed one; threads of deltalake write more in less time


def merge(
    lake: Lake, name: str, keys: Sequence[str], changes: pa.Table, transactions: Mapping[str, int], most: int
) -> bool:
    """Apply changes in one commit; see `vector_merge.merge`.

    Args:
        lake: Of the table.
        name: Of the table.
        keys: Its key columns.
        changes: One row per key, with `_op`.
        transactions: Application transactions to commit with it.
        most: So many rows make a table large.

    Returns:
        False when nothing was done: the table is large, much of it would be written anew, or it has features that an
        append must know of.
    """
    for _ in range(_ATTEMPTS):
        entries = Entries.of(lake.path(name), lake.options)
        tip = tips.read(lake, name, entries)
        assert tip is not None, name
        files = log.files_at(entries, tip.version) if tip.is_plain else None
        if files is None or not _are_few(files.values(), most - 1):
            return False
        known = changes.filter(pc.not_equal(changes["_op"], "I"))
        found = list(hits(lake, name, files, keys, known))
        if not _are_few([files[hit.path] for hit in found], _MOST):
            return False
        schema = pa.schema([(column, ARROW[kind]) for column, kind in tip.types.items()])
        kept, were = _parted(lake, name, schema, found, pc.equal(known["_op"], "D"))
        standing, feed = after(changes, known, named(known, found))
        feed = feed.filter(pc.not_equal(feed[KIND], "delete"))  # those are told whole, as they were
        told = schema.append(pa.field(KIND, pa.string()))
        actions = [log.transaction(app, at) for app, at in transactions.items()]
        actions += [{"remove": removed(files[hit.path])} for hit in found]
        actions += written(lake, name, _together([*kept, standing], schema), _together([*were, feed], told))
        if tips.commit(lake, name, tip, actions, MERGED):
            return True
    return False


def _are_few(files: Iterable[Action], most: int) -> bool:
    """Whether they have at most so many rows; nobody takes those for few that do not tell."""
    counts = [log.rows_of(add) for add in files]
    return sum(most + 1 if count is None else count for count in counts) <= most


def _parted(
    lake: Lake, name: str, schema: pa.Schema, found: Sequence[Hit], is_delete: pa.ChunkedArray
) -> tuple[list[pa.Table], list[pa.Table]]:
    """The rows of the files that stay as they are, and the others as they were, with what happens to them."""
    filesystem, root = storage_of(lake.path(name), lake.options)
    kept, were = [], []
    for hit in found:
        rows = _together([pq.read_table(f"{root}/{hit.path}", filesystem=filesystem)], schema)
        stays = np.ones(rows.num_rows, np.bool_)
        stays[hit.rows] = False
        kept.append(rows.filter(pa.array(stays)))
        kinds = pc.if_else(is_delete.take(pa.array(hit.changes)), "delete", "update_preimage")
        were.append(rows.take(pa.array(hit.rows)).append_column(KIND, kinds))
    return kept, were


def _together(parts: Sequence[pa.Table], schema: pa.Schema) -> pa.Table:
    """All rows, with the columns of the schema; a file lacks those that are younger than it is."""
    return pa.concat_tables([schema.empty_table(), *(shaped(part, schema) for part in parts)])
