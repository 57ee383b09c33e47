"""The syncs as lists need them: without the rows of each table, of which there may be thousands in each sync."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

from profiles_sync.console.frame import Here
from profiles_sync.control import history
from profiles_sync.control.history import EVENT_TABLES, EVENT_TYPE, GRAPH, Sync
from profiles_sync.spec.tables import Group, table

GROUPS = (GRAPH, EVENT_TYPE, EVENT_TABLES)
STATUSES = ("Success", "Partial success", "Failed")
SIZE = 25  # syncs on a page


@dataclass(frozen=True)
class Listed:
    """A sync without its tables, and its rows by group, in the order of `GROUPS`."""

    sync: Sync
    groups: tuple[int, int, int]

    @property
    def began(self) -> str:
        """ISO-8601 in UTC."""
        return history.time_of(self.sync.started_at)


@dataclass(frozen=True)
class Page:
    """Some of them; `all` is how many there are in all, `number` begins with 1."""

    syncs: Sequence[Listed]
    all: int
    number: int
    pages: int


def listed(here: Here) -> list[Listed]:
    """Every sync, newest first; the table is read once for each of its versions."""
    return here.remembered.get(
        "syncs", here.lake, [history.SYNCS], lambda: [_listed(one) for one in history.syncs(here.lake)]
    )


def some(every: Sequence[Listed], status: str, warehouse: str, number: int) -> Page:
    """A page of those of a status and a warehouse; "" is any."""
    found = [one for one in every if status in ("", one.sync.status) and warehouse in ("", one.sync.warehouse)]
    pages = max(1, -(-len(found) // SIZE))
    number = min(max(1, number), pages)
    return Page(found[(number - 1) * SIZE : number * SIZE], len(found), number, pages)


def _listed(one: Sync) -> Listed:
    groups = [0, 0, 0]
    for name, rows in one.tables.items():
        groups[_place(name)] += rows
    errors = dict(list(one.errors.items())[:1])
    slim = replace(one, tables={}, errors=errors, resent={}, quality={}, problems=dict(list(one.problems.items())[:1]))
    return Listed(slim, (groups[0], groups[1], groups[2]))


@cache
def _place(name: str) -> int:
    return {Group.EVENT_TYPE: 1, Group.TRACK: 2}.get(table(name).group, 0)
