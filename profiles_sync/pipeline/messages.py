"""Which messageIds were kept, so that the same event is never landed twice within seven days."""

import hashlib
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from profiles_sync.lake.tables import Lake, scan
from profiles_sync.spec.space import DUPLICATE_WINDOW

MESSAGES = "_control/messages"
_SCHEMA = pa.schema([("high", pa.int64()), ("low", pa.int64()), ("received_at", pa.int64()), ("batch", pa.int64())])


def _halves(message_ids: Sequence[str]) -> NDArray[np.int64]:
    """128 bits of each messageId as two columns of int64."""
    digests = b"".join(
        hashlib.blake2b(one.encode("utf-8", "surrogatepass"), digest_size=16).digest() for one in message_ids
    )
    return np.frombuffer(digests, dtype=np.int64).reshape(-1, 2)


def kept(lake: Lake, message_ids: Sequence[str], received_at: Sequence[int], batch: int) -> list[bool]:
    """Whether each event stays.

    Args:
        lake: Holds the messageIds that earlier batches kept.
        message_ids: In landing order.
        received_at: Microseconds, beside them.
        batch: Only earlier batches are asked.

    Returns:
        False for an event whose messageId was kept at most seven days before or after, in an earlier batch or
        earlier in this one.
    """
    earlier = _earlier(lake, message_ids, received_at, batch)
    stay = []
    for message_id, at in zip(message_ids, received_at, strict=True):
        times = earlier.setdefault(message_id, [])
        fresh = all(abs(at - time) > DUPLICATE_WINDOW for time in times)
        if fresh:
            times.append(at)
        stay.append(fresh)
    return stay


def _earlier(lake: Lake, message_ids: Sequence[str], received_at: Sequence[int], batch: int) -> dict[str, list[int]]:
    table = lake.open(MESSAGES)
    if table is None or not message_ids:
        return {}
    since, until = min(received_at) - DUPLICATE_WINDOW, max(received_at) + DUPLICATE_WINDOW
    at = pc.field("received_at")
    rows = scan(table, where=(at >= since) & (at <= until) & (pc.field("batch") < batch))
    ours = _halves(message_ids)
    wanted = np.isin(rows["high"].to_numpy(), ours[:, 0])
    rows = rows.filter(pa.array(wanted))
    by_halves: dict[tuple[int, int], list[int]] = {}
    for high, low, time in zip(*(rows[name].to_pylist() for name in ("high", "low", "received_at")), strict=True):
        by_halves.setdefault((high, low), []).append(time)
    pairs = zip(message_ids, ours.tolist(), strict=True)
    return {name: list(by_halves[high, low]) for name, (high, low) in pairs if (high, low) in by_halves}


def remember(lake: Lake, message_ids: Sequence[str], received_at: Sequence[int], batch: int) -> None:
    """Append the messageIds that the batch kept."""
    halves = _halves(message_ids)
    count = len(message_ids)
    columns = [halves[:, 0].copy(), halves[:, 1].copy(), np.array(received_at, np.int64), np.full(count, batch)]
    rows = pa.Table.from_arrays([pa.array(column, pa.int64()) for column in columns], schema=_SCHEMA)
    lake.append(MESSAGES, rows, batch)
