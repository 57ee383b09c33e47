"""A batch of rows that are at hand, without a lake they would come from."""

from dataclasses import dataclass

import pyarrow as pa

from profiles_sync.spec.tables import Table
from profiles_sync.warehouses.base import Cursor


@dataclass
class Rows:
    """See `warehouses.base.Batch`; `at_once` is how many rows come in one piece, None for all."""

    rows: pa.Table
    table: Table
    cursor: Cursor
    at_once: int | None = None
    full: bool = False
    is_empty: bool = False
    bytes: int = 0

    @property
    def types(self):
        return self.table.types

    def arrow(self):
        return self.rows.to_reader(max_chunksize=self.at_once)
