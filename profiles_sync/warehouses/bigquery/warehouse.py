"""A dataset of a BigQuery project."""

from collections.abc import Iterator
from contextlib import contextmanager

from profiles_sync.errors import WarehouseUnreachable
from profiles_sync.warehouses.bigquery.client import Calls
from profiles_sync.warehouses.bigquery.connection import BigQueryConnection
from profiles_sync.warehouses.bigquery.dialect import CAPABILITIES, BigQueryDialect
from profiles_sync.warehouses.bigquery.settings import BigQuerySettings
from profiles_sync.warehouses.names import physical_schema
from profiles_sync.warehouses.sql import Dialect


class BigQueryWarehouse:
    """A dataset of a BigQuery project."""

    kind = "bigquery"
    capabilities = CAPABILITIES

    def __init__(self, name: str, settings: BigQuerySettings, schema: str, patience: float = 20) -> None:
        self.name, self.settings, self.patience = name, settings, patience
        self.schema = physical_schema(settings.schema_name or schema, CAPABILITIES)
        self.dialect: Dialect = BigQueryDialect(settings.location, settings.labels)

    @property
    def place(self) -> str:
        """See `protocol.Warehouse`."""
        return f"dataset {self.schema} of the BigQuery project {self.settings.project}"

    @contextmanager
    def connect(self, read_only: bool = False) -> Iterator[BigQueryConnection]:
        """See `protocol.Warehouse`. A service that does not answer is tried again for `patience` seconds."""
        connection = BigQueryConnection(Calls(self.name, self.settings, self.patience), self.dialect, self.patience)
        try:
            connection.probe(read_only)
        except WarehouseUnreachable:
            raise WarehouseUnreachable(
                f"warehouse {self.name}: {self.settings.endpoint or 'BigQuery'} cannot be reached; nothing was "
                "written, the next run tries again"
            ) from None
        try:
            yield connection
        finally:
            connection.close()
