"""Staged columns to the type that their table has: `spec.columns.cast` for a column at once, where that is exact."""

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from profiles_sync.lake.tables import ARROW
from profiles_sync.pipeline.bulk.gather import UNUSUAL, moments
from profiles_sync.pipeline.digests import IS_FAST, bytes_of
from profiles_sync.pipeline.staged import MIXED
from profiles_sync.spec.columns import Value, cast
from profiles_sync.spec.tables import Type

_WHOLE, _FRACTION = r"^-?[0-9]{1,18}$", r"^-?[0-9]{1,15}\\.[0-9]{1,15}$"


def values_of(column: pa.ChunkedArray, staged: str) -> list[Value]:
    """The staged values one by one."""
    values: list[Value] = column.to_pylist()
    return [None if value is None else orjson.loads(str(value)) for value in values] if staged == MIXED else values


def cast_column(column: pa.Array, staged: str, to: Type) -> pa.Array:
    """The column as the table has it; a value that cannot be cast is null.

    Args:
        column: As it was staged.
        staged: Its type, or `mixed`.
        to: The type of the table's column.
    """
    if staged == MIXED:
        return _merged(column, _numbers(column, to), staged, to)
    if staged == Type.STRING and to is Type.TIMESTAMP and IS_FAST:
        return _merged(column, _moments(column), staged, to)
    if (staged, to) == (Type.BIGINT, Type.DOUBLE):
        return column.cast(pa.float64(), safe=False)
    return _merged(column, pa.nulls(len(column), ARROW[to]), staged, to)


def _merged(column: pa.Array, done: pa.Array, staged: str, to: Type) -> pa.Array:
    """What is done already, and the rest value by value."""
    left = np.flatnonzero(pc.and_(column.is_valid(), done.is_null()).to_numpy(zero_copy_only=False))
    if not len(left):
        return done
    places = pa.array(left)
    rest = pa.array([cast(value, to) for value in values_of(column.take(places), staged)], ARROW[to])
    order = np.full(len(column), -1)
    order[left] = np.arange(len(left))
    return pc.coalesce(done, rest.take(pa.array(order, mask=order < 0)))


def _numbers(column: pa.Array, to: Type) -> pa.Array:
    """Of JSON texts those that are plain numbers, for a column of numbers."""
    if to not in (Type.BIGINT, Type.DOUBLE):
        return pa.nulls(len(column), ARROW[to])
    whole = pc.if_else(pc.match_substring_regex(column, _WHOLE), column, None)
    if to is Type.BIGINT:
        return whole.cast(pa.int64())
    fraction = pc.if_else(pc.match_substring_regex(column, _FRACTION), column, None)
    return pc.coalesce(whole, fraction).cast(pa.float64())


def _moments(column: pa.Array) -> pa.Array:
    offsets, data = bytes_of(column)
    found = moments(data, offsets[:-1], offsets[1:]) if len(data) else np.full(len(column), UNUSUAL)
    missing = (found == UNUSUAL) | column.is_null().to_numpy(zero_copy_only=False)
    return pa.array(found, pa.int64(), mask=missing).cast(ARROW[Type.TIMESTAMP])
