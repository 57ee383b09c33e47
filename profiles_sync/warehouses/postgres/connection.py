"""An open Postgres connection, and what its errors say."""

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from itertools import count
from typing import TYPE_CHECKING, Any

from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_exponential

from profiles_sync.errors import ProfilesSyncError, WarehouseBusy, WarehouseConflict, WarehouseRefused
from profiles_sync.spec.tables import Type
from profiles_sync.warehouses.base import INTERNAL, OPERATION, Batch, Staged
from profiles_sync.warehouses.dbapi import one_transaction
from profiles_sync.warehouses.postgres.dialect import CAPABILITIES, DIALECT
from profiles_sync.warehouses.rows import by_table, renamed
from profiles_sync.warehouses.told import busy, went_away
from profiles_sync.watching import tags

if TYPE_CHECKING:
    from adbc_driver_manager import dbapi

_BROKEN = ("08", "57P")  # classes of errors that say the connection is gone or the server goes down
_CONFLICT = ("40001", "40P01", "55P03")  # not serializable, a deadlock, a lock that was not to be had in time


class PostgresConnection:
    """An open connection."""

    def __init__(self, opened: "dbapi.Connection", patience: float) -> None:
        self._opened, self._patience = opened, patience
        self._numbers = count()
        self._within = False

    def columns(self, schema: str) -> dict[str, dict[str, str]]:
        """See `protocol.Connection`."""
        return by_table(
            self.query(
                "SELECT c.relname::text, a.attname::text, format_type(a.atttypid, a.atttypmod) FROM pg_attribute AS a "
                "JOIN pg_class AS c ON c.oid = a.attrelid JOIN pg_namespace AS n ON n.oid = c.relnamespace "
                f"WHERE n.nspname = {DIALECT.text(schema)} AND c.relkind IN ('r', 'p', 'v', 'm', 'f') "
                "AND a.attnum > 0 AND NOT a.attisdropped ORDER BY c.relname, a.attnum"
            )
        )

    @contextmanager
    def only_sync(self, schema: str) -> Iterator[None]:
        """See `protocol.Connection`. A sync that was killed may hold it for a moment more."""
        digest = hashlib.sha1(f"{INTERNAL}.{schema}".encode(), usedforsecurity=False).digest()
        lock = int.from_bytes(digest[:8], signed=True)
        retry(
            retry=retry_if_exception_type(WarehouseBusy),
            stop=stop_after_delay(self._patience),
            wait=wait_exponential(0.2, max=0.4),  # a backfill lets it go for half a second and more
            reraise=True,
        )(self._lock)(schema, lock)
        try:
            yield
        finally:
            with suppress(ProfilesSyncError):  # where the connection is gone, so is the lock
                self.query(f"SELECT pg_advisory_unlock({lock})")

    def _lock(self, schema: str, lock: int) -> None:
        if not self.query(f"SELECT pg_try_advisory_lock({lock})")[0][0]:
            raise busy(schema)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """See `protocol.Connection`."""
        self._within = True
        try:
            with one_transaction(self._run):
                yield
        finally:
            self._within = False

    def execute(self, *statements: str) -> int:
        """See `protocol.Connection`. What changes no rows goes in one message."""
        if any(statement.startswith(("INSERT", "MERGE", "DELETE", "UPDATE")) for statement in statements):
            return sum(max(self._run(statement), 0) for statement in statements)
        self._run(";\n".join(statements))
        return 0

    def _run(self, statement: str) -> int:
        with self._telling(statement), self._opened.cursor() as cursor:
            cursor.adbc_statement.set_sql_query(tags.commented(statement))
            return int(cursor.adbc_statement.execute_update())

    def query(self, statement: str) -> Sequence[Sequence[Any]]:
        """See `protocol.Connection`. A question that is refused does not spoil the transaction it was asked in."""
        saved = self._saved() if self._within else nullcontext()
        with saved, self._telling(statement), self._opened.cursor() as cursor:
            cursor.execute(tags.commented(statement))
            rows: list[tuple[Any, ...]] = cursor.fetchall()
            return rows

    @contextmanager
    def _saved(self) -> Iterator[None]:
        self._run("SAVEPOINT asked")
        try:
            yield
        except WarehouseRefused:
            self._run("ROLLBACK TO asked")
            raise
        self._run("RELEASE asked")

    def load(self, batch: Batch, staging: str, names: Mapping[str, str]) -> Staged:
        """See `protocol.Connection`. The staging table is the connection's own and goes with the transaction."""
        name = f"staged_{next(self._numbers)}"
        kinds = {names[column]: CAPABILITIES.types[Type(kind)] for column, kind in batch.types.items()}
        rows = batch.arrow()
        if OPERATION in rows.schema.names:
            kinds[OPERATION] = "text"
        listed = ", ".join(f"{DIALECT.quote(column)} {kind}" for column, kind in kinds.items())
        self._run(f"CREATE TEMPORARY TABLE {name} ({listed}) ON COMMIT DROP")
        with self._telling("COPY rows"), self._opened.cursor() as cursor:
            loaded = cursor.adbc_ingest(name, renamed(rows, names), mode="append", temporary=True)
        return Staged(f"pg_temp.{name}", loaded)

    def unload(self, staged: Staged) -> None:
        """See `protocol.Connection`; the end of the transaction does it."""

    @contextmanager
    def _telling(self, statement: str) -> Iterator[None]:
        from adbc_driver_manager import Error

        try:
            yield
        except Error as error:
            what = " ".join(statement.split()[:3])
            if self._is_gone(error):
                raise went_away("postgres", what) from None
            if getattr(error, "sqlstate", None) in _CONFLICT:
                raise WarehouseConflict(
                    f"postgres could not do {what} beside what others do to the table: {kind_of(error)}; nothing of "
                    "the table was written, it is tried again"
                ) from None
            raise WarehouseRefused(f"postgres refused {what}: {kind_of(error)}") from None

    def _is_gone(self, error: Exception) -> bool:
        from adbc_driver_manager import Error

        if state := getattr(error, "sqlstate", None):
            return str(state).startswith(_BROKEN)
        try:
            with self._opened.cursor() as cursor:
                cursor.execute("SELECT 1")
        except Error as second:
            return not getattr(second, "sqlstate", None)
        return False


def kind_of(error: Exception) -> str:
    """What went wrong, without people's data: the first line only, and its quotes only where they are of names."""
    state = getattr(error, "sqlstate", None) or ""
    line = next((line for line in str(error).splitlines() if re.search("ERROR:|FATAL:", line)), "")
    said = re.split("(?:ERROR|FATAL): +", line)[-1] or type(error).__name__
    if state.startswith(("22", "23")):  # data, and what constrains it
        said = re.sub("[\"'].*[\"']", "…", said)
    elif state.startswith(("P0", "XX")):  # the text is that of a trigger or of a fault
        said = "an error of its own"
    return f"{said} (SQLSTATE {state})" if state else said
