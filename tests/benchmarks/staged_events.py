"""Extracted events as reading lines leaves them, digests and all; and as Parquet, for Spark and for who digests it."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from profiles_sync.pipeline import digests, staging
from profiles_sync.pipeline.staged import IDENTIFIERS, IDENTITY, Parsed
from tests.benchmarks.extracted import A_FILE, Extracted, repeated


def staged(events: Extracted, folder: Path) -> list[Parsed]:
    """What reading lines leaves of such events, in files of some size."""
    return [_staged(one, folder) for one in _cut(events)]


def to_parquet(events: Extracted, path: Path) -> None:
    """A row group for each file: an event, whether it had a blocked value, and a list of the identifiers it carries."""
    kinds = pa.array(events.types).take(pa.array(events.rank))
    pairs = pa.StructArray.from_arrays([kinds, events.value], ["type", "value"])
    lists = pa.ListArray.from_arrays(pa.array(_offsets(events).astype(np.int32)), pairs)
    columns = {"id": events.message_id, "received_at": pa.array(events.received_at), "identifiers": lists}
    pq.write_table(pa.table(columns | {"blocked": pa.array(events.blocked)}), path, row_group_size=A_FILE)


def digested(path: Path, types: tuple[str, ...], folder: Path) -> list[Parsed]:
    """`staged` of the Parquet file of page calls, on every core, as tasks do it in a run."""
    with ThreadPoolExecutor(os.cpu_count()) as beside:
        groups = range(pq.read_metadata(path).num_row_groups)
        return list(beside.map(lambda group: _staged(_read(path, group, types), folder), groups))


def _read(path: Path, group: int, types: Sequence[str]) -> Extracted:
    with pq.ParquetFile(path) as file:
        rows = file.read_row_group(group, use_threads=False).combine_chunks()
    lists = rows["identifiers"].combine_chunks()
    kinds, value = lists.flatten().flatten()
    received_at, nothing = rows["received_at"].to_numpy(), pa.nulls(len(rows), pa.string())
    return Extracted(
        tuple(types),
        rows["id"].combine_chunks(),
        received_at,
        repeated("page", len(rows)),
        nothing,
        rows["blocked"].to_numpy(),
        np.repeat(np.arange(len(rows)), np.diff(lists.offsets.to_numpy())),
        pc.index_in(kinds, pa.array(types)).to_numpy().astype(np.int16),
        value,
    )


def _cut(events: Extracted) -> list[Extracted]:
    """In pieces of some size, each with events of its own."""
    ends = np.append(np.arange(0, len(events.received_at), A_FILE), len(events.received_at))
    places = np.searchsorted(events.event, ends)
    cut = []
    for (at, end), (first, last) in zip(pairwise(ends), pairwise(places), strict=True):
        whose, which = slice(at, end), slice(first, last)
        per_event = (events.message_id, events.received_at, events.kind, events.traits, events.blocked)
        carried = events.event[which] - at, events.rank[which], events.value[which]
        cut.append(Extracted(events.types, *(column[whose] for column in per_event), *carried))
    return cut


def _offsets(events: Extracted) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(np.bincount(events.event, minlength=len(events.received_at)))])


def _staged(events: Extracted, folder: Path) -> Parsed:
    identity, nothing = _identity(events), pa.table({"line_number": pa.array([], pa.int64())})
    slices = staging.write(str(folder), [identity, _identifiers(events), nothing])
    rows = identity.num_rows
    return Parsed("website", None, rows, rows, rows, {}, 0, {}, {}, *slices, ())


def _identity(events: Extracted) -> pa.Table:
    received_at = pa.array(events.received_at)
    high, low = digests.halves(digests.sha1(events.message_id))
    blocked = pc.if_else(pa.array(events.blocked), '[["anonymous_id","null"]]', None)
    columns = {"row": pa.array(np.arange(len(high), dtype=np.int32)), "received_at": received_at}
    columns |= {"timestamp": received_at, "message_id": events.message_id, "high": pa.array(high), "low": pa.array(low)}
    columns |= {"type": events.kind, "name": pa.nulls(len(high), pa.string())}
    return pa.table(columns | {"blocked": blocked, "traits": events.traits}, IDENTITY)


def _identifiers(events: Extracted) -> pa.Table:
    texts = pc.binary_join_element_wise(pa.array(events.types).take(pa.array(events.rank)), events.value, "")
    high, low = digests.halves(digests.sha1(texts))
    columns = events.event.astype(np.int32), events.rank, high, low
    return pa.Table.from_arrays([*map(pa.array, columns), events.value], schema=IDENTIFIERS)
