"""A batch's changes to the three profile raw tables."""

import uuid
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from deltalake.transaction import AddAction

from profiles_sync.lake import files
from profiles_sync.lake.base import Lake
from profiles_sync.lake.tables import ARROW
from profiles_sync.pipeline import digests
from profiles_sync.pipeline.batches import Batch
from profiles_sync.pipeline.beside import beside
from profiles_sync.pipeline.changes import Rows, seq_texts, times
from profiles_sync.pipeline.identity import Resolved
from profiles_sync.pipeline.landing import of
from profiles_sync.pipeline.trait_history import new_columns, portions
from profiles_sync.spec import tables
from profiles_sync.spec.events import Source
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
    """Portion by portion: a row has all traits of its profile, so the rows may be far larger than what was sent."""
    declared, existing = tables.BY_NAME[TRAITS].types, lake.types(TRAITS)
    added = new_columns(resolved.traits, {name: kind for name, kind in existing.items() if name not in declared})
    rows, types = resolved.changes.traits, declared | added
    nothing = pa.array([""]).take(pa.array(np.zeros(len(rows.seq), np.int64)))
    common = _common(TRAITS, resolved, rows, nothing, sources)
    is_there, written, lost = lake.has(TRAITS, batch.number), [], 0
    for portion in portions(resolved.traits, resolved.known.traits, added):
        lost += portion.lost
        if not is_there:
            mine = {name: column[portion.start : portion.end] for name, column in common.items()} | portion.columns
            written.append(_file(lake, TRAITS, _stamped(mine, types, batch.uuid_ts), batch))
    if written:
        lake.append_files(TRAITS, written, batch.number, types)
    return {TRAITS: lost} if lost else {}


def _file(lake: Lake, name: str, rows: pa.Table, batch: Batch) -> AddAction:
    """Under a name of its own, for an attempt that was killed may have left others."""
    file = f"part-{batch.number:010d}-{uuid.uuid4().hex}.parquet"
    return files.write_to(lake.files(name, batch.number), lake.options, file, rows)


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
