"""A table's sync as far as Selective Sync lets it go: what is off is left out, and its cursor moves all the same.

So what came while a table or a column was off is behind the cursor when that is on again, and only what is new is sent.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa

from profiles_sync.spec.selection import Selection
from profiles_sync.spec.tables import Table, Type
from profiles_sync.sync.given import without_rows
from profiles_sync.sync.plan import AppendRows, LeaveOut, LoadStaging, MergeRows, Step, plan_table
from profiles_sync.warehouses.base import Batch, Capabilities, Cursor
from profiles_sync.warehouses.names import physical

_UNMADE = "-"  # before the commit in the record of a table that was never made, because it is off


@dataclass
class Chosen:
    """A `warehouses.base.Batch` as far as it goes to a warehouse: some columns of `rows`."""

    table: Table
    types: Mapping[str, Type]
    cursor: Cursor
    full: bool
    rows: Batch
    bytes: int

    @property
    def is_empty(self) -> bool:
        """See `warehouses.base.Batch`."""
        return self.rows.is_empty

    def arrow(self) -> pa.RecordBatchReader:
        """See `warehouses.base.Batch`."""
        rows, left_out = self.rows.arrow(), self.rows.types.keys() - self.types.keys()
        schema = pa.schema([field for field in rows.schema if field.name not in left_out])
        return pa.RecordBatchReader.from_batches(schema, (batch.select(schema.names) for batch in rows))

    def spark(self, session: Any) -> Any:  # noqa: ANN401 a DataFrame, where pyspark is
        """See `warehouses.base.Batch`."""
        return self.rows.spark(session).drop(*(self.rows.types.keys() - self.types.keys()))


def plan_selected(
    batch: Batch, existing: Mapping[str, str] | None, capabilities: Capabilities, selection: Selection
) -> tuple[Batch, Sequence[Step]]:
    """What of a batch is sent, and the steps for it, as `plan_table` has them for all of it.

    Of a table that is off that is nothing. A column that is off is not created; the rows that come have NULL there,
    and a row that is updated keeps what it has.
    """
    name = batch.table.name
    if not selection.has(name):
        return _without_rows(batch, existing), [LeaveOut(physical(name, capabilities))]
    types = {column: kind for column, kind in batch.types.items() if selection.has_column(name, column)}
    if len(types) == len(batch.types):
        return batch, plan_table(batch, existing, capabilities)
    chosen = Chosen(batch.table, types, batch.cursor, batch.full, batch, batch.bytes)
    steps = plan_table(chosen, existing, capabilities)
    left_out = tuple(physical(column, capabilities) for column in batch.types if column not in types)
    kept = tuple(column for column in left_out if column in (existing or {}))
    steps = [replace(step, keeps=kept) if isinstance(step, AppendRows | MergeRows) else step for step in steps]
    if any(isinstance(step, LoadStaging) for step in steps):
        steps.append(LeaveOut(physical(name, capabilities), left_out))
    return chosen, steps


def all_of(batch: Batch | None) -> Batch | None:
    """The rows of a batch in place of those that the warehouse has."""
    return None if batch is None else Chosen(batch.table, batch.types, batch.cursor, True, batch, batch.bytes)


def _without_rows(batch: Batch, existing: Mapping[str, str] | None) -> Batch:
    """Moves the cursor. Where there is no table that is written down: nobody has dropped it."""
    cursor = batch.cursor if existing is not None else replace(batch.cursor, commit=_UNMADE + batch.cursor.commit)
    return without_rows(batch.table, {}, cursor)


def unmade(cursors: Mapping[str, Cursor]) -> frozenset[str]:
    """The tables that are recorded and were never made."""
    return frozenset(name for name, cursor in cursors.items() if cursor.commit.startswith(_UNMADE))


def followed(cursors: Mapping[str, Cursor], there: Iterable[str]) -> dict[str, Cursor]:
    """How far tables are followed: those that are there, and those that were never made.

    Where a table was made and is not there, somebody dropped it: the cursor stands for rows that are gone.
    """
    plain = {name: replace(one, commit=one.commit.removeprefix(_UNMADE)) for name, one in cursors.items()}
    return {name: plain[name] for name in (set(there) & cursors.keys()) | unmade(cursors)}


def later(cursor: Cursor | None, switched_on: Cursor | None) -> Cursor | None:
    """Where a table is followed from: no cursor moved while its warehouse was not synced and the table was off."""
    if cursor is None or switched_on is None or cursor.table_id != switched_on.table_id:
        return cursor
    return max(cursor, switched_on, key=lambda one: one.version)
