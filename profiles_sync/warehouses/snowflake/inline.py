"""A few rows within the statement that applies them: no file, no stage and no staging table, which take seconds each.

An hour brings most event tables a handful of rows. They are bound to the statement, so no text in the query history has
them; the function BIND_VALUES tells them for seven days to the user, and to who may monitor or operate the virtual
warehouse, unless ALLOW_BIND_VALUES_ACCESS is FALSE in the account. `bound_rows: false` sends none.
Source: Snowflake documentation, "VALUES", "Binding data", "BIND_VALUES"; the limits are well below a statement's.
"""

from dataclasses import dataclass
from itertools import chain

import pyarrow as pa
import pyarrow.compute as pc

from profiles_sync.warehouses.snowflake.dialect import DIALECT

MOST = 2_000  # values
_LARGEST = 100_000  # bytes
_PRECISE = (1e-300, 1e300)  # numbers that are read from a text as they were written


@dataclass(frozen=True)
class Inline:
    """What stands behind FROM, and the values for its question marks, row by row."""

    source: str
    values: tuple[str | None, ...]


def first(rows: pa.RecordBatchReader, most: int) -> tuple[pa.Table | None, pa.RecordBatchReader]:
    """All rows, if they are few enough; and all of them as a reader."""
    read: list[pa.RecordBatch] = []
    for batch in rows:
        read.append(batch)
        if sum(one.num_rows * one.num_columns for one in read) > most or sum(one.nbytes for one in read) > _LARGEST:
            return None, pa.RecordBatchReader.from_batches(rows.schema, chain(read, rows))
    table = pa.Table.from_batches(read, rows.schema)
    return table if all(map(_is_precise, table.columns)) else None, table.to_reader()


def _is_precise(column: pa.ChunkedArray) -> bool:
    if not pa.types.is_floating(column.type):
        return True
    sizes = pc.abs(column)
    between = pc.and_(pc.greater(sizes, _PRECISE[0]), pc.less(sizes, _PRECISE[1]))
    return bool(pc.all(pc.or_(between, pc.equal(sizes, 0.0)), min_count=0).as_py())


def inline(rows: pa.Table, kinds: dict[str, str], number: int) -> Inline:
    """Rows as a subquery.

    Args:
        rows: At least one, under the warehouse's names.
        kinds: Column to type.
        number: Tells it from those of other batches.
    """
    named = ", ".join(map(DIALECT.quote, kinds))
    cast = ", ".join(f"CAST({DIALECT.quote(name)} AS {kind}) AS {DIALECT.quote(name)}" for name, kind in kinds.items())
    marks = ", ".join([f"({', '.join('?' * len(kinds))})"] * rows.num_rows)
    texts = [rows[name].cast(pa.string()).to_pylist() for name in kinds]
    source = f"(SELECT {cast} FROM (VALUES {marks}) AS V{number} ({named}))"
    return Inline(source, tuple(chain.from_iterable(zip(*texts, strict=True))))
