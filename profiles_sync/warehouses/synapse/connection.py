"""An open pool: a session for all statements, one that holds the lock, and a folder of the staging container."""

import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import count
from typing import Any

from tenacity import retry, retry_if_exception_type, stop_after_attempt, wait_fixed

from profiles_sync.errors import WarehouseBusy, WarehouseRefused, WarehouseSlow
from profiles_sync.spec.tables import Type
from profiles_sync.warehouses.base import INTERNAL, OPERATION, Batch, Staged
from profiles_sync.warehouses.dbapi import one_transaction
from profiles_sync.warehouses.files import Fitted, naive, parquet_files, to_units
from profiles_sync.warehouses.names import physical
from profiles_sync.warehouses.rows import by_table, renamed
from profiles_sync.warehouses.synapse.dialect import CAPABILITIES, DIALECT, LONGEST, lock_name, owner_name, staged_name
from profiles_sync.warehouses.synapse.session import Session
from profiles_sync.warehouses.synapse.staging import Folder
from profiles_sync.warehouses.told import busy, lost

_LONG_KEYS = f"{{}} is a key, and in a dedicated pool none can be longer than {LONGEST}"
_COUNTED = ("INSERT", "DELETE", "UPDATE")
_TRANSACTION = ("BEGIN TRANSACTION", "COMMIT TRANSACTION", "IF @@TRANCOUNT > 0 ROLLBACK TRANSACTION")
_COLUMNS = (
    "SELECT TABLE_NAME, COLUMN_NAME, DATA_TYPE, CHARACTER_MAXIMUM_LENGTH, NUMERIC_PRECISION, NUMERIC_SCALE, "
    "DATETIME_PRECISION FROM INFORMATION_SCHEMA.COLUMNS WHERE TABLE_SCHEMA = "
)


class SynapseConnection:
    """See `protocol.Connection`."""

    def __init__(
        self, session: Session, another: Callable[[], Session], folder: Folder, schema: str, patience: float
    ) -> None:
        self._session, self._another, self._folder = session, another, folder
        self._schema, self._patience = schema, patience
        self._owner: str | None = None
        self._numbers = count()

    def columns(self, schema: str) -> dict[str, dict[str, str]]:
        """See `protocol.Connection`."""
        return self._columns(f"{_COLUMNS}{DIALECT.text(schema)} ORDER BY TABLE_NAME, ORDINAL_POSITION")

    def _columns(self, question: str) -> dict[str, dict[str, str]]:
        return by_table((row[0], row[1], _spelt(*row[2:])) for row in self.query(question))

    @contextmanager
    def only_sync(self, schema: str) -> Iterator[None]:
        """See `protocol.Connection`. A second session holds the lock of a row, in a transaction that does nothing.

        It may lose its connection and we may not notice: who has the lock writes its name down, each transaction ends
        with a look whether it still stands there, and staging tables have it in theirs.
        """
        self._with_lock(schema)
        holder = self._another()
        try:
            self._lock(holder, schema)
            self._own(schema)
            yield
        finally:
            self._owner = None
            self._folder.remove()  # while the folder is still ours alone: the next sync lists it at once
            holder.close()

    @retry(
        retry=retry_if_exception_type(WarehouseRefused), stop=stop_after_attempt(3), wait=wait_fixed(0.5), reraise=True
    )
    def _with_lock(self, schema: str) -> None:
        """Another sync may make it at the same moment: what it made is there at the next try."""
        if not {lock_name(schema), owner_name(schema)} <= self.columns(INTERNAL).keys():
            self.execute(*DIALECT.create_schema(INTERNAL), *DIALECT.create_lock(schema))

    def _own(self, schema: str) -> None:
        """Write down who has the lock, and remove what a sync that was killed left."""
        owner = uuid.uuid4().hex
        self.execute(*DIALECT.own(schema, owner))
        self._owner = owner
        self._folder.clear(only_look=schema != self._schema)
        left = [name for name in self.columns(INTERNAL) if name.startswith(staged_name(schema))]
        self.execute(*(one for name in left for one in DIALECT.drop_staging(DIALECT.quote(INTERNAL, name))))

    def _lock(self, holder: Session, schema: str) -> None:
        """A pool ignores LOCK_TIMEOUT, so the statement has a time to end in."""
        holder.wait_at_most(max(int(self._patience), 1))
        try:
            for statement in DIALECT.take_lock(schema):
                holder.run(statement)
        except (WarehouseBusy, WarehouseSlow):
            raise busy(schema) from None
        holder.wait_at_most(0)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """See `protocol.Connection`. What the owner of the lock is to do, nobody else commits."""
        with one_transaction(self._run, self._confirm, _TRANSACTION):
            yield

    def _confirm(self) -> None:
        if self._owner is not None and self._run(DIALECT.still_own(self._schema, self._owner)) != 1:
            raise lost(self._schema)

    def execute(self, *statements: str) -> int:
        """See `protocol.Connection`."""
        changed = 0
        for statement in statements:
            rows = self._run(statement)
            changed += max(rows, 0) if statement.startswith(_COUNTED) else 0
        return changed

    def _run(self, statement: str) -> int:
        return self._session.run(statement)

    def query(self, statement: str) -> Sequence[Sequence[Any]]:
        """See `protocol.Connection`."""
        return self._session.query(statement)

    def load(self, batch: Batch, staging: str, names: Mapping[str, str]) -> Staged:
        """See `protocol.Connection`."""
        kinds, widths = self._staged_kinds(batch, staging, names)
        if self._owner is not None:
            staging = DIALECT.quote(INTERNAL, staged_name(self._schema, self._owner, next(self._numbers)))
        fitted = Fitted(widths, to_units)
        rows = fitted.rows(renamed(naive(batch.arrow()), names))
        if OPERATION in rows.schema.names:
            kinds[OPERATION] = "nvarchar(1)"
        self.execute(*DIALECT.create_staged(staging, kinds))
        place, held = self._folder.put(parquet_files(rows))
        fitted.refuse_cut(batch.table.name, [names[key] for key in batch.table.key], "letters", _LONG_KEYS)
        if held:
            with self._folder.read_by_the_pool():
                self._run(DIALECT.copy(staging, place))
        return Staged(staging, held, sum(fitted.cut.values()))

    def _staged_kinds(
        self, batch: Batch, staging: str, names: Mapping[str, str]
    ) -> tuple[dict[str, str], dict[str, int]]:
        """Column to type, and to the length that its texts are cut to: the table's own, where it holds texts."""
        table = physical(batch.table.name, CAPABILITIES)
        there: Mapping[str, str] = {}
        if DIALECT.staging(self._schema, table) == staging:
            question = f"{_COLUMNS}{DIALECT.text(self._schema)} AND TABLE_NAME = {DIALECT.text(table)}"
            there = self._columns(question).get(table, {})
        kinds = {names[column]: CAPABILITIES.types[Type(kind)] for column, kind in batch.types.items()}
        texts = [column for column, kind in kinds.items() if kind == CAPABILITIES.types[Type.STRING]]
        return kinds, {column: _width(there.get(column, "")) for column in texts}

    def unload(self, staged: Staged) -> None:
        """See `protocol.Connection`. Files go once the sync is over; who only tries is told at once what keeps them."""
        self.execute(*DIALECT.drop_staging(staged.source))
        if self._owner is None:
            self._folder.empty()


def _spelt(kind: str, length: int | None, precision: int | None, scale: int | None, moment: int | None) -> str:
    """A type of the catalog's as `Capabilities.types` spells it."""
    if kind in ("nvarchar", "varchar", "nchar", "char", "varbinary"):
        return f"{kind}({'max' if length == -1 else length})"
    if kind in ("decimal", "numeric"):
        return f"{kind}({precision},{scale})"
    return f"{kind}({moment})" if kind in ("datetime2", "datetimeoffset", "time") else kind


def _width(kept: str) -> int:
    """How long a text may be in a column of a type; the longest where it is read as something else."""
    family, _, size = kept.rstrip(")").partition("(")
    return min(int(size), LONGEST) if family in ("nvarchar", "varchar", "nchar", "char") and size.isdigit() else LONGEST
