"""DuckDB: the embedded warehouse, one file, no set-up.

One process may write a DuckDB file and nobody else may read it meanwhile, so the file is opened for a sync and closed
after it. Source: DuckDB documentation, "Concurrency", "Keywords and Identifiers".
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_exponential

from profiles_sync.errors import MissingExtra, WarehouseRefused, WarehouseUnreachable
from profiles_sync.spec.tables import Type
from profiles_sync.warehouses import sql
from profiles_sync.warehouses.base import Batch, Capabilities

if TYPE_CHECKING:
    import duckdb

_RESERVED = frozenset(
    {
        "all",
        "analyse",
        "analyze",
        "and",
        "any",
        "array",
        "as",
        "asc",
        "asymmetric",
        "both",
        "case",
        "cast",
        "check",
        "collate",
        "column",
        "constraint",
        "create",
        "default",
        "deferrable",
        "desc",
        "describe",
        "distinct",
        "do",
        "else",
        "end",
        "except",
        "false",
        "fetch",
        "for",
        "foreign",
        "from",
        "group",
        "having",
        "in",
        "initially",
        "intersect",
        "into",
        "lambda",
        "lateral",
        "leading",
        "limit",
        "not",
        "null",
        "offset",
        "on",
        "only",
        "or",
        "order",
        "pivot",
        "pivot_longer",
        "pivot_wider",
        "placing",
        "primary",
        "qualify",
        "references",
        "returning",
        "select",
        "show",
        "some",
        "summarize",
        "symmetric",
        "table",
        "then",
        "to",
        "trailing",
        "true",
        "union",
        "unique",
        "unpivot",
        "using",
        "variadic",
        "when",
        "where",
        "window",
        "with",
    }
)

CAPABILITIES = Capabilities(
    types={
        Type.STRING: "VARCHAR",
        Type.BIGINT: "BIGINT",
        Type.DOUBLE: "DOUBLE",
        Type.BOOLEAN: "BOOLEAN",
        Type.TIMESTAMP: "TIMESTAMP",
    },
    reserved=_RESERVED,
    max_identifier=255,
)


class DuckDBSettings(BaseModel):
    """Connection fields of a DuckDB file."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, populate_by_name=True)
    type: Literal["duckdb"]
    path: str
    schema_name: str | None = Field(default=None, alias="schema")
    enabled: bool = True


class DuckDBConnection:
    """An open file."""

    def __init__(self, opened: "duckdb.DuckDBPyConnection") -> None:
        self._opened = opened

    def columns(self, schema: str) -> dict[str, dict[str, str]]:
        """See `base.Connection`."""
        found: dict[str, dict[str, str]] = {}
        for table, column, kind in self.query(
            "SELECT table_name, column_name, data_type FROM information_schema.columns "
            f"WHERE table_catalog = current_database() AND table_schema = {sql.text(schema)} "
            "ORDER BY table_name, ordinal_position"
        ):
            found.setdefault(table, {})[column] = kind
        return found

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """See `base.Connection`."""
        self._opened.execute("BEGIN TRANSACTION")
        try:
            yield
        except BaseException:
            self._opened.execute("ROLLBACK")
            raise
        self._opened.execute("COMMIT")

    def execute(self, statement: str) -> int:
        """See `base.Connection`."""
        rows = self.query(statement)
        return int(rows[0][0]) if rows and statement.startswith(("INSERT", "MERGE", "DELETE", "UPDATE")) else 0

    def query(self, statement: str) -> Sequence[Sequence[Any]]:
        """See `base.Connection`."""
        import duckdb

        try:
            return self._opened.execute(statement).fetchall()
        except duckdb.Error as error:
            # DuckDB quotes the value it stumbled over in the lines after the first
            raise WarehouseRefused(f"duckdb refused {' '.join(statement.split()[:3])}: {_kind(error)}") from None

    def load(self, batch: Batch, staging: str, names: Mapping[str, str]) -> int:
        """See `base.Connection`; the rows come as Arrow, timestamps without their zone, which is UTC."""
        rows = _naive(batch.arrow())
        self._opened.register("_staged", rows)
        chosen = ", ".join(f"{sql.quote(name)} AS {sql.quote(names.get(name, name))}" for name in rows.schema.names)
        try:
            self.execute(f"CREATE OR REPLACE TABLE {staging} AS SELECT {chosen} FROM _staged")
        finally:
            self._opened.unregister("_staged")
        return int(self.query(f"SELECT count(*) FROM {staging}")[0][0])


def _kind(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error).splitlines()[0].split('Could not convert')[0].strip()}"


def _naive(rows: pa.RecordBatchReader) -> pa.RecordBatchReader:
    fields = [
        pa.field(column.name, pa.timestamp("us") if pa.types.is_timestamp(column.type) else column.type)
        for column in rows.schema
    ]
    return rows.cast(pa.schema(fields))


class DuckDBWarehouse:
    """A DuckDB file."""

    kind = "duckdb"
    capabilities = CAPABILITIES

    def __init__(self, name: str, settings: DuckDBSettings, schema: str, patience: float = 20) -> None:
        self.name, self.settings, self.patience = name, settings, patience
        self.schema = settings.schema_name or schema

    @contextmanager
    def connect(self) -> Iterator[DuckDBConnection]:
        """See `base.Warehouse`. Another process may hold the file: wait for it up to `patience` seconds."""
        opened = retry(
            retry=retry_if_exception_type(WarehouseUnreachable),
            stop=stop_after_delay(self.patience),
            wait=wait_exponential(0.2, max=5),
            reraise=True,
        )(self._open)()
        try:
            yield DuckDBConnection(opened)
        finally:
            opened.close()

    def _open(self) -> "duckdb.DuckDBPyConnection":
        try:
            import duckdb
        except ImportError:
            raise MissingExtra(
                f"warehouse {self.name}: duckdb is not installed; pip install 'profiles-sync[duckdb]'"
            ) from None
        Path(self.settings.path).parent.mkdir(parents=True, exist_ok=True)
        try:
            # Attached under a name of our own: a file acme.duckdb with a schema acme would be ambiguous otherwise.
            opened = duckdb.connect()
            opened.execute(f"ATTACH {sql.text(self.settings.path)} AS _warehouse")
            opened.execute("USE _warehouse")
        except duckdb.IOException as error:
            if "lock" in str(error).lower():
                raise WarehouseUnreachable(
                    f"warehouse {self.name}: another process holds {self.settings.path}; nothing was written, close "
                    "the other program or let the next run try again"
                ) from None
            raise WarehouseRefused(f"warehouse {self.name}: cannot open {self.settings.path}: {_kind(error)}") from None
        return opened
