"""A schema of a Snowflake database."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_exponential

from profiles_sync.errors import WarehouseUnreachable
from profiles_sync.warehouses.frames import session_for
from profiles_sync.warehouses.names import physical_schema
from profiles_sync.warehouses.snowflake.capabilities import CAPABILITIES, folded
from profiles_sync.warehouses.snowflake.connection import SnowflakeConnection
from profiles_sync.warehouses.snowflake.connector import CarriedConnection
from profiles_sync.warehouses.snowflake.dialect import DIALECT
from profiles_sync.warehouses.snowflake.driver import opened
from profiles_sync.warehouses.snowflake.inline import MOST
from profiles_sync.warehouses.snowflake.settings import SnowflakeSettings
from profiles_sync.warehouses.sql import Dialect


class SnowflakeWarehouse:
    """A schema of a Snowflake database.

    Attributes:
        patience: Seconds to wait for a server that does not answer, and for another sync.
        lease: Seconds after which a sync that does not answer any more counts as gone.
        few: How many values of a table still go with the statements.

    `spark` gives the session that carries rows, for `load: connector`.
    """

    kind = "snowflake"
    capabilities = CAPABILITIES
    dialect: Dialect = DIALECT

    def __init__(
        self,
        name: str,
        settings: SnowflakeSettings,
        schema: str,
        patience: float = 20,
        lease: float = 15,
        spark: Callable[[], Any] | None = None,
    ) -> None:
        self.name, self.settings, self.patience, self.lease, self.few = name, settings, patience, lease, MOST
        if not settings.bound_rows:
            self.few = 0
        self.schema, self._spark = physical_schema(settings.schema_name or schema, CAPABILITIES), spark

    @property
    def place(self) -> str:
        """See `protocol.Warehouse`. Plain names are the same in capitals."""
        database, account = folded(self.settings.database), self.settings.account.lower()
        return f"schema {folded(self.schema)} of the Snowflake database {database} in account {account}"

    @contextmanager
    def connect(self, read_only: bool = False) -> Iterator[SnowflakeConnection]:
        """See `protocol.Warehouse`. Snowflake has no session that only reads; what looks only asks."""
        carries = not read_only and self.settings.load == "connector"
        session = session_for(self.name, self._spark) if carries else None
        connection = retry(
            retry=retry_if_exception_type(WarehouseUnreachable),
            stop=stop_after_delay(self.patience),
            wait=wait_exponential(0.5, max=5),
            reraise=True,
        )(lambda: self._open(session))()
        try:
            yield connection
        finally:
            connection.close()

    def _open(self, spark: Any = None) -> SnowflakeConnection:  # noqa: ANN401 a SparkSession
        session = opened(self.name, self.settings, f"profiles-sync: {self.name}, schema {self.schema}")
        given = session, self._open, self.patience, self.lease, self.few
        return CarriedConnection(spark, self.settings, *given) if spark else SnowflakeConnection(*given)
