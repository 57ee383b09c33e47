"""The rows of a Parquet file as the JSON lines they stand for.

- A null column, or a null field of a struct, is absent. A null in a map or in JSON text is a null.
- Text that holds a JSON object may stand where the event has an object.
- Timestamps are UTC where they say nothing else, and lose what is finer than a microsecond.
- Columns that the writer put into the path, as in `type=page/part-0.parquet`, are columns of each row.
"""

import base64
from collections.abc import Callable, Iterator
from decimal import Decimal
from io import RawIOBase
from typing import Any
from urllib.parse import unquote

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from profiles_sync.spec import json_text

Read = Callable[[Any], object]
_OBJECTS = ("context", "properties", "traits", "integrations")
_UTC = pa.timestamp("us", "UTC")
_UNREADABLE = (UnicodeDecodeError, OverflowError, pa.ArrowInvalid)
_AT_ONCE = 8192
_NULL = "__HIVE_DEFAULT_PARTITION__"


class NotIntact(Exception):
    """The file, or the rest of it, is not what a Parquet writer left."""


def as_lines(file: RawIOBase, path: str) -> Iterator[bytes]:
    """A line per row.

    Raises:
        NotIntact: While iterating.
    """
    in_path = {name: value for name, value in path_values(path).items() if value is not None}
    try:
        # Without threads: they would ask this file, which is Python's, for bytes while the interpreter shuts down.
        rows = pq.ParquetFile(file, page_checksum_verification=True)
        for group in range(rows.num_row_groups):  # one by one: the rows of those before a broken one are good
            for batch in rows.iter_batches(_AT_ONCE, row_groups=[group], use_threads=False):
                yield from _batch(batch, in_path)
    except (FileNotFoundError, PermissionError):
        raise
    except (OSError, pa.ArrowException) as error:
        raise NotIntact(str(error)) from None


def path_values(path: str) -> dict[str, str | None]:
    """Column to value of the columns that stand in a path."""
    pairs = (part.partition("=") for part in path.split("/")[:-1] if "=" in part)
    return {unquote(name): None if value == _NULL else unquote(value) for name, _, value in pairs}


def _batch(batch: pa.RecordBatch, in_path: dict[str, str]) -> Iterator[bytes]:
    readers = {field.name: _reader(field.type) for field in batch.schema}
    try:
        rows = _in_utc(batch).to_pylist()
    except _UNREADABLE:
        for number in range(batch.num_rows):
            yield _one_by_one(batch.slice(number, 1), readers, in_path)
        return
    for row in rows:
        yield _line({name: readers[name](value) for name, value in row.items() if value is not None}, in_path)


def _one_by_one(row: pa.RecordBatch, readers: dict[str, Read], in_path: dict[str, str]) -> bytes:
    """A row whose batch holds a value that Python cannot; where it is this row's, the line is no JSON and says so."""
    values: dict[str, object] = {}
    unreadable = []
    for name in row.schema.names:
        try:
            value = _in_utc(row.select([name])).column(0)[0].as_py()
        except _UNREADABLE:
            unreadable.append(name)
        else:
            values |= {name: readers[name](value)} if value is not None else {}
    line = _line(values, in_path)
    return b"unreadable column %s: %s" % (", ".join(unreadable).encode(), line) if unreadable else line


def _line(row: dict[str, object], in_path: dict[str, str]) -> bytes:
    row |= {name: _object(row[name]) for name in _OBJECTS if name in row}
    row |= {name: value for name, value in in_path.items() if name not in row}
    return orjson.dumps(row, option=orjson.OPT_UTC_Z, default=str)


def _object(value: object) -> object:
    """JSON text as what it says, if that is an object; anything else is left for the event to be refused."""
    if not isinstance(value, str):
        return value
    try:
        is_object = isinstance(json_text.loads(value.encode())[0], dict)
    except json_text.Refused as refused:  # an object that is too much is for the line to be refused
        is_object = str(refused) != json_text.BROKEN and value.lstrip().startswith("{")
    # Line feeds stand between values only; the text is to be part of one line.
    return orjson.Fragment(value.replace("\n", " ")) if is_object else value


def _in_utc(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The batch with every timestamp as microseconds of UTC."""
    types = [_utc_type(kind) for kind in batch.schema.types]
    columns = [
        column if column.type == kind else pc.cast(column, options=pc.CastOptions(kind, allow_time_truncate=True))
        for column, kind in zip(batch.columns, types, strict=True)
    ]
    return pa.RecordBatch.from_arrays(columns, batch.schema.names)


def _utc_type(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_timestamp(kind):
        return _UTC
    if pa.types.is_struct(kind):
        return pa.struct([pa.field(field.name, _utc_type(field.type)) for field in kind])
    if pa.types.is_map(kind):
        return pa.map_(_utc_type(kind.key_type), _utc_type(kind.item_type))
    if pa.types.is_list(kind):
        return pa.list_(_utc_type(kind.value_type))
    if pa.types.is_large_list(kind):
        return pa.large_list(_utc_type(kind.value_type))
    return kind


def _reader(kind: pa.DataType) -> Read:
    """What makes the JSON value of a Python value of an Arrow type."""
    types = pa.types
    if types.is_struct(kind):
        fields = {field.name: _reader(field.type) for field in kind}
        return lambda value: {name: fields[name](inner) for name, inner in value.items() if inner is not None}
    if types.is_map(kind):
        item = _nullable(_reader(kind.item_type))
        return lambda value: {str(key): item(inner) for key, inner in value}
    if types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        item = _nullable(_reader(kind.value_type))
        return lambda value: [item(inner) for inner in value]
    if types.is_binary(kind) or types.is_large_binary(kind) or types.is_fixed_size_binary(kind):
        return _text
    return _number if types.is_decimal(kind) else lambda value: value


def _nullable(read: Read) -> Read:
    return lambda value: None if value is None else read(value)


def _text(value: bytes) -> str:
    """Old writers do not say that bytes are text. Bytes that are not become base64, as JSON writers do."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return base64.b64encode(value).decode()


def _number(value: Decimal) -> int | float | str:
    if value == value.to_integral_value():
        return int(value) if abs(value) < 2**63 else str(int(value))
    return float(value)
