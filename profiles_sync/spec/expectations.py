"""What has to be true of the rows that come to a table: a suite for each, made from its declaration.

An expectation is about the rows that one batch brings, all of them or as large a share as `mostly` says. Empty values
meet all but `NOT_NULL`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from typing import Any

from profiles_sync.spec.tables import TRACK_TABLE, Change, Group, Table, Type

#: The oldest and the latest time that is taken for one.
FIRST, LAST = "1970-01-01T00:00:00+00:00", "2100-01-01T00:00:00+00:00"
_SEQ_DIGITS = 20


class Kind(StrEnum):
    """What may be expected; those above the line break are words of a user's file too."""

    NOT_NULL = "not_null"
    UNIQUE = "unique"
    LENGTH = "length"
    MATCHES = "matches"
    IN = "in"
    BETWEEN = "between"

    TYPE = "type"
    DIGITS = "digits"
    INCREASING = "increasing"
    KNOWN = "known"
    CANONICAL = "canonical"


class Severity(StrEnum):
    """What happens where it is not met: the table is held back, or somebody is told."""

    CRITICAL = "critical"
    WARNING = "warning"


#: Those that are worked out from more than the column itself.
WORKED_OUT = frozenset({Kind.INCREASING, Kind.KNOWN, Kind.CANONICAL})


@dataclass(frozen=True)
class Expectation:
    """One thing that is expected of a table's rows.

    Attributes:
        kind: What.
        columns: Of which columns; more than one for `UNIQUE` alone.
        severity: What follows where it is not met.
        mostly: The share of the values that have to meet it.
        asks: What the kind needs: `min`, `max`, `regex`, `values`, `type` or `digits`.
        is_own: Whether it is a person's own.
    """

    kind: Kind
    columns: tuple[str, ...]
    severity: Severity = Severity.CRITICAL
    mostly: float = 1
    asks: Mapping[str, Any] = field(default_factory=dict)
    is_own: bool = False

    @property
    def column(self) -> str:
        """The one column."""
        return self.columns[0]

    def __str__(self) -> str:
        """For a person, without the values it asks for."""
        share = "" if self.mostly == 1 else f" in {self.mostly:.1%} of the rows"
        return f"{', '.join(self.columns)} {_SAID[self.kind]}{share}"


_SAID = {
    Kind.NOT_NULL: "not empty",
    Kind.UNIQUE: "unique",
    Kind.LENGTH: "of the right length",
    Kind.MATCHES: "of the right form",
    Kind.IN: "one of the values",
    Kind.BETWEEN: "within its bounds",
    Kind.TYPE: "of the declared type",
    Kind.DIGITS: f"of {_SEQ_DIGITS} digits",
    Kind.INCREASING: "larger with each load",
    Kind.KNOWN: "known to the identity graph",
    Kind.CANONICAL: "never merged away",
}
_PROFILES = ("segment_id", "canonical_segment_id", "merged_to")
_AS_SENT = frozenset({"timestamp", "sent_at", "original_timestamp"})  # what a device's clock said
_ALWAYS = ("seq", "received_at", "uuid_ts", "canonical_segment_id")


def suite_of(table: Table) -> tuple[Expectation, ...]:
    """What is expected of a table by its declaration: of its key, its declared columns, `seq`, profiles and times."""
    return _of_track() if table.group is Group.TRACK else _suite(table)


@cache
def _of_track() -> tuple[Expectation, ...]:
    """The same for each of the thousands there may be."""
    return _suite(TRACK_TABLE)


def _suite(table: Table) -> tuple[Expectation, ...]:
    types = table.types
    made = [Expectation(Kind.TYPE, (name,), asks={"type": str(kind)}) for name, kind in types.items()]
    made += [Expectation(Kind.NOT_NULL, (name,)) for name in dict.fromkeys((*table.key, *_filled(table)))]
    made.append(Expectation(Kind.UNIQUE, table.key))
    made += _of_seq(table)
    made += [
        Expectation(Kind.BETWEEN, (name,), _severity(name), asks={"min": FIRST, "max": LAST})
        for name, kind in types.items()
        if kind is Type.TIMESTAMP
    ]
    return (*made, *_of_profiles(table))


def _filled(table: Table) -> list[str]:
    """Columns that are never empty, beside the key. An event without an identifier has no profile."""
    is_raw = table.group is Group.RAW
    return [name for name in (*_ALWAYS, *(["segment_id"] if is_raw else [])) if name in table.types]


def _of_seq(table: Table) -> list[Expectation]:
    if "seq" not in table.types:
        return []
    made = [Expectation(Kind.DIGITS, ("seq",), asks={"digits": _SEQ_DIGITS})]
    return [*made, Expectation(Kind.INCREASING, ("seq",))] if table.group is Group.RAW else made


def _of_profiles(table: Table) -> list[Expectation]:
    """Every profile is in the graph; where a table tells how things stand now, its canonical profile still is one."""
    there = [name for name in _PROFILES if name in table.types]
    known = [Expectation(Kind.KNOWN, (name,)) for name in there]
    if table.change is Change.MERGE:
        known += [Expectation(Kind.CANONICAL, (name,)) for name in there if name != "segment_id"]
    return known


def _severity(column: str) -> Severity:
    return Severity.WARNING if column in _AS_SENT else Severity.CRITICAL


_TYPES_OF = {
    Kind.LENGTH: frozenset({Type.STRING}),
    Kind.MATCHES: frozenset({Type.STRING}),
    Kind.BETWEEN: frozenset({Type.BIGINT, Type.DOUBLE, Type.TIMESTAMP}),
    Kind.IN: frozenset({Type.STRING, Type.BIGINT, Type.DOUBLE, Type.BOOLEAN}),
}


_NUMBERS = (int, float)
#: Times are texts in ISO-8601.
_VALUES_OF: Mapping[Type, tuple[type, ...]] = {
    Type.STRING: (str,),
    Type.BIGINT: _NUMBERS,
    Type.DOUBLE: _NUMBERS,
    Type.BOOLEAN: (bool,),
    Type.TIMESTAMP: (str,),
}


def whole(regex: str) -> str:
    """An expression that a value has to match from its beginning to its end."""
    return rf"\A(?:{regex})\Z"


def unfit(one: Expectation, columns: Mapping[str, Type]) -> str | None:
    """Why a person's expectation cannot be asked of rows with these columns; None where it can."""
    for name in one.columns:
        if name not in columns:
            return f"there is no column {name}"
        if columns[name] not in _TYPES_OF.get(one.kind, Type):
            return f"{name} is {columns[name]}, of which nobody can ask whether it is {_SAID[one.kind]}"
    kind = columns[one.column]
    return None if _may_be_compared(one, kind) else f"{one.column} is {kind}, and is compared with another type"


def _may_be_compared(one: Expectation, kind: Type) -> bool:
    """Whether the values that it asks for are of the column's type."""
    if one.kind is Kind.IN:
        return all(type(value) in _VALUES_OF[kind] for value in one.asks["values"])
    if one.kind is Kind.BETWEEN:
        return all(type(value) in _VALUES_OF[kind] for value in one.asks.values())
    return True
