"""Rows of a Spark DataFrame as Arrow; Spark 3.5 has no public word for it."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import pyarrow as pa

from profiles_sync.lake.tables import ARROW
from profiles_sync.spec.tables import Type

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def fetched(rows: "DataFrame", types: Mapping[str, Type]) -> pa.Table:
    """All rows, with columns of the given types."""
    schema = pa.schema([(name, ARROW[kind]) for name, kind in types.items()])
    if hasattr(rows, "toArrow"):
        return rows.toArrow().cast(schema)
    packed = rows.mapInArrow(_packed, "rows binary").collect()
    read = [pa.ipc.open_stream(bytes(row["rows"])).read_all().cast(schema) for row in packed]
    return pa.concat_tables([schema.empty_table(), *read])


def _packed(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Each batch as one binary value."""
    for batch in batches:
        out = pa.BufferOutputStream()
        with pa.ipc.new_stream(out, batch.schema) as writer:
            writer.write_batch(batch)
        yield pa.RecordBatch.from_arrays([pa.array([out.getvalue().to_pybytes()])], ["rows"])
