"""Syncs that were due and left out, because the one before was still going. They are no syncs of a warehouse.

Source: Segment, "Alerting", Sync Skipped.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

import pyarrow as pa

from profiles_sync.lake.base import Lake
from profiles_sync.lake.tables import scan

SKIPPED = "_control/skipped"
_SCHEMA = pa.schema([("due_at", pa.int64()), ("reason", pa.string())])


@dataclass(frozen=True)
class Skipped:
    """One of them; `due_at` in microseconds since 1970 UTC."""

    due_at: int
    reason: str

    def shown(self) -> dict[str, str]:
        """As `--json` prints it."""
        due = datetime.fromtimestamp(self.due_at / 1e6, UTC).isoformat(timespec="seconds")
        return {"status": "Skipped", "due_time": due, "reason": self.reason}


def record(lake: Lake, one: Skipped) -> None:
    """Write one down; another run may be at work in the lake."""
    lake.add(SKIPPED, pa.Table.from_pylist([vars(one)], _SCHEMA))


def skipped(lake: Lake) -> list[Skipped]:
    """Every one, newest first."""
    table = lake.open(SKIPPED)
    rows = [] if table is None else scan(table).to_pylist()
    return [Skipped(**row) for row in sorted(rows, key=lambda row: row["due_at"], reverse=True)]
