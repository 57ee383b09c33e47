"""A schema of a Databricks catalog, and which way leads there."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from profiles_sync.errors import WarehouseRefused
from profiles_sync.warehouses.databricks.connection import DatabricksConnection
from profiles_sync.warehouses.databricks.dialect import CAPABILITIES, DatabricksDialect
from profiles_sync.warehouses.databricks.lease import SECONDS
from profiles_sync.warehouses.databricks.settings import DatabricksSettings
from profiles_sync.warehouses.databricks.spark import SparkConnection
from profiles_sync.warehouses.databricks.sql_warehouse import SqlConnection, opener_of, woken
from profiles_sync.warehouses.names import physical_schema
from profiles_sync.warehouses.sql import Dialect

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


class DatabricksWarehouse:
    """See `protocol.Warehouse`.

    Args:
        name: In the settings.
        settings: Of the catalog.
        schema: The space's; the settings may name another.
        spark: Gives the job's session, where there may be one.
        patience: How long to wait for another sync or for a host, in seconds; longer than a sync that was killed keeps
            others out.
    """

    kind = "databricks"
    capabilities = CAPABILITIES

    def __init__(
        self,
        name: str,
        settings: DatabricksSettings,
        schema: str,
        spark: "Callable[[], SparkSession] | None" = None,
        patience: float = SECONDS + 20,
    ) -> None:
        self.name, self.settings, self.patience = name, settings, patience
        self.schema = physical_schema(settings.schema_name or schema, CAPABILITIES)
        self._spark = spark
        self._statements = DatabricksDialect(settings.catalog, settings.volume is None)
        self.dialect: Dialect = self._statements

    @property
    def place(self) -> str:
        """See `protocol.Warehouse`. Names of schemas are the same in capitals."""
        host = f" at {self.settings.host}" if self.settings.host else ""
        return f"schema {self.schema} of the Databricks catalog {self.settings.catalog}{host}"

    @contextmanager
    def connect(self, read_only: bool = False) -> Iterator[DatabricksConnection]:
        """See `protocol.Warehouse`."""
        if self.settings.by_spark:
            yield SparkConnection(self._session(), self._statements, self.settings.volume, self.schema, self.patience)
            return
        if missing := self.settings.missing:
            raise WarehouseRefused(
                f"warehouse {self.name}: this job does not run on Databricks, so a SQL warehouse has to do it, and "
                f"that needs {missing}; or set via: spark, if this job's Spark has the catalog"
            )
        woken(self.name, self.settings, self.patience)
        opener = opener_of(self.name, self.settings, self.patience)
        connection = SqlConnection(opener, self._statements, self.settings.volume, self.schema, self.patience)
        try:
            yield connection
        finally:
            connection.close()

    def _session(self) -> "SparkSession":
        if self._spark is None:
            raise WarehouseRefused(
                f"warehouse {self.name}: it is reached by Spark, and this command has no session; set via: sql for it"
            )
        return self._spark()
