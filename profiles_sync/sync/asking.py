"""Run a sample query in a warehouse; nothing is written there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from profiles_sync import queries
from profiles_sync.control import credentials
from profiles_sync.control.log import Log
from profiles_sync.control.policy import Right, ask
from profiles_sync.control.warehouses import Managed, enabled, there
from profiles_sync.errors import SettingsError
from profiles_sync.lake.base import Lake
from profiles_sync.lake.opening import readable_lake_of
from profiles_sync.queries import Place
from profiles_sync.session import session_of
from profiles_sync.settings import Settings
from profiles_sync.warehouses.duckdb import DuckDBWarehouse
from profiles_sync.warehouses.protocol import Warehouse


@dataclass(frozen=True)
class Answer:
    """What a warehouse said; `is_all` is False where it had more rows to give."""

    query: str
    warehouse: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]
    is_all: bool = True

    def shown(self) -> dict[str, Any]:
        """As `--json` prints it."""
        return {
            "query": self.query,
            "warehouse": self.warehouse,
            "columns": list(self.columns),
            "rows": [dict(zip(self.columns, map(_plain, row), strict=True)) for row in self.rows],
        }


@dataclass(frozen=True)
class Bounds:
    """What an answer may come to: rows, seconds, and seconds that a sync which has the file is waited for."""

    rows: int = 200
    seconds: float = 10
    patience: float = 3


def answer(
    settings: Settings, name: str, given: Mapping[str, str], warehouse: str | None = None, who: str | None = None
) -> Answer:
    """Run a query.

    Args:
        settings: Of the space.
        name: Of the query.
        given: Its parameters.
        warehouse: Where; else in the only one that is enabled.
        who: Asks; else whoever runs this.

    Raises:
        SettingsError: There is no such query, parameter, warehouse, table or column.
        Denied: Who asks may not see people.
        WarehouseUnreachable: The warehouse cannot be reached now.
        WarehouseRefused: It was reached and said no.
    """
    query, lake = queries.named(name), readable_lake_of(settings)
    ask(settings, lake, Right.SEE_PEOPLE, f"queries run {name}", who)
    values = query.values(given)
    opened = _opened(settings, lake, _chosen(settings, lake, warehouse))
    with opened.connect(read_only=True) as connection:
        text, columns = queries.written(query, Place(opened, connection.columns(opened.schema)), values)
        return Answer(name, opened.name, columns, connection.query(text))


def first_rows(
    settings: Settings, name: str, given: Mapping[str, str], warehouse: str, bounds: Bounds, who: str | None = None
) -> Answer:
    """The same within bounds, of an embedded warehouse; errors are those of `answer` and two more.

    Raises:
        SettingsError: The warehouse is none of these.
        WarehouseSlow: It takes too long.
    """
    query, lake = queries.named(name), readable_lake_of(settings)
    ask(settings, lake, Right.SEE_PEOPLE, f"queries run {name}", who)
    values, opened = query.values(given), _opened(settings, lake, _chosen(settings, lake, warehouse))
    if not isinstance(opened, DuckDBWarehouse):
        raise SettingsError(f"warehouse {warehouse} is of type {opened.kind}; `profiles-sync queries run` asks it")
    opened.patience = bounds.patience
    with opened.connect(read_only=True) as connection:
        text, columns = queries.written(query, Place(opened, connection.columns(opened.schema)), values)
        rows = connection.first(text, bounds.rows + 1, bounds.seconds)
    return Answer(name, opened.name, columns, rows[: bounds.rows], len(rows) <= bounds.rows)


def written(
    settings: Settings, name: str, given: Mapping[str, str], warehouse: str | None = None, who: str | None = None
) -> str:
    """A query's text as a warehouse would read it, without looking into that; arguments and errors as of `answer`."""
    query, lake = queries.named(name), readable_lake_of(settings)
    ask(settings, lake, Right.SEE, f"queries show {name}", who)
    one = _chosen(settings, lake, warehouse)
    return queries.written(query, Place(one.opened(settings.schema_name)), query.values(given))[0]


def _chosen(settings: Settings, lake: Lake, name: str | None) -> Managed:
    if name is not None:
        return there(settings, Log.read(lake), name)
    several = enabled(settings, lake)
    if len(several) != 1:
        names = ", ".join(one.name for one in several) or "none"
        raise SettingsError(f"say in which warehouse, --warehouse NAME; enabled here: {names}")
    return several[0]


def _opened(settings: Settings, lake: Lake, one: Managed) -> Warehouse:
    return credentials.complete(one, lake).opened(settings.schema_name, session_of(settings))


def _plain(value: Any) -> Any:  # noqa: ANN401 whatever a driver gives
    """As JSON has it: a warehouse gives whole numbers as decimals, too."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value
