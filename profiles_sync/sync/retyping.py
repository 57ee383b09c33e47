"""`warehouse retype`: an Admin makes a column of a warehouse's table wider; later syncs cast what they bring to that.

Segment changes a column's type on request alone, and only to one that holds more. Source: Segment, "Warehouse FAQs",
"Can I change the data type of a column in the warehouse?"; "Warehouse Schemas", "How event tables are managed".
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from profiles_sync.control import alerts, credentials, history
from profiles_sync.control.alerts import Event
from profiles_sync.control.log import Log, note
from profiles_sync.control.policy import Right, ask
from profiles_sync.control.warehouses import ABOUT, Managed, there
from profiles_sync.errors import ChangeRefused
from profiles_sync.lake.base import Lake
from profiles_sync.lake.opening import lake_of
from profiles_sync.settings import Settings
from profiles_sync.settings.alerts import Occasion
from profiles_sync.spec.tables import BY_NAME, TRACK_TABLE, table
from profiles_sync.sync.schemas import refused
from profiles_sync.warehouses.base import Transactions
from profiles_sync.warehouses.names import beside, physical
from profiles_sync.warehouses.protocol import Connection, Warehouse
from profiles_sync.warehouses.widening import FILLED, Family, Widen, family_of, may_round, narrower, wanted

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

RETYPED = "retyped"


@dataclass(frozen=True)
class Asked:
    """A column, as the lake calls it, and the type that it is to have, in Segment's words."""

    table: str
    column: str
    kind: str

    def __str__(self) -> str:
        """For messages."""
        return f"{self.table}.{self.column}"


@dataclass(frozen=True)
class Retyped:
    """What was done; `was` is None where an operation that was broken off was ended."""

    warehouse: str
    done: Widen

    def shown(self) -> dict[str, Any]:
        """As `--json` prints it."""
        kept = self.done.former if self.done.former in self.done.columns else None
        return {
            "warehouse": self.warehouse,
            "table": self.done.table,
            "column": self.done.column,
            "was": self.done.was,
            "type": self.done.kind,
            "kept_as": kept,
        }


def retype(
    settings: Settings,
    name: str,
    asked: Asked,
    spark: "Callable[[], SparkSession] | None" = None,
    who: str | None = None,
) -> Retyped:
    """Give a column a wider type. No sync writes the schema meanwhile; one that was broken off is done again.

    Raises:
        Denied: That takes an Admin.
        SettingsError: There is no such warehouse.
        ChangeRefused: There is no such column, or the type is not wider, or values would lose digits.
        WarehouseBusy: A sync is under way.
    """
    lake = lake_of(settings, spark)
    who = ask(settings, lake, Right.CHANGE, f"warehouse retype {name} {asked} {asked.kind}", who)
    one = there(settings, Log.read(lake), name)
    warehouse = _opened(settings, lake, one, spark)
    done = made_wider(warehouse, lake, asked, lambda plan: note(lake, who, "retype", ABOUT, name, _told(asked, plan)))
    note(lake, who, RETYPED, ABOUT, name, _told(asked, done))
    alerts.warn(settings, [Event(Occasion.WAREHOUSE_MODIFIED, f"{asked} is {done.kind} now, by {who}", name)])
    return Retyped(name, done)


def made_wider(
    warehouse: Warehouse, lake: Lake, asked: Asked, before: Callable[[Widen], None] = lambda plan: None
) -> Widen:
    """The operation as it was done, with the table's columns after it; `before` is told of it first."""
    columns = list(lake.types(asked.table)) if asked.table in lake.public_tables() else None
    with warehouse.connect() as connection, connection.only_sync(warehouse.schema):
        plan = planned(asked, columns, connection.columns(warehouse.schema), warehouse)
        _refuse_rounding(connection, warehouse, asked, plan)
        before(plan)
        _carry_out(connection, warehouse, plan)
        return replace(plan, columns=connection.columns(warehouse.schema)[plan.table])


def _opened(settings: Settings, lake: Lake, one: Managed, spark: "Callable[[], SparkSession] | None") -> Warehouse:
    """The warehouse, if its schema is the one that was synced."""
    schemas = history.schemas(lake)
    if one.name not in schemas:
        raise ChangeRefused(f"warehouse {one.name} had no sync yet; let a run go well first")
    warehouse = credentials.complete(one, lake).opened(settings.schema_name, spark)
    if error := refused(warehouse, schemas, settings):
        raise ChangeRefused(error)
    return warehouse


def planned(
    asked: Asked, lake: Sequence[str] | None, there: Mapping[str, Mapping[str, str]], warehouse: Warehouse
) -> Widen:
    """The operation, as data.

    Args:
        asked: The column and its type.
        lake: The columns of the lake's table, None where the lake has no such table.
        there: Column to type of each table of the warehouse.
        warehouse: That it is in.

    Raises:
        ChangeRefused: It cannot be done.
    """
    able = warehouse.capabilities
    of, column = physical(asked.table, able), physical(asked.column, able)
    if lake is None or asked.column not in lake or of not in there:
        raise ChangeRefused(f"warehouse {warehouse.name} has no column {asked}; `profiles-sync plan` shows its tables")
    columns, kind = there[of], wanted(asked.kind, able)
    if kind is None:
        raise ChangeRefused(f"{asked}: expected integer, float, timestamp, varchar or varchar(N), got {asked.kind}")
    filled = beside(column, FILLED, able)
    was = columns.get(column)
    if was is None and filled not in columns:
        raise ChangeRefused(f"warehouse {warehouse.name} has no column {asked} yet; let a run go well first")
    if was is None:
        return Widen(of, column, None, columns[filled], columns, (), filled, "")
    if why := narrower(was, kind, able) or _is_fixed(asked, was, warehouse):
        raise ChangeRefused(f"{asked} of warehouse {warehouse.name} is not made {kind}: {why}")
    keys = tuple(physical(key, able) for key in table(asked.table).key)
    former = beside(column, f"was {was}", able)
    if taken := {physical(one, able) for one in lake} & {filled, former}:
        raise ChangeRefused(f"{asked}: the column {min(taken)} has the name that this needs")
    if former in columns:
        raise ChangeRefused(f"{asked}: {former} is there of an earlier retype; see that nobody needs it, and drop it")
    return Widen(of, column, was, kind, columns, keys, filled, former)


def _is_fixed(asked: Asked, was: str, warehouse: Warehouse) -> str | None:
    """Columns that each such table has keep their type, for syncs and consumers rely on it; a text may get longer."""
    declared = BY_NAME.get(asked.table, TRACK_TABLE).types
    if asked.column not in declared or family_of(was, warehouse.capabilities) is Family.TEXT:
        return None
    return "each such table has this column, with this type"


def _refuse_rounding(connection: Connection, warehouse: Warehouse, asked: Asked, done: Widen) -> None:
    if not may_round(done.was, done.kind, warehouse.capabilities):
        return
    counted = connection.query(warehouse.dialect.count_inexact(warehouse.schema, done.table, done.column))
    if count := int(counted[0][0]):
        raise ChangeRefused(
            f"{asked} of warehouse {warehouse.name} is not made {done.kind}: {count} of its numbers have more digits "
            "than a float; make it varchar"
        )


def _carry_out(connection: Connection, warehouse: Warehouse, done: Widen) -> None:
    """Several statements go in one transaction where a table's columns can change in one; one statement needs none."""
    statements = warehouse.dialect.widen(warehouse.schema, done)
    if len(statements) > 1 and warehouse.capabilities.transactions is Transactions.ALL:
        with connection.transaction():
            connection.execute(*statements)
    else:
        for statement in statements:
            connection.execute(statement)


def _told(asked: Asked, done: Widen) -> dict[str, Any]:
    return {"table": asked.table, "column": asked.column, "was": done.was, "type": done.kind}
