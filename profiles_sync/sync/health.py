"""Health: whether the space can go on, looked at from outside of a run; nothing is written."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from profiles_sync.control import backfills, credentials, history, schedule
from profiles_sync.control.policy import Right, ask
from profiles_sync.control.warehouses import Managed, enabled
from profiles_sync.lake.base import Lake
from profiles_sync.lake.opening import readable_lake_of
from profiles_sync.pipeline import batches
from profiles_sync.settings import Settings
from profiles_sync.sync.results import FAILED, PARTIAL, SUCCESS, told

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_log = logging.getLogger(__name__)
_LATE = 2  # periods without a sync; hours that a batch may be open


@dataclass
class Health:
    """What is wrong with each part that was looked at, None for nothing."""

    parts: dict[str, str | None] = field(default_factory=dict)

    @property
    def status(self) -> str:
        """Failed when nothing is well, Partial success when something is not."""
        wrong = [one is not None for one in self.parts.values()]
        return FAILED if all(wrong) else PARTIAL if any(wrong) else SUCCESS

    def shown(self) -> dict[str, Any]:
        """As `--json` prints it."""
        return {"status": self.status, "parts": self.parts}


def health(settings: Settings, spark: "Callable[[], SparkSession]", say: Callable[[str], None]) -> Health:
    """Look at the lake, at each enabled warehouse, and at the last sync of each.

    Raises:
        Denied: That takes a role.
        LakeError: The lake cannot be read.
    """
    lake, found = readable_lake_of(settings), Health()
    ask(settings, lake, Right.SEE, "health")
    found.parts["lake"] = _why(partial(_open_batch, lake))
    waiting = backfills.read(lake).held_up
    for one in enabled(settings, lake):
        say(f"looking at {one.name}")
        found.parts[f"warehouse {one.name}"] = _why(partial(_connected, settings, lake, one, spark))
        found.parts[f"last sync of {one.name}"] = _why(partial(_last_sync, settings, lake, one))
        if one.name in waiting:
            found.parts[f"backfill of {one.name}"] = waiting[one.name]
    return found


def _why(look: Callable[[], str | None]) -> str | None:
    try:
        return look()
    except Exception as error:
        _log.debug("health", exc_info=True)
        return told(error)


def _open_batch(lake: Lake) -> str | None:
    """A batch that a run or a step left; a young one may be at work."""
    batch = batches.unfinished(lake)
    if batch is None or time.time() - batch.uuid_ts / 1e6 < _LATE * 3600:
        return None
    return f"batch {batch.number} is open since {history.time_of(batch.uuid_ts)}; the next run finishes it"


def _connected(settings: Settings, lake: Lake, one: Managed, spark: "Callable[[], SparkSession]") -> str | None:
    warehouse = credentials.complete(one, lake).opened(settings.schema_name, spark)
    with warehouse.connect(read_only=True) as connection:
        connection.columns(warehouse.schema)
    return None


def _last_sync(settings: Settings, lake: Lake, one: Managed) -> str | None:
    last = history.last_of(one.name, history.syncs(lake))
    if last is None:
        return "there was none yet"
    if last.status == FAILED:
        return f"failed: {last.said}"
    every = schedule.frequency(settings, lake)
    if every and time.time() - last.started_at / 1e6 > _LATE * every * 60:
        return f"it began at {history.time_of(last.started_at)}, and one is due every {every:g} minutes"
    return None
