"""Rows of a Spark DataFrame as Arrow, and the other way round; Spark 3.5 has no public words for it."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from profiles_sync.lake.tables import ARROW
from profiles_sync.spec.tables import Type

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

_AT_ONCE = 20_000  # rows that travel to Spark 3.5 as one value
_SPELLED = {ARROW[kind]: kind.value for kind in Type}


def fetched(rows: "DataFrame", types: Mapping[str, Type]) -> pa.Table:
    """All rows, with columns of the given types."""
    schema = pa.schema([(name, ARROW[kind]) for name, kind in types.items()])
    if hasattr(rows, "toArrow"):
        return rows.toArrow().cast(schema)
    packed = rows.mapInArrow(_packed, "rows binary").collect()
    read = [pa.ipc.open_stream(bytes(row["rows"])).read_all().cast(schema) for row in packed]
    return pa.concat_tables([schema.empty_table(), *read])


def fetched_in_parts(rows: "DataFrame", types: Mapping[str, Type]) -> Iterator[pa.RecordBatch]:
    """The same, one of Spark's partitions at a time, each by a job of its own."""
    schema = pa.schema([(name, ARROW[kind]) for name, kind in types.items()])
    for row in rows.mapInArrow(_packed, "rows binary").toLocalIterator():
        yield from pa.ipc.open_stream(bytes(row["rows"])).read_all().cast(schema).to_batches()


def _packed(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Each batch as one binary value."""
    for batch in batches:
        out = pa.BufferOutputStream()
        with pa.ipc.new_stream(out, batch.schema) as writer:
            writer.write_batch(batch)
        yield pa.RecordBatch.from_arrays([pa.array([out.getvalue().to_pybytes()])], ["rows"])


def handed(session: Any, rows: pa.Table) -> Any:  # noqa: ANN401 a SparkSession, a DataFrame
    """Rows as a DataFrame."""
    if int(session.version.partition(".")[0]) >= 4:
        return session.createDataFrame(rows)
    listed = ", ".join(f"`{field.name.replace('`', '``')}` {_SPELLED[field.type]}" for field in rows.schema)
    packed = [(batch["rows"][0].as_py(),) for batch in _packed(iter(rows.to_batches(max_chunksize=_AT_ONCE)))]
    return session.createDataFrame(packed, "rows binary").mapInArrow(_unpacked, listed)


def _unpacked(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        for rows in batch.column(0).to_pylist():
            yield from pa.ipc.open_stream(rows)
