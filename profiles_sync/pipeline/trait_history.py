"""The rows of `profile_traits_updates`, each with all traits of its profile, a portion of them at a time.

A profile of many traits that change often has large rows, and many of them: what the events sent times what the profile
has. So no more of them is ever in memory than a portion.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from profiles_sync.lake.tables import ARROW
from profiles_sync.pipeline.trait_changes import TraitChanges
from profiles_sync.spec.columns import Value, cast, infer
from profiles_sync.spec.tables import Type
from profiles_sync.spec.traits import Traits

PORTION = 64 << 20  # bytes, about: of columns as Python holds them
_VALUE, _EMPTY = 96, 8  # of them: a value with its place, and a place in a column that has none there


@dataclass(frozen=True)
class Portion:
    """Rows `start` to `end` of the changes, as columns of traits; `lost` values could not be cast."""

    start: int
    end: int
    columns: dict[str, pa.Array]
    lost: int


@dataclass
class _Snapshot:
    """The traits of a profile as the columns hold them, and what they weigh."""

    values: dict[str, Value] = field(default_factory=dict)
    weight: int = 0
    lost: int = 0

    def change(self, traits: Mapping[str, Value], types: Mapping[str, Type]) -> None:
        """Set traits, or take those out that are None."""
        for name, value in traits.items():
            if name in self.values:
                self._count(self.values.pop(name), -1)
            if value is not None:
                self.values[name] = kept = cast(value, types[name])
                self._count(kept, 1)

    def _count(self, value: Value, sign: int) -> None:
        self.weight += sign * (_VALUE + (4 * len(value) if isinstance(value, str) else 0))
        self.lost += sign * (value is None)


@dataclass
class _Columns:
    """Columns in which most rows have nothing: the places of those that have something, and what that is."""

    types: Mapping[str, Type]
    filled: dict[str, tuple[list[int], list[Value]]] = field(default_factory=dict)
    rows: int = 0

    def append(self, values: Mapping[str, Value]) -> None:
        """A row."""
        for name, value in values.items():
            places, column = self.filled.setdefault(name, ([], []))
            places.append(self.rows)
            column.append(value)
        self.rows += 1

    def arrays(self) -> dict[str, pa.Array]:
        """All of them, also those without a value."""
        return {
            name: spread(self.rows, *self.filled.get(name, ([], [])), ARROW[kind]) for name, kind in self.types.items()
        }


def new_columns(changes: TraitChanges, existing: Mapping[str, Type]) -> dict[str, Type]:
    """The existing columns and those that the changes bring; a column has the type of its first value."""
    types = dict(existing)
    for changed in changes.changed:
        for name in sorted(changed.keys() - types.keys()):  # the new columns of one event stand by name
            if (kind := infer(changed[name])) is not None:
                types[name] = kind
    return types


def portions(
    changes: TraitChanges, before: Mapping[int, Traits], types: Mapping[str, Type], most: int = PORTION
) -> Iterator[Portion]:
    """The rows, in portions of about so many bytes, or of one row that has more.

    Args:
        changes: What each row changes.
        before: The traits of profiles before the batch.
        types: All columns of traits.
        most: See above.
    """
    snapshots: dict[int, _Snapshot] = {}
    start, weight, lost, columns = 0, 0, 0, _Columns(types)
    for row, (profile, changed) in enumerate(zip(changes.profile.tolist(), changes.changed, strict=True)):
        if (snapshot := snapshots.get(profile)) is None:
            snapshot = snapshots[profile] = _Snapshot()
            snapshot.change({name: trait.value for name, trait in before.get(profile, {}).items()}, types)
        snapshot.change(changed, types)
        columns.append(snapshot.values)
        weight += snapshot.weight + _EMPTY * len(types)
        lost += snapshot.lost
        if weight >= most:
            yield Portion(start, row + 1, columns.arrays(), lost)
            start, weight, lost, columns = row + 1, 0, 0, _Columns(types)
    if columns.rows:
        yield Portion(start, start + columns.rows, columns.arrays(), lost)


def spread(rows: int, places: list[int], values: list[Value], kind: pa.DataType) -> pa.Array:
    """A column of so many rows that has the values at these places, and nothing elsewhere."""
    if not places:
        return pa.nulls(rows, kind)
    found = pa.array(values, kind)
    if len(places) == rows:
        return found
    at: NDArray[np.int64] = np.full(rows, -1)
    at[places] = np.arange(len(places))
    return found.take(pa.array(at, mask=at < 0))
