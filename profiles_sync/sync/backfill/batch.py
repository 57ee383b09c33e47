"""Staged history as a batch for a warehouse, and together with what changed since it was staged."""

import pyarrow as pa
import pyarrow.compute as pc

from profiles_sync.lake.area import Kept
from profiles_sync.lake.base import Lake
from profiles_sync.lake.tables import ARROW
from profiles_sync.spec.tables import Change, Table, table
from profiles_sync.sync.given import Given
from profiles_sync.warehouses.base import OPERATION, Batch, Cursor


def batch_of(kept: Kept, name: str, lake: Lake, recorded: Cursor, is_last: bool = True) -> Batch:
    """What brings a warehouse that follows the table at `recorded` its history, or a part of it.

    Rows that are appended are found by their `id`, so the table is followed from where it was. A merged table may have
    changed since it was staged, or the warehouse may be behind that: what changed since the earlier of the two goes
    with it and wins, so that no row comes back that is gone, and the warehouse has the table as the lake has it. With a
    part before the last one these changes do not go: their keys are left out, for the live sync that comes next, or
    the last part, brings them from `recorded` on. So whatever is sent between two parts, the next one undoes nothing.
    """
    about = table(name)
    if about.change is Change.APPEND:
        return Given(about, kept.types, recorded, kept.arrow, kept.bytes, not kept.rows)
    is_behind = recorded.table_id != kept.cursor.table_id or recorded.version < kept.cursor.version
    changed = lake.changes(name, recorded if is_behind else kept.cursor)
    if not is_last and not (changed and changed.full):
        return Given(about, kept.types, recorded, lambda: merged(kept, about, changed, False), kept.bytes)
    if changed is None:
        return Given(about, kept.types, kept.cursor, lambda: merged(kept, about, None), kept.bytes)
    if changed.full:  # what happened since is not known any more
        return changed
    return Given(about, changed.types, changed.cursor, lambda: merged(kept, about, changed), kept.bytes + changed.bytes)


def merged(kept: Kept, about: Table, changed: Batch | None, with_changes: bool = True) -> pa.RecordBatchReader:
    """The staged rows but for those whose key changed, and the changes."""
    rows = kept.arrow().read_all()
    rows = rows.append_column(OPERATION, pa.array(["U"] * rows.num_rows, pa.string()))
    if changed is None:
        return rows.to_reader()
    news = changed.arrow().read_all()
    types = {**{name: ARROW[kind] for name, kind in changed.types.items()}, OPERATION: pa.string()}
    left = rows.filter(pc.invert(_has_key(rows, news, about.key)))
    if not with_changes:
        return left.to_reader()
    columns = {name: left[name] if name in left.column_names else pa.nulls(left.num_rows) for name in types}
    old = pa.table(columns).cast(pa.schema(list(types.items())))
    return pa.concat_tables([old, news.select(list(types))]).to_reader()


def _has_key(rows: pa.Table, news: pa.Table, key: tuple[str, ...]) -> pa.Array:
    """Which of the rows have a key of the other ones."""
    place = pa.array(range(rows.num_rows), pa.int64())
    numbered = rows.select(key).append_column("_place", place)
    found = numbered.join(news.select(key), list(key), join_type="left semi")["_place"]
    return pc.is_in(place, found.combine_chunks())
