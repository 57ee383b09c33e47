"""A batch's changes to the three profile raw tables."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from profiles_sync.lake.base import Lake
from profiles_sync.lake.tables import ARROW
from profiles_sync.pipeline import digests
from profiles_sync.pipeline.batches import Batch
from profiles_sync.pipeline.beside import beside
from profiles_sync.pipeline.changes import Rows, seq_texts, times
from profiles_sync.pipeline.identity import Resolved
from profiles_sync.pipeline.landing import of
from profiles_sync.spec import tables
from profiles_sync.spec.events import Source
from profiles_sync.spec.space import Tables
from profiles_sync.spec.tables import Type

GRAPH, MAPPINGS, TRAITS = (table.name for table in tables.RAW_TABLES)


def append(lake: Lake, batch: Batch, resolved: Resolved, sources: Sequence[Source]) -> dict[str, int]:
    """Append the batch's rows.

    Args:
        lake: Takes them.
        batch: The batch.
        resolved: What it did.
        sources: Of each of its files.

    Returns:
        How many values could not be cast, by table.
    """

    def one(name: str, made: Callable[[Resolved, Sequence[Source]], dict[str, pa.Array]]) -> dict[str, int]:
        rows = _stamped(made(resolved, sources), tables.BY_NAME[name].types, batch.uuid_ts)
        lake.append(name, rows, batch.number)
        return {}

    *_, lost = beside(
        lambda: one(MAPPINGS, _mappings),  # the largest first
        lambda: one(GRAPH, _graph),
        lambda: _append_traits(lake, batch, resolved, sources),
    )
    return lost


def _graph(resolved: Resolved, sources: Sequence[Source]) -> dict[str, pa.Array]:
    changes = resolved.changes
    canonical = changes.ids_of(changes.canonical)
    key = pa.array(changes.canonical).cast(pa.string())
    return _common(GRAPH, resolved, changes.graph, key, sources) | {"canonical_segment_id": canonical}


def _mappings(resolved: Resolved, sources: Sequence[Source]) -> dict[str, pa.Array]:
    rows, mapped = resolved.changes.mapped, resolved.mapped
    kind, value = (mapped[name].combine_chunks() for name in ("type", "value"))
    digest = digests.external_id_hashes(kind, value)
    return _common(MAPPINGS, resolved, rows, digest, sources) | {
        "external_id_type": kind,
        "external_id_value": value,
        "external_id_hash": digest,
        "__operation": pa.array(["CREATED"]).take(pa.array(np.zeros(len(rows.seq), np.int64))),
    }


def _append_traits(lake: Lake, batch: Batch, resolved: Resolved, sources: Sequence[Source]) -> dict[str, int]:
    rows = resolved.changes.traits
    nothing = pa.array([""]).take(pa.array(np.zeros(len(rows.seq), np.int64)))
    declared, existing = tables.BY_NAME[TRAITS].types, lake.types(TRAITS)
    typed = Tables(added={TRAITS: {name: kind for name, kind in existing.items() if name not in declared}})
    for snapshot in resolved.traits.snapshots:
        typed.append(TRAITS, {}, {name: trait.value for name, trait in snapshot.items()})
    added = typed.added[TRAITS]
    brought = {
        name: pa.array([row.get(name) for row in typed.rows.get(TRAITS, ())], ARROW[kind])
        for name, kind in added.items()
    }
    types = declared | added
    lake.add_columns(TRAITS, types)
    columns = _common(TRAITS, resolved, rows, nothing, sources) | brought
    lake.append(TRAITS, _stamped(columns, types, batch.uuid_ts), batch.number)
    return {TRAITS: typed.cast_to_null} if typed.cast_to_null else {}


def _common(
    table: str, resolved: Resolved, rows: Rows, key: pa.StringArray, sources: Sequence[Source]
) -> dict[str, pa.Array]:
    """The columns that all three have."""
    landing, segment_id = resolved.landing, resolved.changes.ids_of(rows.profile)
    seq = seq_texts(rows.seq)
    time = ARROW[Type.TIMESTAMP]
    _, received, happened = times(landing, rows)
    texts = pc.binary_join_element_wise(segment_id, key, seq, "\n")
    split = pa.array(landing.numbers("split")[rows.event])
    columns = {
        "id": digests.hexadecimal(digests.sha1(texts, f"{table}\n")),
        "segment_id": segment_id,
        "seq": seq,
        "received_at": received.cast(time),
        "timestamp": happened.cast(time),
    }
    for column, name in (("type", "type"), ("id", "message_id"), ("name", "name")):
        columns[f"triggering_event_{column}"] = of(landing.events[name], rows.event)
    for column in ("id", "name", "slug"):
        named = pa.array([getattr(source, column) for source in sources], pa.string())
        columns[f"triggering_event_source_{column}"] = named.take(split)
    return columns


def _stamped(columns: Mapping[str, pa.Array], types: Mapping[str, Type], uuid_ts: int) -> pa.Table:
    rows = len(next(iter(columns.values())))
    stamp = pa.array(np.full(rows, uuid_ts)).cast(ARROW[Type.TIMESTAMP])
    return pa.table({name: columns.get(name, stamp) for name in types})
