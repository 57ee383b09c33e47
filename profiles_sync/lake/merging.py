"""A batch's changes merged into a table that is kept by key, once.

In small tables the files that hold a changed row are written anew, see `file_merge`. In large ones such rows are marked
instead: what is written then grows with the batch and not with the table, see `vector_merge`. deltalake merges what
neither of them may.
"""

from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable

from profiles_sync.lake import file_merge, log, vector_merge
from profiles_sync.lake.tables import Lake, quoted
from profiles_sync.spec.tables import Table

LARGE = 200_000  # rows; below, rewriting takes no longer than marking, and any reader can read the table
_MERGE = "/merge"  # the transaction of the first of the two commits that deltalake needs


def merge(lake: Lake, table: Table, changes: pa.Table, batch: int) -> None:
    """Apply changes once: one row per key, `_op` is I (a new key), U (update or insert) or D (delete).

    Appending what is known to be new costs what the batch has; only the others cost a MERGE.
    """
    if lake.has(table.name, batch):
        return
    if pc.all(pc.equal(changes["_op"], "I"), min_count=0).as_py():
        lake.append(table.name, changes.drop_columns(["_op"]), batch)
        return
    transactions = {lake.app(): batch, lake.app(_MERGE): batch}
    if not file_merge.merge(lake, table.name, table.key, changes, transactions, LARGE):
        _merge_otherwise(lake, table, changes, batch, transactions)


def _merge_otherwise(lake: Lake, table: Table, changes: pa.Table, batch: int, transactions: Mapping[str, int]) -> None:
    """Where the table is large, or where somebody gave it features of its own."""
    target = lake.open(table.name)
    assert target is not None, table.name
    is_new = pc.equal(changes["_op"], "I")
    new, others = changes.filter(is_new).drop_columns(["_op"]), changes.filter(pc.invert(is_new))
    if not lake.done(target, batch, _MERGE):
        if _is_large(target) and vector_merge.merge(lake, table.name, table.key, changes, transactions):
            return
        _merge(lake, target, table, others, batch)
    if new.num_rows:
        lake.append(table.name, new, batch)


def _is_large(target: DeltaTable) -> bool:
    return int(pc.sum(pa.table(target.get_add_actions())["num_records"]).as_py() or 0) >= LARGE


def _merge(lake: Lake, target: DeltaTable, table: Table, changes: pa.Table, batch: int) -> None:
    columns = [name for name in changes.column_names if name != "_op"]
    every = {quoted(name): f"s.{quoted(name)}" for name in columns}
    lake.guard()
    (
        target.merge(
            changes,
            " and ".join(f"t.{quoted(key)} = s.{quoted(key)}" for key in table.key),
            source_alias="s",
            target_alias="t",
            commit_properties=lake.stamp(batch, _MERGE),
        )
        .when_matched_delete("s._op = 'D'")
        .when_matched_update(every, predicate="s._op = 'U'")
        .when_not_matched_insert(every, predicate="s._op = 'U'")
        .execute()
    )
    log.count(lake, table.name)
