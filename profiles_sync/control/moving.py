"""What a space's operation is carries over to a lake that takes the place of another.

That is its changes, its history, its backfills and its credentials.
"""

from collections.abc import Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from profiles_sync.control import backfills, history, vault
from profiles_sync.control.backfills import BACKFILLS, Step
from profiles_sync.control.kept import files_in_use
from profiles_sync.control.log import CHANGES, Log
from profiles_sync.lake.base import Lake
from profiles_sync.lake.tables import scan

#: Table to the columns that tell which of its rows are there already.
_KEYS: Mapping[str, Sequence[str]] = {
    history.SYNCS: ("sync_id",),
    history.SCHEMAS: ("warehouse",),
    BACKFILLS: ("backfill_id", "at", "step"),
    CHANGES: ("number",),
}


def carry_over(lake: Lake, former: Lake) -> None:
    """Give a lake all that the former one has and it has not; as often as one likes.

    Of credentials it has afterwards what its changes make use of and no more. An operator may make a change meanwhile;
    that goes along too.
    """
    last = -1
    while last != (last := Log.read(former).last):
        for name, keys in _KEYS.items():
            rows = _missing(lake, former, name, keys)
            if rows is not None and rows.num_rows:
                lake.add(name, rows)
        vault.carry_over(lake, former, files_in_use(Log.read(lake)))


def _missing(lake: Lake, former: Lake, name: str, keys: Sequence[str]) -> pa.Table | None:
    table, there = former.open(name), lake.open(name)
    if table is None:
        return None
    rows = _settled(former, scan(table)) if name == BACKFILLS else scan(table)
    if there is None:
        return rows
    known = {tuple(row.values()) for row in scan(there, list(keys)).select(list(keys)).to_pylist()}
    is_new = [tuple(row.values()) not in known for row in rows.select(list(keys)).to_pylist()]
    return rows.filter(pa.array(is_new, pa.bool_()))


def _settled(former: Lake, rows: pa.Table) -> pa.Table:
    """Of a backfill that is open the request alone: what it staged stays behind, so it begins again."""
    waiting = pa.array([one.id for one in backfills.backfills(former) if one.is_open], pa.string())
    begun = pc.and_(pc.is_in(rows["backfill_id"], waiting), pc.not_equal(rows["step"], str(Step.REQUESTED)))
    return rows.filter(pc.invert(begun))
