"""The Data Graph's own access to a warehouse: apart from the sync's, and read-only but for one database.

Source: Segment, "Data Graph" and its set-up guides. There is no guide for Postgres and Azure.
"""

from collections.abc import Callable

from profiles_sync.data_graph import bigquery, databricks, redshift, snowflake
from profiles_sync.warehouses.setup.script import Script

SCRIPTS: dict[str, Callable[..., Script]] = {
    "redshift": redshift.script,
    "snowflake": snowflake.script,
    "bigquery": bigquery.script,
    "databricks": databricks.script,
}
