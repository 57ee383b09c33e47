"""Carry out a sync: each table on its own, each in one transaction with the record of how far it came."""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

from profiles_sync.errors import AnotherLake, ProfilesSyncError, WarehouseRefused
from profiles_sync.lake.changes import changes
from profiles_sync.lake.faults import explained
from profiles_sync.lake.listing import public_tables
from profiles_sync.lake.tables import Lake
from profiles_sync.sync.plan import AddColumns, AppendRows, CreateTable, LoadStaging, MergeRows, Step, plan_table
from profiles_sync.warehouses import sql
from profiles_sync.warehouses.base import INTERNAL, OPERATION, Batch, Connection, Cursor, Warehouse
from profiles_sync.warehouses.names import physical

_log = logging.getLogger(__name__)
_AHEAD = 8  # tables whose logs are read at once
SUCCESS, PARTIAL, FAILED = "Success", "Partial success", "Failed"


@dataclass
class TableResult:
    """One table of a sync. `duplicates` had an `id` that the warehouse has, `cast_to_null` did not fit the column."""

    staged: int = 0
    rows: int = 0
    duplicates: int = 0
    cast_to_null: int = 0
    error: str | None = None


@dataclass
class WarehouseResult:
    """One warehouse of a sync."""

    name: str
    tables: dict[str, TableResult] = field(default_factory=dict)
    error: str | None = None

    @property
    def rows(self) -> int:
        """Synced rows."""
        return sum(table.rows for table in self.tables.values())

    @property
    def odd_rows(self) -> dict[str, int]:
        """Rows with an `id` that the warehouse has already, and values that did not fit their column."""
        tables = self.tables.values()
        return {
            "duplicates": sum(table.duplicates for table in tables),
            "cast_to_null": sum(table.cast_to_null for table in tables),
        }

    @property
    def status(self) -> str:
        """Success: all synced correctly, also when there was nothing; Failed: nothing did."""
        failed = [table for table in self.tables.values() if table.error]
        if self.error or (failed and len(failed) == len(self.tables)):
            return FAILED
        return PARTIAL if failed else SUCCESS


def sync_warehouse(
    warehouse: Warehouse, lake: Lake, sync_id: str, say: Callable[[str], None] = lambda table: None
) -> WarehouseResult:
    """Bring a warehouse up to the lake. A table that fails does not stop the others; the next run repeats it."""
    result = WarehouseResult(warehouse.name)
    try:
        with warehouse.connect() as connection:
            _prepare(connection, warehouse.schema)
            known = _known(connection, warehouse)
            for name, look in _looking(lake, known):
                with _on_its_own(name, result):
                    if planned := _planned(connection, warehouse, known, name, look):
                        say(name)
                        done = _sync_table(connection, warehouse, *planned, sync_id)
                        result.tables |= {name: done} if planned[1] else {}
    except ProfilesSyncError as error:
        result.error = str(error)
    except Exception as error:
        _log.debug("warehouse %s", warehouse.name, exc_info=True)
        result.error = explained(error)
    return result


@contextmanager
def _on_its_own(name: str, result: WarehouseResult) -> Iterator[None]:
    try:
        yield
    except ProfilesSyncError as error:
        result.tables[name] = TableResult(error=str(error))
    except Exception as error:  # one table's surprise may not stop the others
        _log.debug("table %s", name, exc_info=True)
        result.tables[name] = TableResult(error=explained(error))


def pending(warehouse: Warehouse, lake: Lake) -> dict[str, list[Step]]:
    """What a sync would do now, by table; nothing is written."""
    with warehouse.connect(read_only=True) as connection:
        known = _known(connection, warehouse)
        found = [_planned(connection, warehouse, known, name, look) for name, look in _looking(lake, known)]
        return {batch.table.name: steps for batch, steps in filter(None, found) if steps}


def _prepare(connection: Connection, schema: str) -> None:
    for statement in (sql.create_schema(schema), sql.create_schema(INTERNAL), sql.create_cursors()):
        connection.execute(statement)


@dataclass(frozen=True)
class _Known:
    """What a warehouse has: column to type per table, and how far each lake table that it has is followed."""

    columns: Mapping[str, Mapping[str, str]]
    cursors: Mapping[str, Cursor]


def _known(connection: Connection, warehouse: Warehouse) -> _Known:
    recorded = "cursors" in connection.columns(INTERNAL)
    rows = connection.query(sql.read_cursors(warehouse.schema)) if recorded else []
    columns = connection.columns(warehouse.schema)
    # Where there is no table, somebody dropped it: the cursor stands for rows that are gone.
    followed = [row for row in rows if physical(row[0], warehouse.capabilities) in columns]
    return _Known(columns, {row[0]: Cursor(row[1], int(row[2]), row[3]) for row in followed})


def _looking(lake: Lake, known: _Known) -> Iterator[tuple[str, Callable[[], Batch | None]]]:
    """Every table with what changed in it: the logs of some are read while others are synced."""
    with ThreadPoolExecutor(_AHEAD) as readers:
        looks = {
            name: readers.submit(changes, lake, name, known.cursors.get(name)).result for name in public_tables(lake)
        }
        _refuse_another(lake, known, looks)
        yield from looks.items()


def _refuse_another(lake: Lake, known: _Known, looks: Mapping[str, Callable[[], Batch | None]]) -> None:
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


def _planned(
    connection: Connection, warehouse: Warehouse, known: _Known, name: str, look: Callable[[], Batch | None]
) -> tuple[Batch, list[Step]] | None:
    """A table's changes and the steps for them; None when the warehouse has them all."""
    there = physical(name, warehouse.capabilities)
    existing = known.columns.get(there)
    if existing and name not in known.cursors and connection.query(sql.any_row(warehouse.schema, there)):
        raise AnotherLake(
            f"the table holds rows, and no record in {INTERNAL} says that a sync of this lake put them there; drop the "
            "table to have it loaded whole, or give the warehouse a schema of its own"
        )
    batch = look()
    if batch is None:
        return None
    return batch, plan_table(batch, existing, warehouse.capabilities)


def _sync_table(
    connection: Connection, warehouse: Warehouse, batch: Batch, steps: Sequence[Step], sync_id: str
) -> TableResult:
    result = TableResult()
    name, schema = batch.table.name, warehouse.schema
    with connection.transaction():
        for step in steps:
            _carry_out(connection, schema, step, batch, result)
        if not batch.is_empty:
            connection.execute(sql.drop_table(sql.staging(schema, physical(name, warehouse.capabilities))))
        connection.execute(sql.forget_cursor(schema, name))
        connection.execute(sql.record_cursor(schema, name, batch.cursor, sync_id))
    return result


def _carry_out(connection: Connection, schema: str, step: Step, batch: Batch, result: TableResult) -> None:
    match step:
        case CreateTable(table, columns):
            connection.execute(sql.create_table(schema, table, columns))
        case AddColumns(table, columns):
            for column, kind in columns.items():
                connection.execute(sql.add_column(schema, table, column, kind))
        case LoadStaging(table, names):
            result.staged = connection.load(batch, sql.staging(schema, table), names)
        case AppendRows() | MergeRows():
            _apply(connection, schema, step, result)


def _apply(connection: Connection, schema: str, step: AppendRows | MergeRows, result: TableResult) -> None:
    if step.replace:
        connection.execute(sql.delete_all(schema, step.table))
    if not result.staged:
        return
    values = {
        column: f"TRY_CAST(s.{sql.quote(column)} AS {step.casts[column]})"
        if column in step.casts
        else f"s.{sql.quote(column)}"
        for column in step.columns
    }
    lost = _lost(connection, schema, step, values)
    if unfit := [key for key in step.keys if lost.get(key)]:
        raise WarehouseRefused(
            f"{step.table}.{unfit[0]} is {step.casts[unfit[0]]} in the warehouse and {lost[unfit[0]]} keys do not fit; "
            "give the column its type back, the next run repeats the table"
        )
    result.cast_to_null = sum(lost.values())
    if isinstance(step, AppendRows):
        result.rows = connection.execute(sql.append(schema, step.table, step.keys[0], values))
        result.duplicates = result.staged - result.rows
    else:
        result.rows = connection.execute(sql.merge(schema, step.table, step.keys, values))


def _lost(
    connection: Connection, schema: str, step: AppendRows | MergeRows, values: Mapping[str, str]
) -> dict[str, int]:
    """How many values of each column do not fit its type in the warehouse."""
    if not step.casts:
        return {}
    counts = ", ".join(
        f"count(*) FILTER (s.{sql.quote(column)} IS NOT NULL AND {values[column]} IS NULL)" for column in step.casts
    )
    kept = f" WHERE s.{sql.quote(OPERATION)} <> 'D'" if isinstance(step, MergeRows) else ""
    row = connection.query(f"SELECT {counts} FROM {sql.staging(schema, step.table)} AS s{kept}")[0]
    return dict(zip(step.casts, map(int, row), strict=True))
