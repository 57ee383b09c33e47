"""The Syncs table: every sync with its status, start, duration, synced rows and errors, newest first.

Source: Segment, "Profiles Sync Setup", section "Monitor Profiles Sync".
"""

import time
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pyarrow as pa

from profiles_sync.lake.base import Lake
from profiles_sync.lake.tables import scan
from profiles_sync.spec.tables import Group, table

SYNCS, SCHEMAS = "_control/syncs", "_control/schemas"
_SCHEMA = pa.schema([("sync_id", pa.string()), ("started_at", pa.int64()), ("record", pa.string())])
_SETTLED = pa.schema([("warehouse", pa.string()), ("schema", pa.string())])
_GROUPS = {Group.EVENT_TYPE: "event type tables", Group.TRACK: "event tables"}


@dataclass(frozen=True)
class Sync:
    """One warehouse's part in a run; without warehouses, the lake's. Times are microseconds since 1970 UTC."""

    sync_id: str
    warehouse: str | None
    status: str
    started_at: int
    finished_at: int
    rows: int
    tables: dict[str, int] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    error: str | None = None
    schema: str | None = None

    @property
    def minutes(self) -> float:
        """Duration in minutes."""
        return round((self.finished_at - self.started_at) / 60_000_000, 2)

    @property
    def groups(self) -> dict[str, int]:
        """Rows of identity graph tables, event type tables and event tables."""
        counts = {"identity graph tables": 0, "event type tables": 0, "event tables": 0}
        for name, rows in self.tables.items():
            counts[_GROUPS.get(table(name).group, "identity graph tables")] += rows
        return counts

    def shown(self) -> dict[str, Any]:
        """As `--json` prints it."""
        start = datetime.fromtimestamp(self.started_at / 1e6, UTC).isoformat(timespec="seconds")
        fields = {"sync_id": self.sync_id, "warehouse": self.warehouse, "status": self.status, "start_time": start}
        numbers = {"duration_minutes": self.minutes, "synced_rows": self.rows, "groups": self.groups}
        return fields | numbers | {"tables": self.tables, "errors": self.errors, "error": self.error}


def record(lake: Lake, syncs: list[Sync]) -> None:
    """Add a run's syncs."""
    known, settled = schemas(lake), _settled(syncs)
    if settled.keys() - known.keys() or lake.open(SCHEMAS) is None:
        every = [{"warehouse": name, "schema": schema} for name, schema in (settled | known).items()]
        lake.add(SCHEMAS, pa.Table.from_pylist(every, _SETTLED))
    rows = [
        {"sync_id": one.sync_id, "started_at": one.started_at, "record": orjson.dumps(asdict(one)).decode()}
        for one in syncs
    ]
    lake.add(SYNCS, pa.Table.from_pylist(rows, _SCHEMA))


def syncs(lake: Lake) -> list[Sync]:
    """Every sync, newest first."""
    delta = lake.open(SYNCS)
    if delta is None:
        return []
    rows = sorted(scan(delta).to_pylist(), key=lambda row: (row["started_at"], row["sync_id"]), reverse=True)
    return [Sync(**orjson.loads(row["record"])) for row in rows]


def schemas(lake: Lake) -> dict[str, str]:
    """The schema that each warehouse was first synced to, which is its schema for ever."""
    table = lake.open(SCHEMAS)
    if table is None:  # before the first sync, or in a lake that is older than this record
        return _settled(list(reversed(syncs(lake))))
    return {row["warehouse"]: row["schema"] for row in scan(table).to_pylist()}


def _settled(oldest_first: list[Sync]) -> dict[str, str]:
    """Each warehouse's schema by its first sync that did not fail."""
    synced = [one for one in oldest_first if one.warehouse and one.schema and one.status != "Failed"]
    return {str(one.warehouse): str(one.schema) for one in reversed(synced)}


def next_sync(now: float | None = None) -> str:
    """When the next hourly sync is due: the next full hour, ISO-8601 in UTC."""
    at = datetime.fromtimestamp(time.time() if now is None else now, UTC)
    return (at.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)).isoformat()
