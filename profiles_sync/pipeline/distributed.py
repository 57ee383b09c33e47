"""The same as `kernel.replay`, spread over Spark: components first, then an ordered replay inside each.

Two events can only influence each other when their identifiers are connected, by events of this batch or through a
profile that is already there. So the identifiers are contracted onto the current profiles, the connected components
tell which events belong together, and every share of the batch is replayed in landing order: whole components, and of
the past only what is theirs. The components decide where an event is replayed; they never decide the answer.

Tasks read and write files. What the driver takes back is one number per identifier and what each event came to: less
than the events, which it holds already.
"""

from collections.abc import Sequence
from dataclasses import fields

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from pyspark.sql import SparkSession

from profiles_sync.pipeline import staging
from profiles_sync.pipeline.components import AT_ONCE, ONE_TASK, labelled
from profiles_sync.pipeline.edges import SCHEMA
from profiles_sync.pipeline.kernel import Carriers, Past, Replayed
from profiles_sync.pipeline.portions import Portions, replay_portion
from profiles_sync.pipeline.staging import Slice
from profiles_sync.pipeline.storage import resolve
from profiles_sync.pipeline.tasks import each_on_spark
from profiles_sync.spec.rules import IdentityRules

Numbers = NDArray[np.int64]
PORTION = 250_000  # events that one task replays, or a component that has more
_ROW_GROUP, _FEWEST = 1_000_000, 16  # edges


def resolutions(
    spark: SparkSession,
    carriers: Carriers,
    past: Past,
    rules: IdentityRules,
    created: int,
    folder: str,
    one_task: int = ONE_TASK,
    portion: int = PORTION,
) -> Replayed:
    """As `kernel.replay`; an empty `folder` takes what is staged.

    One task takes `one_task` edges or replays about `portion` events.
    """
    components = _components(spark, carriers, past, folder, one_task)
    portions = Portions(carriers, past, components, max(1, len(carriers.received_at) // portion))
    staged = [staging.write(f"{folder}/portions", one) for one in portions]
    done = _replayed(spark, staged, rules, created, f"{folder}/replayed")
    return _joined(portions, done, created)


def _components(spark: SparkSession, carriers: Carriers, past: Past, folder: str, one_task: int) -> Numbers:
    """Per code the smallest code of its component."""
    nodes, ends = _edges(carriers, past)
    found = np.arange(len(carriers.kinds))
    if not len(nodes):
        return found
    path = f"{folder}/edges/all.parquet"
    filesystem, inner = resolve(path)
    filesystem.create_dir(inner.rpartition("/")[0], recursive=True)
    pq.write_table(
        pa.table([pa.array(nodes), pa.array(ends)], schema=SCHEMA),
        inner,
        filesystem=filesystem,
        row_group_size=max(_FEWEST, min(one_task // AT_ONCE, _ROW_GROUP)),
        use_dictionary=False,
        write_statistics=False,
    )
    for labels in labelled(spark, path, f"{folder}/rounds", one_task):
        filesystem, inner = resolve(labels)
        with pq.ParquetFile(inner, filesystem=filesystem) as file:
            for batch in file.iter_batches(_ROW_GROUP, columns=SCHEMA.names, use_threads=False):
                found[batch.column(0).to_numpy()] = batch.column(1).to_numpy()
    return found


def _edges(carriers: Carriers, past: Past) -> tuple[Numbers, Numbers]:
    """From the first identifier of an event or a profile to each other one."""
    size = np.diff(carriers.offsets)
    first = carriers.codes[carriers.offsets[:-1][size > 0]]
    owned = np.flatnonzero(past.owners >= 0)
    _, anchor, of = np.unique(past.owners[owned], return_index=True, return_inverse=True)
    nodes = np.concatenate([np.repeat(first, size[size > 0]), owned]).astype(np.int64)
    ends = np.concatenate([carriers.codes, owned[anchor][of]]).astype(np.int64)
    apart = nodes != ends
    return nodes[apart], ends[apart]


def _replayed(
    spark: SparkSession, staged: Sequence[Sequence[Slice]], rules: IdentityRules, created: int, folder: str
) -> list[list[pa.Table]]:
    """Replay each portion in a task of its own, in one Spark job; what they came to, in their order."""

    def replayed(portion: Sequence[Slice]) -> str:
        done = replay_portion([staging.read(one) for one in portion], rules, created)
        return orjson.dumps(staging.write(folder, done)).decode()

    return [
        [staging.read(Slice(**one)) for one in orjson.loads(slices)]
        for slices in each_on_spark(spark, staged, replayed)
    ]


def _joined(portions: Portions, done: Sequence[Sequence[pa.Table]], created: int) -> Replayed:
    """One answer, with the new profiles numbered as one replay would have: in landing order, without gaps."""
    per_event, *logs = (pa.concat_tables(several) for several in zip(*done, strict=True))
    columns = {}
    for name in per_event.column_names:
        found = per_event[name].to_numpy()
        columns[name] = np.empty(len(found), found.dtype)
        columns[name][portions.event_order] = found
    for log in logs:
        order = np.argsort(log.column(0).to_numpy(), kind="stable")
        columns |= {name: log[name].to_numpy()[order] for name in log.column_names}
    number = created - 1 + np.cumsum(columns["created"])
    for name in ("profile", "stamp", "merge_profile", "merge_into", "merge_cause"):
        made = columns[name] >= created
        columns[name][made] = number[columns[name][made] - created]
    return Replayed(**{field.name: columns[field.name] for field in fields(Replayed)})
