"""SQL as return values; nothing here runs it. Names come in as the warehouse spells them and are quoted here."""

from collections.abc import Mapping, Sequence

from profiles_sync.spec.tables import Type
from profiles_sync.warehouses import names
from profiles_sync.warehouses.base import INTERNAL, OPERATION, Capabilities, Cast, Cursor
from profiles_sync.warehouses.widening import EXACT, Widen


class Dialect:
    """Standard SQL. A warehouse's own file overrides what it spells in another way.

    A method that returns one statement is a query; what changes something is a list, in the order it has to run.
    `source` is what stands behind FROM to read staged rows, see `base.Staged`.
    """

    def __init__(self, capabilities: Capabilities) -> None:
        self.capabilities = capabilities

    def quote(self, *parts: str) -> str:
        """A quoted name, from the schema to the column."""
        return ".".join('"' + part.replace('"', '""') + '"' for part in parts)

    def text(self, value: str) -> str:
        """A text literal."""
        return "'" + value.replace("'", "''") + "'"

    def staging(self, schema: str, table: str) -> str:
        """The quoted name of a table's staging table."""
        return self.quote(INTERNAL, names.staging(schema, table, self.capabilities))

    # Tables and columns

    def create_schema(self, schema: str) -> list[str]:
        """The schema, if it is not there."""
        return [f"CREATE SCHEMA IF NOT EXISTS {self.quote(schema)}"]

    def drop_schema(self, schema: str) -> list[str]:
        """An empty schema that is there; one that holds something should stay."""
        return [f"DROP SCHEMA {self.quote(schema)}"]

    def create_table(self, schema: str, table: str, columns: Mapping[str, str], keys: Sequence[str]) -> list[str]:
        """A table with its first columns, if it is not there; `keys` tell its rows apart and may decide its layout."""
        listed = ", ".join(f"{self.quote(name)} {kind}" for name, kind in columns.items())
        return [f"CREATE TABLE IF NOT EXISTS {self.quote(schema, table)} ({listed})"]

    def add_columns(self, schema: str, table: str, columns: Mapping[str, str]) -> list[str]:
        """Further columns; older rows have NULL there."""
        altered = f"ALTER TABLE {self.quote(schema, table)} ADD COLUMN IF NOT EXISTS"
        return [f"{altered} {self.quote(name)} {kind}" for name, kind in columns.items()]

    def widen(self, schema: str, one: Widen) -> list[str]:
        """Give a column a wider type. What is one statement is done or not done; else it may be done again."""
        altered = f"ALTER TABLE {self.quote(schema, one.table)} ALTER COLUMN {self.quote(one.column)}"
        return [f"{altered} SET DATA TYPE {one.kind}"]

    def widened(self, value: str, was: str, kind: str) -> str:
        """A value of one type as that of a wider one, as `cast` would make it of a new row."""
        return f"CAST({value} AS {kind})"

    def rename_columns(self, schema: str, table: str, renamed: Mapping[str, str]) -> list[str]:
        """Call columns otherwise, in that order."""
        altered = f"ALTER TABLE {self.quote(schema, table)} RENAME COLUMN"
        return [f"{altered} {self.quote(name)} TO {self.quote(new)}" for name, new in renamed.items()]

    def fill(self, schema: str, table: str, column: str, value: str) -> list[str]:
        """Give a column a value in every row."""
        return [f"UPDATE {self.quote(schema, table)} SET {self.quote(column)} = {value}"]

    def count_inexact(self, schema: str, table: str, column: str) -> str:
        """How many whole numbers of a column a float may not have."""
        value = self.quote(column)
        return f"SELECT count(*) FROM {self.quote(schema, table)} WHERE {value} > {EXACT} OR {value} < -{EXACT}"

    def drop_staging(self, staging: str) -> list[str]:
        """Remove a staging table, by its quoted name, if it is there."""
        return [f"DROP TABLE IF EXISTS {staging}"]

    # The lock

    def lock_tables(self, schema: str) -> list[str]:
        """The tables of `INTERNAL` that `Connection.only_sync` makes for a schema, and that stay."""
        return []

    # Rows

    def any_row(self, schema: str, table: str) -> str:
        """One row, if there is one."""
        return f"SELECT 1 FROM {self.quote(schema, table)} LIMIT 1"

    def count_rows(self, schema: str, table: str) -> str:
        """How many rows there are."""
        return f"SELECT count(*) FROM {self.quote(schema, table)}"

    def sum_keys(self, schema: str, table: str, keys: Sequence[str], source: str | None) -> str:
        """How many keys there are, and the sum of their hashes.

        Of those that rows of `source` have; of all where there is none.
        """
        hashed = self.capabilities.key_hash.format(text=self.joined([f"t.{self.quote(key)}" for key in keys]))
        summed = f"SELECT count(*), COALESCE(SUM({hashed}), 0) FROM {self.quote(schema, table)} AS t"
        if source is None:
            return summed
        same = " AND ".join(self.same_text(f"t.{self.quote(key)}", f"s.{self.quote(key)}") for key in keys)
        return f"{summed} WHERE EXISTS (SELECT 1 FROM {source} AS s WHERE {same})"

    def joined(self, texts: Sequence[str]) -> str:
        """Texts with a character between them that none of them is likely to have."""
        return " || chr(31) || ".join(texts)

    def same_text(self, one: str, other: str) -> str:
        """Whether two texts are the same, character by character."""
        return f"{one} = {other}"

    def delete_all(self, schema: str, table: str) -> list[str]:
        """Every row of a table that is about to be replaced."""
        return [f"DELETE FROM {self.quote(schema, table)}"]

    def delete_missing(
        self, schema: str, table: str, source: str, keys: Sequence[str], values: Mapping[str, str]
    ) -> list[str]:
        """Rows whose key no staged row has; the others are about to be updated."""
        same = " AND ".join(f"t.{self.quote(key)} = {values[key]}" for key in keys)
        found = f"SELECT 1 FROM {source} AS s WHERE {same}"
        return [f"DELETE FROM {self.quote(schema, table)} AS t WHERE NOT EXISTS ({found})"]

    def replace(
        self, schema: str, table: str, source: str, key: str | None, values: Mapping[str, str]
    ) -> list[str] | None:
        """One statement that puts the staged rows in place of a table's; None where a transaction holds two together.

        `key` is that of appended rows, of which the first that landed counts; None where each staged row has one and
        says what it asks for.
        """
        return None

    def cast(self, value: str, cast: Cast) -> str:
        """The value as its column keeps it: NULL where it does not fit, cut where it is too long, never an error."""
        return f"TRY_CAST({value} AS {cast.kept})"

    def too_long(self, value: str, cast: Cast) -> str | None:
        """The condition on which `cast` cuts a value; None where it never does."""
        return None

    def values(self, columns: Sequence[str], casts: Mapping[str, Cast]) -> dict[str, str]:
        """Column to the expression over the staged row, which is called s."""
        plain = {column: f"s.{self.quote(column)}" for column in columns}
        return {name: self.cast(value, casts[name]) if name in casts else value for name, value in plain.items()}

    def count_misfits(self, source: str, casts: Mapping[str, Cast], has_deletes: bool) -> str:
        """For each column of `casts`, one after the other: how many values do not fit, and how many are cut."""
        counts = []
        for column, cast in casts.items():
            value = f"s.{self.quote(column)}"
            unfit = f"{value} IS NOT NULL AND {self.cast(value, cast)} IS NULL"
            counts += [f"count(CASE WHEN {unfit} THEN 1 END)"]
            long = self.too_long(value, cast)
            counts += ["0" if long is None else f"count(CASE WHEN {long} THEN 1 END)"]
        kept = f" WHERE s.{self.quote(OPERATION)} <> 'D'" if has_deletes else ""
        return f"SELECT {', '.join(counts)} FROM {source} AS s{kept}"

    def append(
        self, schema: str, table: str, source: str, key: str, values: Mapping[str, str], keys_differ: bool = False
    ) -> list[str]:
        """Insert the staged rows whose key is new; of several staged rows with one key the first that landed."""
        columns, chosen = ", ".join(map(self.quote, values)), ", ".join(values.values())
        landed = f"{self.quote('uuid_ts')}, {self.quote('received_at')}"
        placed = (
            f"SELECT *, row_number() OVER (PARTITION BY {self.quote(key)} ORDER BY {landed}) AS _place FROM {source}"
        )
        rows = f"{source} AS s WHERE" if keys_differ else f"({placed}) AS s WHERE s._place = 1 AND"
        return [
            f"INSERT INTO {self.quote(schema, table)} ({columns}) SELECT {chosen} FROM {rows} NOT EXISTS ("
            f"SELECT 1 FROM {self.quote(schema, table)} AS t WHERE t.{self.quote(key)} = {values[key]})"
        ]

    def merge(self, schema: str, table: str, source: str, keys: Sequence[str], values: Mapping[str, str]) -> list[str]:
        """Delete, update and insert by key, as each staged row asks for; staged rows have a key each."""
        on = " AND ".join(f"t.{self.quote(key)} = {values[key]}" for key in keys)
        updates = ", ".join(f"{self.quote(name)} = {value}" for name, value in values.items() if name not in keys)
        columns, operation = ", ".join(map(self.quote, values)), f"s.{self.quote(OPERATION)}"
        return [
            f"MERGE INTO {self.quote(schema, table)} AS t USING {source} AS s ON {on} "
            f"WHEN MATCHED AND {operation} = 'D' THEN DELETE "
            f"WHEN MATCHED THEN UPDATE SET {updates} "
            f"WHEN NOT MATCHED AND {operation} = 'U' THEN INSERT ({columns}) VALUES ({', '.join(values.values())})"
        ]

    # The sync record: how far each table follows the lake

    def record(self, schema: str) -> str:
        """The name of a schema's sync record; each has its own, for two syncs that write one table may break off."""
        return names.record(schema, self.capabilities)

    def cursors(self, schema: str) -> str:
        """The quoted name of a schema's sync record."""
        return self.quote(INTERNAL, self.record(schema))

    def create_cursors(self, schema: str) -> list[str]:
        """The sync record, if it is not there."""
        columns = dict.fromkeys(_CURSOR, self.capabilities.types[Type.STRING])
        columns["version"] = self.capabilities.types[Type.BIGINT]
        return self.create_table(INTERNAL, self.record(schema), columns, _CURSOR[:2])

    def read_cursors(self, schema: str) -> str:
        """Every cursor of a schema: lake table, its id, version and commit."""
        return f"SELECT {', '.join(_CURSOR[1:5])} FROM {self.cursors(schema)} WHERE schema_name = {self.text(schema)}"

    def forget_cursors(self, schema: str, cursors: Mapping[str, Cursor]) -> list[str]:
        """Remove cursors before they are written anew, and only where they are still these."""
        stands = " OR ".join(
            f"table_name = {self.text(table)} AND table_id = {self.text(one.table_id)} AND version = {one.version}"
            for table, one in cursors.items()
        )
        return [f"DELETE FROM {self.cursors(schema)} WHERE schema_name = {self.text(schema)} AND ({stands})"]

    def record_cursors(self, schema: str, cursors: Mapping[str, Cursor], sync_id: str) -> list[str]:
        """Write cursors; in the transaction that applied the rows they stand for."""
        rows = ", ".join(f"({self._recorded(schema, table, one, sync_id)})" for table, one in cursors.items())
        return [f"INSERT INTO {self.cursors(schema)} ({', '.join(_CURSOR)}) VALUES {rows}"]

    def move_cursors(
        self, schema: str, before: Mapping[str, Cursor], now: Mapping[str, Cursor], sync_id: str
    ) -> list[str]:
        """Write cursors in place of those of before, where they still stand: one statement, which counts them.

        For `Transactions.NONE`: between a DELETE and an INSERT there would be no record.
        """
        rows = ", ".join(f"({self._moved(table, one, before.get(table))})" for table, one in now.items())
        named = "table_name, table_id, version, commit_digest, was_id, was_version"
        values = f"s.table_name, s.table_id, s.version, s.commit_digest, {self.text(sync_id)}"
        return [
            f"MERGE INTO {self.cursors(schema)} AS t USING (SELECT * FROM (VALUES {rows}) AS v({named})) AS s "
            f"ON t.schema_name = {self.text(schema)} AND t.table_name = s.table_name "
            "WHEN MATCHED AND t.table_id = s.was_id AND t.version = s.was_version THEN UPDATE SET "
            "table_id = s.table_id, version = s.version, commit_digest = s.commit_digest, "
            f"sync_id = {self.text(sync_id)} "
            f"WHEN NOT MATCHED AND s.was_id IS NULL THEN INSERT ({', '.join(_CURSOR)}) "
            f"VALUES ({self.text(schema)}, {values})"
        ]

    def _moved(self, table: str, now: Cursor, before: Cursor | None) -> str:
        text, number = self.capabilities.types[Type.STRING], self.capabilities.types[Type.BIGINT]
        was = "NULL", "NULL"
        if before is not None:
            was = self.text(before.table_id), str(before.version)
        stands = self.text(now.table_id), f"CAST({now.version} AS {number})", self.text(now.commit)
        return ", ".join((self.text(table), *stands, f"CAST({was[0]} AS {text})", f"CAST({was[1]} AS {number})"))

    def _recorded(self, schema: str, table: str, cursor: Cursor, sync_id: str) -> str:
        stands = self.text(cursor.table_id), str(cursor.version), self.text(cursor.commit)
        return ", ".join((self.text(schema), self.text(table), *stands, self.text(sync_id)))


_CURSOR = ("schema_name", "table_name", "table_id", "version", "commit_digest", "sync_id")
