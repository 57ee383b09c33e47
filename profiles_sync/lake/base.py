"""What a lake is to everybody above it: named tables that are created, appended to once, merged into once, and read.

There are two: Delta tables at paths (`paths.py`), which need no JVM, and tables of a Spark catalog (`catalog.py`).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
from deltalake import DeltaTable
from deltalake.transaction import AddAction
from numpy.typing import NDArray

from profiles_sync.lake.indexes import Index
from profiles_sync.spec.tables import Table, Type
from profiles_sync.warehouses.base import Batch, Cursor

#: Conditions that all have to hold: column, one of < <= = == > >= in, and what it is compared with.
Where = Sequence[tuple[str, str, Any]]


class Scanned(Protocol):
    """A table that can be read."""

    def scan(self, columns: Sequence[str] | None = None, where: Where | None = None) -> pa.Table:
        """Rows of it, as it is now."""
        ...

    def of_keys(
        self, columns: Sequence[str], keys: NDArray[np.int64], where: Where | None = None
    ) -> Iterator[pa.Table]:
        """The rows that have one of the keys in the first column, those of some keys at a time."""
        ...


#: What `Lake.open` gives and `tables.scan` reads.
Opened = DeltaTable | Scanned


class Lake(Protocol):
    """The tables of one space. Control tables are named `_control/…`, and are nobody's but ours."""

    @property
    def slug(self) -> str:
        """The space's."""
        ...

    @property
    def root(self) -> str:
        """The folder or URL below which only the product writes; no events are looked for there."""
        ...

    @property
    def lock_folder(self) -> Path | None:
        """Where the space's lock is; None where files have no locks."""
        ...

    @property
    def options(self) -> Mapping[str, str]:
        """Of the object store below `root`."""
        ...

    def guard(self) -> None:
        """Called before each commit; raises where this run may not commit any more."""
        ...

    def guarded(self, guard: Callable[[], None]) -> "Lake":
        """The same lake, whose commits ask `guard` first."""
        ...

    def path(self, name: str) -> str:
        """Where a table is, for a person; where the folder below `_staging` is."""
        ...

    def files(self, name: str, batch: int) -> str:
        """The folder that tasks write a table's data files to, for `append_files`."""
        ...

    def open(self, name: str) -> Opened | None:
        """The table as it is now, or None when there is none yet."""
        ...

    def types(self, name: str) -> dict[str, Type]:
        """Column to logical type, in the table's order; empty when there is no table yet."""
        ...

    def table_id(self, name: str) -> str | None:
        """What tells the table from another one of the same name; None when there is no table."""
        ...

    def begun_at(self) -> float | None:
        """When the space's first batch was opened or, shortly before, its table made; in seconds since 1970."""
        ...

    def public_tables(self) -> list[str]:
        """The tables that a warehouse gets, those that are always there first."""
        ...

    def control_tables(self) -> list[str]:
        """The others, but for the quarantine."""
        ...

    def create(self, table: Table) -> object:
        """Create a declared table if it is not there."""
        ...

    def add_columns(self, name: str, types: Mapping[str, Type]) -> None:
        """Add the columns that the table does not have; one that is there keeps its type."""
        ...

    def has(self, name: str, batch: int) -> bool:
        """Whether the batch is known to be in the table; where not, doing its work again changes nothing."""
        ...

    def append(self, name: str, rows: pa.Table, batch: int) -> None:
        """Append a batch's rows once. Creates the table, never a column; no rows are no commit."""
        ...

    def append_files(self, name: str, added: Sequence[AddAction], batch: int, types: Mapping[str, Type]) -> None:
        """Append the rows of data files that tasks wrote to `files`, once. Creates the table and its columns."""
        ...

    def look_up(self, name: str, table: Opened, index: Index, keys: NDArray[np.int64]) -> pa.Table:
        """The rows of a table that have one of the keys, in no order; `index` says which columns they tell."""
        ...

    def add(self, name: str, rows: pa.Table) -> None:
        """Append rows that belong to no batch. Creates the table."""
        ...

    def merge(self, table: Table, changes: pa.Table, batch: int) -> None:
        """Apply changes once: one row per key, `_op` is I (a new key), U (update or insert) or D (delete)."""
        ...

    def cursor(self, name: str) -> Cursor | None:
        """Where a table stands now; None when there is no table yet."""
        ...

    def changes(self, name: str, cursor: Cursor | None) -> Batch | None:
        """What a warehouse does not have yet of a table; None when there is nothing.

        Raises:
            AnotherLake: The cursor is not of this table as it is, or as it was.
        """
        ...

    def keep_up(self, name: str, keep_hours: float, by: Sequence[Index] = ()) -> int:
        """Put a table's small files together and remove files that were replaced long ago; how many were put together.

        Nobody else writes to the lake meanwhile. `by` are the indexes that the table's rows are looked up by.
        """
        ...
