"""What Databricks can do and how it spells things; the same in open Spark with Delta."""

import re
from collections.abc import Mapping, Sequence

from profiles_sync.spec.tables import Type
from profiles_sync.warehouses.base import INTERNAL, OPERATION, Capabilities, Cast, Transactions
from profiles_sync.warehouses.sql import Dialect
from profiles_sync.warehouses.widening import Widen

# The words that mean something else than a column or a table of that name, unless they stand in backticks; and the
# columns of a change feed, which a table that has one may not have itself.
_WORDS = """
anti cross default except false full inner intersect join lateral left minus natural null on right semi true union using
_change_type _commit_version _commit_timestamp
"""
_NUMBERS = ("tinyint", "smallint", "int", "bigint", "float", "double", "decimal", "boolean")
_SIZED = re.compile(r"(?:varchar|char)\((\d+)\)")
VOLUME = "staging"
_FEW = 4  # columns that a table is clustered by, at most

CAPABILITIES = Capabilities(
    types={
        Type.STRING: "string",
        Type.BIGINT: "bigint",
        Type.DOUBLE: "double",
        Type.BOOLEAN: "boolean",
        Type.TIMESTAMP: "timestamp",
    },
    reserved=frozenset(_WORDS.split()),
    max_identifier=255,
    folds_case=True,
    transactions=Transactions.NONE,
    at_once=4,
    locks_in_schema=True,
    families=dict.fromkeys(("tinyint", "smallint", "int", "bigint"), "integer")
    | {"float": "float", "double": "float", "boolean": "boolean", "date": "date", "timestamp": "timestamp"}
    | {"varchar": "varchar", "string": "varchar"},
    key_hash="CAST(conv(left(md5({text}), 8), 16, 10) AS BIGINT)",
)


class DatabricksDialect(Dialect):
    """Statements on one catalog, which stands in front of every table's schema; it may need volumes of our own."""

    def __init__(self, catalog: str, makes_volumes: bool = True) -> None:
        super().__init__(CAPABILITIES)
        self.catalog, self.makes_volumes = catalog, makes_volumes

    def quote(self, *parts: str) -> str:
        """A quoted name; a table's has the catalog in front."""
        placed = (self.catalog, *parts) if len(parts) > 1 else parts
        return ".".join("`" + part.replace("`", "``") + "`" for part in placed)

    def text(self, value: str) -> str:
        r"""A text literal, in which `\` escapes."""
        return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"

    def create_schema(self, schema: str) -> list[str]:
        """The schema, if it is not there."""
        return [f"CREATE SCHEMA IF NOT EXISTS {self.in_catalog(schema)}"]

    def drop_schema(self, schema: str) -> list[str]:
        """A schema that is there and empty but for the volume of our own; one that holds more should stay."""
        volume = f"DROP VOLUME IF EXISTS {self.quote(schema, VOLUME)}"
        return [*([volume] if self.makes_volumes else []), f"DROP SCHEMA {self.in_catalog(schema)}"]

    def in_catalog(self, schema: str) -> str:
        """The quoted name of a schema."""
        return f"{self.quote(self.catalog)}.{self.quote(schema)}"

    def create_table(self, schema: str, table: str, columns: Mapping[str, str], keys: Sequence[str]) -> list[str]:
        """Clustered by time where events come one after the other, else by the keys that a merge looks for."""
        return [f"{self._created(schema, table, columns)} {self._clustered(columns, keys)}"]

    def _clustered(self, columns: Mapping[str, str], keys: Sequence[str]) -> str:
        by = ("received_at",) if len(keys) == 1 and "received_at" in columns else keys[:_FEW]
        return f"CLUSTER BY ({', '.join(map(self.quote, by))})"

    def widen(self, schema: str, one: Widen) -> list[str]:
        """The table once more, in one commit: what Delta can rename or retype, older readers cannot read.

        Only the length of a text goes in place; CAST knows none, so `varchar(n)` cannot be asked for.
        """
        there = self.quote(schema, one.table)
        if _SIZED.fullmatch(str(one.was)):
            return [f"ALTER TABLE {there} ALTER COLUMN {self.quote(one.column)} TYPE {one.kind}"]
        chosen = {name: self.quote(name) for name in one.columns}
        chosen[one.column] = f"{self.widened(chosen[one.column], str(one.was), one.kind)} AS {self.quote(one.column)}"
        made = f"CREATE OR REPLACE TABLE {there} USING DELTA {self._clustered(one.columns, one.keys)}"
        return [f"{made} AS SELECT {', '.join(chosen.values())} FROM {there}"]

    def _created(self, schema: str, table: str, columns: Mapping[str, str]) -> str:
        listed = ", ".join(f"{self.quote(name)} {kind}" for name, kind in columns.items())
        return f"CREATE TABLE IF NOT EXISTS {self.quote(schema, table)} ({listed}) USING DELTA"

    def add_columns(self, schema: str, table: str, columns: Mapping[str, str]) -> list[str]:
        """All in one statement."""
        listed = ", ".join(f"{self.quote(name)} {kind}" for name, kind in columns.items())
        return [f"ALTER TABLE {self.quote(schema, table)} ADD COLUMNS ({listed})"]

    def files(self, paths: str, types: Mapping[str, str]) -> str:
        """What stands behind FROM to read Parquet files of a volume, with times as they are since the year 1."""
        listed = ", ".join(map(self.quote, types))
        schema = self.text(", ".join(f"{self.quote(name)} {kind}" for name, kind in types.items()))
        how = f"format => 'parquet', schema => {schema}, datetimeRebaseMode => 'CORRECTED'"
        return f"(SELECT {listed} FROM read_files({self.text(paths)}, {how}))"

    def columns(self, schema: str) -> str:
        """The query for table, column and type of a schema's tables; Unity Catalog has it in every catalog."""
        return (
            "SELECT table_name, column_name, lower(full_data_type) FROM "
            f"{self.quote('information_schema', 'columns')} WHERE table_schema = {self.text(schema)} "
            "ORDER BY table_name, ordinal_position"
        )

    def cast(self, value: str, cast: Cast) -> str:
        """A text is read as the column's type reads it, a number stays one, a text that is too long is cut."""
        if sized := _SIZED.fullmatch(cast.kept):
            text = value if cast.staged == "string" else f"CAST({value} AS STRING)"
            cut = f"left({text}, {sized[1]})"
            return cut if cast.staged == "string" else f"CASE WHEN length({text}) <= {sized[1]} THEN {text} END"
        direct = cast.staged == "string" or (cast.staged in _NUMBERS and cast.kept.startswith(_NUMBERS))
        return f"try_cast({value if direct else f'CAST({value} AS STRING)'} AS {cast.kept.upper()})"

    def too_long(self, value: str, cast: Cast) -> str | None:
        """See `Dialect.too_long`."""
        sized = _SIZED.fullmatch(cast.kept)
        return f"length({value}) > {sized[1]}" if sized and cast.staged == "string" else None

    def delete_missing(
        self, schema: str, table: str, source: str, keys: Sequence[str], values: Mapping[str, str]
    ) -> list[str]:
        """See `Dialect.delete_missing`; Delta's DELETE takes no subquery."""
        same = " AND ".join(f"t.{self.quote(key)} = {values[key]}" for key in keys)
        merged = f"MERGE INTO {self.quote(schema, table)} AS t USING {source} AS s ON {same}"
        return [f"{merged} WHEN NOT MATCHED BY SOURCE THEN DELETE"]

    def append(
        self, schema: str, table: str, source: str, key: str, values: Mapping[str, str], keys_differ: bool = False
    ) -> list[str]:
        """A MERGE that only inserts: it tells how many rows it did, and two at once cannot both insert one."""
        rows = source if keys_differ else self._first(source, key)
        return [
            f"MERGE INTO {self.quote(schema, table)} AS t USING {rows} AS s ON t.{self.quote(key)} = {values[key]} "
            f"WHEN NOT MATCHED THEN INSERT ({', '.join(map(self.quote, values))}) VALUES ({', '.join(values.values())})"
        ]

    def replace(
        self, schema: str, table: str, source: str, key: str | None, values: Mapping[str, str]
    ) -> list[str] | None:
        """An overwrite: one commit of the table, before and after which readers find all rows."""
        columns, chosen = ", ".join(map(self.quote, values)), ", ".join(values.values())
        rows = self._first(source, key) if key else source
        kept = "" if key else f" WHERE s.{self.quote(OPERATION)} = 'U'"
        return [f"INSERT OVERWRITE {self.quote(schema, table)} ({columns}) SELECT {chosen} FROM {rows} AS s{kept}"]

    def _first(self, source: str, key: str) -> str:
        """The staged rows, of those with one key the first that landed."""
        landed = f"{self.quote('uuid_ts')}, {self.quote('received_at')}"
        placed = (
            f"SELECT *, row_number() OVER (PARTITION BY {self.quote(key)} ORDER BY {landed}) AS _place FROM {source}"
        )
        return f"(SELECT * FROM ({placed}) WHERE _place = 1)"

    # The sync record

    def create_cursors(self, schema: str) -> list[str]:
        """The sync record, with a partition of its own for who may sync: a claim never touches the record's files."""
        columns = dict.fromkeys(("schema_name", "table_name", "table_id", "commit_digest", "sync_id"), "string")
        columns["version"] = "bigint"
        return [f"{self._created(INTERNAL, self.record(schema), columns)} PARTITIONED BY (schema_name)"]

    def lock_tables(self, schema: str) -> list[str]:
        """See `Dialect.lock_tables`: the record has the claims."""
        return [self.record(schema)]

    # Who may sync a schema: a row of the record with an end, in a partition that no schema has

    def claim(self, schema: str, owner: str, seconds: int) -> list[str]:
        """Take the schema, or keep it, for so long; changes no row where another owner's time is not over."""
        now = "unix_micros(current_timestamp())"
        until = f"{now} + {seconds * 1_000_000}"
        return [
            f"MERGE INTO {self.cursors(schema)} AS t USING (SELECT {self.text(owner)} AS owner) AS s "
            f"ON t.schema_name = {self._claims(schema)} AND t.table_name = {self.text(schema)} "
            f"WHEN MATCHED AND (t.table_id = s.owner OR t.version < {now}) THEN UPDATE SET "
            f"table_id = s.owner, version = {until} "
            "WHEN NOT MATCHED THEN INSERT (schema_name, table_name, table_id, version) VALUES "
            f"({self._claims(schema)}, {self.text(schema)}, s.owner, {until})"
        ]

    def let_go(self, schema: str, owner: str) -> list[str]:
        """Give the schema back, if it is still this owner's."""
        mine = f"schema_name = {self._claims(schema)} AND table_id = {self.text(owner)}"
        return [f"DELETE FROM {self.cursors(schema)} WHERE {mine}"]

    def _claims(self, schema: str) -> str:
        return self.text(f"{schema} is being synced")  # no schema has a space in its name
