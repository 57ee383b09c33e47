"""Marks in a warehouse's record of the tables that a sync is making, where no transaction holds a table and its record.

A sync that is broken off leaves its mark, and the next one puts the rows of such a table in place of what is there.
"""

from collections.abc import Mapping

from profiles_sync.warehouses.base import BEGUN, Cursor


def mark(table_id: str, after: Cursor | None) -> Cursor:
    """The mark of a table: its version, at most `BEGUN`, keeps where its rows begin, None for all that the lake has."""
    return Cursor(table_id, BEGUN) if after is None else Cursor(table_id, BEGUN - 1 - after.version, after.commit)


def begun(cursors: Mapping[str, Cursor]) -> dict[str, Cursor | None]:
    """The tables that are marked in a record, and where their rows begin."""
    return {name: _after(one) for name, one in cursors.items() if one.version <= BEGUN}


def _after(marked: Cursor) -> Cursor | None:
    if marked.version == BEGUN:
        return None
    return Cursor(marked.table_id, BEGUN - 1 - marked.version, marked.commit)
