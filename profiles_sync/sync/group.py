"""Some tables of a sync: together where the warehouse can hold them together, else each by itself."""

import logging
import math
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice

from profiles_sync.sync.apply import Work, apply
from profiles_sync.sync.each import apply_each
from profiles_sync.sync.results import ENDS, TableResult, on_its_own
from profiles_sync.warehouses.base import Transactions
from profiles_sync.warehouses.protocol import Connection, Warehouse

_log = logging.getLogger(__name__)
_TABLES, _ROWS = 100, 20_000  # that one transaction may hold; a table of more rows is the last of its group


@dataclass
class Ready:
    """Tables whose work is planned, some ahead: before their transaction begins, which a refused query may spoil.

    After `until`, of `time.monotonic`, no further one joins a group that has one.
    """

    works: Iterator[Work]
    planned: deque[Work] = field(default_factory=deque)
    until: float = math.inf

    def plan(self, some: int) -> None:
        """Plan as many as may go together."""
        self.planned.extend(islice(self.works, max(some - len(self.planned), 0)))


def next_group(
    connection: Connection,
    warehouse: Warehouse,
    ready: Ready,
    sync_id: str,
    say: Callable[[str], None],
    guard: Callable[[], None],
) -> tuple[list[Work], dict[str, TableResult]]:
    """Some of the tables, in one transaction; where that fails, one by one. No tables where there are none left."""
    ready.plan(min(_TABLES, warehouse.capabilities.tables_at_once))
    begun: list[Work] = []
    try:
        done = apply_group(connection, warehouse, _noted(ready, begun, say), sync_id, _ROWS, guard)
    except ENDS:
        raise
    except Exception:  # one of them failed, and none was recorded
        if not begun:
            raise
        _log.debug("tables %s", [work.name for work in begun], exc_info=True)
        done = one_by_one(connection, warehouse, begun, sync_id, guard)
    return begun, done


def _noted(ready: Ready, begun: list[Work], say: Callable[[str], None]) -> Iterator[Work]:
    while ready.planned and not (begun and time.monotonic() > ready.until):
        begun.append(work := ready.planned.popleft())
        say(work.name)
        yield work


def apply_group(
    connection: Connection,
    warehouse: Warehouse,
    works: Iterable[Work],
    sync_id: str,
    most: int = 0,
    guard: Callable[[], None] = lambda: None,
) -> dict[str, TableResult]:
    """Bring tables up to the lake, see `apply`; where a transaction holds one statement, see `apply_each`."""
    if warehouse.capabilities.transactions is Transactions.NONE:
        return apply_each(connection, warehouse, list(works), sync_id, guard)
    return apply(connection, warehouse, works, sync_id, most, guard)


def one_by_one(
    connection: Connection, warehouse: Warehouse, works: Iterable[Work], sync_id: str, guard: Callable[[], None]
) -> dict[str, TableResult]:
    """A table that fails does not stop the others."""
    results: dict[str, TableResult] = {}
    for work in works:
        with on_its_own(work.name, results):
            results |= apply_group(connection, warehouse, [work], sync_id, guard=guard)
    return results
