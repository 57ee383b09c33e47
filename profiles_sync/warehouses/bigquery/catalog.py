"""Which tables and columns a dataset has."""

from typing import TYPE_CHECKING

from profiles_sync.warehouses.bigquery.client import Calls
from profiles_sync.warehouses.rows import by_table
from profiles_sync.warehouses.sql import Dialect
from profiles_sync.watching.threads import Threads

if TYPE_CHECKING:
    from google.cloud import bigquery

_AT_ONCE = 8
# The API has older names for some types than the statements have.
_TYPES = {"INTEGER": "INT64", "FLOAT": "FLOAT64", "BOOLEAN": "BOOL", "RECORD": "STRUCT"}


def columns(calls: Calls, dialect: Dialect, schema: str) -> dict[str, dict[str, str]]:
    """Table to column to type; views are left out, for they stand beside tables.

    INFORMATION_SCHEMA answers for thousands of tables at once, and knows nothing of datasets that begin with `_`.
    """
    from google.api_core.exceptions import NotFound

    try:
        return (
            _one_by_one(calls, schema) if schema.startswith("_") else by_table(calls.rows(statement(dialect, schema)))
        )
    except NotFound:
        return {}


def statement(dialect: Dialect, schema: str) -> str:
    """The query of all columns at once."""
    there = f"{dialect.quote(schema)}.INFORMATION_SCHEMA"
    return (
        f"SELECT c.table_name, c.column_name, c.data_type FROM {there}.COLUMNS AS c JOIN {there}.TABLES AS t "
        "ON t.table_name = c.table_name WHERE t.table_type <> 'VIEW' AND c.is_hidden = 'NO' "
        "ORDER BY c.table_name, c.ordinal_position"
    )


def _one_by_one(calls: Calls, schema: str) -> dict[str, dict[str, str]]:
    from google.cloud import bigquery

    dataset = bigquery.DatasetReference(calls.settings.project, schema)
    tables = [one.reference for one in calls.client.list_tables(dataset, **calls.bounds) if one.table_type != "VIEW"]
    with Threads(_AT_ONCE) as readers:
        found = readers.map(lambda table: _fields(calls, table), tables)
        return {table.table_id: fields for table, fields in zip(tables, found, strict=True) if fields is not None}


def _fields(calls: Calls, table: "bigquery.TableReference") -> dict[str, str] | None:
    """Column to type; None where the table, another sync's staging table, is gone meanwhile."""
    from google.api_core.exceptions import NotFound

    try:
        fields = calls.client.get_table(table, **calls.bounds).schema
    except NotFound:
        return None
    return {field.name: _TYPES.get(field.field_type, field.field_type) for field in fields}
