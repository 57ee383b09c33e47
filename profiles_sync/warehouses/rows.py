"""Rows on their way into a warehouse, and what comes back of a catalog of columns."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pyarrow as pa


def renamed(rows: pa.RecordBatchReader, names: Mapping[str, str]) -> pa.RecordBatchReader:
    """Rows with the warehouse's names of their columns; one that `names` does not have keeps its own."""
    schema = pa.schema([(names.get(field.name, field.name), field.type) for field in rows.schema])
    batches = (pa.RecordBatch.from_arrays(batch.columns, schema=schema) for batch in rows)
    return pa.RecordBatchReader.from_batches(schema, batches)


def by_table(columns: Iterable[Sequence[Any]]) -> dict[str, dict[str, str]]:
    """Table to column to type, of rows of these three."""
    found: dict[str, dict[str, str]] = {}
    for table, column, kind in columns:
        found.setdefault(table, {})[column] = kind
    return found
