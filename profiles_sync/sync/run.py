"""Sync a warehouse: tables in groups, each group in one transaction with the record of how far its tables came."""

import logging
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import islice
from types import MappingProxyType

from profiles_sync.errors import (
    AnotherLake,
    LockLost,
    OverLimit,
    ProfilesSyncError,
    Transient,
    WarehouseBusy,
    WarehouseUnreachable,
    problem_in,
)
from profiles_sync.lake.base import Lake
from profiles_sync.lake.faults import explained
from profiles_sync.spec.selection import EVERYTHING, Selection
from profiles_sync.spec.sizes import in_bytes
from profiles_sync.spec.tables import table
from profiles_sync.sync.apply import Work, apply
from profiles_sync.sync.empty import Unchanged
from profiles_sync.sync.plan import Step
from profiles_sync.sync.results import TableResult, WarehouseResult
from profiles_sync.sync.selected import all_of, followed, later, plan_selected, unmade
from profiles_sync.warehouses.base import INTERNAL, Batch, Cursor, Transactions
from profiles_sync.warehouses.names import physical
from profiles_sync.warehouses.protocol import Connection, Warehouse

_log = logging.getLogger(__name__)
# The warehouse is gone, another sync has it, or another run has the lake: so it is for every other table.
_ENDS = (WarehouseBusy, WarehouseUnreachable, LockLost)
_AHEAD = 8  # tables whose logs are read at once
_TABLES, _ROWS = 100, 20_000  # that one transaction may hold; a table of more rows is the last of its group


@dataclass(frozen=True)
class Bounds:
    """What a sync sends.

    Attributes:
        since: Where the lake's tables stood when the warehouse was connected; what they held is for the backfill.
        most_bytes: The size of the files that one sync may send, None for any.
        selection: What goes to the warehouse.
        on_since: Where tables stood when they were switched on; what came before that does not go any more.
        whole: Tables of which all rows go, in place of those that are there.
    """

    since: Mapping[str, Cursor] = field(default_factory=dict)
    most_bytes: int | None = None
    selection: Selection = EVERYTHING
    on_since: Mapping[str, Cursor] = field(default_factory=dict)
    whole: Collection[str] = ()


#: All that the lake has.
WHOLE = Bounds()


def sync_warehouse(
    warehouse: Warehouse,
    lake: Lake,
    sync_id: str,
    say: Callable[[str], None] = lambda table: None,
    bounds: Bounds = WHOLE,
) -> WarehouseResult:
    """Bring a warehouse up to the lake. A table that fails does not stop the others; the next run repeats it."""
    result, is_connected = WarehouseResult(warehouse.name), False
    try:
        with warehouse.connect() as connection:
            is_connected = True
            with connection.only_sync(warehouse.schema):
                _sync_tables(connection, warehouse, lake, sync_id, say, result, bounds)
    except Exception as error:
        _log.debug("warehouse %s", warehouse.name, exc_info=True)
        result.error, result.problem = _told(error), problem_in(error)
        result.may_pass = is_connected and isinstance(error, Transient)
    return result


def _told(error: Exception) -> str:
    return str(error) if isinstance(error, ProfilesSyncError) else explained(error)


def _sync_tables(
    connection: Connection,
    warehouse: Warehouse,
    lake: Lake,
    sync_id: str,
    say: Callable[[str], None],
    result: WarehouseResult,
    bounds: Bounds,
) -> None:
    dialect = warehouse.dialect
    connection.execute(
        *dialect.create_schema(warehouse.schema), *dialect.create_schema(INTERNAL), *dialect.create_cursors()
    )
    ready = Ready(_works(connection, warehouse, lake, result, bounds))
    while True:
        begun, done = next_group(connection, warehouse, ready, sync_id, say, lake.guard)
        if not begun:
            return
        result.tables |= {work.name: done[work.name] for work in begun if not work.is_left_out or done[work.name].error}


@dataclass
class Ready:
    """Tables whose work is planned, some ahead: before their transaction begins, which a refused query may spoil."""

    works: Iterator[Work]
    planned: deque[Work] = field(default_factory=deque)

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
    some, rows = min(_TABLES, warehouse.capabilities.tables_at_once), _ROWS
    if warehouse.capabilities.transactions is Transactions.NONE:
        some, rows = 1, 0
    ready.plan(some)
    begun: list[Work] = []
    try:
        done = apply(connection, warehouse, _noted(ready.planned, begun, say), sync_id, rows, guard)
    except _ENDS:
        raise
    except Exception:  # one of them failed, and none was changed
        if not begun:
            raise
        _log.debug("tables %s", begun, exc_info=True)
        done = _one_by_one(connection, warehouse, begun, sync_id, guard)
    return begun, done


def _noted(works: deque[Work], begun: list[Work], say: Callable[[str], None]) -> Iterator[Work]:
    while works:
        begun.append(work := works.popleft())
        say(work.name)
        yield work


def _one_by_one(
    connection: Connection, warehouse: Warehouse, works: Iterable[Work], sync_id: str, guard: Callable[[], None]
) -> dict[str, TableResult]:
    """A table that fails does not stop the others."""
    results: dict[str, TableResult] = {}
    for work in works:
        with on_its_own(work.name, results):
            results |= apply(connection, warehouse, [work], sync_id, guard=guard)
    return results


def _works(
    connection: Connection, warehouse: Warehouse, lake: Lake, result: WarehouseResult, bounds: Bounds
) -> Iterator[Work]:
    """What is to be done for each table; where that cannot be told, the result has the error."""
    known = known_of(connection, warehouse, bounds.since)
    for name, look in _looking(lake, known, bounds):
        with on_its_own(name, result.tables):
            if work := _planned(connection, warehouse, lake, known, name, look, bounds.selection):
                yield work


@contextmanager
def on_its_own(name: str, results: dict[str, TableResult]) -> Iterator[None]:
    """What goes wrong with one table is its result and stops no other."""
    try:
        yield
    except _ENDS:
        raise
    except Exception as error:  # one table's surprise may not stop the others
        _log.debug("table %s", name, exc_info=True)
        results[name] = TableResult(error=_told(error), problem=problem_in(error))


def pending(warehouse: Warehouse, lake: Lake, bounds: Bounds = WHOLE) -> dict[str, list[Step]]:
    """What a sync would do now, by table; nothing is written."""
    with warehouse.connect(read_only=True) as connection:
        known, chosen = known_of(connection, warehouse, bounds.since), bounds.selection
        looks = _looking(lake, known, bounds)
        found = [_planned(connection, warehouse, lake, known, name, look, chosen) for name, look in looks]
        return {work.name: list(work.steps) for work in filter(None, found) if work.steps}


@dataclass(frozen=True)
class Known:
    """What a warehouse has.

    Attributes:
        columns: Column to type per table.
        cursors: How far each lake table that it has is followed.
        recorded: Its record, also of tables that it has no more.
        since: Where a table that it never had is followed from.
        unmade: Tables that are recorded and were never made, because they were off.
    """

    columns: Mapping[str, Mapping[str, str]]
    cursors: Mapping[str, Cursor]
    recorded: Mapping[str, Cursor]
    since: Mapping[str, Cursor]
    unmade: frozenset[str]


def known_of(connection: Connection, warehouse: Warehouse, since: Mapping[str, Cursor] = MappingProxyType({})) -> Known:
    """What a warehouse has now."""
    recorded = "cursors" in connection.columns(INTERNAL)
    rows = connection.query(warehouse.dialect.read_cursors(warehouse.schema)) if recorded else []
    cursors = {row[0]: Cursor(row[1], int(row[2]), row[3]) for row in rows}
    columns = connection.columns(warehouse.schema)
    there = {name for name in cursors if physical(name, warehouse.capabilities) in columns}
    new = {name: at for name, at in since.items() if name not in cursors}
    return Known(columns, followed(cursors, there), cursors, new, unmade(cursors))


def _looking(lake: Lake, known: Known, bounds: Bounds) -> Iterator[tuple[str, Callable[[], Batch | None]]]:
    """Every table with what changed in it: the logs of some are read while others are synced."""
    with ThreadPoolExecutor(_AHEAD) as readers:
        looks = {name: readers.submit(_changed, lake, known, bounds, name).result for name in lake.public_tables()}
        _refuse_another(lake, known, looks)
        _refuse_more({name: look for name, look in looks.items() if bounds.selection.has(name)}, bounds.most_bytes)
        yield from looks.items()


def _changed(lake: Lake, known: Known, bounds: Bounds, name: str) -> Batch | None:
    cursor = later(known.cursors.get(name) or known.since.get(name), bounds.on_since.get(name))
    found = lake.changes(name, cursor)
    return all_of(lake.changes(name, None)) if name in bounds.whole else found


def _refuse_another(lake: Lake, known: Known, looks: Mapping[str, Callable[[], Batch | None]]) -> None:
    """Where one table is not the one that is followed, it is another lake, and none of its tables may be synced."""
    if lost := known.cursors.keys() - looks.keys():
        raise AnotherLake(
            f"the warehouse has {min(lost)} of a lake that was synced, and {lake.path('')} has no such table; set "
            "lake: to that one, or drop the tables and run again to load this lake's rows instead"
        )
    for look in looks.values():
        try:
            look()
        except AnotherLake:
            raise
        except Exception:  # is told where the table is synced
            _log.debug("look", exc_info=True)


def _refuse_more(looks: Mapping[str, Callable[[], Batch | None]], most: int | None) -> None:
    """What is to be sent is measured before the first row goes."""
    if most is None:
        return
    size = 0
    for look in looks.values():
        with suppress(Exception):  # is told where the table is synced
            size += getattr(look(), "bytes", 0)
    if size > most:
        raise OverLimit(
            f"the sync would send {in_bytes(size)} of the lake's files, and limits.sync_bytes lets {in_bytes(most)} "
            "through; nothing was written; raise the limit, or let the warehouse be added anew and its history be sent "
            "in parts by `profiles-sync backfill --from … --to … --tables …`"
        )


def _planned(
    connection: Connection,
    warehouse: Warehouse,
    lake: Lake,
    known: Known,
    name: str,
    look: Callable[[], Batch | None],
    selection: Selection,
) -> Work | None:
    """A table's changes and the steps for them; None when the warehouse has them all."""
    there = physical(name, warehouse.capabilities)
    existing = known.columns.get(there)
    if existing and name not in known.cursors and connection.query(warehouse.dialect.any_row(warehouse.schema, there)):
        raise AnotherLake(
            f"the table holds rows, and no record in {INTERNAL} says that a sync of this lake put them there; drop the "
            "table to have it loaded whole, or give the warehouse a schema of its own"
        )
    batch = look() or _as_it_was(lake, known, name, selection)
    if batch is None:
        return None
    return Work(*plan_selected(batch, existing, warehouse.capabilities, selection), known.recorded.get(name))


def _as_it_was(lake: Lake, known: Known, name: str, selection: Selection) -> Batch | None:
    """A table that is to be made without rows: nothing has changed since the warehouse was connected, or it was off."""
    is_missing = name in known.since or (name in known.unmade and selection.has(name))
    at = known.since.get(name) or known.cursors.get(name)
    return Unchanged(table(name), lake.types(name), at) if is_missing and at else None
