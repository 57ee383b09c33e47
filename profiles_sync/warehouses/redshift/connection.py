"""An open Redshift: a session for all statements, one that holds the lock, and a folder of the staging bucket."""

import re
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import count
from typing import Any

from profiles_sync.errors import WarehouseRefused, WarehouseSlow
from profiles_sync.spec.tables import Type
from profiles_sync.warehouses.base import INTERNAL, OPERATION, Batch, Staged
from profiles_sync.warehouses.dbapi import one_transaction
from profiles_sync.warehouses.files import Fitted, naive, parquet_files, to_bytes
from profiles_sync.warehouses.names import physical
from profiles_sync.warehouses.redshift.dialect import CAPABILITIES, DIALECT, LONGEST, lock_name, owner_name
from profiles_sync.warehouses.redshift.session import Session
from profiles_sync.warehouses.redshift.staging import Folder
from profiles_sync.warehouses.rows import by_table, renamed
from profiles_sync.warehouses.told import busy, lost

_WIDEN = f"widen it with ALTER TABLE … ALTER COLUMN {{}} TYPE VARCHAR({LONGEST}), the next run repeats the table"
_COUNTED = ("INSERT", "DELETE", "UPDATE")  # what MERGE changes is what was inserted before it
_VARCHAR = re.compile(r"character varying\((\d+)\)")
_MADE = re.compile(r'CREATE (SCHEMA|TABLE) IF NOT EXISTS "((?:[^"]|"")+)"(?:\."((?:[^"]|"")+)")?')
_COLUMNS = (
    "SELECT c.relname::text, a.attname::text, format_type(a.atttypid, a.atttypmod) FROM pg_attribute AS a "
    "JOIN pg_class AS c ON c.oid = a.attrelid JOIN pg_namespace AS n ON n.oid = c.relnamespace "
    "WHERE c.relkind IN ('r', 'v') AND a.attnum > 0 AND NOT a.attisdropped AND n.nspname = "
)


class RedshiftConnection:
    """See `protocol.Connection`."""

    def __init__(
        self, session: Session, another: Callable[[], Session], folder: Folder, schema: str, role: str, patience: float
    ) -> None:
        self._session, self._another, self._folder = session, another, folder
        self._schema, self._role, self._patience = schema, role, patience
        self._numbers = count()
        self._within = False
        self._owner: str | None = None

    def columns(self, schema: str) -> dict[str, dict[str, str]]:
        """See `protocol.Connection`."""
        return by_table(self.query(f"{_COLUMNS}{DIALECT.text(schema)} ORDER BY c.relname, a.attnum"))

    @contextmanager
    def only_sync(self, schema: str) -> Iterator[None]:
        """See `protocol.Connection`. A second session holds the lock of a table, in a transaction that does nothing.

        It may lose its connection and we may not notice: who has the lock writes its name down, and each transaction
        ends with a look whether it still stands there.
        """
        if not {lock_name(schema), owner_name(schema)} <= self.columns(INTERNAL).keys():
            self.execute(*DIALECT.create_schema(INTERNAL), *DIALECT.create_lock(schema))
        holder = self._another()
        try:
            self._lock(holder, schema)
            self._own(schema)
            self._folder.clear(only_look=schema != self._schema)
            yield
        finally:
            self._owner = None
            self._folder.remove()  # while the folder is still ours alone: the next sync lists it at once
            holder.close()

    def _own(self, schema: str) -> None:
        owner = uuid.uuid4().hex
        with self.transaction():
            self.execute(*DIALECT.own(schema, owner))
        self._owner = owner

    def _lock(self, holder: Session, schema: str) -> None:
        """LOCK waits as long as a statement may; a server that does not keep to that is not waited for."""
        seconds = max(self._patience, 1)
        holder.run(f"SET statement_timeout TO {int(seconds * 1000)}")
        holder.wait_at_most(seconds + 10)
        holder.run("BEGIN")
        try:
            holder.run(f"LOCK TABLE {DIALECT.lock(schema)}")
        except WarehouseSlow:
            raise busy(schema) from None

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """See `protocol.Connection`. What the owner of the lock is to do, nobody else commits."""
        self._within = True
        try:
            with one_transaction(self._run, self._confirm):
                yield
        finally:
            self._within = False

    def _confirm(self) -> None:
        if self._owner is not None and self._run(DIALECT.still_own(self._schema, self._owner)) != 1:
            raise lost(self._schema)

    def execute(self, *statements: str) -> int:
        """See `protocol.Connection`."""
        return sum(map(self._changed, statements))

    def _changed(self, statement: str) -> int:
        try:
            rows = self._run(statement)
        except WarehouseRefused:
            if self._within or not self._is_there(statement):
                raise
            return 0
        return max(rows, 0) if statement.startswith(_COUNTED) else 0

    def _is_there(self, statement: str) -> bool:
        """Whether what could not be made is there: another sync made it meanwhile, or an admin did before."""
        if not (made := _MADE.match(statement)):
            return False
        what, schema, table = made.groups()
        place = DIALECT.text(schema.replace('""', '"'))
        if what == "SCHEMA":
            return bool(self.query(f"SELECT 1 FROM pg_namespace WHERE nspname = {place}"))
        return table.replace('""', '"') in self.columns(schema.replace('""', '"'))

    def _run(self, statement: str) -> int:
        return self._session.run(statement)

    def query(self, statement: str) -> Sequence[Sequence[Any]]:
        """See `protocol.Connection`. In a transaction, a query that is refused ends it: there are no savepoints."""
        return self._session.query(statement)

    def load(self, batch: Batch, staging: str, names: Mapping[str, str]) -> Staged:
        """See `protocol.Connection`. The staging table is the session's own and goes with the transaction."""
        name = f"staged_{next(self._numbers)}"
        kinds = self._staged_kinds(batch, staging, names)
        widths = {column: int(sized[1]) for column, kind in kinds.items() if (sized := _VARCHAR.fullmatch(kind))}
        fitted = Fitted(widths, to_bytes)
        rows = fitted.rows(renamed(naive(batch.arrow()), names))
        if OPERATION in rows.schema.names:
            kinds[OPERATION] = "character varying(1)"
        self._run(DIALECT.create_staged(name, kinds, names[batch.table.key[0]]))
        place, held = self._folder.put(parquet_files(rows))
        fitted.refuse_cut(batch.table.name, [names[key] for key in batch.table.key], "bytes", _WIDEN)
        if held:
            with self._folder.read_by(self._role):
                self._run(DIALECT.copy(name, place, self._role))
        return Staged(name, held, sum(fitted.cut.values()))

    def _staged_kinds(self, batch: Batch, staging: str, names: Mapping[str, str]) -> dict[str, str]:
        """Column to type: the table's own for a text, which is cut to it; the longest where something else is kept."""
        table = physical(batch.table.name, CAPABILITIES)
        there: Mapping[str, str] = {}
        if DIALECT.staging(self._schema, table) == staging:
            found = self.query(f"{_COLUMNS}{DIALECT.text(self._schema)} AND c.relname = {DIALECT.text(table)}")
            there = by_table(found).get(table, {})
        kinds = {names[column]: CAPABILITIES.types[Type(kind)] for column, kind in batch.types.items()}
        for column, kind in kinds.items():
            kept = there.get(column, kind)
            if _VARCHAR.fullmatch(kind):
                kinds[column] = kept if _VARCHAR.fullmatch(kept) else f"character varying({LONGEST})"
        return kinds

    def unload(self, staged: Staged) -> None:
        """See `protocol.Connection`. Files go once the sync is over; who only tries is told at once what keeps them."""
        self.execute(*DIALECT.drop_staging(staged.source))
        if self._owner is None:
            self._folder.empty()
