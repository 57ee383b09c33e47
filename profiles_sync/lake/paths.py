"""The lake as Delta tables at paths, local or in an object store; all of it works without a JVM."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from deltalake import DeltaTable
from numpy.typing import NDArray

from profiles_sync.lake import changes, indexes, listing, merging, upkeep
from profiles_sync.lake import tables as idioms
from profiles_sync.lake.base import Opened
from profiles_sync.lake.indexes import Index
from profiles_sync.spec.tables import Table
from profiles_sync.warehouses.base import Batch, Cursor


@dataclass(frozen=True)
class PathLake(idioms.Lake):
    """See `base.Lake`."""

    def merge(self, table: Table, changes: pa.Table, batch: int) -> None:
        """See `base.Lake`."""
        merging.merge(self, table, changes, batch)

    def look_up(self, name: str, table: Opened, index: Index, keys: NDArray[np.int64]) -> pa.Table:
        """See `base.Lake`."""
        assert isinstance(table, DeltaTable), name
        return indexes.look_up(self, name, table, index, keys)

    def changes(self, name: str, cursor: Cursor | None) -> Batch | None:
        """See `base.Lake`."""
        return changes.changes(self, name, cursor)

    def public_tables(self) -> list[str]:
        """See `base.Lake`."""
        return listing.public_tables(self)

    def control_tables(self) -> list[str]:
        """See `base.Lake`."""
        return [f"_control/{name}" for name in listing.folders(self, "_control") if not name.startswith("_")]

    def keep_up(self, name: str, keep_hours: float, by: Sequence[Index] = ()) -> int:
        """See `base.Lake`."""
        return upkeep.keep_up(self, name, keep_hours, by)
