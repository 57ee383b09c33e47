"""A sync that broke off is tried again within the same run, with growing waits; what a warehouse refuses is not.

So is a single table that somebody else locked, or met in a deadlock, after all the others.

What was synced before the break stays: the next try begins with what is missing.
"""

import time
from collections.abc import Callable
from functools import partial

from tenacity import Retrying, retry_if_result, stop_after_attempt, wait_exponential

from profiles_sync.lake.base import Lake
from profiles_sync.settings import RetrySettings
from profiles_sync.sync.results import WarehouseResult
from profiles_sync.sync.run import WHOLE, Bounds, sync_warehouse
from profiles_sync.warehouses.protocol import Warehouse


def sync_patiently(
    warehouse: Warehouse,
    lake: Lake,
    sync_id: str,
    say: Callable[[str], None],
    retries: RetrySettings,
    sleep: Callable[[float], None] = time.sleep,
    bounds: Bounds = WHOLE,
) -> WarehouseResult:
    """Sync a warehouse; the result is that of all tries together."""
    before: list[WarehouseResult] = []

    def attempt() -> WarehouseResult:
        if before:
            say("(again, it broke off)")
        result = sync_warehouse(warehouse, lake, sync_id, say, bounds, _waits(retries, sleep))
        result.tables = {name: table for one in (*before, result) for name, table in one.tables.items()}
        before.append(result)
        return result

    again = Retrying(
        retry=retry_if_result(lambda result: result.may_pass),
        stop=stop_after_attempt(retries.times + 1),
        wait=wait_exponential(retries.first_wait, max=retries.longest_wait),
        retry_error_callback=lambda state: before[-1],
        sleep=sleep,
    )
    return again(attempt)


def _waits(retries: RetrySettings, sleep: Callable[[float], None]) -> list[Callable[[], None]]:
    """Each longer than the one before."""
    seconds = (min(retries.first_wait * 2**number, retries.longest_wait) for number in range(retries.times))
    return [partial(sleep, one) for one in seconds]
