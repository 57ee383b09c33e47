"""The ledger's rows to the three profile raw tables."""

from collections.abc import Mapping, Sequence

import pyarrow as pa

from profiles_sync.lake.tables import ARROW, Lake
from profiles_sync.pipeline.batches import Batch
from profiles_sync.spec import tables
from profiles_sync.spec.ledger import Ledger
from profiles_sync.spec.rows import Row
from profiles_sync.spec.space import Tables
from profiles_sync.spec.tables import Type

TRAITS = "profile_traits_updates"


def append(lake: Lake, batch: Batch, ledger: Ledger) -> dict[str, int]:
    """Append the batch's rows; returns how many values could not be cast, by table."""
    for name, rows in (
        ("id_graph_updates", ledger.id_graph_updates),
        ("external_id_mapping_updates", ledger.external_id_mapping_updates),
    ):
        lake.append(name, as_arrow(rows, tables.BY_NAME[name].types, batch.uuid_ts), batch.number)
    return _append_traits(lake, batch, ledger)


def _append_traits(lake: Lake, batch: Batch, ledger: Ledger) -> dict[str, int]:
    declared = tables.BY_NAME[TRAITS].types
    existing = lake.types(TRAITS)
    typed = Tables(added={TRAITS: {name: kind for name, kind in existing.items() if name not in declared}})
    for fixed, brought in ledger.profile_traits_updates:
        typed.append(TRAITS, fixed, brought)
    types = declared | typed.added[TRAITS]
    lake.add_columns(TRAITS, types)
    lake.append(TRAITS, as_arrow(typed.rows.get(TRAITS, []), types, batch.uuid_ts), batch.number)
    return {TRAITS: typed.cast_to_null} if typed.cast_to_null else {}


def as_arrow(rows: Sequence[Row], types: Mapping[str, Type], uuid_ts: int) -> pa.Table:
    """Rows as Arrow columns; a missing value is null, `uuid_ts` is the batch's."""
    columns = {
        name: pa.array([row.get(name) for row in rows], ARROW[kind])
        for name, kind in types.items()
        if name != "uuid_ts"
    }
    stamp = pa.array([uuid_ts] * len(rows), ARROW[Type.TIMESTAMP])
    return pa.table({name: columns.get(name, stamp) for name in types})
