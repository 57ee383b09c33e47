"""Carry out the backfills that are open: stage what is not staged, send what is not sent."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from profiles_sync.control import alerts, backfills, credentials
from profiles_sync.control.alerts import Event
from profiles_sync.control.backfills import Backfill, Step
from profiles_sync.control.selecting import selections
from profiles_sync.control.warehouses import Managed
from profiles_sync.errors import LakeBusy
from profiles_sync.lake.base import Lake
from profiles_sync.quality import records
from profiles_sync.quality.releases import released
from profiles_sync.settings import Settings
from profiles_sync.settings.alerts import Occasion
from profiles_sync.sync.backfill.sending import Sending
from profiles_sync.sync.backfill.staging import area_of, stage
from profiles_sync.sync.checking import gate_of

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_log = logging.getLogger(__name__)


def carry_out(
    settings: Settings,
    lake: Lake,
    spark: "Callable[[], SparkSession]",
    one: Managed,
    asked: Backfill,
    say: Callable[[str], None],
    until: float | None = None,
) -> Backfill:
    """One backfill as far as it gets, or as far as it is at a time, in seconds since 1970.

    Raises:
        LakeBusy: Somebody else is at it.
    """
    warehouse = credentials.complete(one, lake).opened(settings.schema_name, spark)
    with _only_one(lake, one.name):
        now = next((old for old in backfills.backfills(lake) if old.id == asked.id), asked)
        if now.status is Step.REQUESTED:
            now = stage(settings, lake, now, say, until)
        if not now.is_open or now.status is Step.REQUESTED:
            return now
        area = area_of(settings, lake, now)
        selection = selections(settings, lake)[one.name].selection
        seconds = settings.backfill.slice_seconds
        gate = gate_of(settings, lake, one.name, released(lake, one.name, int(asked.id)))
        sending = Sending(
            warehouse,
            lake,
            area,
            selection,
            lambda table: say(f"backfilling {table} of {one.name}"),
            seconds,
            until,
            gate,
        )
        try:
            done = sending.send(now)
        finally:
            records.add(lake, str(time.time_ns() // 1000), one.name, gate.checked if gate else {})
    if not done.is_open and done.tables:
        told = Event(Occasion.BACKFILL_COMPLETED, f"{sum(done.sent.values())} rows", one.name)
        for warning in alerts.tell(settings, [told]):
            _log.warning(warning)
    return done


@contextmanager
def _only_one(lake: Lake, name: str) -> Iterator[None]:
    """One process carries out a warehouse's backfills; where there are no locks, the warehouse itself sees to it.

    The operating system releases the lock with the process, however that ends.
    """
    if lake.lock_folder is None:
        yield
        return
    try:
        with FileLock(lake.lock_folder / f"backfill-{name}.lock", timeout=1):
            yield
    except Timeout:
        raise LakeBusy(
            f"backfill of {name}: another process is at it; `profiles-sync status` shows how far it is"
        ) from None
