"""Postgres 15 and newer.

Rows and statements go over one ADBC connection: rows by COPY into a temporary table, which leaves nothing behind when
the sync is killed, and is applied in the transaction that made it. Source: PostgreSQL documentation, "SQL Key Words",
"System Columns", "Error Codes", "Advisory Locks", "Database Connection Control Functions".
"""

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from itertools import count
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, SecretStr
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_exponential

from profiles_sync.errors import (
    ProfilesSyncError,
    WarehouseBusy,
    WarehouseConflict,
    WarehouseRefused,
    WarehouseUnreachable,
)
from profiles_sync.spec.tables import Type
from profiles_sync.warehouses.base import INTERNAL, OPERATION, Batch, Capabilities, Cast, Staged
from profiles_sync.warehouses.declared import Declared
from profiles_sync.warehouses.names import physical_schema
from profiles_sync.warehouses.rows import by_table, renamed
from profiles_sync.warehouses.sql import Dialect
from profiles_sync.warehouses.told import busy, not_installed, not_reached, went_away

if TYPE_CHECKING:
    from adbc_driver_manager import dbapi

# The words that cannot name a column without quotes, and the system columns, which no column may be called.
_WORDS = """
all analyse analyze and any array as asc asymmetric authorization binary both case cast check collate collation column
concurrently constraint create cross current_catalog current_date current_role current_schema current_time
current_timestamp current_user default deferrable desc distinct do else end except false fetch for foreign freeze from
full grant group having ilike in initially inner intersect into is isnull join lateral leading left like limit
localtime localtimestamp natural not notnull null offset on only or order outer overlaps placing primary references
returning right select session_user similar some symmetric system_user table tablesample then to trailing true union
unique user using variadic verbose when where window with
tableoid xmin cmin xmax cmax ctid
"""
_LONG = frozenset({"name", "value"})  # key columns of any length; an index takes 2,700 bytes
_OLDEST = 150000  # MERGE came with Postgres 15
_BROKEN = ("08", "57P")  # classes of errors that say the connection is gone or the server goes down
_CONFLICT = ("40001", "40P01", "55P03")  # not serializable, a deadlock, a lock that was not to be had in time
_NOT_NOW = ("starting up", "shutting down", "recovery mode", "not yet accepting", "too many", "remaining connection")
_SESSION = (
    "SET TimeZone = 'UTC'; SET DateStyle = 'ISO'",
    "SET lock_timeout = '60s'; SET temp_buffers = '64MB'",  # a staging table mostly stays in memory
    "SET statement_timeout = 0; SET idle_session_timeout = 0; SET idle_in_transaction_session_timeout = 0",
    "SET client_connection_check_interval = '2s'",  # a sync that was killed lets go of its locks
    "SET client_min_messages = 'error'",
)
# Postgres has no TRY_CAST: a text as another type, or NULL.
_TRY_CAST = """\
CREATE FUNCTION pg_temp.try_cast(value text, kind anyelement) RETURNS anyelement LANGUAGE plpgsql STABLE AS $$
DECLARE made kind%TYPE;
BEGIN
    made := value;
    RETURN made;
EXCEPTION WHEN data_exception OR integrity_constraint_violation OR datatype_mismatch THEN
    RETURN NULL;
END $$"""
_INTEGERS = ("smallint", "integer", "bigint")
_NUMBERS = (*_INTEGERS, "real", "double", "numeric")
_SIZED = re.compile(r"(character varying|character)\((\d+)\)")
_PRECISE = re.compile(r"numeric\((\d+),(-?\d+)\)")

CAPABILITIES = Capabilities(
    types={
        Type.STRING: "text",
        Type.BIGINT: "bigint",
        Type.DOUBLE: "double precision",
        Type.BOOLEAN: "boolean",
        Type.TIMESTAMP: "timestamp without time zone",
    },
    reserved=frozenset(_WORDS.split()),
    max_identifier=63,
)


class PostgresDialect(Dialect):
    """What Postgres spells in its own way."""

    def create_schema(self, schema: str) -> list[str]:
        """The schema, if it is not there; where it is, nothing is asked that needs the right to create one."""
        there = f"SELECT FROM pg_namespace WHERE nspname = {self.text(schema)}"
        return [_unless(there, super().create_schema(schema)[0])]

    def create_table(self, schema: str, table: str, columns: Mapping[str, str], keys: Sequence[str]) -> list[str]:
        """Has an index that finds a row by its key; its name has a space, so that no table can be called like it."""
        listed = ", ".join(f"{self.quote(name)} {kind}" for name, kind in columns.items())
        named = self.quote(_index_name(table))
        indexed = ", ".join(self.quote(key) for key in keys if key not in _LONG)
        created = f"CREATE TABLE IF NOT EXISTS {self.quote(schema, table)} ({listed}"
        if _LONG.isdisjoint(keys):
            return [f"{created}, CONSTRAINT {named} PRIMARY KEY ({indexed}))"]
        index = f"CREATE INDEX IF NOT EXISTS {named} ON {self.quote(schema, table)} ({indexed})"
        return [f"{created})", index]

    def create_cursors(self, schema: str) -> list[str]:
        """The sync record, if it is not there; another sync may make it at the same moment."""
        named = self.text(self.record(schema))
        there = f"SELECT FROM pg_tables WHERE schemaname = {self.text(INTERNAL)} AND tablename = {named}"
        return [_unless(there, "; ".join(super().create_cursors(schema)))]

    def cast(self, value: str, cast: Cast) -> str:
        """A text is read as the column's type reads it; a number is rounded, a text that is too long is cut."""
        precise, sized = _PRECISE.fullmatch(cast.kept), _SIZED.fullmatch(cast.kept)
        given = f"{value}::integer" if cast.staged == "boolean" and cast.kept.startswith(_NUMBERS) else value
        if cast.kept in _INTEGERS:
            return _tried(f"round({_tried(given, 'numeric')})", cast.kept)
        if precise:
            digits, scale = map(int, precise.groups())
            rounded = f"round({_tried(given, 'numeric')}, {scale})"
            return f"CASE WHEN abs({rounded}) < 1e{digits - scale} THEN {rounded}::{cast.kept} END"
        if sized and cast.staged != "text":
            return f"CASE WHEN length({value}::text) <= {sized[2]} THEN {value}::{cast.kept} END"
        return f"{value}::{cast.kept}" if sized else _tried(given, cast.kept)

    def too_long(self, value: str, cast: Cast) -> str | None:
        """See `Dialect.too_long`."""
        sized = _SIZED.fullmatch(cast.kept)
        return f"length({value}) > {sized[2]}" if sized and cast.staged == "text" else None


def _unless(there: str, statement: str) -> str:
    raced = "duplicate_schema OR duplicate_table OR unique_violation"
    return f"DO $$ BEGIN IF NOT EXISTS ({there}) THEN {statement}; END IF; EXCEPTION WHEN {raced} THEN NULL; END $$"


def _index_name(table: str) -> str:
    if len(table.encode()) <= CAPABILITIES.max_identifier - 4:
        return f"{table} key"
    return f"{hashlib.sha1(table.encode(), usedforsecurity=False).hexdigest()} key"


def _tried(value: str, kind: str) -> str:
    return f"pg_temp.try_cast({value}::text, NULL::{kind})::{kind}"


DIALECT = PostgresDialect(CAPABILITIES)


class PostgresSettings(Declared):
    """Connection fields of a Postgres database. Without a password, libpq's own ways to find one hold."""

    type: Literal["postgres"]
    host: str = Field(min_length=1)
    port: int = Field(default=5432, ge=1, le=65535)
    database: str = Field(min_length=1)
    username: str = Field(min_length=1)
    password: SecretStr | None = None
    sslmode: Literal["disable", "allow", "prefer", "require", "verify-ca", "verify-full"] = "prefer"
    sslrootcert: str | None = None
    connect_timeout: int = Field(default=10, ge=2)

    @property
    def conninfo(self) -> str:
        """As libpq reads it. A server that is silent for a minute counts as gone."""
        given = {
            "host": self.host,
            "port": self.port,
            "dbname": self.database,
            "user": self.username,
            "password": self.password and self.password.get_secret_value(),
            "sslmode": self.sslmode,
            "sslrootcert": self.sslrootcert,
            "connect_timeout": self.connect_timeout,
            "client_encoding": "UTF8",
            "application_name": "profiles-sync",
            "keepalives_idle": 15,
            "keepalives_interval": 5,
            "keepalives_count": 3,
            "tcp_user_timeout": 60_000,
        }
        escaped = {key: re.sub(r"([\\'])", r"\\\1", str(value)) for key, value in given.items() if value is not None}
        return " ".join(f"{key}='{value}'" for key, value in escaped.items())


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
        self._run("BEGIN")
        self._within = True
        try:
            yield
        except BaseException:
            with suppress(ProfilesSyncError):  # where the connection is gone, so is the transaction
                self._run("ROLLBACK")
            raise
        finally:
            self._within = False
        self._run("COMMIT")

    def execute(self, *statements: str) -> int:
        """See `protocol.Connection`. What changes no rows goes in one message."""
        if any(statement.startswith(("INSERT", "MERGE", "DELETE", "UPDATE")) for statement in statements):
            return sum(max(self._run(statement), 0) for statement in statements)
        self._run(";\n".join(statements))
        return 0

    def _run(self, statement: str) -> int:
        with self._telling(statement), self._opened.cursor() as cursor:
            cursor.adbc_statement.set_sql_query(statement)
            return int(cursor.adbc_statement.execute_update())

    def query(self, statement: str) -> Sequence[Sequence[Any]]:
        """See `protocol.Connection`. A question that is refused does not spoil the transaction it was asked in."""
        saved = self._saved() if self._within else nullcontext()
        with saved, self._telling(statement), self._opened.cursor() as cursor:
            cursor.execute(statement)
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
                    f"postgres could not do {what} beside what others do to the table: {_kind(error)}; nothing of the "
                    "table was written, it is tried again"
                ) from None
            raise WarehouseRefused(f"postgres refused {what}: {_kind(error)}") from None

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


def _kind(error: Exception) -> str:
    """What went wrong, without people's data: the first line only, and its quotes only where they are of names."""
    state = getattr(error, "sqlstate", None) or ""
    line = next((line for line in str(error).splitlines() if re.search("ERROR:|FATAL:", line)), "")
    said = re.split("(?:ERROR|FATAL): +", line)[-1] or type(error).__name__
    if state.startswith(("22", "23")):  # data, and what constrains it
        said = re.sub("[\"'].*[\"']", "…", said)
    elif state.startswith(("P0", "XX")):  # the text is that of a trigger or of a fault
        said = "an error of its own"
    return f"{said} (SQLSTATE {state})" if state else said


class PostgresWarehouse:
    """A schema of a Postgres database."""

    kind = "postgres"
    capabilities = CAPABILITIES
    dialect: Dialect = DIALECT

    def __init__(self, name: str, settings: PostgresSettings, schema: str, patience: float = 20) -> None:
        self.name, self.settings, self.patience = name, settings, patience
        self.schema = physical_schema(settings.schema_name or schema, CAPABILITIES)

    @property
    def place(self) -> str:
        """See `protocol.Warehouse`."""
        return f"schema {self.schema} of the Postgres database {self.settings.database} at {self._server}"

    @property
    def _server(self) -> str:
        return f"{self.settings.host}:{self.settings.port}"

    @contextmanager
    def connect(self, read_only: bool = False) -> Iterator[PostgresConnection]:
        """See `protocol.Warehouse`. A server that does not answer is tried again for `patience` seconds."""
        opened = retry(
            retry=retry_if_exception_type(WarehouseUnreachable),
            stop=stop_after_delay(self.patience),
            wait=wait_exponential(0.5, max=5),
            reraise=True,
        )(self._open)()
        try:
            connection = PostgresConnection(opened, self.patience)
            self._prepare(connection, read_only)
            yield connection
        finally:
            opened.close()

    def _open(self) -> "dbapi.Connection":
        try:
            from adbc_driver_manager import Error
            from adbc_driver_postgresql import dbapi as driver
        except ImportError:
            raise not_installed(self.name, "its driver", "postgres") from None
        try:
            opened: dbapi.Connection = driver.connect(self.settings.conninfo, autocommit=True)
            return opened
        except Error as error:
            raise self._not_opened(error) from None

    def _prepare(self, connection: PostgresConnection, read_only: bool) -> None:
        version, encoding = connection.query(
            "SELECT current_setting('server_version_num')::int, current_setting('server_encoding')"
        )[0]
        if version < _OLDEST or encoding != "UTF8":
            raise WarehouseRefused(
                f"warehouse {self.name}: expected Postgres 15 or newer with encoding UTF8, got {version // 10000} with "
                f"{encoding}"
            )
        looks_only = ["SET default_transaction_read_only = on"] if read_only else [_TRY_CAST]
        connection.execute(*_SESSION, *looks_only)

    def _not_opened(self, error: Exception) -> ProfilesSyncError:
        said = _kind(error)
        if "FATAL:" in str(error) and not any(text in said for text in _NOT_NOW):
            return WarehouseRefused(f"warehouse {self.name}: {self._server} refused the connection: {said}")
        if any(word in str(error) for word in ("SSL", "certificate", "no password")):
            return WarehouseRefused(f"warehouse {self.name}: {self._server}: {_last(error)}; see password and sslmode")
        return not_reached(f"warehouse {self.name}: {self._server}", _last(error))


def _last(error: Exception) -> str:
    """The last thing that libpq says of a connection, without where it came from and without advice."""
    return re.split("failed: |connect: |FATAL: +", str(error).strip())[-1].splitlines()[0]
