"""Snowflake's SQL.

Source: Snowflake documentation, "TRY_CAST", "Transactions", "COPY INTO <table>", "CREATE STAGE".
"""

import hashlib
import re
from collections.abc import Mapping, Sequence

from profiles_sync.spec.tables import Type
from profiles_sync.warehouses.base import INTERNAL, OPERATION, Cast
from profiles_sync.warehouses.snowflake.capabilities import CAPABILITIES, folded
from profiles_sync.warehouses.sql import Dialect
from profiles_sync.warehouses.widening import Widen, by_another_column, is_longer

_SIZED = re.compile(r"VARCHAR\((\d+)\)")
_FOLLOWS = {  # types that take each other's values as they are, and never fail
    "TIMESTAMP_NTZ": ("TIMESTAMP", "DATE", "TIME"),
    "NUMBER(38,0)": ("FLOAT", "BOOLEAN"),
    "FLOAT": ("BOOLEAN",),
}


class SnowflakeDialect(Dialect):
    """What Snowflake spells in its own way."""

    def quote(self, *parts: str) -> str:
        """See `Dialect.quote`; a plain name is in capitals, as it would be without quotes."""
        return super().quote(*map(folded, parts))

    def text(self, value: str) -> str:
        """A text literal; a backslash begins an escape in one."""
        return super().text(value.replace("\\", "\\\\"))

    def catalog(self, schema: str) -> str:
        """Table, column and what `kind` takes, for every column of a schema."""
        return (
            "SELECT TABLE_NAME, COLUMN_NAME, DATA_TYPE, CHARACTER_MAXIMUM_LENGTH, NUMERIC_PRECISION, NUMERIC_SCALE "
            f"FROM INFORMATION_SCHEMA.COLUMNS WHERE TABLE_SCHEMA = {self.text(folded(schema))} "
            "ORDER BY TABLE_NAME, ORDINAL_POSITION"
        )

    def has_schema(self, schema: str) -> str:
        """One row where the schema is there and may be used."""
        return f"SELECT 1 FROM INFORMATION_SCHEMA.SCHEMATA WHERE SCHEMA_NAME = {self.text(folded(schema))}"

    def add_columns(self, schema: str, table: str, columns: Mapping[str, str]) -> list[str]:
        """See `Dialect.add_columns`; one statement, for each takes a moment."""
        listed = ", ".join(f"IF NOT EXISTS {self.quote(name)} {kind}" for name, kind in columns.items())
        return [f"ALTER TABLE {self.quote(schema, table)} ADD COLUMN {listed}"]

    def widen(self, schema: str, one: Widen) -> list[str]:
        """Snowflake alters a length and a precision, and no type."""
        return super().widen(schema, one) if is_longer(one.was, one.kind) else by_another_column(self, schema, one)

    # Staging

    def staged(self, schema: str, *of: object) -> str:
        """How a schema's staging tables begin, and with owner and number how one is called; not quoted."""
        digest = hashlib.sha1(folded(schema).encode(), usedforsecurity=False).hexdigest()
        return "_".join(map(str, ("staged", digest, *of)))

    def stage(self, staging: str) -> str:
        """The quoted name of the session's own stage, in the schema of a staging table of that quoted name."""
        return f"{staging.rpartition('.')[0]}.{self.quote('files')}"

    def create_stage(self, stage: str) -> list[str]:
        """It goes with the session, and so do the files in it."""
        return [f"CREATE TEMPORARY STAGE IF NOT EXISTS {stage}"]

    def create_staging(self, staging: str, columns: Mapping[str, str]) -> list[str]:
        """An empty staging table in place of whatever has its quoted name; nothing of it is kept once it is dropped."""
        listed = ", ".join(f"{self.quote(name)} {kind}" for name, kind in columns.items())
        return [f"CREATE OR REPLACE TRANSIENT TABLE {staging} ({listed}) DATA_RETENTION_TIME_IN_DAYS = 0"]

    def put(self, file: str, folder: str) -> str:
        """Send a file to a folder of a stage; Parquet is compressed already."""
        return f"PUT {self.text('file://' + file)} @{folder} AUTO_COMPRESS = FALSE"

    def copy(self, staging: str, folder: str) -> str:
        r"""Load a folder's files by the names of their columns; a text `\N` is a text, and times are times."""
        return (
            f"COPY INTO {staging} FROM @{folder}/ "
            "FILE_FORMAT = (TYPE = PARQUET USE_LOGICAL_TYPE = TRUE NULL_IF = ()) "
            "MATCH_BY_COLUMN_NAME = CASE_SENSITIVE"
        )

    # Rows

    def cast(self, value: str, cast: Cast) -> str:
        """See `Dialect.cast`. TRY_CAST takes texts only, so whatever is none is made one first."""
        sized = _SIZED.fullmatch(cast.kept)
        if cast.staged == "VARCHAR":
            return f"LEFT({value}, {sized[1]})" if sized else f"TRY_CAST(TRIM({value}) AS {cast.kept})"
        if cast.kept.startswith(_FOLLOWS.get(cast.staged, ())):
            return f"CAST({value} AS {cast.kept})"
        number = cast.staged == "BOOLEAN" and cast.kept.startswith(("NUMBER", "FLOAT"))
        text = f"TO_VARCHAR(CAST({value} AS NUMBER(38,0)))" if number else f"TO_VARCHAR({value})"
        if cast.kept == "VARCHAR":
            return text
        return f"IFF(LENGTH({text}) <= {sized[1]}, {text}, NULL)" if sized else f"TRY_CAST({text} AS {cast.kept})"

    def too_long(self, value: str, cast: Cast) -> str | None:
        """See `Dialect.too_long`."""
        sized = _SIZED.fullmatch(cast.kept)
        return f"LENGTH({value}) > {sized[1]}" if sized and cast.staged == "VARCHAR" else None

    def append(
        self, schema: str, table: str, source: str, key: str, values: Mapping[str, str], keys_differ: bool = False
    ) -> list[str]:
        """See `Dialect.append`; values are cast before rows are compared, for a subquery takes plain columns."""
        source, plain = self._cast_first(source, values, ())
        return super().append(schema, table, source, key, plain, keys_differ)

    def merge(self, schema: str, table: str, source: str, keys: Sequence[str], values: Mapping[str, str]) -> list[str]:
        """See `Dialect.merge`; values are cast before, as in `append`."""
        source, plain = self._cast_first(source, values, (OPERATION,))
        return super().merge(schema, table, source, keys, plain)

    def _cast_first(self, source: str, values: Mapping[str, str], also: Sequence[str]) -> tuple[str, dict[str, str]]:
        plain = self.values([*values], {})
        if plain == values:
            return source, plain
        chosen = {**values, **self.values(also, {})}
        listed = ", ".join(f"{value} AS {self.quote(name)}" for name, value in chosen.items())
        return f"(SELECT {listed} FROM {source} AS s)", plain

    # The lock: one row of a table of its own, which says who syncs the schema and until when

    def lock(self, schema: str) -> str:
        """The quoted name of a schema's lock."""
        return self.quote(INTERNAL, *self.lock_tables(schema))

    def lock_tables(self, schema: str) -> list[str]:
        """See `Dialect.lock_tables`; its name has spaces, so that no staging table can be called like it."""
        named = folded(schema)
        if len(named.encode()) > CAPABILITIES.max_identifier - len("LOCK OF "):
            named = hashlib.sha1(named.encode(), usedforsecurity=False).hexdigest()
        return [f"LOCK OF {named}"]

    def create_lock(self, schema: str) -> list[str]:
        """The lock with its row, in one statement, held by nobody."""
        columns = f'"HOLDER" {self.capabilities.types[Type.STRING]}, "UNTIL" {self.capabilities.types[Type.TIMESTAMP]}'
        return [f"CREATE TABLE IF NOT EXISTS {self.lock(schema)} ({columns}) AS SELECT '', SYSDATE()"]

    def take_lock(self, schema: str, holder: str, seconds: float) -> str:
        """Changes the row if nobody holds it, or whoever did let its time pass. Times are the server's."""
        return f'{self._held(schema, holder, seconds)} WHERE "HOLDER" = \'\' OR "UNTIL" < SYSDATE()'

    def keep_lock(self, schema: str, holder: str, seconds: float) -> str:
        """Changes the row if it is still ours; in a transaction, nobody can take it before that ends."""
        return f'{self._held(schema, holder, seconds)} WHERE "HOLDER" = {self.text(holder)}'

    def _held(self, schema: str, holder: str, seconds: float) -> str:
        until = f"DATEADD(MILLISECOND, {round(seconds * 1000)}, SYSDATE())"
        return f'UPDATE {self.lock(schema)} SET "HOLDER" = {self.text(holder)}, "UNTIL" = {until}'

    def release_lock(self, schema: str, holder: str) -> str:
        """Holds it no more."""
        return f'UPDATE {self.lock(schema)} SET "HOLDER" = \'\' WHERE "HOLDER" = {self.text(holder)}'


DIALECT = SnowflakeDialect(CAPABILITIES)
