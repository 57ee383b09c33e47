"""What a batch changes in the six tables that are kept up to date by MERGE.

The changes follow from what was known before the batch and from what it did alone, not from what the tables hold: a
batch that is run again merges the same rows. One row per key, with `_op`: I for a key that is new, U for one that is
there, D for one that goes; a merged-away profile's rows go and come again under the profile it was merged into.
Source: Segment, "Profiles Sync Tables", sections "Tables Segment materializes" and "Tables you materialize".
"""

from collections.abc import Mapping
from functools import partial

import numpy as np
import pyarrow as pa

from profiles_sync.lake.base import Lake
from profiles_sync.lake.tables import ARROW
from profiles_sync.pipeline import digests, raw_tables, trait_views
from profiles_sync.pipeline.batches import Batch
from profiles_sync.pipeline.changes import seq_texts
from profiles_sync.pipeline.identity import Resolved
from profiles_sync.pipeline.landing import numbers
from profiles_sync.pipeline.standing import Standing, ops
from profiles_sync.spec import tables
from profiles_sync.spec.tables import Table, Type

Columns = Mapping[str, pa.Array]


def merge(lake: Lake, batch: Batch, resolved: Resolved) -> dict[str, int]:
    """Merge the batch's changes; returns how many rows each table changes. Runs after the raw tables."""
    types = lake.types(raw_tables.TRAITS)
    declared = tables.BY_NAME[raw_tables.TRAITS].types
    added = {name: kind for name, kind in types.items() if name not in declared}
    lake.add_columns("profile_traits", added)
    after = Standing(resolved)
    counts = {}
    for name, made in (
        ("profile_merges", _graph),
        ("user_identifiers", _user_identifiers),
        ("user_traits", trait_views.user_traits),
        ("id_graph", _graph),
        ("external_id_mapping", _external_id_mapping),
        ("profile_traits", partial(trait_views.profile_traits, added=added)),
    ):
        kinds = tables.BY_NAME[name].types | (added if name == "profile_traits" else {})
        counts[name] = _merged(lake, batch, tables.BY_NAME[name], kinds, made(after))
    return counts


def _merged(lake: Lake, batch: Batch, table: Table, types: Mapping[str, Type], columns: Columns) -> int:
    """Merge one table's changes, which are gone from memory before the next one's are made."""
    if changed := len(columns["_op"]):
        lake.merge(table, _arrow(columns, types, batch), batch.number)
    return changed


def _arrow(columns: Columns, types: Mapping[str, Type], batch: Batch) -> pa.Table:
    stamp = pa.array(np.full(len(columns["_op"]), batch.uuid_ts)).cast(ARROW[Type.TIMESTAMP])
    made = {name: stamp if name == "uuid_ts" else columns[name].cast(ARROW[kind]) for name, kind in types.items()}
    return pa.table(made | {"_op": columns["_op"]})


def _graph(after: Standing) -> Columns:
    return after.node(after.moved) | {"_op": ops(after.is_new(after.moved))}


def _user_identifiers(after: Standing) -> Columns:
    """New identifiers, and those of profiles that the batch merged away: gone there, new here."""
    known, fresh = after.resolved.known.mapped, after.resolved.mapped
    profile = numbers(known, "profile")
    before, now = after.resolved.known.canonical(profile), after.of("canonical", profile)
    moving = np.flatnonzero(before != now)
    moved = known.take(pa.array(moving))
    rows = pa.concat_tables([moved, moved, fresh]).combine_chunks()
    owner = np.concatenate([before[moving], now[moving], after.of("canonical", numbers(fresh, "profile"))])
    return {
        "canonical_segment_id": after.changes.ids_of(owner),
        "type": rows["type"],
        "value": rows["value"],
        "seq": seq_texts(numbers(rows, "seq")),
        "received_at": rows["received_at"],
        "timestamp": rows["timestamp"],
        "_op": pa.array(["D", "I"]).take(pa.array((np.arange(len(owner)) >= len(moving)).astype(np.int8))),
    }


def _external_id_mapping(after: Standing) -> Columns:
    """New identifiers, and those whose profile the batch pointed elsewhere."""
    known, fresh = after.resolved.known.mapped, after.resolved.mapped
    moving = np.isin(numbers(known, "profile"), after.moved)
    rows = pa.concat_tables([known.filter(pa.array(moving)), fresh]).combine_chunks()
    profile = numbers(rows, "profile")
    kind, value = rows["type"].combine_chunks(), rows["value"].combine_chunks()
    return {
        "canonical_segment_id": after.changes.ids_of(after.of("canonical", profile)),
        "external_id_type": kind,
        "external_id_value": value,
        "external_id_hash": digests.external_id_hashes(kind, value),
        "timestamp": pa.array(np.maximum(numbers(rows, "timestamp"), after.of("timestamp", profile))),
        "_op": ops(np.arange(len(profile)) >= int(moving.sum())),
    }
