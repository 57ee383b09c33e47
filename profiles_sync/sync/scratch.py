"""A table of the sync's own to try things on, with the statements that a sync would run."""

import secrets
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from profiles_sync.errors import ProfilesSyncError, WarehouseRefused
from profiles_sync.lake.fetched import handed
from profiles_sync.lake.tables import ARROW
from profiles_sync.spec.tables import BY_NAME, Table, Type
from profiles_sync.warehouses.base import INTERNAL, OPERATION, Cast, Cursor, Staged, Transactions
from profiles_sync.warehouses.protocol import Connection, Warehouse

_TABLE = BY_NAME["profile_merges"]  # has what both kinds of tables have: a key, and when a row landed
_LATER = "timestamp"  # is added to the table as a further column


def _types() -> dict[str, Type]:
    return {name: kind for name, kind in _TABLE.types.items() if name != _LATER}


@dataclass
class _OneRow:
    """A `warehouses.base.Batch` of a made-up row, without the column that may not have been added."""

    operation: str
    table: Table = _TABLE
    types: Mapping[str, Type] = field(default_factory=_types)
    cursor: Cursor = field(default_factory=lambda: Cursor("scratch", 0))
    full: bool = False
    is_empty: bool = False
    bytes: int = 0

    def arrow(self) -> pa.RecordBatchReader:
        """See `warehouses.base.Batch`."""
        schema = pa.schema([(name, ARROW[kind]) for name, kind in self.types.items()] + [(OPERATION, pa.string())])
        now = datetime.now(UTC)
        row = {name: now if kind is Type.TIMESTAMP else "scratch" for name, kind in self.types.items()}
        return pa.Table.from_pylist([row | {OPERATION: self.operation}], schema).to_reader()

    def spark(self, session: Any) -> Any:  # noqa: ANN401 a DataFrame, where pyspark is
        """See `warehouses.base.Batch`."""
        return handed(session, self.arrow().read_all())


class Scratch:
    """A schema with one table; each method needs one right more, and raises what the warehouse says."""

    def __init__(self, connection: Connection, warehouse: Warehouse) -> None:
        self.connection, self.warehouse, self.dialect = connection, warehouse, warehouse.dialect
        self.table = f"_profiles_sync_test_{secrets.token_hex(4)}"
        self.schema = self.table
        self._staging_schema = self.schema
        self._made_schema = self._made_table = self._staged_once = self._locked = self._was_empty = False

    def create_schema(self) -> None:
        """A schema. Who may not make one can still sync where an admin made those that a sync uses."""
        try:
            self.connection.execute(*self.dialect.create_schema(self.schema))
            self._made_schema = True
        except WarehouseRefused as refused:
            try:
                needed = self.dialect.create_schema(self.warehouse.schema) + self.dialect.create_schema(INTERNAL)
                self.connection.execute(*needed)
            except WarehouseRefused:
                raise refused from None
            self.schema, self._staging_schema = self.warehouse.schema, INTERNAL

    def create_table(self) -> None:
        """The table, without one column."""
        kinds = {name: self._kinds[name] for name in _types()}
        self._made_table = True  # also where only its index is refused
        for schema in self._schemas:
            self.connection.execute(*self.dialect.create_table(schema, self.table, kinds, _TABLE.key))

    def add_column(self) -> None:
        """That column."""
        self.connection.execute(*self.dialect.add_columns(self.schema, self.table, {_LATER: self._kinds[_LATER]}))

    def load_staging(self) -> None:
        """A row beside the table."""
        with self._loaded("U"):
            pass

    def insert(self) -> None:
        """A row, as event tables get theirs."""
        with self._loaded("U") as staged:
            appended = self.dialect.append(self.schema, self.table, staged.source, _TABLE.key[0], self._values)
            self.connection.execute(*appended)

    def update(self) -> None:
        """The row again, as merged tables get theirs."""
        self._merge("U")

    def delete(self) -> None:
        """The row by its key, then all rows."""
        self._merge("D")
        self.connection.execute(*self.dialect.delete_all(self.schema, self.table))

    def drop_staging(self) -> None:
        """What was loaded, and a staging table that an earlier sync left."""
        with self._together(Transactions.ALL):
            staged = self._load("U")
            self.connection.unload(staged)
            self.connection.execute(*self.dialect.drop_staging(self._staging))

    def lock(self) -> None:
        """What keeps other syncs out, on a schema that nobody has, with the look for what a killed sync left."""
        self._was_empty = not self.connection.columns(INTERNAL)
        self._locked = True  # also where it is refused in the middle
        with self.connection.only_sync(self.table):
            pass

    def removal(self) -> Iterator[str]:
        """The statements that leave nothing behind."""
        if self._locked:
            for name in self.dialect.lock_tables(self.table):
                yield from self.dialect.drop_staging(self.dialect.quote(INTERNAL, name))
        if self._staged_once:
            yield from self.dialect.drop_staging(self._staging)
        for schema in self._schemas if self._made_table else ():
            yield from self.dialect.drop_staging(self.dialect.quote(schema, self.table))
        if self._made_schema:
            yield from self.dialect.drop_schema(self.schema)

    def remove_internal(self) -> None:
        """The schema that the lock needed, if it holds nothing; who may not drop it has it from an admin."""
        makes_it = self.warehouse.capabilities.locks_in_schema
        if self._locked and self._was_empty and self._made_schema and makes_it:
            with suppress(ProfilesSyncError):
                if not self.connection.columns(INTERNAL):
                    self.connection.execute(*self.dialect.drop_schema(INTERNAL))

    @property
    def _schemas(self) -> tuple[str, ...]:
        """Where a sync makes tables: one schema of our own stands for both."""
        return tuple(dict.fromkeys((self.schema, self._staging_schema)))

    @property
    def _kinds(self) -> Mapping[str, str]:
        types = self.warehouse.capabilities.types
        return {name: types[Type(kind)] for name, kind in _TABLE.types.items()}

    @property
    def _values(self) -> Mapping[str, str]:
        staged = self.warehouse.capabilities.staged
        kinds = {name: (staged[Type(kind)], self._kinds[name]) for name, kind in _types().items()}
        casts = {name: Cast(*pair) for name, pair in kinds.items() if pair[0] != pair[1]}
        return self.dialect.values(tuple(kinds), casts)

    @property
    def _staging(self) -> str:
        return self.dialect.quote(self._staging_schema, f"{self.table}_staged")

    def _merge(self, operation: str) -> None:
        with self._loaded(operation) as staged:
            merged = self.dialect.merge(self.schema, self.table, staged.source, _TABLE.key, self._values)
            self.connection.execute(*merged)

    @contextmanager
    def _loaded(self, operation: str) -> Iterator[Staged]:
        """Rows are staged inside the transaction or before it, as in a sync."""
        with self._together(Transactions.ALL):
            staged = self._load(operation)
            try:
                with self._together(Transactions.ROWS):
                    yield staged
            finally:
                with suppress(ProfilesSyncError):
                    self.connection.unload(staged)

    def _load(self, operation: str) -> Staged:
        row = _OneRow(operation)
        self._staged_once = True
        return self.connection.load(row, self._staging, {name: name for name in row.types})

    def _together(self, holds: Transactions) -> AbstractContextManager[None]:
        mine = self.warehouse.capabilities.transactions
        return self.connection.transaction() if mine is holds else nullcontext()
