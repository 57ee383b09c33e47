"""A dataset of a BigQuery project."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from profiles_sync.errors import WarehouseUnreachable
from profiles_sync.warehouses.bigquery.client import Calls
from profiles_sync.warehouses.bigquery.connection import BigQueryConnection
from profiles_sync.warehouses.bigquery.connector import Carried
from profiles_sync.warehouses.bigquery.dialect import CAPABILITIES, BigQueryDialect
from profiles_sync.warehouses.bigquery.loading import Loads
from profiles_sync.warehouses.bigquery.settings import BigQuerySettings
from profiles_sync.warehouses.frames import session_for
from profiles_sync.warehouses.names import physical_schema
from profiles_sync.warehouses.sql import Dialect


class BigQueryWarehouse:
    """A dataset of a BigQuery project; `spark` gives the session that carries rows, for `load: connector`."""

    kind = "bigquery"
    capabilities = CAPABILITIES

    def __init__(
        self,
        name: str,
        settings: BigQuerySettings,
        schema: str,
        patience: float = 20,
        spark: Callable[[], Any] | None = None,
    ) -> None:
        self.name, self.settings, self.patience, self._spark = name, settings, patience, spark
        self.schema = physical_schema(settings.schema_name or schema, CAPABILITIES)
        self.dialect: Dialect = BigQueryDialect(settings.location, settings.labels)

    @property
    def place(self) -> str:
        """See `protocol.Warehouse`."""
        return f"dataset {self.schema} of the BigQuery project {self.settings.project}"

    @contextmanager
    def connect(self, read_only: bool = False) -> Iterator[BigQueryConnection]:
        """See `protocol.Warehouse`. A service that does not answer is tried again for `patience` seconds."""
        carries = not read_only and self.settings.load == "connector"
        session = session_for(self.name, self._spark) if carries else None
        calls = Calls(self.name, self.settings, self.patience)
        loads = Carried(calls, session) if carries else Loads(calls)
        connection = BigQueryConnection(calls, self.dialect, self.patience, loads)
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
