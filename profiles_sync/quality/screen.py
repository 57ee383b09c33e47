"""The first look at a batch: each expectation counted over Arrow's columns, exactly as Great Expectations counts it.

Rows that meet all of a suite go on; of any others `gx` has the say. So this look may be strict without harm, and a test
holds the two against each other. It is here because Great Expectations takes seconds to load, and milliseconds for each
expectation, which an hour of some thousand events on as many tables does not have.
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from profiles_sync.lake.tables import ARROW
from profiles_sync.quality.graph import Graph
from profiles_sync.quality.outcomes import Outcome
from profiles_sync.spec.columns import LARGEST, SMALLEST
from profiles_sync.spec.expectations import Expectation, Kind
from profiles_sync.spec.tables import Type

_IN_GRAPH = frozenset({Kind.KNOWN, Kind.CANONICAL})


def screen(
    rows: pa.Table,
    types: Mapping[str, Type],
    suite: Sequence[Expectation],
    graph: Graph,
    distinct: Sequence[str] = (),
) -> tuple[list[Outcome], list[Expectation]]:
    """Count what is not as expected; of profiles only what `graph` has learnt counts as known.

    Args:
        rows: Those that a batch puts into the table, with all columns of the suite.
        types: Of the columns as the lake has them.
        suite: What is expected.
        graph: Of the space.
        distinct: Columns by which it is known already that no two rows are the same, and none is without one of them.

    Returns:
        What came of each expectation, and those that were asked: of a column of another type, nothing but its type is.
    """
    wrong = {one.column for one in suite if one.kind is Kind.TYPE and types[one.column] != one.asks["type"]}
    asked = [one for one in suite if one.kind is Kind.TYPE or not wrong.intersection(one.columns)]
    known = {(Kind.UNIQUE, tuple(distinct))}
    outcomes = (
        Outcome(one, rows.num_rows, 0) if (one.kind, one.columns) in known else _outcome(one, rows, wrong, graph)
        for one in asked
    )
    return list(outcomes), asked


def _outcome(one: Expectation, rows: pa.Table, wrong: set[str], graph: Graph) -> Outcome:
    if one.kind is Kind.TYPE:
        return Outcome(one, rows.num_rows, rows.num_rows if one.column in wrong else 0)
    if one.kind is Kind.NOT_NULL:
        return Outcome(one, rows.num_rows, rows[one.column].null_count)
    if one.kind is Kind.UNIQUE:
        return _unique(one, rows)
    values = rows[one.column]
    meets = worked_out(one, rows, graph) if one.kind in (Kind.INCREASING, *_IN_GRAPH) else _METS[one.kind](values, one)
    told = pc.sum(meets).as_py() or 0
    asked = len(meets) - meets.null_count
    return Outcome(one, asked, asked - told)


def profiles_of(rows: pa.Table, suite: Sequence[Expectation]) -> list[pa.Array]:
    """The distinct profiles that `Graph.learn` has to know before rows are screened."""
    columns = dict.fromkeys(one.column for one in suite if one.kind in _IN_GRAPH)
    found = (rows[column] for column in columns if pa.types.is_string(rows[column].type))
    return [pc.drop_null(pc.unique(values)) for values in found]


def worked_out(one: Expectation, rows: pa.Table, graph: Graph) -> pa.Array:
    """Of each row whether it meets an expectation that is about more than its column; null where it is not asked."""
    values = rows[one.column].combine_chunks()
    if one.kind is Kind.INCREASING:
        return _increasing(values, rows["uuid_ts"])
    if one.kind is Kind.KNOWN:
        return graph.is_known(values)
    if "merged_to" in rows.column_names and one.column != "merged_to":  # merged away, and says so
        values = pc.if_else(pc.is_null(rows["merged_to"].combine_chunks()), values, None)
    return graph.is_canonical(values)


def _unique(one: Expectation, rows: pa.Table) -> Outcome:
    keys = rows.select(list(one.columns))
    keys = keys.drop_null() if len(one.columns) == 1 else keys.filter(_any_value(keys))
    if len(one.columns) == 1 and pc.count_distinct(keys[0]).as_py() == keys.num_rows:
        return Outcome(one, keys.num_rows, 0)
    groups = keys.group_by(list(one.columns)).aggregate([([], "count_all")])["count_all"]
    repeated = groups.filter(pc.greater(groups, 1))
    return Outcome(one, keys.num_rows, pc.sum(repeated).as_py() or 0)


def _any_value(keys: pa.Table) -> pa.ChunkedArray:
    """A key of several columns is missing where all of them are."""
    some = pc.is_valid(keys[0])
    for column in keys.columns[1:]:
        some = pc.or_(some, pc.is_valid(column))
    return some


def _increasing(seq: pa.Array, loaded: pa.ChunkedArray) -> pa.Array:
    """Larger than every one of an earlier load, and than the next smaller one of the same."""
    order = pc.sort_indices(pa.table([loaded, seq], ["at", "seq"]), [("at", "ascending"), ("seq", "ascending")])
    sorted_ = seq.take(order)
    follows = pc.greater(sorted_[1:], sorted_[:-1])
    first = pc.if_else(pc.is_valid(sorted_[:1]), True, None)
    follows = pa.concat_arrays([first.cast(pa.bool_()), follows])
    places = np.empty(len(order), np.int64)
    places[order.to_numpy()] = np.arange(len(order))
    return follows.take(pa.array(places))


def _length(values: pa.ChunkedArray, one: Expectation) -> pa.ChunkedArray:
    return _within(pc.utf8_length(values), one, lambda bound: bound)


def _between(values: pa.ChunkedArray, one: Expectation) -> pa.ChunkedArray:
    if not pa.types.is_integer(values.type):
        return _within(values, one, lambda bound: as_value(bound, values.type))
    least, most = one.asks.get("min", -math.inf), one.asks.get("max", math.inf)  # which may lie between two numbers
    if least > LARGEST or most < SMALLEST:  # nothing is
        return pc.if_else(pc.is_valid(values), pa.scalar(False), pa.scalar(None, pa.bool_()))
    whole = {"min": math.ceil(max(least, SMALLEST)), "max": math.floor(min(most, LARGEST))}
    return _within(values, replace(one, asks=whole), lambda bound: pa.scalar(bound, pa.int64()))


def _within(values: pa.ChunkedArray, one: Expectation, bound: Callable[[object], object]) -> pa.ChunkedArray:
    least, most = one.asks.get("min"), one.asks.get("max")
    above = None if least is None else pc.greater_equal(values, bound(least))
    below = None if most is None else pc.less_equal(values, bound(most))
    if above is None or below is None:
        return below if above is None else above
    return pc.and_(above, below)


@lru_cache(typed=True)
def as_value(bound: object, kind: pa.DataType) -> pa.Scalar:
    """A bound as it stands in a suite, as one of a column's values."""
    if isinstance(bound, str) and pa.types.is_timestamp(kind):
        return pa.scalar(bound).cast(ARROW[Type.TIMESTAMP])
    if isinstance(bound, int) and pa.types.is_floating(kind):
        bound = float(bound)  # Arrow takes no whole number that a double holds in part
    return pa.scalar(bound, kind)


def _in(values: pa.ChunkedArray, one: Expectation) -> pa.ChunkedArray:
    asked = one.asks["values"]
    if pa.types.is_integer(values.type):
        asked = [int(value) for value in asked if SMALLEST <= value <= LARGEST and value == int(value)]
    elif pa.types.is_floating(values.type):
        asked = [float(value) for value in asked]
    return pc.if_else(pc.is_valid(values), pc.is_in(values, pa.array(asked, values.type)), None)


def _matches(values: pa.ChunkedArray, one: Expectation) -> pa.ChunkedArray:
    """Each distinct text once, by Python's own expressions: Arrow's understand some patterns otherwise."""
    pattern = re.compile(one.asks["regex"])
    distinct = pc.drop_null(pc.unique(values))
    meets = distinct.filter(pa.array([bool(pattern.fullmatch(text)) for text in distinct.to_pylist()], pa.bool_()))
    return pc.if_else(pc.is_valid(values), pc.is_in(values, meets), None)


def _digits(values: pa.ChunkedArray, one: Expectation) -> pa.ChunkedArray:
    return pc.match_substring_regex(values, rf"\A[0-9]{{{one.asks['digits']}}}\z")


_METS: Mapping[Kind, Callable[[pa.ChunkedArray, Expectation], pa.ChunkedArray]] = {
    Kind.LENGTH: _length,
    Kind.BETWEEN: _between,
    Kind.IN: _in,
    Kind.MATCHES: _matches,
    Kind.DIGITS: _digits,
}
