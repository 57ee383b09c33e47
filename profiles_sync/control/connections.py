"""Where the lake stood when each warehouse was connected: what it held then is history, what came later is live.

A warehouse is connected by the first run that finds it enabled, before that run takes new events; only runs change the
lake, so that is where it stood when somebody enabled the warehouse. One that was deleted and added is connected anew.
Source: Segment, "Profiles Sync Setup", section "Using historical backfill".
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
import pyarrow as pa

from profiles_sync.control.log import Log
from profiles_sync.control.warehouses import ABOUT, Status
from profiles_sync.lake.base import Lake
from profiles_sync.lake.tables import scan
from profiles_sync.warehouses.base import Cursor

CONNECTIONS = "_control/connections"
_SCHEMA = pa.schema([("warehouse", pa.string()), ("added", pa.int64()), ("record", pa.string())])


@dataclass(frozen=True)
class Connection:
    """One warehouse's.

    Attributes:
        warehouse: Its name.
        added: The number of the change by which it was last added, 0 for none.
        tables: Where each table of the lake stood, by its name; none where the lake has no history for it.
        until: The largest `uuid_ts` of the lake, in microseconds.
        at: When, in microseconds since 1970 UTC.
    """

    warehouse: str
    added: int = 0
    tables: Mapping[str, Cursor] = field(default_factory=dict)
    until: int = 0
    at: int = 0


def connections(lake: Lake) -> dict[str, Connection]:
    """Of each warehouse the one that holds."""
    table = lake.open(CONNECTIONS)
    rows = [] if table is None else scan(table).to_pylist()
    newest = added_by(Log.read(lake)) if rows else {}
    read = sorted(map(_connection, rows), key=lambda one: one.at)
    return {one.warehouse: one for one in reversed(read) if one.added == newest.get(one.warehouse, 0)}


def add(lake: Lake, some: Iterable[Connection]) -> None:
    """Write down connections; of one warehouse the first holds."""
    rows = [{"warehouse": one.warehouse, "added": one.added, "record": _record(one)} for one in some]
    if rows:
        lake.add(CONNECTIONS, pa.Table.from_pylist(rows, _SCHEMA))


def added_by(log: Log) -> dict[str, int]:
    """The number of the change by which each warehouse was last added."""
    created = [change for change in log.changes if (change.about, change.action) == (ABOUT, Status.CREATED)]
    return {change.name: change.number for change in created}


def _record(one: Connection) -> str:
    tables = {name: [at.table_id, at.version, at.commit] for name, at in one.tables.items()}
    return orjson.dumps({"tables": tables, "until": one.until, "at": one.at}).decode()


def _connection(row: dict[str, Any]) -> Connection:
    record = orjson.loads(row["record"])
    tables = {name: Cursor(*at) for name, at in record["tables"].items()}
    return Connection(row["warehouse"], row["added"], tables, record["until"], record["at"])
