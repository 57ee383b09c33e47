"""Sync a warehouse from what is staged: a group of tables in each transaction, and the warehouse is free in between."""

import time
from collections.abc import Callable, Iterator

from profiles_sync.control import backfills
from profiles_sync.control.backfills import Backfill, Step
from profiles_sync.lake.area import Area
from profiles_sync.lake.base import Lake
from profiles_sync.spec.selection import Selection
from profiles_sync.sync.apply import Work
from profiles_sync.sync.backfill.batch import batch_of
from profiles_sync.sync.group import Ready, next_group
from profiles_sync.sync.results import TableResult, on_its_own
from profiles_sync.sync.run import Known, known_of
from profiles_sync.sync.selected import plan_selected
from profiles_sync.warehouses.names import physical
from profiles_sync.warehouses.protocol import Connection, Warehouse


def send(
    warehouse: Warehouse, lake: Lake, area: Area, one: Backfill, selection: Selection, say: Callable[[str], None]
) -> Backfill:
    """Bring a warehouse every table that it lacks; one that fails is left to the next time.

    What was switched off since the backfill was asked for is left out.

    Raises:
        Transient: The warehouse went away or is busy; what was sent is written down.
    """
    left = one.waiting
    while left:
        began = time.monotonic()
        with warehouse.connect() as connection, connection.only_sync(warehouse.schema):
            tried, done = _group(connection, warehouse, lake, area, one, selection, left, say)
        left = [name for name in left if name not in tried]
        one = _noted(lake, one, done, time.monotonic() - began)
    if not one.waiting:
        one = backfills.note(lake, one, Step.COMPLETED)
    return one


def _group(
    connection: Connection,
    warehouse: Warehouse,
    lake: Lake,
    area: Area,
    one: Backfill,
    selection: Selection,
    left: list[str],
    say: Callable[[str], None],
) -> tuple[list[str], dict[str, TableResult]]:
    """The tables that were looked at, and what became of them."""
    known, told = known_of(connection, warehouse), dict[str, TableResult]()
    ready = Ready(_works(warehouse, lake, area, known, selection, left, told))
    begun, done = next_group(connection, warehouse, ready, f"backfill {one.id}", say, lake.guard)
    return [*told, *(work.name for work in begun)], done | told


def _works(
    warehouse: Warehouse,
    lake: Lake,
    area: Area,
    known: Known,
    selection: Selection,
    left: list[str],
    told: dict[str, TableResult],
) -> Iterator[Work]:
    for name in left:
        with on_its_own(name, told):
            if not selection.has(name):
                told[name] = TableResult()
            elif (work := _work(warehouse, lake, area, known, selection, name)) is None:
                told[name] = TableResult(error="the warehouse has no such table yet; the next run syncs it first")
            else:
                yield work


def _work(warehouse: Warehouse, lake: Lake, area: Area, known: Known, selection: Selection, name: str) -> Work | None:
    """The steps for a table that the live sync has made; None for one that it has to make first."""
    existing = known.columns.get(physical(name, warehouse.capabilities))
    recorded, kept = known.cursors.get(name), area.get(name)
    if existing is None or recorded is None or kept is None:
        return None
    batch = batch_of(kept, name, lake, recorded)
    return Work(*plan_selected(batch, existing, warehouse.capabilities, selection), recorded)


def _noted(lake: Lake, one: Backfill, done: dict[str, TableResult], seconds: float) -> Backfill:
    sent = {name: result.rows for name, result in done.items() if not result.error}
    errors = {name: result.error for name, result in done.items() if result.error}
    return backfills.note(lake, one, Step.SENT, {"tables": sent, "errors": errors, "seconds": seconds})
