"""The tables and how they hang together, as a drawing: an entity relationship diagram in SVG, from `tables.py`.

It shows with its own attributes, in the text's colour, and has classes by which a page may colour it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape

from profiles_sync.spec.tables import BY_NAME, EVENT_TYPE_TABLES, RAW_TABLES, TRACK_TABLE, Table


@dataclass(frozen=True)
class Relation:
    """Many rows of a table that name one row of another, by a column that both have."""

    table: str
    column: str
    to: str


_OF_A_TIME = (*EVENT_TYPE_TABLES, TRACK_TABLE, *RAW_TABLES)
_OF_TODAY = ("id_graph", "profile_merges", "external_id_mapping", "user_identifiers", "user_traits")
#: A row shows the profile of its time; `id_graph` leads to the profile of today, which has one row in `profile_traits`.
RELATIONS = (
    *(Relation(table.name, "segment_id", "id_graph") for table in _OF_A_TIME),
    *(Relation(name, "canonical_segment_id", "profile_traits") for name in _OF_TODAY),
)
_COLUMNS = (
    (*(table.name for table in EVENT_TYPE_TABLES), TRACK_TABLE.name),
    ("id_graph", "profile_merges", "profile_traits"),
    (*(table.name for table in RAW_TABLES), "external_id_mapping", "user_identifiers", "user_traits"),
)
_WIDE, _GAP, _LINE, _HEAD, _BETWEEN = 236, 96, 18, 26, 16
_WIDTH = 3 * _WIDE + 2 * _GAP + 2
_TITLE = "The tables of a space and how they hang together"
_ABOUT = (
    "Event tables and profile raw tables name by segment_id the profile at the time of the event. id_graph leads from "
    "there to the canonical_segment_id, the profile of today. profile_traits has a row for each of these, which "
    "external_id_mapping, user_identifiers, user_traits and profile_merges name, too."
)


@dataclass(frozen=True)
class _Box:
    """A table on the drawing: its corner, and the columns that are written, key and links first."""

    table: Table
    x: int
    y: int
    rows: tuple[str, ...]

    @property
    def height(self) -> int:
        return _HEAD + _LINE * (len(self.rows) + 1) + 6

    def row(self, column: str) -> int:
        """The middle of a column's line."""
        return self.y + _HEAD + _LINE * self.rows.index(column) + _LINE // 2 + 2


def svg() -> str:
    """The drawing; for whoever does not see it, it says in a few sentences what is to be seen."""
    boxes = {box.table.name: box for place, names in enumerate(_COLUMNS) for box in _stacked(place, names)}
    height = max(box.y + box.height for box in boxes.values()) + 2
    parts = [line for relation in RELATIONS for line in _relation(relation, boxes)]
    parts += [line for box in boxes.values() for line in _box(box)]
    named = 'role="img" aria-labelledby="erd-title erd-about"'
    told = f'<title id="erd-title">{_TITLE}</title><desc id="erd-about">{_ABOUT}</desc>'
    box = f'viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" height="{height}" xmlns="http://www.w3.org/2000/svg"'
    return f'<svg class="erd" {box} {named} font-family="sans-serif" font-size="12">{told}{"".join(parts)}</svg>'


def _stacked(place: int, names: Sequence[str]) -> Iterator[_Box]:
    """The boxes of one column; the middle one has few, which stand beside what names them."""
    y, between = (110, 110) if place == 1 else (1, _BETWEEN)
    for name in names:
        table = BY_NAME.get(name, TRACK_TABLE)
        box = _Box(table, 1 + place * (_WIDE + _GAP), y, _written(table))
        yield box
        y += box.height + between


def _written(table: Table) -> tuple[str, ...]:
    """The key, what names other tables, and what other tables name."""
    links = [relation.column for relation in RELATIONS if table.name in (relation.table, relation.to)]
    there = table.types
    return tuple(dict.fromkeys([*table.key, *(name for name in links if name in there)]))


def _box(box: _Box) -> Iterator[str]:
    table, shown = box.table, set(box.rows)
    place = f'x="{box.x}" y="{box.y}" width="{_WIDE}"'
    yield f'<rect class="box" {place} height="{box.height}" rx="6" fill="none" stroke="currentColor"/>'
    head = f'class="name" x="{box.x + 10}" y="{box.y + 18}" font-weight="bold" fill="currentColor"'
    yield f"<text {head}><title>{escape(table.about)}</title>{escape(table.name)}</text>"
    for name in box.rows:
        y = box.row(name) + 4
        mark = "key" if name in table.key else ""
        yield f'<text class="column" x="{box.x + 10}" y="{y}" fill="currentColor">{escape(name)}</text>'
        yield _right(box, y, mark or str(table.types[name]))
    more = len([column for column in table.columns if column.name not in shown])
    grows = f", {table.grows.replace('a column', 'one').replace(' and per', ' and')}" if table.grows else ""
    y = box.y + box.height - 10
    yield _note(f"{more} more{grows}" if more else "", box.x + 10, y)


def _right(box: _Box, y: int, text: str) -> str:
    return f'<text class="note" x="{box.x + _WIDE - 10}" y="{y}" text-anchor="end" fill="currentColor">{text}</text>'


def _note(text: str, x: int, y: int) -> str:
    return f'<text class="note" x="{x}" y="{y}" font-size="10" fill="currentColor">{escape(text)}</text>'


def _relation(relation: Relation, boxes: Mapping[str, _Box]) -> Iterator[str]:
    """A curve from the row that names to the row that is named, with a crow's foot where there are many."""
    many, one = boxes[relation.table], boxes[relation.to]
    start, end = many.row(relation.column), one.row(relation.column)
    if many.x == one.x:
        x, bend = many.x + _WIDE, 44
        path = f"M{x} {start}C{x + bend} {start} {x + bend} {end} {x} {end}"
        foot = 1
    else:
        foot = 1 if many.x < one.x else -1
        x, to = (many.x + _WIDE, one.x) if foot == 1 else (many.x, one.x + _WIDE)
        middle = (x + to) // 2
        path = f"M{x} {start}C{middle} {start} {middle} {end} {to} {end}"
    yield f'<path class="relation" fill="none" stroke="currentColor" opacity="0.5" d="{path}"/>'
    fork = f"M{x} {start - 4}L{x + foot * 9} {start}L{x} {start + 4}"
    yield f'<path class="relation" fill="none" stroke="currentColor" opacity="0.5" d="{fork}"/>'
