"""Which messageIds were kept, so that the same event is never landed twice within seven days."""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from profiles_sync.lake.base import Lake
from profiles_sync.lake.tables import scan_in_parts
from profiles_sync.pipeline.hashing import factorize, places
from profiles_sync.spec.space import DUPLICATE_WINDOW

MESSAGES = "_control/messages"
_SCHEMA = pa.schema([("high", pa.int64()), ("low", pa.int64()), ("received_at", pa.int64()), ("batch", pa.int64())])
Numbers = NDArray[np.int64]


def kept(lake: Lake, high: Numbers, low: Numbers, received_at: Numbers, batch: int) -> NDArray[np.bool_]:
    """Whether each event stays.

    Args:
        lake: Holds the messageIds that earlier batches kept.
        high: With `low`, 128 bits of the messageIds' digests, in landing order.
        low: As above.
        received_at: Microseconds, beside them.
        batch: Only earlier batches are asked.

    Returns:
        False for an event whose messageId was kept at most seven days before or after, in an earlier batch or
        earlier in this one.
    """
    codes, firsts = factorize(high, low)
    earlier = _earlier(lake, high[firsts], low[firsts], received_at, batch)
    stays = np.ones(len(codes), np.bool_)
    again = np.bincount(codes, minlength=len(firsts)) > 1
    again[list(earlier)] = True
    for event in np.flatnonzero(again[codes]).tolist():  # only these may be repeats
        times, at = earlier.setdefault(int(codes[event]), []), int(received_at[event])
        stays[event] = all(abs(at - time) > DUPLICATE_WINDOW for time in times)
        if stays[event]:
            times.append(at)
    return stays


def _earlier(lake: Lake, high: Numbers, low: Numbers, received_at: Numbers, batch: int) -> dict[int, list[int]]:
    """By the place of a messageId: when earlier batches kept it."""
    table = lake.open(MESSAGES)
    if table is None or not len(high):
        return {}
    since, until = int(received_at.min()) - DUPLICATE_WINDOW, int(received_at.max()) + DUPLICATE_WINDOW
    wanted = [("received_at", ">=", since), ("received_at", "<=", until), ("batch", "<", batch)]
    times: dict[int, list[int]] = {}
    for rows in scan_in_parts(table, ["high", "low", "received_at"], wanted, high):
        found = places(rows["high"].to_numpy(), rows["low"].to_numpy(), high, low)
        mine = np.flatnonzero(found >= 0)
        for message, time in zip(found[mine].tolist(), rows["received_at"].to_numpy()[mine].tolist(), strict=True):
            times.setdefault(message, []).append(time)
    return times


def remember(lake: Lake, high: Numbers, low: Numbers, received_at: Numbers, batch: int) -> None:
    """Append the messageIds that the batch kept."""
    columns = [high, low, received_at, np.full(len(high), batch)]
    lake.append(MESSAGES, pa.Table.from_arrays([pa.array(one, pa.int64()) for one in columns], schema=_SCHEMA), batch)
