"""A schema of a dedicated SQL pool."""

from collections.abc import Iterator
from contextlib import contextmanager

from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_exponential

from profiles_sync.errors import WarehouseRefused, WarehouseUnreachable
from profiles_sync.warehouses.names import physical_schema
from profiles_sync.warehouses.sql import Dialect
from profiles_sync.warehouses.synapse.connection import SynapseConnection
from profiles_sync.warehouses.synapse.dialect import CAPABILITIES, DIALECT
from profiles_sync.warehouses.synapse.session import Session, opened
from profiles_sync.warehouses.synapse.settings import SynapseSettings
from profiles_sync.warehouses.synapse.staging import Folder

_EDITION = "SELECT CAST(DATABASEPROPERTYEX(DB_NAME(), 'Edition') AS nvarchar(64))"


class SynapseWarehouse:
    """See `protocol.Warehouse`."""

    kind = "synapse"
    capabilities = CAPABILITIES
    dialect: Dialect = DIALECT

    def __init__(self, name: str, settings: SynapseSettings, schema: str, patience: float = 20) -> None:
        self.name, self.settings, self.patience = name, settings, patience
        self.schema = physical_schema(settings.schema_name or schema, CAPABILITIES)

    @property
    def place(self) -> str:
        """See `protocol.Warehouse`. Names of schemas are the same in capitals."""
        where = f"{self.settings.database} at {self.settings.host}:{self.settings.port}"
        return f"schema {self.schema} of the Synapse pool {where}"

    @contextmanager
    def connect(self, read_only: bool = False) -> Iterator[SynapseConnection]:
        """See `protocol.Warehouse`. A pool knows no session that cannot write; who only looks asks questions alone."""
        session = retry(
            retry=retry_if_exception_type(WarehouseUnreachable),
            stop=stop_after_delay(self.patience),
            wait=wait_exponential(0.5, max=5),
            reraise=True,
        )(self._open)()
        folder = Folder(self.name, self.settings, self.schema)
        try:
            yield SynapseConnection(session, self._open, folder, self.schema, self.patience)
        finally:
            folder.remove()
            session.close()

    def _open(self) -> Session:
        session = opened(self.name, self.settings)
        edition = session.query(_EDITION)[0][0]
        if edition != "DataWarehouse":
            session.close()
            raise WarehouseRefused(
                f"warehouse {self.name}: expected a dedicated SQL pool of Azure Synapse, got {edition}; see type"
            )
        return session
