"""The same resolutions as `replay`, spread over Spark: components first, then an ordered replay inside each.

Two events can only influence each other when their identifiers are connected, by events of this batch or through a
profile that is already there. So the identifiers are contracted onto the current profiles, the connected components
tell which events belong together, and every partition replays whole components in landing order. The components
decide where an event is replayed; they never decide the answer.
"""

import pickle
from collections.abc import Iterator, Sequence
from dataclasses import replace

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import DataFrame, SparkSession

from profiles_sync.pipeline.components import ONE_TASK, components
from profiles_sync.pipeline.discover import resolve
from profiles_sync.pipeline.replay import Carrier
from profiles_sync.pipeline.state import Known, short_hash
from profiles_sync.spec.identifiers import Identifier
from profiles_sync.spec.ledger import Ledger
from profiles_sync.spec.resolver import Merge, Resolution, Resolver
from profiles_sync.spec.rules import IdentityRules

_EVENTS = pa.schema(
    [("place", pa.int64()), ("anchor", pa.int64()), ("received_at", pa.int64()), ("identifiers", pa.string())]
)
_EDGES = pa.schema([("node", pa.int64()), ("component", pa.int64())])


def resolutions(
    spark: SparkSession,
    carriers: Sequence[Carrier],
    known: Known,
    rules: IdentityRules,
    created: int,
    folder: str,
    one_task: int = ONE_TASK,
) -> list[Resolution]:
    """As `replay.resolutions`; an empty `folder` takes the staged tables, `one_task` is how many edges one task takes."""
    _stage(carriers, known, folder)
    labels = components(spark, spark.read.parquet(f"{folder}/edges.parquet"), f"{folder}/rounds", one_task)
    events = spark.read.parquet(f"{folder}/events.parquet").withColumnRenamed("anchor", "node").join(labels, "node")
    replayed = _replayed(events, known, rules, created)
    return _numbered(replayed, carriers, created)


def _stage(carriers: Sequence[Carrier], known: Known, folder: str) -> None:
    rows, nodes, ends = [], [], []
    for place, carrier in enumerate(carriers):
        if not carrier.identifiers:
            continue
        hashes = [short_hash(one) for one in carrier.identifiers]
        rows.append(
            (place, hashes[0], carrier.received_at, orjson.dumps([tuple(one) for one in carrier.identifiers]).decode())
        )
        nodes += [hashes[0]] * len(hashes)
        ends += hashes
    by_profile: dict[int, int] = {}  # a profile stands for its first identifier here: it contracts the others onto it
    for identifier in known.identifiers:
        short = short_hash(identifier)
        nodes.append(short)
        ends.append(by_profile.setdefault(known.canonical(identifier), short))
    events = list(zip(*rows, strict=True)) or [()] * len(_EVENTS)
    _write(f"{folder}/events.parquet", pa.table([pa.array(column) for column in events], schema=_EVENTS))
    _write(f"{folder}/edges.parquet", pa.table([pa.array(nodes), pa.array(ends)], schema=_EDGES))


def _write(path: str, table: pa.Table) -> None:
    filesystem, inner = resolve(path)
    filesystem.create_dir(inner.rpartition("/")[0], recursive=True)
    pq.write_table(table, inner, filesystem=filesystem)


def _replayed(events: DataFrame, known: Known, rules: IdentityRules, created: int) -> dict[int, Resolution]:
    """Replay each component in order. A new profile is numbered `created` plus its event's place, for now."""

    def replay(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        resolver = Resolver(rules)
        known.fill(resolver, Ledger(""))
        for batch in batches:
            places, results = [], []
            for place, at, text in zip(*(batch.column(i).to_pylist() for i in range(3)), strict=True):
                resolver.created = created + place
                identifiers = [Identifier(*one) for one in orjson.loads(text)]
                places.append(place)
                results.append(pickle.dumps(resolver.resolve(identifiers, at)))
            yield pa.RecordBatch.from_arrays([pa.array(places, pa.int64()), pa.array(results, pa.binary())], ["p", "r"])

    grouped = (
        events.repartition("component").sortWithinPartitions("place").select("place", "received_at", "identifiers")
    )
    rows = grouped.mapInArrow(replay, "p bigint, r binary").collect()
    return {row["p"]: pickle.loads(row["r"]) for row in rows}


def _numbered(replayed: dict[int, Resolution], carriers: Sequence[Carrier], created: int) -> list[Resolution]:
    """Number the new profiles as one resolver would have: in landing order, without gaps."""
    made = [place for place in sorted(replayed) if replayed[place].created]
    final = {created + place: created + number for number, place in enumerate(made)}
    nothing = Resolver(IdentityRules()).resolve((), 0)
    return [_renumbered(replayed[place], final) if place in replayed else nothing for place in range(len(carriers))]


def _renumbered(one: Resolution, final: dict[int, int]) -> Resolution:
    def number(old: int) -> int:
        return final.get(old, old)

    if one.profile is None or one.stamp is None:
        return one
    merges = tuple(Merge(number(m.profile), number(m.into), number(m.cause)) for m in one.merges)
    return replace(one, profile=number(one.profile), stamp=number(one.stamp), merges=merges)
