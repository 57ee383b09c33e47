"""One session of redshift_connector, and what its errors say."""

import re
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from profiles_sync.errors import (
    ProfilesSyncError,
    WarehouseRefused,
)
from profiles_sync.warehouses.dbapi import DBAPISession
from profiles_sync.warehouses.redshift.settings import RedshiftSettings
from profiles_sync.warehouses.told import conflict, late, not_installed, not_reached, went_away
from profiles_sync.watching import tags

_BROKEN = ("08", "57P")  # classes of errors that say the connection is gone or the cluster goes down
_CANCELLED = "57014"  # the statement took longer than it may
_NOT_NOW = ("starting up", "shutting down", "recovery mode", "not yet accepting", "too many", "connection limit")
_CONFLICT = re.compile(r"(?i)serializable isolation|conflict with concurrent|concurrent transaction|deadlock")


class Session(DBAPISession):
    """An open session. Each statement goes alone, outside a transaction until BEGIN."""

    def wait_at_most(self, seconds: float | None) -> None:
        """How long an answer may take; None for any time, a dead server is found by keepalive then."""
        self._opened._usock.settimeout(seconds)  # the driver has one timeout for connecting and for answers

    @contextmanager
    def _cursor(self) -> Iterator[Any]:
        with super()._cursor() as cursor:
            try:
                yield cursor
            finally:
                self._opened._caches.clear()  # the driver keeps the text of every statement

    @contextmanager
    def _telling(self, statement: str) -> Iterator[None]:
        from redshift_connector import Error

        what = " ".join(statement.split()[:3])
        try:
            yield
        except (Error, OSError, struct.error, AttributeError) as error:  # the last two: an answer that broke off
            told = _told(error)
            if told is not None and told.get("C") == _CANCELLED:
                raise late("redshift", what) from None
            if told is None or told.get("C", "").startswith(_BROKEN):
                raise went_away("redshift", what) from None
            if _CONFLICT.search(f"{told.get('M')} {told.get('D')}"):
                raise conflict(what) from None
            raise WarehouseRefused(f"redshift refused {what}: {_kind(told)}") from None


def opened(name: str, settings: RedshiftSettings) -> Session:
    """A session with a cluster.

    Raises:
        WarehouseRefused: The cluster takes no such connection.
        WarehouseUnreachable: Nobody answers there now.
        MissingExtra: The driver is not installed.
    """
    try:
        from redshift_connector import connect
    except ImportError:
        raise not_installed(name, "its driver", "redshift") from None
    try:
        made = connect(
            host=settings.host,
            port=settings.port,
            database=settings.database,
            user=settings.username,
            password=settings.password.get_secret_value(),
            **_tls(settings.sslmode),
            timeout=settings.connect_timeout,
            tcp_keepalive=True,
            tcp_keepalive_idle=15,
            tcp_keepalive_interval=5,
            tcp_keepalive_count=3,
            application_name=tags.plain(64),
            max_prepared_statements=0,  # a plan that is kept breaks when its table gets a column
        )
    except Exception as error:  # the driver lets through what it stumbles over where another product answers
        raise _not_opened(f"warehouse {name}: {settings.host}:{settings.port}", error) from None
    made.autocommit = True
    session = Session(made)
    session.wait_at_most(None)
    return session


def _tls(mode: str) -> dict[str, Any]:
    return {"ssl": False} if mode == "disable" else {"ssl": True, "sslmode": mode}


def _told(error: BaseException) -> dict[str, str] | None:
    """What the server says of an error; None where the connection failed and nobody says anything."""
    given = error.args[0] if error.args else None
    return given if isinstance(given, dict) else None


def _kind(told: dict[str, str]) -> str:
    """What went wrong, without people's data: the first line only, and its quotes only where they are of names."""
    state, said = told.get("C", ""), next(iter(str(told.get("M", "")).splitlines()), "") or "an error"
    if state.startswith(("22", "23", "P0", "XX")):  # data, what constrains it, and what came of loading it
        said = re.sub("[\"'].*[\"']", "…", said)
    return f"{said} (SQLSTATE {state})" if state else said


def _not_opened(where: str, error: Exception) -> ProfilesSyncError:
    told = _told(error)
    if told is not None and not any(text in str(told.get("M")) for text in _NOT_NOW):
        return WarehouseRefused(f"{where} refused the connection: {_kind(told)}")
    said = _kind(told) if told else _last(error)
    if any(word in said for word in ("SSL", "certificate")):
        return WarehouseRefused(f"{where}: {said}; see sslmode")
    return not_reached(where, said)


def _last(error: Exception) -> str:
    """What the driver, or the system below it, says of a connection."""
    lines = str(error.args[-1] if error.args else error).splitlines()
    return lines[0] if lines else "the answer is not that of a Redshift cluster"
