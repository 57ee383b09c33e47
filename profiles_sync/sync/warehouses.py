"""Every enabled warehouse up to the lake, one after the other; one that cannot be synced holds up no other."""

from collections.abc import Callable, Mapping

from profiles_sync.control import credentials, history
from profiles_sync.control.warehouses import Managed, enabled
from profiles_sync.errors import ProfilesSyncError
from profiles_sync.lake.base import Lake
from profiles_sync.settings import Settings
from profiles_sync.sync.results import WarehouseResult
from profiles_sync.sync.retrying import sync_patiently
from profiles_sync.sync.schemas import PROBLEM, refused


def sync_warehouses(
    settings: Settings, lake: Lake, results: dict[str, WarehouseResult], sync_id: str, say: Callable[[str], None]
) -> None:
    """Fill `results`, which hold what was done also when the run is broken off."""
    schemas = history.schemas(lake)
    for one in enabled(settings, lake):
        results[one.name] = _synced(settings, lake, one, schemas, sync_id, say)


def _synced(
    settings: Settings,
    lake: Lake,
    one: Managed,
    schemas: Mapping[str, str],
    sync_id: str,
    say: Callable[[str], None],
) -> WarehouseResult:
    warehouse = one.opened(settings.schema_name)
    schema = warehouse.schema
    if wrong := refused(warehouse, schemas, settings):
        return WarehouseResult(one.name, error=wrong, problem=PROBLEM, schema=schema)
    try:
        warehouse = credentials.complete(one, lake).opened(settings.schema_name)
    except ProfilesSyncError as error:
        return WarehouseResult(one.name, error=str(error), problem=error.problem, schema=schema)
    result = sync_patiently(
        warehouse, lake, sync_id, lambda table: say(f"syncing {table} to {one.name}"), settings.retries
    )
    result.schema = schema
    return result
