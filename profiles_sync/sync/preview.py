"""What the next run would do; nothing is written."""

from collections.abc import Mapping
from typing import Any

from profiles_sync.control import credentials, history
from profiles_sync.control.policy import Right, ask
from profiles_sync.control.selecting import Selected, selections
from profiles_sync.control.warehouses import Managed, enabled
from profiles_sync.errors import ProfilesSyncError
from profiles_sync.lake.base import Lake
from profiles_sync.lake.opening import readable_lake_of
from profiles_sync.pipeline import batches
from profiles_sync.pipeline.delta_source import is_mark
from profiles_sync.pipeline.run import find_new_files
from profiles_sync.pipeline.waiting import in_batches
from profiles_sync.session import session_of
from profiles_sync.settings import Settings
from profiles_sync.sync.connected import connected
from profiles_sync.sync.run import pending
from profiles_sync.sync.schemas import refused
from profiles_sync.sync.warehouses import bounds_of


def preview(settings: Settings) -> dict[str, Any]:
    """The files that the next run takes, and the steps that each warehouse lacks before it."""
    lake = readable_lake_of(settings)
    ask(settings, lake, Right.SEE, "plan")
    schemas, chosen = history.schemas(lake), selections(settings, lake)
    found = find_new_files(settings, lake)
    left = batches.unfinished(lake)
    return {
        "batch": batches.last_landed(lake) + 1,
        "batches": len(in_batches(found.files, settings.engine.batch_bytes)),
        "unfinished": None if left is None else left.number,
        "files": [
            {"source": one.source, "path": one.path, "bytes": one.size} for one in found.files if not is_mark(one.path)
        ],
        "warehouses": {
            one.name: _steps(settings, lake, one, schemas, chosen[one.name]) for one in enabled(settings, lake)
        },
        "warnings": [*found.errors, *found.warnings],
    }


def _steps(
    settings: Settings, lake: Lake, one: Managed, schemas: Mapping[str, str], chosen: Selected
) -> dict[str, Any]:
    if error := refused(one.opened(settings.schema_name), schemas, settings):
        return {"error": error, "tables": {}}
    try:
        there, new = connected(lake, [one])
        bounds = bounds_of(settings, (there | new)[one.name], chosen)
        warehouse = credentials.complete(one, lake).opened(settings.schema_name, session_of(settings))
        steps = pending(warehouse, lake, bounds)
    except ProfilesSyncError as error:
        return {"error": str(error), "tables": {}}
    return {"error": None, "tables": {table: [str(step) for step in several] for table, several in steps.items()}}
