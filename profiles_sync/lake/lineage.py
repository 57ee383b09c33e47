"""Which lakes this one was built to take the place of.

A warehouse remembers the identity of each lake table that it follows. It replaces its rows by another table's only
where that one is known to stand for the first: in a lake that `rebuild` made.
"""

from collections.abc import Callable

import pyarrow as pa

from profiles_sync.errors import AnotherLake
from profiles_sync.lake.base import Lake, Opened
from profiles_sync.lake.tables import scan
from profiles_sync.warehouses.base import Cursor

LINEAGE = "_control/lineage"
_SCHEMA = pa.schema([("table", pa.string()), ("table_id", pa.string())])


def stand_for(lake: Lake, former: Lake) -> None:
    """Write down that the lake's tables take the place of those of the former one, and of all that those stood for."""
    rows = [{"table": name, "table_id": former.table_id(name)} for name in former.public_tables()]
    known = _recorded(lake.open(LINEAGE)).to_pylist()
    new = [row for row in rows + _recorded(former.open(LINEAGE)).to_pylist() if row not in known]
    if new:
        lake.add(LINEAGE, pa.Table.from_pylist(new, _SCHEMA))


def refuse_another(
    open_table: Callable[[str], Opened | None],
    name: str,
    cursor: Cursor,
    now: Cursor,
    commit_of: Callable[[int], str],
    place: str,
) -> None:
    """A cursor has to stand in the history of the table as it is now, or in that of one whose place this one takes.

    Args:
        open_table: The lake's.
        name: Of the table.
        cursor: That a warehouse has.
        now: Where the table stands.
        commit_of: A version's digest, empty where the log has it no more.
        place: What the table is not, in words.

    Raises:
        AnotherLake: It does not.
    """
    if cursor.table_id != now.table_id:
        follows = {"table": name, "table_id": cursor.table_id} in _recorded(open_table(LINEAGE)).to_pylist()
    else:
        follows = cursor.version <= now.version and _is_same(cursor.commit, commit_of(cursor.version))
    if not follows:
        raise AnotherLake(
            f"the warehouse follows a table that is not {place}: that is another lake, one that was put back to an "
            "earlier state, or a table that was made anew; set lake: to the lake that was synced, or give this one a "
            "schema of its own; to load this lake's rows instead, drop the tables and run again"
        )


def _is_same(recorded: str, commit: str) -> bool:
    """As far as it can be told."""
    return not commit or not recorded or commit == recorded


def _recorded(table: Opened | None) -> pa.Table:
    return _SCHEMA.empty_table() if table is None else scan(table)
