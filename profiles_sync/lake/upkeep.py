"""What keeps a Delta table fast: few files, a recent checkpoint, and nothing kept that nobody refers to any more."""

import math
from collections.abc import Sequence
from functools import partial

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable
from pyarrow import fs

from profiles_sync.lake import indexes
from profiles_sync.lake.indexes import Index
from profiles_sync.lake.storage import of_table
from profiles_sync.lake.tables import Lake

_SMALL = 64 << 20  # bytes; a larger file is left as it is
_MANY = 8  # small files, or commits since the checkpoint


def keep_up(lake: Lake, name: str, keep_hours: float, by: Sequence[Index] = ()) -> int:
    """Put a table's small files together, write a checkpoint, and remove files that were replaced long ago.

    Args:
        lake: Nobody else writes to it meanwhile.
        name: The table.
        keep_hours: How long replaced files and the change feed stay, for time travel and for warehouses that lag.
        by: Indexes that its rows are looked up by.

    Returns:
        How many files were put together.
    """
    table = lake.open(name)
    if table is None:
        return 0
    before = _small_files(table)
    lake.guard()
    if before >= _MANY:
        table.optimize.compact(target_size=2 * _SMALL)
    if _commits_since_checkpoint(table) >= _MANY:
        table.create_checkpoint()
        table.cleanup_metadata()
    lake.guard()
    _vacuum(table, keep_hours)
    indexes.renew(lake, name, table, by)
    indexes.tidy(lake, name, table)
    return before if before >= _MANY else 0


def _small_files(table: DeltaTable) -> int:
    sizes = pa.table(table.get_add_actions())["size_bytes"]
    return int(pc.sum(pc.less(sizes, _SMALL)).as_py() or 0)


def _commits_since_checkpoint(table: DeltaTable) -> int:
    filesystem, root = of_table(table, "_delta_log")
    names = [info.base_name for info in filesystem.get_file_info(fs.FileSelector(root))]
    checkpoints = [name.partition(".")[0] for name in names if ".checkpoint" in name]
    return sum(name.endswith(".json") and name[:20] > max(checkpoints, default="") for name in names)


def _vacuum(table: DeltaTable, keep_hours: float) -> None:
    """Only where there is something to remove: each time is two commits."""
    remove = partial(table.vacuum, retention_hours=_hours(keep_hours), enforce_retention_duration=False, full=True)
    if remove(dry_run=True):
        remove(dry_run=False)


def _hours(keep_hours: float) -> int:
    return math.ceil(keep_hours)
