"""Rows on their way: Parquet files of a bounded size, beside each other in one folder."""

import io
import uuid
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.parquet as pq

_AT_MOST = 64_000_000  # bytes of rows in memory that make one file


def parquet_files(rows: pa.RecordBatchReader, table: str) -> Iterator[tuple[str, bytes, int]]:
    """Name, contents and number of rows of each file, none without rows; the names of one call have one beginning."""
    run = uuid.uuid4().hex
    for number, some in enumerate(_pieces(rows)):
        out = io.BytesIO()
        pq.write_table(some, out)
        yield f"{table}-{run}-{number}.parquet", out.getvalue(), some.num_rows


def _pieces(rows: pa.RecordBatchReader) -> Iterator[pa.Table]:
    held: list[pa.RecordBatch] = []
    size = 0
    for batch in filter(len, rows):
        held.append(batch)
        size += batch.nbytes
        if size >= _AT_MOST:
            yield pa.Table.from_batches(held, rows.schema)
            held, size = [], 0
    if size:
        yield pa.Table.from_batches(held, rows.schema)
