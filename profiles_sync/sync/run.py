"""Carry out a sync: each table on its own, each in one transaction with the record of how far it came."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from profiles_sync.errors import ProfilesSyncError
from profiles_sync.lake.changes import changes, public_tables
from profiles_sync.lake.tables import Lake
from profiles_sync.sync.plan import AddColumns, AppendRows, CreateTable, LoadStaging, MergeRows, Step, plan_table
from profiles_sync.warehouses import sql
from profiles_sync.warehouses.base import INTERNAL, Batch, Connection, Cursor, Warehouse
from profiles_sync.warehouses.names import physical

_log = logging.getLogger(__name__)
SUCCESS, PARTIAL, FAILED = "Success", "Partial success", "Failed"


@dataclass
class TableResult:
    """One table of a sync. `duplicates` had an `id` that the warehouse has, `cast_to_null` did not fit the column."""

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
            cursors = _cursors(connection, warehouse.schema)
            columns = connection.columns(warehouse.schema)
            for name in public_tables(lake):
                batch = changes(lake, name, cursors.get(name))
                if batch is not None:
                    say(name)
                    result.tables[name] = _sync_table(connection, warehouse, batch, columns, sync_id)
    except ProfilesSyncError as error:
        result.error = str(error)
    return result


def pending(warehouse: Warehouse, lake: Lake) -> dict[str, list[Step]]:
    """What a sync would do now, by table; nothing is written."""
    with warehouse.connect() as connection:
        known = INTERNAL in {row[0] for row in connection.query("SELECT schema_name FROM information_schema.schemata")}
        cursors = _cursors(connection, warehouse.schema) if known else {}
        columns = connection.columns(warehouse.schema)
        batches = {name: changes(lake, name, cursors.get(name)) for name in public_tables(lake)}
        return {
            name: plan_table(batch, columns.get(physical(name, warehouse.capabilities)), warehouse.capabilities)
            for name, batch in batches.items()
            if batch is not None
        }


def _prepare(connection: Connection, schema: str) -> None:
    for statement in (sql.create_schema(schema), sql.create_schema(INTERNAL), sql.create_cursors()):
        connection.execute(statement)


def _cursors(connection: Connection, schema: str) -> dict[str, Cursor]:
    return {row[0]: Cursor(row[1], int(row[2])) for row in connection.query(sql.read_cursors(schema))}


def _sync_table(
    connection: Connection,
    warehouse: Warehouse,
    batch: Batch,
    columns: Mapping[str, Mapping[str, str]],
    sync_id: str,
) -> TableResult:
    result = TableResult()
    name, schema = batch.table.name, warehouse.schema
    physical_name = physical(name, warehouse.capabilities)
    try:
        with connection.transaction():
            for step in plan_table(batch, columns.get(physical_name), warehouse.capabilities):
                _carry_out(connection, schema, step, batch, result)
            connection.execute(sql.drop_table(sql.staging(schema, physical_name)))
            connection.execute(sql.forget_cursor(schema, name))
            connection.execute(sql.record_cursor(schema, name, batch.cursor, sync_id))
    except ProfilesSyncError as error:
        return TableResult(error=str(error))
    except Exception as error:  # one table's surprise may not stop the others; its text may hold people's data
        _log.debug("table %s", name, exc_info=True)
        return TableResult(error=f"internal error ({type(error).__name__}); the next run repeats the table")
    return result


def _carry_out(connection: Connection, schema: str, step: Step, batch: Batch, result: TableResult) -> None:
    match step:
        case CreateTable(table, columns):
            connection.execute(sql.create_table(schema, table, columns))
        case AddColumns(table, columns):
            for column, kind in columns.items():
                connection.execute(sql.add_column(schema, table, column, kind))
        case LoadStaging(table, names):
            result.duplicates = connection.load(batch, sql.staging(schema, table), names)
        case AppendRows() | MergeRows():
            _apply(connection, schema, step, result)


def _apply(connection: Connection, schema: str, step: AppendRows | MergeRows, result: TableResult) -> None:
    staged, result.duplicates = result.duplicates, 0
    if step.replace:
        connection.execute(sql.delete_all(schema, step.table))
    if not staged:
        return
    values = {
        column: f"TRY_CAST(s.{sql.quote(column)} AS {step.casts[column]})"
        if column in step.casts
        else f"s.{sql.quote(column)}"
        for column in step.columns
    }
    result.cast_to_null = _lost(connection, schema, step, values)
    if isinstance(step, AppendRows):
        result.rows = connection.execute(sql.append(schema, step.table, step.key, values))
        result.duplicates = staged - result.rows
    else:
        result.rows = connection.execute(sql.merge(schema, step.table, step.keys, values))


def _lost(connection: Connection, schema: str, step: AppendRows | MergeRows, values: Mapping[str, str]) -> int:
    if not step.casts:
        return 0
    counts = " + ".join(
        f"count(*) FILTER (s.{sql.quote(column)} IS NOT NULL AND {values[column]} IS NULL)" for column in step.casts
    )
    return int(connection.query(f"SELECT {counts} FROM {sql.staging(schema, step.table)} AS s")[0][0])
