"""SQL as return values; nothing here runs it. Names come in as the warehouse spells them and are quoted here."""

from collections.abc import Mapping, Sequence

from profiles_sync.warehouses.base import INTERNAL, OPERATION, Cursor


def quote(*parts: str) -> str:
    """A quoted name, from the schema to the column."""
    return ".".join('"' + part.replace('"', '""') + '"' for part in parts)


def text(value: str) -> str:
    """A text literal."""
    return "'" + value.replace("'", "''") + "'"


def staging(schema: str, table: str) -> str:
    """The quoted name of a table's staging table."""
    return quote(INTERNAL, f"{schema}__{table}")


def create_schema(schema: str) -> str:
    """The schema, if it is not there."""
    return f"CREATE SCHEMA IF NOT EXISTS {quote(schema)}"


def create_table(schema: str, table: str, columns: Mapping[str, str]) -> str:
    """A table with its first columns."""
    listed = ", ".join(f"{quote(name)} {kind}" for name, kind in columns.items())
    return f"CREATE TABLE IF NOT EXISTS {quote(schema, table)} ({listed})"


def add_column(schema: str, table: str, column: str, kind: str) -> str:
    """A further column; older rows have NULL there."""
    return f"ALTER TABLE {quote(schema, table)} ADD COLUMN IF NOT EXISTS {quote(column)} {kind}"


def drop_table(quoted: str) -> str:
    """Used for staging tables only."""
    return f"DROP TABLE IF EXISTS {quoted}"


def delete_all(schema: str, table: str) -> str:
    """Every row of a table that is about to be replaced."""
    return f"DELETE FROM {quote(schema, table)}"


def any_row(schema: str, table: str) -> str:
    """One row, if there is one."""
    return f"SELECT 1 FROM {quote(schema, table)} LIMIT 1"


def append(schema: str, table: str, key: str, values: Mapping[str, str]) -> str:
    """Insert the staged rows whose key is new; of several staged rows with one key the first that landed.

    Args:
        schema: Of the table.
        table: The table.
        key: Its key column.
        values: Column to the expression over the staged row, which is called s.
    """
    columns = ", ".join(quote(name) for name in values)
    chosen = ", ".join(values.values())
    landed = f"{quote('uuid_ts')}, {quote('received_at')}"
    return (
        f"INSERT INTO {quote(schema, table)} ({columns}) SELECT {chosen} FROM ("
        f"SELECT *, row_number() OVER (PARTITION BY {quote(key)} ORDER BY {landed}) AS _place "
        f"FROM {staging(schema, table)}) AS s WHERE s._place = 1 AND NOT EXISTS ("
        f"SELECT 1 FROM {quote(schema, table)} AS t WHERE t.{quote(key)} = {values[key]})"
    )


def merge(schema: str, table: str, keys: Sequence[str], values: Mapping[str, str]) -> str:
    """Delete, update and insert by key, as each staged row asks for."""
    on = " AND ".join(f"t.{quote(key)} = {values[key]}" for key in keys)
    updates = ", ".join(f"{quote(name)} = {value}" for name, value in values.items())
    columns = ", ".join(quote(name) for name in values)
    return (
        f"MERGE INTO {quote(schema, table)} AS t USING {staging(schema, table)} AS s ON {on} "
        f"WHEN MATCHED AND s.{quote(OPERATION)} = 'D' THEN DELETE "
        f"WHEN MATCHED THEN UPDATE SET {updates} "
        f"WHEN NOT MATCHED AND s.{quote(OPERATION)} = 'U' THEN INSERT ({columns}) VALUES ({', '.join(values.values())})"
    )


def create_cursors() -> str:
    """The sync record: how far each table follows the lake."""
    return (
        f"CREATE TABLE IF NOT EXISTS {quote(INTERNAL, 'cursors')} (schema_name VARCHAR, table_name VARCHAR, "
        "table_id VARCHAR, version BIGINT, commit_digest VARCHAR, sync_id VARCHAR)"
    )


def read_cursors(schema: str) -> str:
    """Every cursor of a schema."""
    return (
        f"SELECT table_name, table_id, version, commit_digest FROM {quote(INTERNAL, 'cursors')} "
        f"WHERE schema_name = {text(schema)}"
    )


def forget_cursor(schema: str, table: str) -> str:
    """Remove a cursor, before it is written anew."""
    where = f"schema_name = {text(schema)} AND table_name = {text(table)}"
    return f"DELETE FROM {quote(INTERNAL, 'cursors')} WHERE {where}"


def record_cursor(schema: str, table: str, cursor: Cursor, sync_id: str) -> str:
    """Write a cursor; in the transaction that applied the rows it stands for."""
    stands = f"{text(cursor.table_id)}, {cursor.version}, {text(cursor.commit)}"
    values = f"{text(schema)}, {text(table)}, {stands}, {text(sync_id)}"
    return f"INSERT INTO {quote(INTERNAL, 'cursors')} VALUES ({values})"
