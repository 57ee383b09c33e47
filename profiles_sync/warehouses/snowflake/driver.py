"""Snowflake's Python connector: a session, and what its errors mean.

Source: Snowflake documentation, "Python Connector API", "Key-pair authentication", "Parameters"; the connector's own
`network.py` and `errorcode.py`.
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from profiles_sync.errors import ProfilesSyncError, WarehouseRefused
from profiles_sync.warehouses.snowflake.settings import SnowflakeSettings
from profiles_sync.warehouses.told import not_installed, not_reached, went_away

if TYPE_CHECKING:
    import snowflake.connector as connector

_REPEATED = 4  # times the timeout that a request is tried again for
_ANSWER = 2  # times the timeout that one answer may take: Snowflake says only after 45 seconds that a statement goes on
#: Seconds after which the connector cancels a statement; without it, those of `network_timeout`.
LONGEST = 24 * 60 * 60
_SESSION = {
    "TIMEZONE": "UTC",
    "TIMESTAMP_INPUT_FORMAT": "AUTO",
    "TIMESTAMP_NTZ_OUTPUT_FORMAT": "YYYY-MM-DD HH24:MI:SS.FF6",  # of a time as a text
    "LOCK_TIMEOUT": 600,  # a transaction of a sync that was killed is ended by Snowflake within five minutes
    "ABORT_DETACHED_QUERY": True,
    "ERROR_ON_NONDETERMINISTIC_MERGE": True,
    "CLIENT_TELEMETRY_ENABLED": False,
}
# The connector's own faults, and those of a session that is no more; all else is what Snowflake says of a statement.
_GONE = re.compile(r"25[01]\d{3}|290\d{3}|580\d{3}|3901\d\d")
_DATA = 100_000  # errors from here on are about values, and may quote them
_STACK = re.compile(r"^\w{8}-\w{4}-\w{4}-\w{4}-\w{12}: ")  # the number of the query


def opened(name: str, settings: SnowflakeSettings, tag: str) -> "connector.SnowflakeConnection":
    """A session.

    Args:
        name: The warehouse's, for messages.
        settings: Where, and who logs in.
        tag: Stands beside every statement in Snowflake's query history.

    Raises:
        MissingExtra: The driver is not installed.
        WarehouseUnreachable: Nobody answers.
        WarehouseRefused: Snowflake says no, or the key cannot be read.
    """
    os.environ["SNOWFLAKE_DISABLE_PLATFORM_DETECTION"] = "true"  # it would ask the cloud's metadata addresses
    try:
        from snowflake import connector
    except ImportError:
        raise not_installed(name, "its driver", "snowflake") from None
    try:
        return connector.connect(**_login(settings), session_parameters=_SESSION | {"QUERY_TAG": tag})
    except connector.Error as error:
        raise _not_opened(name, settings, error) from None
    except (OSError, ValueError, TypeError) as error:
        raise WarehouseRefused(
            f"warehouse {name}: the key at {settings.private_key_path} cannot be read: {type(error).__name__}; see "
            "private_key_path and private_key_passphrase"
        ) from None


def _login(settings: SnowflakeSettings) -> dict[str, Any]:
    key = None if settings.password else settings.private_key_path  # a password may be typed to try it
    given: dict[str, Any] = {
        "account": settings.account,
        "user": settings.username,
        "database": settings.database,
        "warehouse": settings.warehouse,
        "role": settings.role,
        "password": settings.password and settings.password.get_secret_value(),
        "private_key_file": key,
        "private_key_file_pwd": settings.private_key_passphrase and settings.private_key_passphrase.get_secret_value(),
        "authenticator": "SNOWFLAKE_JWT" if key else None,
        "host": settings.host,
        "port": settings.port if settings.host else None,
        "protocol": settings.protocol if settings.host else None,
    }
    return {key: value for key, value in given.items() if value is not None} | {
        "application": "profiles-sync",
        "autocommit": True,
        "paramstyle": "qmark",  # values are bound by Snowflake, and stand in no statement
        "validate_default_parameters": True,  # a database that is not there is told now, not at the first table
        "login_timeout": settings.connect_timeout,
        "network_timeout": _REPEATED * settings.connect_timeout,
        "socket_timeout": _ANSWER * settings.connect_timeout,
        "log_imported_packages_in_telemetry": False,
    }


def _not_opened(name: str, settings: SnowflakeSettings, error: "connector.Error") -> ProfilesSyncError:
    where, said = settings.host or settings.account, _kind(error)
    if "Failed to connect to DB" in str(error) or not _is_gone(error) or "404" in said:
        return WarehouseRefused(f"warehouse {name}: {where} refused the connection: {said}")
    return not_reached(f"warehouse {name}: {where}", said)


@contextmanager
def telling(statement: str) -> Iterator[None]:
    """Errors of a statement as ours.

    Raises:
        WarehouseUnreachable: The session is gone, or nobody answers.
        WarehouseRefused: Snowflake says no.
    """
    from snowflake.connector import Error

    try:
        yield
    except Error as error:
        what = " ".join(statement.split()[:3])
        if _is_gone(error):
            raise went_away("snowflake", what) from None
        raise WarehouseRefused(f"snowflake refused {what}: {_kind(error)}") from None


def _is_gone(error: "connector.Error") -> bool:
    return bool(_GONE.fullmatch(str(error.errno))) or (error.sqlstate or "").startswith("08")


def _kind(error: "connector.Error") -> str:
    """What went wrong, without people's data and on one line."""
    said = " ".join((error.raw_msg or error.msg or type(error).__name__).split())
    said = _STACK.sub("", said)
    if (error.errno or 0) >= _DATA and not _is_gone(error):
        said = re.sub("[\"'].*[\"']", "…", said)
    state = f"{error.errno:06d}, SQLSTATE {error.sqlstate}" if error.sqlstate not in (None, "n/a") else f"{error.errno}"
    return f"{said} ({state})"
