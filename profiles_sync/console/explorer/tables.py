"""What tables a space has: a list that opens none of them, and one table in detail."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import orjson

from profiles_sync.console.remembered import Remembered
from profiles_sync.lake import log
from profiles_sync.lake.base import Lake
from profiles_sync.lake.log import Action, Entries
from profiles_sync.lake.paths import PathLake
from profiles_sync.spec import tables
from profiles_sync.spec.tables import QUARANTINE, Group, Table, Type

_ADDED = {
    Group.RAW: "Trait that an Identify call brought.",
    Group.VIEW: "Trait that an Identify call brought.",
    Group.EVENT_TYPE: "Trait, property or context field that a call brought.",
    Group.TRACK: "Property or context field that the event brought.",
    Group.MATERIALIZED: "Added by somebody else.",
}


@dataclass(frozen=True)
class Size:
    """How large a table is as its log has it; `changed_at` is when it was last committed to."""

    rows: int
    bytes: int
    files: int
    version: int
    changed_at: datetime


@dataclass(frozen=True)
class Shown:
    """A column as the lake's table has it; `is_added` says that an event brought it."""

    name: str
    type: Type
    about: str
    is_key: bool
    is_added: bool


@dataclass(frozen=True)
class Explored:
    """A table in detail; `size` is None in a catalog, which tells none without a query."""

    table: Table
    place: str
    columns: tuple[Shown, ...]
    size: Size | None


@dataclass(frozen=True)
class Page:
    """Some of the track event tables that a search found."""

    names: tuple[str, ...]
    number: int
    pages: int
    found: int
    all: int


def fixed(lake: Lake, remembered: Remembered) -> list[tuple[Table, Size | None]]:
    """The tables that are always there, in the order of the reference, and the quarantine."""
    return [(table, size_of(lake, table.name, remembered)) for table in (*tables.FIXED_TABLES, QUARANTINE)]


def track_tables(there: Sequence[str], search: str, number: int, each: int = 50) -> Page:
    """A page of the track event tables whose names hold what is searched for; none of them is opened.

    Args:
        there: `Lake.public_tables`.
        search: A part of a name, or of an event's name: other characters than letters and digits count as `_`.
        number: Of the page, from 1.
        each: How many a page has.
    """
    of_events = [name for name in there if tables.table(name).group is Group.TRACK]
    part = "".join(one if one.isalnum() else "_" for one in search.strip().lower())
    found = [name for name in of_events if part in name]
    pages = max(1, -(-len(found) // each))
    number = min(max(1, number), pages)
    return Page(tuple(found[(number - 1) * each : number * each]), number, pages, len(found), len(of_events))


def explored(lake: Lake, name: str, remembered: Remembered) -> Explored | None:
    """A table in detail; None where the space has none of that name."""
    if name != QUARANTINE.name and name not in lake.public_tables():
        return None
    table = tables.table(name)
    declared = {column.name: column.about for column in table.columns}
    added = _ADDED[table.group]
    columns = tuple(
        Shown(column, kind, declared.get(column, added), column in table.key, column not in declared)
        for column, kind in lake.types(name).items()
    )
    return Explored(table, lake.path(name), columns, size_of(lake, name, remembered))


def size_of(lake: Lake, name: str, remembered: Remembered) -> Size | None:
    """How large a table is; looked at once for each of its versions. None where that is not known."""
    if not isinstance(lake, PathLake):
        return None
    entries = Entries.of(lake.path(name), lake.options)
    return remembered.get(f"size of {name}", lake, [name], lambda: _size(entries))


def _size(entries: Entries) -> Size | None:
    version = entries.newest()
    files = None if version is None else log.files_at(entries, version)
    if version is None or files is None:
        return None
    added = list(files.values())
    return Size(sum(map(_rows, added)), sum(one["size"] for one in added), len(added), version, _at(entries, version))


def _rows(added: Action) -> int:
    """A file's rows, without those that a deletion vector takes away."""
    deleted = added.get("deletionVector", {}).get("cardinality", 0)
    return int(orjson.loads(added["stats"])["numRecords"]) - int(deleted) if added.get("stats") else 0


def _at(entries: Entries, version: int) -> datetime:
    said: Action = next((one["commitInfo"] for one in entries.actions(version) if "commitInfo" in one), {})
    return datetime.fromtimestamp(said.get("timestamp", 0) / 1000, UTC)
