"""A column's type made wider: what counts as wider, and the statements where a warehouse has no single one for it.

Nothing is dropped: where a type cannot be altered in place, the column that was there stays beside the wider one.
Source: Segment, "Warehouse FAQs", "Can I change the data type of a column in the warehouse?".
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from profiles_sync.spec.tables import Type
from profiles_sync.warehouses.base import Capabilities

if TYPE_CHECKING:
    from profiles_sync.warehouses.sql import Dialect


class Family(StrEnum):
    """What a type holds, in Segment's words; `varchar` may have a length in brackets."""

    BOOLEAN = "boolean"
    INTEGER = "integer"
    FLOAT = "float"
    DATE = "date"
    TIMESTAMP = "timestamp"
    TEXT = "varchar"


_WIDER: Mapping[Family, tuple[Family, ...]] = {
    Family.BOOLEAN: (Family.TEXT,),
    Family.INTEGER: (Family.FLOAT, Family.TEXT),
    Family.FLOAT: (Family.TEXT,),
    Family.DATE: (Family.TIMESTAMP, Family.TEXT),
    Family.TIMESTAMP: (Family.TEXT,),
    Family.TEXT: (),
}
_LOGICAL = {
    Family.BOOLEAN: Type.BOOLEAN,
    Family.INTEGER: Type.BIGINT,
    Family.FLOAT: Type.DOUBLE,
    Family.TIMESTAMP: Type.TIMESTAMP,
    Family.TEXT: Type.STRING,
}
_ASKED = re.compile(r"(boolean|integer|float|timestamp|varchar)(?:\(([1-9]\d{0,8})\))?")
_SIZED = re.compile(r"([^(]+)\(([\d,]+)\)(.*)")
_SHOWN = 40  # letters that a number, a time or a truth may take as a text
#: What the column is called that is filled first, behind the name of its own.
FILLED = "wider"
#: The largest whole number up to which a float has every one.
EXACT = 2**53


@dataclass(frozen=True)
class Widen:
    """A typed operation on a column.

    Attributes:
        table: As the warehouse calls it.
        column: As the warehouse calls it.
        was: The type that it has; None where an operation that was broken off has put it aside already.
        kind: The type that it gets.
        columns: Column to type of the table, in their order.
        keys: The columns that tell the table's rows apart.
        beside: The column that is filled first, where none can be altered in place.
        former: What the column that was there is called after that.
    """

    table: str
    column: str
    was: str | None
    kind: str
    columns: Mapping[str, str]
    keys: tuple[str, ...]
    beside: str
    former: str

    def __str__(self) -> str:
        """One line for a person."""
        return f"make {self.table}.{self.column} {self.kind}, which is {self.was or 'being made so'}"


def wanted(asked: str, capabilities: Capabilities) -> str | None:
    """The warehouse's type for one of Segment's words; None where it has no such type, or the word is another one."""
    if not (found := _ASKED.fullmatch(asked)):
        return None
    family, length = Family(found[1]), found[2]
    if length is None:
        return capabilities.types[_LOGICAL[family]]
    if family is not Family.TEXT or capabilities.sized is None or int(length) > capabilities.longest:
        return None
    return capabilities.sized.format(length)


def family_of(kind: str, capabilities: Capabilities) -> Family | None:
    """What a warehouse's type holds; None for one that no sync makes and nobody asks for, as a number with a scale."""
    name, sizes = _parted(kind)
    family = capabilities.families.get(name)
    has_scale = len(sizes) > 1 and sizes[1]
    return None if family is None or has_scale else Family(family)


def narrower(was: str, kind: str, capabilities: Capabilities) -> str | None:
    """Why a column cannot get a type from another one; None where that is wider."""
    before, after = family_of(was, capabilities), family_of(kind, capabilities)
    if was == kind:
        return f"it is {kind} already"
    if before is None or after is None:
        return f"it is {was}, which is none of the types that a sync makes"
    if before is not after:
        if after not in _WIDER[before]:
            return f"it is {was}, and {kind} does not hold every {before}"
        if after is Family.TEXT and _width(kind) < _SHOWN:
            return f"it is {was}, and {kind} does not hold every {before} as a text; that takes {_SHOWN} letters"
        return None
    order = list(capabilities.families)
    narrow, wide = ((order.index(_parted(one)[0]), _width(one)) for one in (was, kind))
    is_wider = wide[1] >= narrow[1] if before is Family.TEXT else wide >= narrow
    return None if is_wider else f"it is {was}, and {kind} holds less"


def may_round(was: str | None, kind: str, capabilities: Capabilities) -> bool:
    """Whether a value may lose digits: the one type that is wider and has gaps."""
    return was is not None and (family_of(was, capabilities), family_of(kind, capabilities)) == (
        Family.INTEGER,
        Family.FLOAT,
    )


def is_longer(was: str | None, kind: str) -> bool:
    """Whether only the length or the precision changes, which most warehouses do in place."""
    return was is not None and _parted(was)[0] == _parted(kind)[0]


def by_another_column(dialect: "Dialect", schema: str, one: Widen) -> list[str]:
    """Fill a further column, then let the two change names; done again from wherever it was broken off."""
    if one.was is None:
        return dialect.rename_columns(schema, one.table, {one.beside: one.column})
    added = [] if one.beside in one.columns else dialect.add_columns(schema, one.table, {one.beside: one.kind})
    value = dialect.widened(dialect.quote(one.column), one.was, one.kind)
    renamed = {one.column: one.former, one.beside: one.column}
    return [
        *added,
        *dialect.fill(schema, one.table, one.beside, value),
        *dialect.rename_columns(schema, one.table, renamed),
    ]


def _parted(kind: str) -> tuple[str, tuple[int, ...]]:
    """A type's name, and what stands in its brackets."""
    if not (found := _SIZED.fullmatch(kind)):
        return kind, ()
    return found[1] + found[3], tuple(map(int, found[2].split(",")))


def _width(kind: str) -> float:
    sizes = _parted(kind)[1]
    return sizes[0] if sizes else float("inf")
