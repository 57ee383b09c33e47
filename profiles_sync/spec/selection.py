"""Selective Sync: which tables and columns of a space go to one warehouse.

Everything goes, until it is switched off. An item is a group of tables, a table, or a column as `table.column`, by the
lake's names. A group's name has a dash, which no table's has.
Source: Segment, "Profiles Sync Setup", section "Set up Selective Sync"; its four groups. The views that Segment leaves
to dbt are kept up here, so they go with the materialized tables.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from profiles_sync.spec.tables import BY_NAME, TRACK_TABLE, Group, table

TRACK_TABLES = "track-tables"
GROUPS: Mapping[Group, str] = {
    Group.RAW: "raw-tables",
    Group.MATERIALIZED: "materialized-tables",
    Group.VIEW: "materialized-tables",
    Group.EVENT_TYPE: "event-type-tables",
    Group.TRACK: TRACK_TABLES,
}
WORDS = tuple(dict.fromkeys(GROUPS.values()))
#: Tables of a space, and columns of a table, that Selective Sync manages; what is beyond them is synced.
LIMIT = 5_000
#: Whose row it is, and when it came: the keys, the layout of a warehouse's tables and every later row need these.
_NEEDED = frozenset({"id", "segment_id", "canonical_segment_id", "seq", "received_at", "uuid_ts"})


@dataclass(frozen=True)
class Selection:
    """What is switched: `off` items of every kind, and `on` the tables that go although their group is off."""

    off: frozenset[str] = frozenset()
    on: frozenset[str] = frozenset()

    def has(self, name: str) -> bool:
        """Whether a table goes to the warehouse, also one that does not exist yet."""
        return name in self.on or not (name in self.off or group_of(name) in self.off)

    def has_column(self, name: str, column: str) -> bool:
        """Whether a column goes, provided that its table does."""
        return f"{name}.{column}" not in self.off

    @property
    def has_every_track_table(self) -> bool:
        """Whether all track event tables go, also those to come."""
        return TRACK_TABLES not in self.off and not any(_is_track_table(item) for item in self.off)

    def switched(self, items: Mapping[str, bool]) -> "Selection":
        """With items on (true) or off: groups first, then tables, then columns, in whatever order they are given.

        To switch a group is to switch each of its tables.
        """
        found = self
        for item in sorted(items, key=_kind):
            found = found._with(item, items[item])
        return found

    def _with(self, item: str, on: bool) -> "Selection":
        said = {name for name in self.on | self.off if _kind(name) == 1 and group_of(name) == item} | {item}
        off, listed = self.off - said, self.on - said
        by_group = _kind(item) == 1 and group_of(item) in off
        if on and by_group:
            listed |= {item}
        elif not on and not by_group:
            off |= {item}
        return Selection(off, listed)


EVERYTHING = Selection()


def group_of(name: str) -> str:
    """The group of a table."""
    return GROUPS[table(name).group]


def needed(name: str) -> frozenset[str]:
    """The columns of a table that cannot be switched off."""
    declared = table(name)
    return _NEEDED.intersection(declared.types).union(declared.key)


def refused(
    items: Mapping[str, bool],
    tables: Sequence[str] = tuple(BY_NAME),
    columns: Callable[[str], Sequence[str]] | None = None,
    was_synced: bool = False,
    limit: int = LIMIT,
) -> str | None:
    """Why the first of the items that cannot be switched cannot be; None where all can.

    Args:
        items: To true (on) or false (off).
        tables: The space's, in the lake's order; without a lake those that are always there.
        columns: Gives those of a table, in the lake's order; without a lake a table may have any.
        was_synced: Whether the warehouse had its first sync. Before it, nobody has seen which track event tables there
            are, and they are switched together.
        limit: See `LIMIT`.
    """
    reasons = (_refused(item, on, tables, columns, was_synced, limit) for item, on in items.items())
    return next(filter(None, reasons), None)


def _refused(
    item: str,
    on: bool,
    tables: Sequence[str],
    columns: Callable[[str], Sequence[str]] | None,
    was_synced: bool,
    limit: int,
) -> str | None:
    name, is_column, column = item.partition(".")
    if item in WORDS:
        return None
    if "-" in name or not name or (is_column and not column):
        return f"{item} is no table, no table.column and no group; the groups are {', '.join(WORDS)}"
    may_be_one = columns is None or name in tables
    if _is_track_table(name) and may_be_one and not was_synced:
        return (
            f"{item}: single track event tables are picked after the warehouse's first sync, by `profiles-sync "
            f"warehouse selection`; before it, {TRACK_TABLES} stands for all of them; the other groups are "
            f"{', '.join(word for word in WORDS if word != TRACK_TABLES)}"
        )
    if reason := _not_managed(name, tables, f"{item}: the lake has no table {name}", "tables", limit):
        return reason
    if not is_column:
        return None
    if column in needed(name) and not on:
        return f"{item} cannot be left out: every sync needs {', '.join(sorted(needed(name)))} of {name}"
    there = [column] if columns is None else columns(name)
    return _not_managed(column, there, f"{item}: the lake's table {name} has no such column", "columns", limit)


def _not_managed(name: str, there: Sequence[str], unknown: str, what: str, limit: int) -> str | None:
    if name not in there:
        return unknown
    if there.index(name) >= limit:
        return f"{name} is not among the first {limit:,} {what}, which is what Selective Sync manages; it is synced"
    return None


def filled(counts: Mapping[str, int], limit: int = LIMIT) -> tuple[list[str], list[str]]:
    """Warnings from 80 % of what Selective Sync manages, and errors at 100 %; nothing stops syncing for either.

    Args:
        counts: Table to the number of its columns.
        limit: See `LIMIT`.
    """
    all_of = [("the space", "tables", len(counts)), *((name, "columns", count) for name, count in counts.items())]
    warnings = [_told(*one, limit) for one in all_of if limit * 0.8 <= one[2] < limit]
    beyond = "what comes next is synced and cannot be left out"
    errors = [f"{_told(*one, limit)}; {beyond}" for one in all_of if one[2] >= limit]
    return warnings, errors


def _told(name: str, what: str, count: int, limit: int) -> str:
    return f"{name} has {count:,} {what}, and Selective Sync manages {limit:,}"


def _is_track_table(item: str) -> bool:
    return _kind(item) == 1 and table(item).group is TRACK_TABLE.group


def _kind(item: str) -> int:
    """0 for a group, 1 for a table, 2 for a column."""
    return 2 if "." in item else 0 if "-" in item else 1
