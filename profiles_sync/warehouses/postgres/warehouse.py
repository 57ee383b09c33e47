"""A schema of a Postgres database."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_exponential

from profiles_sync.errors import ProfilesSyncError, WarehouseRefused, WarehouseUnreachable
from profiles_sync.warehouses.names import physical_schema
from profiles_sync.warehouses.postgres.connection import PostgresConnection, kind_of
from profiles_sync.warehouses.postgres.dialect import CAPABILITIES, DIALECT
from profiles_sync.warehouses.postgres.settings import PostgresSettings
from profiles_sync.warehouses.sql import Dialect
from profiles_sync.warehouses.told import not_installed, not_reached

if TYPE_CHECKING:
    from adbc_driver_manager import dbapi

_OLDEST = 150000  # MERGE came with Postgres 15
_NOT_NOW = ("starting up", "shutting down", "recovery mode", "not yet accepting", "too many", "remaining connection")
_SESSION = (
    "SET TimeZone = 'UTC'; SET DateStyle = 'ISO'",
    "SET lock_timeout = '60s'; SET temp_buffers = '64MB'",  # a staging table mostly stays in memory
    "SET statement_timeout = 0; SET idle_session_timeout = 0; SET idle_in_transaction_session_timeout = 0",
    "SET client_connection_check_interval = '2s'",  # a sync that was killed lets go of its locks
    "SET client_min_messages = 'error'",
)
# Postgres has no TRY_CAST: a text as another type, or NULL.
_TRY_CAST = """\
CREATE FUNCTION pg_temp.try_cast(value text, kind anyelement) RETURNS anyelement LANGUAGE plpgsql STABLE AS $$
DECLARE made kind%TYPE;
BEGIN
    made := value;
    RETURN made;
EXCEPTION WHEN data_exception OR integrity_constraint_violation OR datatype_mismatch THEN
    RETURN NULL;
END $$"""


class PostgresWarehouse:
    """A schema of a Postgres database."""

    kind = "postgres"
    capabilities = CAPABILITIES
    dialect: Dialect = DIALECT

    def __init__(self, name: str, settings: PostgresSettings, schema: str, patience: float = 20) -> None:
        self.name, self.settings, self.patience = name, settings, patience
        self.schema = physical_schema(settings.schema_name or schema, CAPABILITIES)

    @property
    def place(self) -> str:
        """See `protocol.Warehouse`."""
        return f"schema {self.schema} of the Postgres database {self.settings.database} at {self._server}"

    @property
    def _server(self) -> str:
        return f"{self.settings.host}:{self.settings.port}"

    @contextmanager
    def connect(self, read_only: bool = False) -> Iterator[PostgresConnection]:
        """See `protocol.Warehouse`. A server that does not answer is tried again for `patience` seconds."""
        opened = retry(
            retry=retry_if_exception_type(WarehouseUnreachable),
            stop=stop_after_delay(self.patience),
            wait=wait_exponential(0.5, max=5),
            reraise=True,
        )(self._open)()
        try:
            connection = PostgresConnection(opened, self.patience)
            self._prepare(connection, read_only)
            yield connection
        finally:
            opened.close()

    def _open(self) -> "dbapi.Connection":
        try:
            from adbc_driver_manager import Error
            from adbc_driver_postgresql import dbapi as driver
        except ImportError:
            raise not_installed(self.name, "its driver", "postgres") from None
        try:
            opened: dbapi.Connection = driver.connect(self.settings.conninfo, autocommit=True)
            return opened
        except Error as error:
            raise self._not_opened(error) from None

    def _prepare(self, connection: PostgresConnection, read_only: bool) -> None:
        version, encoding = connection.query(
            "SELECT current_setting('server_version_num')::int, current_setting('server_encoding')"
        )[0]
        if version < _OLDEST or encoding != "UTF8":
            raise WarehouseRefused(
                f"warehouse {self.name}: expected Postgres 15 or newer with encoding UTF8, got {version // 10000} with "
                f"{encoding}"
            )
        looks_only = ["SET default_transaction_read_only = on"] if read_only else [_TRY_CAST]
        connection.execute(*_SESSION, *looks_only)

    def _not_opened(self, error: Exception) -> ProfilesSyncError:
        said = kind_of(error)
        if "FATAL:" in str(error) and not any(text in said for text in _NOT_NOW):
            return WarehouseRefused(f"warehouse {self.name}: {self._server} refused the connection: {said}")
        if any(word in str(error) for word in ("SSL", "certificate", "no password")):
            return WarehouseRefused(f"warehouse {self.name}: {self._server}: {_last(error)}; see password and sslmode")
        return not_reached(f"warehouse {self.name}: {self._server}", _last(error))


def _last(error: Exception) -> str:
    """The last thing that libpq says of a connection, without where it came from and without advice."""
    return re.split("failed: |connect: |FATAL: +", str(error).strip())[-1].splitlines()[0]
