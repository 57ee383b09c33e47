"""Rows by a connector for Spark, from the executors into a staging table. No pyspark is imported here."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from profiles_sync.errors import ProfilesSyncError, WarehouseRefused
from profiles_sync.warehouses.base import Batch
from profiles_sync.warehouses.told import went_away
from profiles_sync.watching import tags

#: Options of writers that Spark's pages and event logs may not show, beside those that it hides by itself.
_HIDDEN = "(?i)url|secret|password|token|access[.]?key|private_?key|credential"
_REDACTED = "spark.sql.redaction.options.regex"
_JARS = re.compile(r"DATA_SOURCE_NOT_FOUND|Failed to find (the )?data source|ClassNotFoundException")
_AWAY = re.compile(
    r"UNAVAILABLE|DEADLINE_EXCEEDED|UnknownHostException|ConnectException|SocketTimeout|Connection (refused|reset)"
)
_QUOTED = re.compile("\"[^\"]*\"|'[^']*'|`[^`]*`")
_LONGEST = 300


def session_for(name: str, spark: Callable[[], Any] | None) -> Any:  # noqa: ANN401 a SparkSession
    """The session that carries the rows.

    Args:
        name: The warehouse's, for messages.
        spark: Gives the job's session, where there may be one.

    Raises:
        WarehouseRefused: There is none here, or it lets nobody hide what a connector is given.
    """
    if spark is None:
        raise WarehouseRefused(
            f"warehouse {name}: load: connector needs Spark, and this command has no session; set load: native for it"
        )
    session = spark()
    try:
        session.conf.set(_REDACTED, _HIDDEN)
    except Exception:  # as Spark Connect and Databricks word it, each its own way
        raise WarehouseRefused(
            f"warehouse {name}: load: connector needs {_REDACTED}, so that Spark's pages hide its secrets, and this "
            "compute lets nobody set it, as serverless does, which has no connectors either; set load: native"
        ) from None
    return session


def framed(batch: Batch, session: Any, names: Mapping[str, str]) -> Any:  # noqa: ANN401 pyspark is not imported
    """A batch as a DataFrame with the warehouse's names; a column that `names` does not have keeps its own."""
    rows = batch.spark(tags.named(session))
    return rows.toDF(*(names.get(column, column) for column in rows.columns))


@contextmanager
def carried(kind: str, jar: str) -> Iterator[None]:
    """Errors of a connector as ours.

    Args:
        kind: Of the warehouse.
        jar: The connector's coordinates.

    Raises:
        WarehouseUnreachable: Nobody answers the executors.
        WarehouseRefused: The connector is not there, or the warehouse says no.
    """
    try:
        yield
    except ProfilesSyncError:
        raise
    except Exception as error:
        text = str(error)
        if _JARS.search(text):
            raise WarehouseRefused(
                f"{kind}: Spark has no connector for it; give the job spark.jars.packages={jar}, or set load: native"
            ) from None
        if _AWAY.search(text):
            raise went_away(kind, "the connector's write") from None
        raise WarehouseRefused(f"{kind} refused the connector's write: {_said(text)}") from None


def _said(text: str) -> str:
    """The innermost cause, on one line, without what it quotes, for that may be people's data."""
    causes = re.findall(r"(?m)^Caused by: (.*)$", text) or [line for line in text.splitlines() if line.strip()][:2]
    return _QUOTED.sub("…", causes[-1] if causes else "no reason")[:_LONGEST]
