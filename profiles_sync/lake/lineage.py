"""Which lakes this one was built to take the place of.

A warehouse remembers the identity of each lake table that it follows. It replaces its rows by another table's only
where that one is known to stand for the first: in a lake that `rebuild` made.
"""

import pyarrow as pa

from profiles_sync.lake.base import Lake, Opened
from profiles_sync.lake.tables import scan

LINEAGE = "_control/lineage"
_SCHEMA = pa.schema([("table", pa.string()), ("table_id", pa.string())])


def stand_for(lake: Lake, former: Lake) -> None:
    """Write down that the lake's tables take the place of those of the former one, and of all that those stood for."""
    rows = [{"table": name, "table_id": former.table_id(name)} for name in former.public_tables()]
    known = _recorded(lake.open(LINEAGE)).to_pylist()
    new = [row for row in rows + _recorded(former.open(LINEAGE)).to_pylist() if row not in known]
    if new:
        lake.add(LINEAGE, pa.Table.from_pylist(new, _SCHEMA))


def stands_for(lineage: Opened | None, name: str, table_id: str) -> bool:
    """Whether a table of the lake with that lineage takes the place of the one with that identity."""
    return {"table": name, "table_id": table_id} in _recorded(lineage).to_pylist()


def _recorded(table: Opened | None) -> pa.Table:
    return _SCHEMA.empty_table() if table is None else scan(table)
