"""A batch of no rows: the table is made as the lake has it, and its cursor written down."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from profiles_sync.lake.tables import ARROW
from profiles_sync.spec.tables import Table, Type
from profiles_sync.warehouses.base import Cursor


@dataclass
class Unchanged:
    """See `warehouses.base.Batch`."""

    table: Table
    types: Mapping[str, Type]
    cursor: Cursor
    full: bool = False
    bytes: int = 0
    is_empty: bool = True

    def arrow(self) -> pa.RecordBatchReader:
        """See `warehouses.base.Batch`."""
        return pa.schema([(name, ARROW[kind]) for name, kind in self.types.items()]).empty_table().to_reader()

    def spark(self, session: Any) -> Any:  # noqa: ANN401 a DataFrame, where pyspark is
        """See `warehouses.base.Batch`."""
        return session.createDataFrame(self.arrow().read_all())
