"""Tables of a sync where a transaction holds one statement: each by itself, some beside each other."""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

from profiles_sync.errors import ProfilesSyncError
from profiles_sync.sync.apply import Work, busy, change, make_ready, recorded, unload
from profiles_sync.sync.begun import mark
from profiles_sync.sync.plan import CreateTable
from profiles_sync.sync.results import TableResult, on_its_own
from profiles_sync.warehouses.base import Cursor, Staged
from profiles_sync.warehouses.protocol import Connection, Warehouse
from profiles_sync.watching.here import at
from profiles_sync.watching.threads import Threads


def apply_each(
    connection: Connection,
    warehouse: Warehouse,
    works: Sequence[Work],
    sync_id: str,
    guard: Callable[[], None] = lambda: None,
) -> dict[str, TableResult]:
    """Bring each table up to the lake by statements that can be repeated, then record those for which that went well.

    A table that has to be created is recorded as begun before that: rows that no record stands for would be taken for
    somebody else's. Rows are replaced by one statement, and an old record stands for newer rows too: what came after
    it can be applied again. `guard` is asked before anything is recorded.

    Raises:
        WarehouseBusy: Another sync has moved on one of them meanwhile.
    """
    guard()
    works = _begun(connection, warehouse, works, sync_id)
    results: dict[str, TableResult] = {}
    pool = Threads(warehouse.capabilities.at_once)
    try:
        coming = {work.name: pool.submit(_apply_rows, connection, warehouse, work) for work in works}
        for name, one in coming.items():
            with on_its_own(name, results):
                results[name] = one.result()
    finally:
        pool.shutdown(cancel_futures=True)
    done = [work for work in works if not results[work.name].error]
    guard()
    _move(connection, warehouse, done, {work.name: work.batch.cursor for work in done}, sync_id)
    return results


def _begun(connection: Connection, warehouse: Warehouse, works: Sequence[Work], sync_id: str) -> list[Work]:
    made = [work for work in works if any(isinstance(step, CreateTable) for step in work.steps)]
    marks = {work.name: mark(work.batch.cursor.table_id, work.after) for work in made}
    _move(connection, warehouse, made, marks, sync_id)
    return [replace(work, recorded=marks.get(work.name, work.recorded)) for work in works]


def _apply_rows(connection: Connection, warehouse: Warehouse, work: Work) -> TableResult:
    staged: dict[str, Staged] = {}
    began = time.monotonic()
    try:
        with at(table=work.name):
            make_ready(connection, warehouse.dialect, warehouse.schema, work, staged)
            done = change(connection, warehouse.dialect, warehouse.schema, work, staged)
        done.seconds = time.monotonic() - began
        return done
    finally:
        with suppress(ProfilesSyncError):  # what is left there is replaced by the next run
            unload(connection, staged)


def _move(
    connection: Connection, warehouse: Warehouse, works: Sequence[Work], now: Mapping[str, Cursor], sync_id: str
) -> None:
    """The record of some tables, in place of the one that this sync began from."""
    if not works:
        return
    moved = warehouse.dialect.move_cursors(warehouse.schema, dict(recorded(works)), now, sync_id)
    if connection.execute(*moved) != len(works):
        raise busy(warehouse.schema, now)
