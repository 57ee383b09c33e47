"""A batch whose rows somebody else gives, or that has none."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from profiles_sync.lake.fetched import handed
from profiles_sync.lake.tables import ARROW
from profiles_sync.spec.tables import Table, Type
from profiles_sync.warehouses.base import Cursor


@dataclass
class Given:
    """A `warehouses.base.Batch`; `read` gives the rows when they are asked for."""

    table: Table
    types: Mapping[str, Type]
    cursor: Cursor
    read: Callable[[], pa.RecordBatchReader]
    bytes: int = 0
    is_empty: bool = False
    full: bool = False

    def arrow(self) -> pa.RecordBatchReader:
        """See `warehouses.base.Batch`."""
        return self.read()

    def spark(self, session: Any) -> Any:  # noqa: ANN401 a DataFrame, where pyspark is
        """See `warehouses.base.Batch`."""
        return handed(session, self.arrow().read_all())


def without_rows(table: Table, types: Mapping[str, Type], cursor: Cursor) -> Given:
    """A table as the lake has it, and its cursor to be written down."""
    schema = pa.schema([(name, ARROW[kind]) for name, kind in types.items()])
    return Given(table, types, cursor, lambda: schema.empty_table().to_reader(), is_empty=True)
