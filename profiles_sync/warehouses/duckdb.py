"""DuckDB: the embedded warehouse, one file, no set-up.

One process may write a DuckDB file and nobody else may read it meanwhile, so the file is opened for a sync and closed
after it. Source: DuckDB documentation, "Concurrency", "Keywords and Identifiers".
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from itertools import chain, count
from pathlib import Path
from threading import Timer
from typing import TYPE_CHECKING, Any, Literal

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_exponential

from profiles_sync.errors import ProfilesSyncError, WarehouseRefused, WarehouseSlow, WarehouseUnreachable
from profiles_sync.spec.tables import Type
from profiles_sync.warehouses.base import Batch, Capabilities, Staged
from profiles_sync.warehouses.declared import Declared
from profiles_sync.warehouses.names import physical_schema
from profiles_sync.warehouses.rows import by_table, renamed
from profiles_sync.warehouses.sql import Dialect
from profiles_sync.warehouses.told import not_installed

if TYPE_CHECKING:
    import duckdb

# The keywords that mean something else than a column of that name, unless they stand in quotes.
_WORDS = """
all analyse analyze and anti any array as asc asof asymmetric at authorization binary both by case cast check collate
collation column concurrently constraint create cross default deferrable desc describe distinct do else end except
false fetch for foreign freeze from full glob group having ilike in initially inner intersect into is isnull join
lambda lateral leading left like limit natural not notnull null offset on only or order outer overlaps pivot
pivot_longer pivot_wider placing positional primary qualify references returning right select semi show similar some
summarize symmetric table tablesample then to trailing true union unique unpack unpivot using variadic verbose when
where window with
"""
_QUOTED = re.compile(r"'.*'|\".*\"|(?<=with value )\S+")
_IN_MEMORY = 32_000_000  # bytes of a batch that are read where they are; above, DuckDB stages them in its file
_HELD = ("Could not set lock", "Unique file handle conflict", "used by another process")

CAPABILITIES = Capabilities(
    types={
        Type.STRING: "VARCHAR",
        Type.BIGINT: "BIGINT",
        Type.DOUBLE: "DOUBLE",
        Type.BOOLEAN: "BOOLEAN",
        Type.TIMESTAMP: "TIMESTAMP",
    },
    reserved=frozenset(_WORDS.split()),
    max_identifier=255,
    folds_case=True,
    schemas_taken="information_schema|pg_catalog",
    families=dict.fromkeys(("TINYINT", "SMALLINT", "INTEGER", "BIGINT"), "integer")
    | {"FLOAT": "float", "DOUBLE": "float", "BOOLEAN": "boolean", "DATE": "date", "TIMESTAMP": "timestamp"}
    | {"VARCHAR": "varchar"},
    key_hash="CAST('0x' || substr(md5({text}), 1, 8) AS BIGINT)",
)
DIALECT = Dialect(CAPABILITIES)


class DuckDBSettings(Declared):
    """Connection fields of a DuckDB file."""

    type: Literal["duckdb"]
    path: str = Field(min_length=1)

    @property
    def held_alone(self) -> str:
        """See `Declared`: the file."""
        return str(Path(self.path).resolve())


class DuckDBConnection:
    """An open file."""

    def __init__(self, opened: "duckdb.DuckDBPyConnection") -> None:
        self._opened = opened
        self._numbers = count()

    def columns(self, schema: str) -> dict[str, dict[str, str]]:
        """See `protocol.Connection`."""
        return by_table(
            self.query(
                "SELECT table_name, column_name, data_type FROM information_schema.columns "
                f"WHERE table_catalog = current_database() AND lower(table_schema) = {DIALECT.text(schema.lower())} "
                "ORDER BY table_name, ordinal_position"
            )
        )

    def only_sync(self, schema: str) -> AbstractContextManager[None]:
        """See `protocol.Connection`; no other process can have the file open."""
        return nullcontext()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """See `protocol.Connection`."""
        self.query("BEGIN TRANSACTION")
        try:
            yield
        except BaseException:
            self.query("ROLLBACK")
            raise
        self.query("COMMIT")

    def execute(self, *statements: str) -> int:
        """See `protocol.Connection`."""
        return sum(map(self._changed, statements))

    def _changed(self, statement: str) -> int:
        rows = self.query(statement)
        return int(rows[0][0]) if rows and statement.startswith(("INSERT", "MERGE", "DELETE", "UPDATE")) else 0

    def query(self, statement: str) -> Sequence[Sequence[Any]]:
        """See `protocol.Connection`."""
        import duckdb

        try:
            return self._opened.execute(statement).fetchall()
        except duckdb.Error as error:
            raise WarehouseRefused(f"duckdb refused {' '.join(statement.split()[:3])}: {_kind(error)}") from None

    def first(self, statement: str, most: int, seconds: float) -> Sequence[Sequence[Any]]:
        """The first rows of a query, within so many seconds; it can read nothing but this file.

        Raises:
            WarehouseSlow: It takes longer.
        """
        import duckdb

        self._opened.execute("SET enable_external_access = false")
        ends = Timer(seconds, self._opened.interrupt)
        ends.start()
        try:
            return self._opened.execute(statement).fetchmany(most)
        except duckdb.InterruptException:
            raise WarehouseSlow(
                f"duckdb: the query took more than {seconds:g} seconds and was stopped; `profiles-sync queries run` "
                "has no such limit"
            ) from None
        except duckdb.Error as error:
            raise WarehouseRefused(f"duckdb refused the query: {_kind(error)}") from None
        finally:
            ends.cancel()

    def load(self, batch: Batch, staging: str, names: Mapping[str, str]) -> Staged:
        """See `protocol.Connection`. DuckDB reads Arrow where it is: a small batch needs no staging table."""
        rows = renamed(_naive(batch.arrow()), names)
        few, more = _first(rows, _IN_MEMORY)
        source = f"_staged_{next(self._numbers)}"
        if more is None:
            self._opened.register(source, few)
            keys_differ = [pc.count_distinct(few[names.get(key, key)]).as_py() for key in batch.table.key[:1]]
            return Staged(DIALECT.quote(source), few.num_rows, keys_differ=keys_differ == [few.num_rows])
        self._opened.register(source, pa.RecordBatchReader.from_batches(rows.schema, chain(few.to_batches(), more)))
        try:
            self.execute(f"CREATE OR REPLACE TABLE {staging} AS FROM {source}")
        finally:
            self._opened.unregister(source)
        return Staged(staging, int(self.query(f"SELECT count(*) FROM {staging}")[0][0]))

    def unload(self, staged: Staged) -> None:
        """See `protocol.Connection`."""
        if "." in staged.source:
            self.execute(*DIALECT.drop_staging(staged.source))
        else:
            self._opened.unregister(staged.source.strip('"'))


def _kind(error: Exception) -> str:
    """What went wrong, without people's data: DuckDB quotes a value it stumbles over, and shows it in later lines."""
    import duckdb

    line = str(error).splitlines()[0]
    if isinstance(error, (duckdb.DataError, duckdb.IntegrityError)):
        line = _QUOTED.sub("…", line)
    return f"{type(error).__name__}: {line}"


def _naive(rows: pa.RecordBatchReader) -> pa.RecordBatchReader:
    """Timestamps without their zone, which is UTC."""
    naive = [pa.timestamp("us") if pa.types.is_timestamp(field.type) else field.type for field in rows.schema]
    return rows.cast(pa.schema(zip(rows.schema.names, naive, strict=True)))


def _first(rows: pa.RecordBatchReader, most: int) -> tuple[pa.Table, Iterator[pa.RecordBatch] | None]:
    """The rows up to about so many bytes, and the others, None where there are none."""
    few: list[pa.RecordBatch] = []
    size = 0
    for batch in rows:
        few.append(batch)
        size += batch.nbytes
        if size > most:
            return pa.Table.from_batches(few, rows.schema), rows
    return pa.Table.from_batches(few, rows.schema), None


class DuckDBWarehouse:
    """A DuckDB file."""

    kind = "duckdb"
    capabilities = CAPABILITIES
    dialect = DIALECT

    def __init__(self, name: str, settings: DuckDBSettings, schema: str, patience: float = 20) -> None:
        self.name, self.settings, self.patience = name, settings, patience
        self.schema = physical_schema(settings.schema_name or schema, CAPABILITIES)

    @property
    def place(self) -> str:
        """See `protocol.Warehouse`. Names of schemas are the same in capitals."""
        return f"schema {self.schema} of the DuckDB file {self.settings.path}"

    @contextmanager
    def connect(self, read_only: bool = False) -> Iterator[DuckDBConnection]:
        """See `protocol.Warehouse`. Another process may hold the file: wait for it up to `patience` seconds."""
        opened = retry(
            retry=retry_if_exception_type(WarehouseUnreachable),
            stop=stop_after_delay(self.patience),
            wait=wait_exponential(0.2, max=0.4),  # a backfill lets it go for half a second and more
            reraise=True,
        )(self._open)(read_only)
        try:
            yield DuckDBConnection(opened)
        finally:
            opened.close()

    def _open(self, read_only: bool) -> "duckdb.DuckDBPyConnection":
        try:
            import duckdb
        except ImportError:
            raise not_installed(self.name, "duckdb", "duckdb") from None
        opened = duckdb.connect()
        try:
            self._attach(opened, Path(self.settings.path), read_only)
        except (OSError, duckdb.Error) as error:
            opened.close()
            raise self._not_opened(error) from None
        return opened

    def _attach(self, opened: "duckdb.DuckDBPyConnection", path: Path, read_only: bool) -> None:
        if not read_only:
            path.parent.mkdir(parents=True, exist_ok=True)
        # Attached under a name of our own: a file acme.duckdb with a schema acme would be ambiguous otherwise.
        file = DIALECT.text(":memory:" if read_only and not path.exists() else str(path))
        opened.execute(f"ATTACH {file} AS _warehouse{' (READ_ONLY)' if read_only and path.exists() else ''}")
        opened.execute("USE _warehouse")
        opened.execute("SET TimeZone = 'UTC'")  # a column that was altered to one with a zone means UTC too

    def _not_opened(self, error: Exception) -> ProfilesSyncError:
        path = self.settings.path
        if any(text in str(error) for text in _HELD):
            return WarehouseUnreachable(
                f"warehouse {self.name}: another process holds {path}; nothing was written, close the other program "
                "or let the next run try again"
            )
        return WarehouseRefused(f"warehouse {self.name}: cannot open {path}: {_kind(error)}")
