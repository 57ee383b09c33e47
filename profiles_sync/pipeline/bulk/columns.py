"""The columns that payloads and contexts bring: which paths they come from, and their values as staged arrays."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import orjson
import pyarrow as pa
from numpy.typing import NDArray

from profiles_sync.pipeline.bulk import gather
from profiles_sync.pipeline.bulk.scanner import (
    ARRAY,
    EMPTY,
    ESCAPED,
    FALSE,
    FRACTION,
    INTEGER,
    LOOSE_ARRAY,
    NULL,
    OBJECT,
    TEXT,
    TRUE,
)
from profiles_sync.pipeline.bulk.view import Indices, Path, View
from profiles_sync.pipeline.compiled import compiled
from profiles_sync.spec.columns import flatten
from profiles_sync.spec.tables import Type

MIXED = "mixed"
_KIND = np.zeros(OBJECT + 1, np.int8)
_KIND[[TEXT, ESCAPED, ARRAY, LOOSE_ARRAY]], _KIND[INTEGER], _KIND[FRACTION], _KIND[[TRUE, FALSE]] = 1, 2, 3, 4
_TYPES = ("", Type.STRING, Type.BIGINT, Type.DOUBLE, Type.BOOLEAN)


@lru_cache(maxsize=1 << 15)
def column(path: Path, reserved: frozenset[str], prefix: str) -> str | None:
    """The column of a path, from the spec's own flattening."""
    payload: object = 1
    for key in reversed(path):
        payload = {key: payload}
    assert isinstance(payload, dict)
    return next(iter(flatten(payload, reserved, prefix)), None)


def named(
    view: View, paths: Mapping[Path, Indices], reserved: frozenset[str], prefix: str, odd: NDArray[np.bool_]
) -> dict[str, Indices]:
    """Column to the tokens that fill it; nulls and empty objects are left out.

    Where several paths have one column, the last key of a payload counts: lines that have more than one are odd.
    """
    several: dict[str, list[Indices]] = {}
    for path, tokens in paths.items():
        name = column(path, reserved, prefix)
        tokens = tokens[~np.isin(view.kind[tokens], (EMPTY, OBJECT))]
        if name is not None and len(tokens):
            several.setdefault(name, []).append(tokens)
    found = {}
    for name, parts in several.items():
        tokens = np.concatenate(parts)
        if len(parts) > 1:
            odd |= np.bincount(view.line[tokens], minlength=view.lines) > 1
        tokens = tokens[view.kind[tokens] != NULL]
        if len(tokens):
            found[name] = tokens
    return found


@dataclass(frozen=True)
class Filled:
    """A column over the span of one table: how it is staged, its values, and the token of the first one to land."""

    table: int
    kind: str
    values: pa.Array
    first: int


def fill(
    view: View,
    tokens: Indices,
    places: NDArray[np.int64],
    spans: NDArray[np.int64],
    of: NDArray[np.int32],
    rank: Indices,
) -> Iterator[Filled]:
    """The column's values, table by table.

    Args:
        view: The block.
        tokens: That fill the column, at most one per event.
        places: Of their events in the order of the tables.
        spans: Where each table begins, and where the last one ends.
        of: The table of each place.
        rank: The place of each event in landing order.
    """
    table = of[places]
    firsts = np.full(len(spans) - 1, -1, np.int64)
    _first(table, rank[places], firsts)
    touched = np.flatnonzero(firsts >= 0)
    kinds = _KIND[view.kind[tokens]]
    if kinds.min() == kinds.max():
        low, high = spans[touched[0]], spans[touched[-1] + 1]
        whole = _values(view, tokens, places - low, int(high - low), int(kinds[0]))
        for one in touched.tolist():
            begin, end = int(spans[one]), int(spans[one + 1])
            yield Filled(one, _TYPES[kinds[0]], whole.slice(begin - low, end - begin), int(tokens[firsts[one]]))
        return
    for one in touched.tolist():
        mine = np.flatnonzero(table == one)
        begin, end, own = int(spans[one]), int(spans[one + 1]), kinds[mine]
        at = places[mine] - begin
        first = int(tokens[firsts[one]])
        if own.min() == own.max():
            yield Filled(one, _TYPES[own[0]], _values(view, tokens[mine], at, end - begin, int(own[0])), first)
        else:
            yield Filled(one, MIXED, _as_json(view, tokens[mine], at, end - begin), first)


@compiled
def _first(table, rank, firsts):
    """Per table the index of the entry with the lowest rank."""
    for index in range(len(table)):
        known = firsts[table[index]]
        if known < 0 or rank[index] < rank[known]:
            firsts[table[index]] = index


def _values(view: View, tokens: Indices, places: NDArray[np.int64], size: int, kind: int) -> pa.Array:
    slices = view.data, view.start[tokens], view.stop[tokens], places, size
    if kind == 1:
        return gather.texts(*slices)
    if kind == 2:
        return gather.integers(*slices)
    return gather.fractions(*slices) if kind == 3 else gather.truths(view.kind[tokens], places, size)


def _as_json(view: View, tokens: Indices, places: NDArray[np.int64], size: int) -> pa.StringArray:
    """Values of several JSON types as JSON text: most stand in the block just so; an array is a text by now."""
    kinds, block = view.kind[tokens], view.block
    if np.isin(kinds, (ARRAY, LOOSE_ARRAY)).any():
        column: list[str | None] = [None] * size
        for place, token in zip(places.tolist(), tokens.tolist(), strict=True):
            column[place] = orjson.dumps(view.value(token)).decode()
        return pa.array(column, pa.string())
    quote = np.isin(kinds, (TEXT, ESCAPED)).astype(np.int64)
    return gather.texts(block.data, block.tokens.start[tokens] - quote, block.tokens.stop[tokens] + quote, places, size)
