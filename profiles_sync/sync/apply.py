"""Carry out the steps of some tables, all or none, with the record of how far they came."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass

from profiles_sync.errors import ProfilesSyncError, WarehouseBusy, WarehouseRefused
from profiles_sync.quality.keys import Keys
from profiles_sync.sync.plan import (
    AddColumns,
    AppendRows,
    CreateTable,
    LeaveOut,
    LoadStaging,
    MergeRows,
    SendAgain,
    Step,
)
from profiles_sync.sync.reconciling import reconcile
from profiles_sync.sync.results import TableResult
from profiles_sync.warehouses.base import Batch, Cursor, Staged, Transactions
from profiles_sync.warehouses.protocol import Connection, Warehouse
from profiles_sync.warehouses.sql import Dialect
from profiles_sync.watching.here import at


@dataclass(frozen=True)
class Work:
    """One table of a sync.

    Attributes:
        batch: What changed in it.
        steps: For that.
        recorded: The cursor that the warehouse's record has.
        after: Where its changes begin, None for all of its rows.
        keys: Those that the warehouse has to have of it afterwards, where that is looked at.
    """

    batch: Batch
    steps: Sequence[Step]
    recorded: Cursor | None
    after: Cursor | None = None
    keys: Keys | None = None

    @property
    def name(self) -> str:
        """The lake's name of the table."""
        return self.batch.table.name

    @property
    def resent(self) -> str | None:
        """Why all of its rows are sent again, where they are."""
        return next((step.why for step in self.steps if isinstance(step, SendAgain)), None)

    @property
    def is_new(self) -> bool:
        """Whether the warehouse has no such table yet."""
        return any(isinstance(step, CreateTable) for step in self.steps)

    @property
    def is_left_out(self) -> bool:
        """Whether nothing but the cursor is touched."""
        return all(isinstance(step, LeaveOut) for step in self.steps)


def apply(
    connection: Connection,
    warehouse: Warehouse,
    works: Iterable[Work],
    sync_id: str,
    most: int = 0,
    guard: Callable[[], None] = lambda: None,
) -> dict[str, TableResult]:
    """Bring tables up to the lake, all or none: those of `works`, until one brings the rows to `most`.

    Where a transaction cannot hold tables and columns together with rows, they are made before it. `guard` is asked
    before the record is written.

    Raises:
        WarehouseBusy: Another sync has moved on one of them meanwhile.
    """
    dialect, schema, holds = warehouse.dialect, warehouse.schema, warehouse.capabilities.transactions
    staged: dict[str, Staged] = {}
    results: dict[str, TableResult] = {}
    taken: list[Work] = []
    seconds = dict[str, float]()
    try:
        with _held(connection, holds is Transactions.ALL):
            for work in works:
                taken.append(work)
                with _at_table(work, seconds):
                    make_ready(connection, dialect, schema, work, staged)
                rows = sum(one.rows for one in staged.values()) + sum(one.staged for one in results.values())
                if holds is Transactions.ALL:
                    with _at_table(work, seconds):
                        results[work.name] = change(connection, dialect, schema, work, staged)
                    unload(connection, staged)
                if rows >= most:
                    break
            with _held(connection, holds is Transactions.ROWS):
                for work in taken[len(results) :]:
                    with _at_table(work, seconds):
                        results[work.name] = change(connection, dialect, schema, work, staged)
                guard()
                _record(connection, dialect, schema, taken, sync_id)
    finally:
        with suppress(ProfilesSyncError):  # what is left there is replaced by the next run
            unload(connection, staged)
    for name, result in results.items():
        result.seconds = seconds[name]
    return results


@contextmanager
def _at_table(work: Work, seconds: dict[str, float]) -> Iterator[None]:
    """What is done meanwhile is the table's."""
    began = time.monotonic()
    with at(table=work.name):
        yield
    seconds[work.name] = seconds.get(work.name, 0) + time.monotonic() - began


def _held(connection: Connection, together: bool) -> AbstractContextManager[None]:
    return connection.transaction() if together else nullcontext()


def make_ready(connection: Connection, dialect: Dialect, schema: str, work: Work, staged: dict[str, Staged]) -> None:
    """Its table and columns, and the changed rows beside the table."""
    if made := [statement for step in work.steps for statement in _definitions(dialect, schema, step)]:
        connection.execute(*made)
    for step in work.steps:
        if isinstance(step, LoadStaging):
            staged[work.name] = connection.load(work.batch, dialect.staging(schema, step.table), step.names)


def _definitions(dialect: Dialect, schema: str, step: Step) -> list[str]:
    match step:
        case CreateTable(table, columns, keys):
            return dialect.create_table(schema, table, columns, keys)
        case AddColumns(table, columns):
            return dialect.add_columns(schema, table, columns)
        case _:
            return []


def change(
    connection: Connection, dialect: Dialect, schema: str, work: Work, staged: Mapping[str, Staged]
) -> TableResult:
    """The rows of one table."""
    result = TableResult()
    for step in work.steps:
        if isinstance(step, AppendRows | MergeRows):
            _apply_rows(connection, dialect, schema, step, staged[work.name], result)
            if work.keys is not None:
                reconcile(connection, dialect, schema, step, staged[work.name], work.keys, work.is_new)
    return result


def _apply_rows(
    connection: Connection,
    dialect: Dialect,
    schema: str,
    step: AppendRows | MergeRows,
    staged: Staged,
    result: TableResult,
) -> None:
    result.staged, result.cut = staged.rows, staged.cut
    if staged.rows:
        _count_misfits(connection, dialect, step, staged, result)
    values = dialect.values(step.columns, step.casts)
    if step.replace:  # not before it is known that every key fits: not every warehouse takes that back
        if _replaced_at_once(connection, dialect, schema, step, staged, values, result):
            return
        connection.execute(*_removed(dialect, schema, step, staged, values))
    if not staged.rows:
        return
    if isinstance(step, AppendRows):
        keys_differ = staged.keys_differ and step.keys[0] not in step.casts  # a cast makes one key of two
        appended = dialect.append(schema, step.table, staged.source, step.keys[0], values, keys_differ)
        result.rows = connection.execute(*appended)
        result.duplicates = staged.rows - result.rows
    else:
        result.rows = connection.execute(*dialect.merge(schema, step.table, staged.source, step.keys, values))


def _replaced_at_once(
    connection: Connection,
    dialect: Dialect,
    schema: str,
    step: AppendRows | MergeRows,
    staged: Staged,
    values: Mapping[str, str],
    result: TableResult,
) -> bool:
    """Whether one statement put the staged rows in place of the table's."""
    key = step.keys[0] if isinstance(step, AppendRows) else None
    if step.keeps or not staged.rows:
        return False
    if not (at_once := dialect.replace(schema, step.table, staged.source, key, values)):
        return False
    connection.execute(*at_once)
    result.rows = int(connection.query(dialect.count_rows(schema, step.table))[0][0])
    result.duplicates = staged.rows - result.rows if key else 0
    return True


def _removed(
    dialect: Dialect, schema: str, step: AppendRows | MergeRows, staged: Staged, values: Mapping[str, str]
) -> list[str]:
    """What goes before the rows of a table are replaced: where a column keeps what it has, only rows that are gone."""
    if step.keeps and staged.rows:
        return dialect.delete_missing(schema, step.table, staged.source, step.keys, values)
    return dialect.delete_all(schema, step.table)


def _count_misfits(
    connection: Connection, dialect: Dialect, step: AppendRows | MergeRows, staged: Staged, result: TableResult
) -> None:
    """Values that do not fit their column are counted; a key that does not fit is refused."""
    if not step.casts:
        return
    query = dialect.count_misfits(staged.source, step.casts, isinstance(step, MergeRows))
    counts = [int(count) for count in connection.query(query)[0]]
    lost = dict(zip(step.casts, counts[::2], strict=True))
    cut = dict(zip(step.casts, counts[1::2], strict=True))
    if unfit := [key for key in step.keys if lost.get(key) or cut.get(key)]:
        key = unfit[0]
        raise WarehouseRefused(
            f"{step.table}.{key} is {step.casts[key].kept} in the warehouse and {lost[key] + cut[key]} keys do not "
            "fit; give the column its type back, the next run repeats the table"
        )
    result.cast_to_null = sum(lost.values())
    result.cut += sum(cut.values())


def _record(connection: Connection, dialect: Dialect, schema: str, works: Sequence[Work], sync_id: str) -> None:
    """How far the tables came, in place of what was recorded before this sync."""
    if not works:
        return
    before = dict(recorded(works))
    if before and connection.execute(*dialect.forget_cursors(schema, before)) != len(before):
        raise busy(schema, before)
    connection.execute(*dialect.record_cursors(schema, {work.name: work.batch.cursor for work in works}, sync_id))


def busy(schema: str, tables: Iterable[str]) -> WarehouseBusy:
    """Another sync moved on the record of tables that this one has applied."""
    return WarehouseBusy(
        f"another sync of schema {schema} is under way: it has moved on {', '.join(sorted(tables))} meanwhile; "
        "let one run at a time sync it"
    )


def recorded(works: Sequence[Work]) -> Iterator[tuple[str, Cursor]]:
    """The cursors that the warehouse had when the sync began."""
    for work in works:
        if work.recorded is not None:
            yield work.name, work.recorded


def unload(connection: Connection, staged: dict[str, Staged]) -> None:
    """Remove what was loaded."""
    while staged:
        connection.unload(staged.popitem()[1])
