"""Rows as Parquet files, as Snowflake reads them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from profiles_sync.warehouses.rows import renamed
from profiles_sync.warehouses.snowflake.capabilities import LONGEST, folded

_SIZE = 256_000_000  # bytes of rows in a file: several of them are loaded at once


@dataclass
class Written:
    """The files of a batch, in a folder that is about to go, with their rows and the texts that were cut."""

    folder: Path
    paths: list[Path] = field(default_factory=list)
    rows: int = 0
    cut: int = 0


def naive(rows: pa.RecordBatchReader) -> pa.RecordBatchReader:
    """Timestamps without their zone, which is UTC."""
    kinds = [pa.timestamp("us") if pa.types.is_timestamp(one.type) else one.type for one in rows.schema]
    return rows.cast(pa.schema(zip(rows.schema.names, kinds, strict=True)))


@contextmanager
def written(rows: pa.RecordBatchReader) -> Iterator[Written]:
    """Write rows, with their columns' names as Snowflake keeps them; the files are there until the block ends."""
    with TemporaryDirectory(prefix="profiles-sync-") as folder:
        made = Written(Path(folder))
        _write(renamed(rows, {name: folded(name) for name in rows.schema.names}), made)
        yield made


def _write(rows: pa.RecordBatchReader, made: Written) -> None:
    writer, size = None, 0
    try:
        for batch in rows:
            whole, cut = _cut(batch)
            if writer is not None and size > _SIZE:
                writer.close()
                writer = None
            if writer is None:
                made.paths.append(made.folder / f"{len(made.paths)}.parquet")
                writer, size = pq.ParquetWriter(made.paths[-1], rows.schema, compression="snappy"), 0
            writer.write_batch(whole)
            size, made.rows, made.cut = size + whole.nbytes, made.rows + whole.num_rows, made.cut + cut
    finally:
        if writer is not None:
            writer.close()


def _cut(batch: pa.RecordBatch) -> tuple[pa.RecordBatch, int]:
    """Texts no longer than a column takes, and how many were cut for that."""
    columns, total = [], 0
    for column in batch.columns:
        if pa.types.is_string(column.type):
            long = pc.greater(pc.binary_length(column), LONGEST)
            if count := pc.sum(long).as_py():
                cut = [_first(text) for text in column.filter(long).to_pylist()]
                column, total = pc.replace_with_mask(column, pc.fill_null(long, False), pa.array(cut)), total + count
        columns.append(column)
    return pa.RecordBatch.from_arrays(columns, schema=batch.schema), total


def _first(text: str) -> str:
    return text.encode()[:LONGEST].decode(errors="ignore")
