"""Which lakes this one was built to take the place of.

A warehouse remembers the identity of each lake table that it follows. It replaces its rows by another table's only
where that one is known to stand for the first: in a lake that `rebuild` made.
"""

from collections.abc import Iterator

import pyarrow as pa
from deltalake import DeltaTable, write_deltalake

from profiles_sync.lake.listing import public_tables
from profiles_sync.lake.tables import Lake, scan

_LINEAGE = "_control/lineage"
_SCHEMA = pa.schema([("table", pa.string()), ("table_id", pa.string())])


def stand_for(lake: Lake, former: Lake) -> None:
    """Write down that the lake's tables take the place of those of the former one, and of all that those stood for."""
    rows = [{"table": name, "table_id": str(table.metadata().id)} for name, table in _tables(former)]
    rows += _recorded(former).to_pylist()
    write_deltalake(
        lake.path(_LINEAGE),
        pa.Table.from_pylist(rows, _SCHEMA),
        mode="overwrite",
        storage_options=dict(lake.options) or None,
    )


def stands_for(lake: Lake, name: str, table_id: str) -> bool:
    """Whether the lake's table takes the place of the one with that identity."""
    return {"table": name, "table_id": table_id} in _recorded(lake).to_pylist()


def _recorded(lake: Lake) -> pa.Table:
    table = lake.open(_LINEAGE)
    return _SCHEMA.empty_table() if table is None else scan(table)


def _tables(lake: Lake) -> Iterator[tuple[str, DeltaTable]]:
    for name in public_tables(lake):
        if (table := lake.open(name)) is not None:
            yield name, table
