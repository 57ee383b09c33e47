"""What the checks of each sync found, in the lake: counts, and never a value."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
import pyarrow as pa

from profiles_sync.lake.base import Lake
from profiles_sync.lake.tables import scan
from profiles_sync.quality.outcomes import Checked, Outcome
from profiles_sync.spec.expectations import suite_of
from profiles_sync.spec.tables import table

QUALITY = "_control/quality"
_SCHEMA = pa.schema(
    [("sync_id", pa.string()), ("warehouse", pa.string()), ("table_name", pa.string()), ("record", pa.string())]
)


@dataclass(frozen=True)
class Record:
    """A table's batch in a sync of a warehouse."""

    sync_id: str
    warehouse: str
    table: str
    checked: Checked

    @property
    def order(self) -> tuple[bool, str, str]:
        """Where it is shown: what is held back comes first."""
        return not self.checked.held, self.warehouse, self.table


def add(lake: Lake, sync_id: str, warehouse: str, checked: Mapping[str, Checked]) -> None:
    """Write down what a sync found."""
    rows = [
        {"sync_id": sync_id, "warehouse": warehouse, "table_name": name, "record": _kept(one)}
        for name, one in checked.items()
    ]
    if rows:
        lake.add(QUALITY, pa.Table.from_pylist(rows, _SCHEMA))


def last(lake: Lake) -> list[Record]:
    """What was found of each table of each warehouse when it last had rows to be checked."""
    found = lake.open(QUALITY)
    rows = [] if found is None else scan(found).to_pylist()
    newest = {(row["warehouse"], row["table_name"]): row for row in sorted(rows, key=_age)}
    return [
        Record(row["sync_id"], warehouse, name, _read(name, row["record"])) for (warehouse, name), row in newest.items()
    ]


def held(lake: Lake) -> Iterable[Record]:
    """Those tables that were held back when they were last checked."""
    return (one for one in last(lake) if one.checked.held)


def _age(row: Mapping[str, Any]) -> int:
    return int(row["sync_id"])


def _kept(one: Checked) -> str:
    """A declared expectation that all rows meet is known without being written down."""
    odd = [outcome.kept() for outcome in one.outcomes if outcome.unexpected or outcome.expectation.is_own]
    record = {"rows": one.rows, "outcomes": odd, "unasked": list(one.unasked), "is_released": one.is_released}
    return orjson.dumps(record).decode()


def _read(name: str, record: str) -> Checked:
    kept = orjson.loads(record)
    odd = [Outcome.read(one) for one in kept["outcomes"]]
    known = [one.expectation for one in odd]
    met = [Outcome(one, kept["rows"], 0) for one in suite_of(table(name)) if one not in known]
    return Checked([*met, *odd], kept["rows"], kept["unasked"], kept["is_released"])
