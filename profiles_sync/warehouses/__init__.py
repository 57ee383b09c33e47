"""Where profiles are synced to: one protocol, one file per kind of warehouse."""

from collections.abc import Callable
from typing import Annotated, Any

from pydantic import Field

from profiles_sync.warehouses.bigquery import BigQuerySettings, BigQueryWarehouse
from profiles_sync.warehouses.databricks import DatabricksSettings, DatabricksWarehouse
from profiles_sync.warehouses.duckdb import DuckDBSettings, DuckDBWarehouse
from profiles_sync.warehouses.postgres import PostgresSettings, PostgresWarehouse
from profiles_sync.warehouses.protocol import Warehouse
from profiles_sync.warehouses.redshift import RedshiftSettings, RedshiftWarehouse
from profiles_sync.warehouses.snowflake import SnowflakeSettings, SnowflakeWarehouse
from profiles_sync.warehouses.synapse import SynapseSettings, SynapseWarehouse

#: What a warehouse in the settings may be; `type` tells which.
WarehouseSettings = Annotated[
    DuckDBSettings
    | PostgresSettings
    | SnowflakeSettings
    | BigQuerySettings
    | RedshiftSettings
    | SynapseSettings
    | DatabricksSettings,
    Field(discriminator="type"),
]


def open_warehouse(
    name: str, settings: WarehouseSettings, schema: str, spark: Callable[[], Any] | None = None
) -> Warehouse:
    """The warehouse that the settings declare.

    Args:
        name: In the settings.
        settings: Of the warehouse.
        schema: The space's; the settings may name another.
        spark: Gives the session, for a warehouse that Spark itself writes, or whose connector does.
    """
    match settings:
        case DuckDBSettings():
            return DuckDBWarehouse(name, settings, schema)
        case PostgresSettings():
            return PostgresWarehouse(name, settings, schema)
        case SnowflakeSettings():
            return SnowflakeWarehouse(name, settings, schema, spark=spark)
        case BigQuerySettings():
            return BigQueryWarehouse(name, settings, schema, spark=spark)
        case RedshiftSettings():
            return RedshiftWarehouse(name, settings, schema)
        case SynapseSettings():
            return SynapseWarehouse(name, settings, schema)
        case DatabricksSettings():
            return DatabricksWarehouse(name, settings, schema, spark)
