"""One session of mssql-python, and what its errors say."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from profiles_sync.errors import (
    ProfilesSyncError,
    WarehouseRefused,
)
from profiles_sync.warehouses.dbapi import DBAPISession
from profiles_sync.warehouses.synapse.settings import SynapseSettings
from profiles_sync.warehouses.told import conflict, late, not_installed, not_reached, went_away
from profiles_sync.watching import tags

_GONE = re.compile(
    r"(?i)communication link failure|connection (is |was )?(not open|closed|failure|reset|broken)|tcp provider|"
    r"disconnect error|unable to establish connection"
)
_LATE = re.compile(r"(?i)timeout expired|query timeout")
_CONFLICT = re.compile(r"(?i)deadlock|lock request time out|update conflict")
_OF_NAMES = re.compile(
    r"(?i)invalid (object|column) name|permission|cannot (find|drop|open)|login failed|incorrect syntax|"
    r"already an object|does not exist|reserved"
)
_LABELLED, _LABEL = ("INSERT ", "DELETE ", "UPDATE ", "COPY "), 255  # a label's longest
_PREFIX = re.compile(r"(\[[^\]]*\])+")  # of the driver's parts


class Session(DBAPISession):
    """An open session. Each statement goes alone, outside a transaction until BEGIN TRANSACTION."""

    def wait_at_most(self, seconds: int) -> None:
        """How long a statement may take; 0 for any time."""
        self._opened.timeout = seconds

    def _tagged(self, statement: str) -> str:
        """With a label, which the pool's views show by itself; where a statement takes none, a comment."""
        if statement.startswith(_LABELLED) and (label := tags.as_json(_LABEL)):
            escaped = label.replace("'", "''")
            return f"{statement} OPTION (LABEL = N'{escaped}')"
        return super()._tagged(statement)

    @contextmanager
    def _telling(self, statement: str) -> Iterator[None]:
        from mssql_python import Error, InterfaceError

        what = " ".join(statement.split()[:3])
        try:
            yield
        except (Error, OSError, RuntimeError) as error:
            said = str(error)
            if _LATE.search(said):
                raise late("synapse", what) from None
            if _CONFLICT.search(said):
                raise conflict(what) from None
            if isinstance(error, InterfaceError | OSError | RuntimeError) or _GONE.search(said):
                raise went_away("synapse", what) from None
            raise WarehouseRefused(f"synapse refused {what}: {_kind(error)}") from None


def driver_connect(settings: SynapseSettings) -> Any:  # noqa: ANN401 the driver has no types
    """A connection of the driver's."""
    from mssql_python import connect

    given = {
        "Server": f"tcp:{settings.host},{settings.port}",
        "Database": settings.database,
        "UID": settings.username,
        "PWD": settings.password.get_secret_value(),
        "Encrypt": "yes",
    }
    escaped = ";".join(f"{key}={{{value.replace('}', '}}')}}}" for key, value in given.items())
    return connect(escaped, autocommit=True, timeout=settings.connect_timeout)


def opened(name: str, settings: SynapseSettings) -> Session:
    """A session with a pool.

    Raises:
        WarehouseRefused: The pool takes no such connection.
        WarehouseUnreachable: Nobody answers there now, or the pool is paused.
        MissingExtra: The driver is not installed.
    """
    try:
        session = Session(driver_connect(settings))
        session.wait_at_most(settings.statement_timeout)
        return session
    except ImportError:
        raise not_installed(name, "its driver", "synapse") from None
    except Exception as error:  # the driver's connection raises errors of many kinds
        raise _not_opened(f"warehouse {name}: {settings.host}:{settings.port}", error) from None


def _not_opened(where: str, error: Exception) -> ProfilesSyncError:
    said = _kind(error)
    if re.search(r"(?i)login failed|cannot open|not allowed to access|permission|certificate|connection string", said):
        return WarehouseRefused(f"{where} refused the connection: {said}")
    return not_reached(where, said)


def _kind(error: Exception) -> str:
    """What went wrong, without people's data: quotes are left only where they are of names."""
    told = getattr(error, "ddbc_error", "") or getattr(error, "driver_error", "") or str(error)
    said = next((line for line in _PREFIX.sub("", told).strip().splitlines() if line), type(error).__name__)
    return said if _OF_NAMES.search(said) else re.sub("[\"'(].*[\"')]", "…", said)
