"""Sync a warehouse: tables in groups, each group in one transaction with the record of how far its tables came."""

import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from types import MappingProxyType

from profiles_sync.errors import AnotherLake, OverLimit, Transient
from profiles_sync.lake.base import Lake
from profiles_sync.lake.faults import problem
from profiles_sync.quality.gate import Gate
from profiles_sync.spec.selection import EVERYTHING, Selection
from profiles_sync.spec.sizes import in_bytes
from profiles_sync.spec.tables import table
from profiles_sync.sync.apply import Work
from profiles_sync.sync.begun import begun
from profiles_sync.sync.gated import passed
from profiles_sync.sync.given import without_rows
from profiles_sync.sync.group import Ready, next_group, one_by_one
from profiles_sync.sync.plan import SendAgain, Step
from profiles_sync.sync.results import TableResult, WarehouseResult, on_its_own, told
from profiles_sync.sync.selected import all_of, followed, later, plan_selected, unmade
from profiles_sync.warehouses.base import INTERNAL, Batch, Cursor
from profiles_sync.warehouses.names import physical
from profiles_sync.warehouses.protocol import Connection, Warehouse
from profiles_sync.watching import steps
from profiles_sync.watching.threads import Threads

_log = logging.getLogger(__name__)
_AHEAD = 8  # tables whose logs are read at once


@dataclass(frozen=True)
class Bounds:
    """What a sync sends.

    Attributes:
        since: Where the lake's tables stood when the warehouse was connected; what they held is for the backfill.
        most_bytes: The size of the files that one sync may send, None for any.
        selection: What goes to the warehouse.
        on_since: Where tables stood when they were switched on; what came before that does not go any more.
        whole: Tables of which all rows go, in place of those that are there.
        gate: What batches have to pass, None where nothing is checked.
        only: The tables that are synced; None for all.
    """

    since: Mapping[str, Cursor] = field(default_factory=dict)
    most_bytes: int | None = None
    selection: Selection = EVERYTHING
    on_since: Mapping[str, Cursor] = field(default_factory=dict)
    whole: Collection[str] = ()
    gate: Gate | None = None
    only: Collection[str] | None = None


#: All that the lake has.
WHOLE = Bounds()


def sync_warehouse(
    warehouse: Warehouse,
    lake: Lake,
    sync_id: str,
    say: Callable[[str], None] = lambda table: None,
    bounds: Bounds = WHOLE,
    waits: Iterable[Callable[[], None]] = (),
) -> WarehouseResult:
    """Bring a warehouse up to the lake. A table that fails does not stop the others; the next run repeats it.

    A table that fails in a way that may be over soon is tried again after all others, and after each of `waits`.
    """
    result, is_connected = WarehouseResult(warehouse.name), False
    try:
        with warehouse.connect() as connection:
            is_connected = True
            with connection.only_sync(warehouse.schema):
                works = _sync_tables(connection, warehouse, lake, sync_id, say, result, bounds)
                _sync_again(connection, warehouse, works, sync_id, say, result, waits, lake.guard)
    except Exception as error:
        _log.debug("warehouse %s", warehouse.name, exc_info=True)
        steps.failed("sync", error, told(error))
        result.error, result.problem = told(error), problem(error)
        result.may_pass = is_connected and isinstance(error, Transient)
    return result


def _sync_tables(
    connection: Connection,
    warehouse: Warehouse,
    lake: Lake,
    sync_id: str,
    say: Callable[[str], None],
    result: WarehouseResult,
    bounds: Bounds,
) -> list[Work]:
    """Returns the tables that failed and may do better soon."""
    dialect, schema, failed = warehouse.dialect, warehouse.schema, list[Work]()
    connection.execute(
        *dialect.create_schema(schema), *dialect.create_schema(INTERNAL), *dialect.create_cursors(schema)
    )
    ready = Ready(passed(_works(connection, warehouse, lake, result, bounds), bounds.gate, result.tables))
    while True:
        works, done = next_group(connection, warehouse, ready, sync_id, say, lake.guard)
        if not works:
            return failed
        failed += _noted(works, done, result)


def _sync_again(
    connection: Connection,
    warehouse: Warehouse,
    works: list[Work],
    sync_id: str,
    say: Callable[[str], None],
    result: WarehouseResult,
    waits: Iterable[Callable[[], None]],
    guard: Callable[[], None],
) -> None:
    for wait in waits:
        if not works:
            return
        say(f"{works[0].name} (again)")
        wait()
        works = _noted(works, one_by_one(connection, warehouse, works, sync_id, guard), result)


def _noted(works: Sequence[Work], done: Mapping[str, TableResult], result: WarehouseResult) -> list[Work]:
    for work in works:
        one = done[work.name]
        one.resent = work.resent
        if not one.error and not work.is_left_out:
            steps.table_done(work.name, one.seconds, one.rows)
    result.tables |= {work.name: done[work.name] for work in works if not work.is_left_out or done[work.name].error}
    return [work for work in works if done[work.name].may_pass]


def _works(
    connection: Connection, warehouse: Warehouse, lake: Lake, result: WarehouseResult, bounds: Bounds
) -> Iterator[Work]:
    """What is to be done for each table; where that cannot be told, the result has the error."""
    known = known_of(connection, warehouse, bounds.since)
    for name, look in _looking(lake, known, bounds):
        with on_its_own(name, result.tables):
            if work := _planned(connection, warehouse, lake, known, name, look, bounds):
                yield work


def pending(warehouse: Warehouse, lake: Lake, bounds: Bounds = WHOLE) -> dict[str, list[Step]]:
    """What a sync would do now, by table; nothing is written."""
    with warehouse.connect(read_only=True) as connection:
        known = known_of(connection, warehouse, bounds.since)
        looks = _looking(lake, known, bounds)
        found = [_planned(connection, warehouse, lake, known, name, look, bounds) for name, look in looks]
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
        begun: Tables that a sync was broken off in while it made them, and where their rows begin, None for all.
    """

    columns: Mapping[str, Mapping[str, str]]
    cursors: Mapping[str, Cursor]
    recorded: Mapping[str, Cursor]
    since: Mapping[str, Cursor]
    unmade: frozenset[str]
    begun: Mapping[str, Cursor | None]

    def after(self, name: str, bounds: Bounds) -> Cursor | None:
        """Where the changes of a table begin; None for all of its rows."""
        at = self.cursors.get(name) or self.begun.get(name) or self.since.get(name)
        return later(at, bounds.on_since.get(name))


def known_of(connection: Connection, warehouse: Warehouse, since: Mapping[str, Cursor] = MappingProxyType({})) -> Known:
    """What a warehouse has now."""
    recorded = warehouse.dialect.record(warehouse.schema) in connection.columns(INTERNAL)
    rows = connection.query(warehouse.dialect.read_cursors(warehouse.schema)) if recorded else []
    cursors = {row[0]: Cursor(row[1], int(row[2]), row[3]) for row in rows}
    columns = connection.columns(warehouse.schema)
    broken_off = begun(cursors)
    whole = {name: cursor for name, cursor in cursors.items() if name not in broken_off}
    there = {name for name in whole if physical(name, warehouse.capabilities) in columns}
    new = {name: at for name, at in since.items() if name not in cursors}
    return Known(columns, followed(whole, there), cursors, new, unmade(whole), broken_off)


def _looking(lake: Lake, known: Known, bounds: Bounds) -> Iterator[tuple[str, Callable[[], Batch | None]]]:
    """Every table that is synced, with what changed in it: the logs of some are read while others are synced."""
    there = lake.public_tables()
    _refuse_without(lake, known, there)
    names = there if bounds.only is None else filter(bounds.only.__contains__, there)
    with Threads(_AHEAD) as readers:
        looks = {name: readers.submit(_changed, lake, known, bounds, name).result for name in names}
        _refuse_another(looks)
        _refuse_more({name: look for name, look in looks.items() if bounds.selection.has(name)}, bounds.most_bytes)
        yield from looks.items()


def _changed(lake: Lake, known: Known, bounds: Bounds, name: str) -> Batch | None:
    found = lake.changes(name, known.after(name, bounds))
    if name in bounds.whole:
        return all_of(lake.changes(name, None))
    return all_of(found) if name in known.begun else found


def _refuse_without(lake: Lake, known: Known, there: Collection[str]) -> None:
    """A lake that lacks a table that is followed is another one."""
    if lost := known.cursors.keys() - set(there):
        raise AnotherLake(
            f"the warehouse has {min(lost)} of a lake that was synced, and {lake.path('')} has no such table; set "
            "lake: to that one, or drop the tables and run again to load this lake's rows instead"
        )


def _refuse_another(looks: Mapping[str, Callable[[], Batch | None]]) -> None:
    """Where one table is not the one that is followed, it is another lake, and none of its tables may be synced."""
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
    bounds: Bounds,
) -> Work | None:
    """A table's changes and the steps for them; None when the warehouse has them all."""
    there = physical(name, warehouse.capabilities)
    existing = known.columns.get(there)
    is_ours = name in known.cursors or name in known.begun
    if existing and not is_ours and connection.query(warehouse.dialect.any_row(warehouse.schema, there)):
        raise AnotherLake(
            f"the table holds rows, and no record in {INTERNAL} says that a sync of this lake put them there; drop the "
            "table to have it loaded whole, or give the warehouse a schema of its own"
        )
    batch = look() or _as_it_was(lake, known, name, bounds)
    if batch is None:
        return None
    chosen, steps = plan_selected(batch, existing, warehouse.capabilities, bounds.selection)
    is_lost = batch.full and name not in known.begun and name not in bounds.whole
    if is_lost and bounds.selection.has(name):
        steps = [SendAgain(there, _why(known.after(name, bounds), batch.cursor)), *steps]
    after = None if is_lost or name in bounds.whole else known.after(name, bounds)
    return Work(chosen, steps, known.recorded.get(name), after)


def _why(followed: Cursor | None, now: Cursor) -> str:
    """A table's changes since the cursor cannot be told."""
    if followed is not None and followed.table_id != now.table_id:
        return "the lake was built anew"
    return f"the lake does not have the changes since version {followed.version if followed else 0} any more"


def _as_it_was(lake: Lake, known: Known, name: str, bounds: Bounds) -> Batch | None:
    """A table that is to be made without rows: nothing has changed since the warehouse was connected, or it was off."""
    is_switched_on = name in known.unmade and bounds.selection.has(name)
    is_missing = name in known.since or name in known.begun or is_switched_on
    at = known.after(name, bounds)
    return without_rows(table(name), lake.types(name), at) if is_missing and at else None
