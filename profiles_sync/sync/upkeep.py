"""Upkeep of a space's lake: after many small commits its tables stay as fast as after a few.

Every table is looked at: those that people and warehouses read, and the control tables that each run reads.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson
import pyarrow as pa

from profiles_sync.control import vault
from profiles_sync.control.backfills import backfills
from profiles_sync.control.kept import files_in_use
from profiles_sync.control.lock import only_run
from profiles_sync.control.log import Log
from profiles_sync.control.policy import Right, ask
from profiles_sync.lake.base import Lake
from profiles_sync.lake.hits import by_key
from profiles_sync.lake.indexes import Index
from profiles_sync.lake.opening import lake_of
from profiles_sync.lake.tables import scan
from profiles_sync.pipeline import staging, state
from profiles_sync.settings import Settings
from profiles_sync.spec.tables import BY_NAME, QUARANTINE, Change
from profiles_sync.sync.results import SUCCESS
from profiles_sync.watching.here import at
from profiles_sync.watching.steps import step
from profiles_sync.watching.threads import Threads

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_LAST = "_control/upkeep"
_SCHEMA = pa.schema([("at", pa.int64()), ("compacted", pa.string())])
_HOUR = 3600
_AT_ONCE = 4  # tables; much of it is waiting for the storage


@dataclass(frozen=True)
class Upkept:
    """How many files of each table were put together by upkeep that went well."""

    compacted: dict[str, int]
    status: str = SUCCESS

    def shown(self) -> dict[str, Any]:
        """As `--json` prints it."""
        return {"status": self.status, "compacted": self.compacted}


def upkeep(settings: Settings, say: Callable[[str], None] = lambda step: None) -> dict[str, int]:
    """Keep every table of the space's lake up.

    Returns:
        How many files of each table were put together; tables that needed nothing are left out.

    Raises:
        LakeBusy: A run is under way.
    """
    lake = lake_of(settings)
    ask(settings, lake, Right.CHANGE, "upkeep")
    with at(space=lake.slug), step("upkeep"), only_run(lake) as lake:
        return keep_up_lake(settings, lake, say)


def upkeep_job(
    settings: Settings, spark: "Callable[[], SparkSession]", say: Callable[[str], None] = lambda step: None
) -> Upkept:
    """The same as a job: where it is due, or where the settings leave it to whoever starts it."""
    if settings.upkeep.every_hours and not is_due(settings, lake_of(settings, spark)):
        return Upkept({})
    return Upkept(upkeep(settings, say))


def keep_up_lake(settings: Settings, lake: Lake, say: Callable[[str], None]) -> dict[str, int]:
    """The same within a run, which holds the lock."""
    done, names, keep_hours = {}, _tables(lake), settings.upkeep.keep_hours
    with Threads(_AT_ONCE) as beside:
        kept = beside.map(lambda name: lake.keep_up(name, keep_hours, _looked_up_by(name)), names)
        for name, files in zip(names, kept, strict=True):
            say(f"upkeep of {name}")
            if files:
                done[name] = files
    _forget_staged(lake, keep_hours)
    vault.clear(lake, files_in_use(Log.read(lake)))
    row = pa.Table.from_pylist([{"at": int(time.time()), "compacted": orjson.dumps(done).decode()}], _SCHEMA)
    lake.add(_LAST, row)
    return done


def is_due(settings: Settings, lake: Lake) -> bool:
    """Whether the settings' time has passed since the last upkeep, or since the lake began."""
    if not (every := settings.upkeep.every_hours):
        return False
    table = lake.open(_LAST)
    if table is not None:
        last = int(max(scan(table, ["at"])["at"].to_pylist()))
    elif (began := lake.begun_at()) is not None:
        last = int(began)
    else:
        return False
    return bool(time.time() - last >= every * _HOUR)


def _forget_staged(lake: Lake, keep_hours: float) -> None:
    """What a backfill staged goes as long after its request as a replaced file, if it has all been sent."""
    oldest = time.time() - keep_hours * _HOUR
    for one in backfills(lake):
        if not one.is_open and int(one.id) < oldest * 1e6:
            staging.clear(lake.path(f"_staging/backfill/{one.id}"))


def _looked_up_by(name: str) -> Sequence[Index]:
    if name in BY_NAME and BY_NAME[name].change is Change.MERGE:
        return [by_key(BY_NAME[name].key)]
    return state.INDEXES.get(name, ())


def _tables(lake: Lake) -> list[str]:
    return [*lake.public_tables(), QUARANTINE.name, *lake.control_tables()]
