"""Rows as Parquet files for warehouses that load such files from a bucket."""

from collections.abc import Callable, Iterable, Iterator, Mapping

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from profiles_sync.errors import WarehouseRefused

_MOST = 32_000_000  # bytes of one file: small enough for memory, large enough for parallel loads


def parquet_files(rows: pa.RecordBatchReader, most: int = _MOST) -> Iterator[tuple[pa.Buffer, int]]:
    """The rows as files of about `most` bytes, each with how many it has; none where there is no row.

    Times are INT96, the one form that Redshift's and Synapse's readers are known to take from Arrow's writer. Source:
    apache/arrow, issue 38000; dask/fastparquet, issue 432.
    """
    writer, sink, held = None, pa.BufferOutputStream(), 0
    for batch in rows:
        if not batch.num_rows:
            continue
        if writer is None:
            writer, sink, held = *_begun(rows.schema), 0
        writer.write_batch(batch)
        held += batch.num_rows
        if sink.tell() >= most:
            writer.close()
            yield sink.getvalue(), held
            writer = None
    if writer is not None:
        writer.close()
        yield sink.getvalue(), held


def _begun(schema: pa.Schema) -> tuple[pq.ParquetWriter, pa.BufferOutputStream]:
    sink = pa.BufferOutputStream()
    return pq.ParquetWriter(sink, schema, compression="snappy", use_deprecated_int96_timestamps=True), sink


def naive(rows: pa.RecordBatchReader) -> pa.RecordBatchReader:
    """Timestamps without their zone, which is UTC."""
    kinds = [pa.timestamp("us") if pa.types.is_timestamp(field.type) else field.type for field in rows.schema]
    return rows.cast(pa.schema(zip(rows.schema.names, kinds, strict=True)))


class Fitted:
    """Rows whose texts are cut to what their columns hold.

    Attributes:
        cut: Column to how many of its texts were cut, so far; all of them are known once the rows were read.
    """

    def __init__(self, widths: Mapping[str, int], cut_one: Callable[[str, int], str]) -> None:
        self.widths, self._cut_one = widths, cut_one
        self.cut: dict[str, int] = {}

    def rows(self, rows: pa.RecordBatchReader) -> pa.RecordBatchReader:
        """The rows, cut while they are read."""
        return pa.RecordBatchReader.from_batches(rows.schema, map(self._fit, rows))

    def refuse_cut(self, table: str, keys: Iterable[str], unit: str, advice: str) -> None:
        """A key is never cut: two rows would become one.

        Raises:
            WarehouseRefused: One was; `advice` says what to do about it, given the column.
        """
        for key in keys:
            if cut := self.cut.get(key):
                held = f"{table}.{key} holds {self.widths[key]} {unit} in the warehouse"
                raise WarehouseRefused(f"{held} and {cut} keys are longer; {advice.format(key)}")

    def _fit(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        columns = [
            self._fit_column(name, column) for name, column in zip(batch.schema.names, batch.columns, strict=True)
        ]
        return pa.RecordBatch.from_arrays(columns, schema=batch.schema)

    def _fit_column(self, name: str, column: pa.Array) -> pa.Array:
        width = self.widths.get(name)
        # No unit that a column may be measured in is shorter than a byte of UTF-8.
        if width is None or not (pc.max(pc.binary_length(column)).as_py() or 0) > width:
            return column
        given = column.to_pylist()
        kept = [text if text is None else self._cut_one(text, width) for text in given]
        if changed := sum(before != after for before, after in zip(given, kept, strict=True)):
            self.cut[name] = self.cut.get(name, 0) + changed
        return pa.array(kept, column.type)


def to_bytes(text: str, width: int) -> str:
    """A text cut to so many bytes of UTF-8, between two characters."""
    encoded = text.encode()
    return text if len(encoded) <= width else encoded[:width].decode(errors="ignore")


def to_units(text: str, width: int) -> str:
    """A text cut to so many units of UTF-16, between two characters."""
    encoded = text.encode("utf-16-le")
    return text if len(encoded) <= 2 * width else encoded[: 2 * width].decode("utf-16-le", errors="ignore")
