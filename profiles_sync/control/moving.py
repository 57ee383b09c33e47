"""What a space's operation is carries over to a lake that takes the place of another: changes, history, credentials."""

import pyarrow as pa
import pyarrow.compute as pc

from profiles_sync.control import history, vault
from profiles_sync.control.log import CHANGES
from profiles_sync.lake.base import Lake
from profiles_sync.lake.tables import scan

#: Table to the column that tells which of its rows are there already.
_KEYS = {history.SYNCS: "sync_id", history.SCHEMAS: "warehouse", CHANGES: "number"}


def carry_over(lake: Lake, former: Lake) -> None:
    """Give a lake all that the former one has and it has not; as often as one likes."""
    for name, key in _KEYS.items():
        rows = _missing(lake, former, name, key)
        if rows is not None and rows.num_rows:
            lake.add(name, rows)
    vault.carry_over(lake, former)


def _missing(lake: Lake, former: Lake, name: str, key: str) -> pa.Table | None:
    table, there = former.open(name), lake.open(name)
    if table is None or there is None:
        return None if table is None else scan(table)
    rows = scan(table)
    return rows.filter(pc.invert(pc.is_in(rows[key], scan(there, [key])[key].combine_chunks())))
