"""The same as `kernel.replay`, spread over Spark: components first, then an ordered replay inside each.

Two events can only influence each other when their identifiers are connected, by events of this batch or through a
profile that is already there. So the identifiers are contracted onto the current profiles, the connected components
tell which events belong together, and every partition replays whole components in landing order. The components
decide where an event is replayed; they never decide the answer.
"""

import pickle
from collections.abc import Iterator
from dataclasses import fields, replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from pyspark.sql import DataFrame, SparkSession

from profiles_sync.pipeline import kernel
from profiles_sync.pipeline.components import ONE_TASK, components
from profiles_sync.pipeline.kernel import Carriers, Past, Replayed
from profiles_sync.pipeline.storage import resolve
from profiles_sync.spec.rules import IdentityRules

Numbers = NDArray[np.int64]
_EVENTS = pa.schema(
    [("place", pa.int64()), ("node", pa.int64()), ("received_at", pa.int64()), ("codes", pa.list_(pa.int32()))]
)
_EDGES = pa.schema([("node", pa.int64()), ("component", pa.int64())])


def resolutions(
    spark: SparkSession,
    carriers: Carriers,
    past: Past,
    rules: IdentityRules,
    created: int,
    folder: str,
    one_task: int = ONE_TASK,
) -> Replayed:
    """As `kernel.replay`; an empty `folder` takes the staged tables, `one_task` is how many edges one task takes."""
    _stage(carriers, past, folder)
    labels = components(spark, f"{folder}/edges.parquet", f"{folder}/rounds", one_task)
    events = spark.read.parquet(f"{folder}/events.parquet").join(labels, "node")
    pieces = _replayed(events, carriers, past, rules, created)
    return _joined([*pieces, _unidentified(carriers)], len(carriers.received_at), created)


def _stage(carriers: Carriers, past: Past, folder: str) -> None:
    size = np.diff(carriers.offsets)
    filled = np.flatnonzero(size)
    first = carriers.codes[carriers.offsets[filled]].astype(np.int64)
    lists = pa.ListArray.from_arrays(pa.array(carriers.offsets.astype(np.int32)), pa.array(carriers.codes))
    events = [filled, first, carriers.received_at[filled], lists.take(pa.array(filled))]
    owned = np.flatnonzero(past.owners >= 0)
    # a profile stands for its first identifier: that contracts the others onto it
    _, anchor, of = np.unique(past.owners[owned], return_index=True, return_inverse=True)
    nodes = np.concatenate([np.repeat(first, size[filled]), owned])
    ends = np.concatenate([carriers.codes.astype(np.int64), owned[anchor][of]])
    _write(f"{folder}/events.parquet", pa.table([pa.array(column) for column in events], schema=_EVENTS))
    _write(f"{folder}/edges.parquet", pa.table([pa.array(nodes), pa.array(ends)], schema=_EDGES))


def _write(path: str, table: pa.Table) -> None:
    filesystem, inner = resolve(path)
    filesystem.create_dir(inner.rpartition("/")[0], recursive=True)
    pq.write_table(table, inner, filesystem=filesystem)


def _replayed(
    events: DataFrame, carriers: Carriers, past: Past, rules: IdentityRules, created: int
) -> list[tuple[Numbers, Replayed]]:
    """Replay each component in order. A new profile is numbered `created` plus its event's place, for now."""
    kinds = carriers.kinds

    def replay(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        rows = pa.Table.from_batches(list(batches), _ROWS).combine_chunks()
        if not rows.num_rows:
            return
        place, codes = rows["place"].to_numpy(), rows["codes"].combine_chunks()
        offsets = np.concatenate([[0], np.cumsum(pa.compute.list_value_length(codes).to_numpy())]).astype(np.int64)
        mine = Carriers(offsets, codes.flatten().to_numpy(), rows["received_at"].to_numpy(), kinds)
        done = pickle.dumps(_placed(kernel.replay(mine, past, rules, created, place), place))
        yield pa.RecordBatch.from_arrays([pa.array([done], pa.binary())], ["done"])

    grouped = events.repartition("component").sortWithinPartitions("place").select("place", "received_at", "codes")
    return [pickle.loads(row["done"]) for row in grouped.mapInArrow(replay, "done binary").collect()]


_ROWS = pa.schema([("place", pa.int64()), ("received_at", pa.int64()), ("codes", pa.list_(pa.int32()))])
_EVENT_COLUMNS = ("merge_event", "mapped_event", "violation_event")
_PER_EVENT = ("profile", "stamp", "created")


def _placed(done: Replayed, place: Numbers) -> tuple[Numbers, Replayed]:
    """With the places of the batch in place of those of the partition."""
    return place, replace(done, **{name: place[getattr(done, name)] for name in _EVENT_COLUMNS})


def _unidentified(carriers: Carriers) -> tuple[Numbers, Replayed]:
    """The events that carry nothing: no component has them."""
    place = np.flatnonzero(np.diff(carriers.offsets) == 0)
    nothing = Carriers(
        np.zeros(len(place) + 1, np.int64), np.empty(0, np.int32), carriers.received_at[place], carriers.kinds
    )
    empty = np.empty(0, np.int64)
    past = Past(
        empty,
        np.full(len(carriers.kinds), -1, np.int32),
        np.zeros(len(carriers.kinds), np.int64),
        np.zeros(1, np.int64),
        empty,
    )
    return _placed(kernel.replay(nothing, past, IdentityRules(), 0), place)


def _joined(pieces: list[tuple[Numbers, Replayed]], events: int, created: int) -> Replayed:
    """One answer, with the new profiles numbered as one replay would have: in landing order, without gaps."""
    place = np.concatenate([one for one, _ in pieces])
    columns = {
        field.name: np.concatenate([getattr(one, field.name) for _, one in pieces]) for field in fields(Replayed)
    }
    for name in _PER_EVENT:
        whole = np.empty(events, columns[name].dtype)
        whole[place] = columns[name]
        columns[name] = whole
    for event in _EVENT_COLUMNS:
        order = np.argsort(columns[event], kind="stable")
        for name in (name for name in columns if name.startswith(event.partition("_")[0] + "_")):
            columns[name] = columns[name][order]
    makers = np.flatnonzero(columns["created"])
    for name in ("profile", "stamp", "merge_profile", "merge_into", "merge_cause"):
        made = columns[name] >= created
        columns[name][made] = created + np.searchsorted(makers, columns[name][made] - created)
    return Replayed(**columns)
