"""The Data Graph's own access to a warehouse: apart from the sync's, and read-only but for one database.

Source: Segment, "Data Graph" and its set-up guides. There is no guide for Postgres and Azure.
"""

from collections.abc import Callable, Mapping
from typing import Any

from profiles_sync.data_graph import bigquery, databricks, redshift, snowflake
from profiles_sync.data_graph.reads import Reads
from profiles_sync.data_graph.validation import Check
from profiles_sync.warehouses.setup.script import Script

SCRIPTS: dict[str, Callable[..., Script]] = {
    "redshift": redshift.script,
    "snowflake": snowflake.script,
    "bigquery": bigquery.script,
    "databricks": databricks.script,
}
#: Kind to the field of its connection that names the database.
DATABASES = {"redshift": "database", "snowflake": "database", "bigquery": "project", "databricks": "catalog"}
#: Kind to its checks, from the fields of the connection, the profiles' database, and what is read.
CHECKS: dict[str, Callable[[Mapping[str, Any], str, Reads], tuple[Check, ...]]] = {
    "redshift": lambda fields, profiles, read: redshift.checks(fields["database"], profiles, read),
    "snowflake": lambda fields, profiles, read: snowflake.checks(fields["database"], profiles, read),
    "bigquery": lambda fields, profiles, read: bigquery.checks(fields["project"], profiles, fields["location"], read),
    "databricks": lambda fields, profiles, read: databricks.checks(fields["catalog"], profiles, read),
}


def known(fields: Mapping[str, str], schema: str | None) -> dict[str, str]:
    """What a script is told unasked: the sync's own database, schema and user are what is read, and whose tables.

    Args:
        fields: What is known of the sync's warehouse, see `setup.fields_of`.
        schema: The space's there, if that is known.
    """
    read = {"profiles_database": "database", "profiles_schema": "schema", "sync_user": "user", "location": "location"}
    found = {name: fields[field] for name, field in read.items() if field in fields}
    return ({"profiles_schema": schema} if schema else {}) | found


def written(kind: str, name: str) -> str:
    """A schema's name as the kind lists it."""
    return name.lower() if kind in ("redshift", "databricks") else name
