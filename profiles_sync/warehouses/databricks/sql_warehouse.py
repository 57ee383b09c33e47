"""Databricks by a SQL warehouse, through its own Python connector; rows go to a volume by PUT."""

import io
import logging
import re
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any
from urllib.request import getproxies, proxy_bypass

from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_exponential

from profiles_sync.errors import ProfilesSyncError, WarehouseRefused, WarehouseUnreachable
from profiles_sync.warehouses.databricks import faults
from profiles_sync.warehouses.databricks.connection import DatabricksConnection
from profiles_sync.warehouses.databricks.dialect import DatabricksDialect
from profiles_sync.warehouses.databricks.login import ServicePrincipal
from profiles_sync.warehouses.databricks.settings import DatabricksSettings
from profiles_sync.warehouses.told import not_installed
from profiles_sync.watching import tags

if TYPE_CHECKING:
    from databricks.sql.client import Connection, Cursor

Opener = Callable[[], "Connection"]
_ATTEMPTS = 60  # of a call, the most that the connector makes
_OF_FILES = ("PUT ", "REMOVE ", "LIST ")
_SILENT = 600  # seconds without a byte after which a host counts as gone
_NUMBERED = re.compile(r"-\d+\.parquet$")
_REFUSED = re.compile(r"(?i)http-code.{0,4}40[013]|\b40[13]\b|invalid access token|PERMISSION_DENIED|invalid_client")


class SqlConnection(DatabricksConnection):
    """See `protocol.Connection`. A connection of the connector is one statement's at a time, so there are some."""

    def __init__(
        self, opener: Opener, dialect: DatabricksDialect, volume: str | None, schema: str, patience: float
    ) -> None:
        super().__init__(dialect, volume, schema, patience)
        self._opener = opener
        self._free = [opener()]

    def close(self) -> None:
        """End the sessions."""
        while self._free:
            with suppress(Exception):  # where it is gone there is nothing to end
                self._free.pop().close()

    @contextmanager
    def _cursor(self) -> Iterator["Cursor"]:
        try:
            opened = self._free.pop()
        except IndexError:
            opened = self._opener()
        try:
            with opened.cursor() as cursor:
                yield cursor
        finally:
            self._free.append(opened)

    def _rows(self, statement: str) -> Sequence[Sequence[Any]]:
        with self._cursor() as cursor:
            cursor.execute(statement if statement.startswith(_OF_FILES) else tags.commented(statement))
            return cursor.fetchall() if cursor.description else []

    def _put(self, path: str, contents: bytes) -> None:
        try:
            with self._cursor() as cursor:
                statement = f"PUT '__input_stream__' INTO {self.dialect.text(path)} OVERWRITE"
                cursor.execute(statement, input_stream=io.BytesIO(contents))
        except ProfilesSyncError:
            raise
        except Exception as error:
            raise self._explained(error, "PUT rows") from None

    def _remove(self, path: str) -> None:
        self._told(f"REMOVE {self.dialect.text(path)}")

    def _left(self, folder: str) -> Sequence[str]:
        try:
            return [str(row[0]).removeprefix("dbfs:") for row in self.query(f"LIST {self.dialect.text(folder)}")]
        except WarehouseRefused:  # there is no such folder yet
            return []

    def _source(self, paths: Sequence[str], types: Mapping[str, str]) -> str:
        return self.dialect.files(_NUMBERED.sub("-*.parquet", paths[0]), types)

    def _explained(self, error: Exception, what: str) -> ProfilesSyncError:
        from databricks.sql.exc import RequestError

        if isinstance(error, RequestError):
            then = "what it had not done by then is not there, the next run repeats it"
            return _not_reached(error, f"databricks went away during {what}", then)
        return super()._explained(error, what)


def opener_of(name: str, settings: DatabricksSettings, patience: float) -> Opener:
    """What opens connections to the settings' SQL warehouse.

    Raises:
        MissingExtra: The connector is not installed.
    """
    try:
        from databricks import sql
        from databricks.sql.exc import Error
    except ImportError:
        raise not_installed(name, "its connector", "databricks") from None
    logging.getLogger("databricks.sql").setLevel(logging.CRITICAL)  # it logs what it raises, with statements

    def opener() -> "Connection":
        try:
            return sql.connect(**options(settings, patience))
        except Error as error:
            what = f"warehouse {name}: {settings.host}:{settings.port} cannot be reached"
            raise _not_reached(error, what, "nothing was written, the next run tries again") from None

    return opener


def woken(name: str, settings: DatabricksSettings, patience: float) -> None:
    """Open a session and end it, and wait for that as long as a SQL warehouse may take to start.

    Args:
        name: Of the warehouse in the settings.
        settings: Of it.
        patience: Seconds for a host that does not answer at all; one that answers is waited for by `start_timeout`.

    Raises:
        MissingExtra: The connector is not installed.
        WarehouseUnreachable: The host does not answer, or the SQL warehouse has not started.
    """
    opener = opener_of(name, settings, settings.start_timeout)
    _knock(name, settings, patience)
    try:
        opened = opener()
    except WarehouseUnreachable as error:
        raise WarehouseUnreachable(
            f"{error}; it answers, and its SQL warehouse has not started within {settings.start_timeout} s: start it "
            "beforehand, or raise start_timeout"
        ) from None
    with suppress(Exception):  # it was for waiting only
        opened.close()


def _knock(name: str, settings: DatabricksSettings, patience: float) -> None:
    """A host that is not there is no SQL warehouse that starts; behind a proxy there is no telling."""
    if "https" in getproxies() and not proxy_bypass(str(settings.host)):
        return
    try:
        retry(
            retry=retry_if_exception_type(OSError),
            stop=stop_after_delay(patience),
            wait=wait_exponential(0.5, max=5),
            reraise=True,
        )(socket.create_connection)((settings.host, settings.port), timeout=10).close()
    except OSError as error:
        what = f"warehouse {name}: {settings.host}:{settings.port} cannot be reached"
        raise _not_reached(error, what, "nothing was written, the next run tries again") from None


def options(settings: DatabricksSettings, patience: float) -> dict[str, Any]:
    """As `databricks.sql.connect` takes them. Nothing is sent to anybody else."""
    login: dict[str, Any] = {"access_token": settings.token and settings.token.get_secret_value()}
    if settings.client_id and settings.client_secret:
        url = f"https://{settings.host}:{settings.port}"
        secret = settings.client_secret.get_secret_value()
        login = {"credentials_provider": ServicePrincipal(url, settings.client_id, secret)}
    return {
        "server_hostname": settings.host,
        "http_path": settings.http_path,
        "_port": settings.port,
        "session_configuration": {"timezone": "UTC", "ansi_mode": "true"},
        "user_agent_entry": "profiles-sync",
        "enable_telemetry": False,
        "_socket_timeout": _SILENT,
        "_retry_stop_after_attempts_duration": max(patience, 1.0),
        "_retry_stop_after_attempts_count": _ATTEMPTS,
        "_retry_delay_max": max(patience / _ATTEMPTS, 5.0),  # it waits so long whatever the host proposes
        **login,
    }


def _not_reached(error: Exception, what: str, then: str) -> ProfilesSyncError:
    said = f"{error} {getattr(error, 'context', '')}"
    if _REFUSED.search(said):
        return WarehouseRefused(f"{what}: the workspace does not take the login, or the login may not use it")
    return WarehouseUnreachable(f"{what}: {faults.kind(error)}; {then}")
