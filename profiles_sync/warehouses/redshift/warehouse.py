"""A schema of a Redshift database."""

from collections.abc import Iterator
from contextlib import contextmanager

from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_exponential

from profiles_sync.errors import WarehouseRefused, WarehouseUnreachable
from profiles_sync.warehouses.names import physical_schema
from profiles_sync.warehouses.redshift.connection import RedshiftConnection
from profiles_sync.warehouses.redshift.dialect import CAPABILITIES, DIALECT
from profiles_sync.warehouses.redshift.session import Session, opened
from profiles_sync.warehouses.redshift.settings import RedshiftSettings
from profiles_sync.warehouses.redshift.staging import Folder
from profiles_sync.warehouses.sql import Dialect

_GRACE = 60  # seconds that the driver waits longer than the cluster lets a statement take


class RedshiftWarehouse:
    """See `protocol.Warehouse`."""

    kind = "redshift"
    capabilities = CAPABILITIES
    dialect: Dialect = DIALECT

    def __init__(self, name: str, settings: RedshiftSettings, schema: str, patience: float = 20) -> None:
        self.name, self.settings, self.patience = name, settings, patience
        self.schema = physical_schema(settings.schema_name or schema, CAPABILITIES)

    @property
    def place(self) -> str:
        """See `protocol.Warehouse`. Names of schemas are the same in capitals."""
        where = f"{self.settings.database} at {self.settings.host}:{self.settings.port}"
        return f"schema {self.schema} of the Redshift database {where}"

    @contextmanager
    def connect(self, read_only: bool = False) -> Iterator[RedshiftConnection]:
        """See `protocol.Warehouse`. A cluster that does not answer is tried again for `patience` seconds."""
        session = retry(
            retry=retry_if_exception_type(WarehouseUnreachable),
            stop=stop_after_delay(self.patience),
            wait=wait_exponential(0.5, max=5),
            reraise=True,
        )(self._open)()
        folder = Folder(self.name, self.settings, self.schema)
        try:
            if read_only:
                session.run("BEGIN READ ONLY")
            yield RedshiftConnection(session, self._open, folder, self.schema, self.settings.iam_role, self.patience)
        finally:
            folder.remove()
            session.close()

    def _open(self) -> Session:
        session = opened(self.name, self.settings)
        version = session.query("SELECT version()")[0][0]
        if "Redshift" not in version:
            session.close()
            found = " ".join(version.split()[:2])
            raise WarehouseRefused(f"warehouse {self.name}: expected Redshift, got {found}; see host, port and type")
        session.run(f"SET query_group TO {DIALECT.text(self.settings.query_group)}")
        session.run("SET timezone TO 'UTC'")
        session.run(f"SET statement_timeout TO {self.settings.statement_timeout * 1000}")
        session.wait_at_most(self.settings.statement_timeout + _GRACE)
        return session
