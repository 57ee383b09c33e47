"""Rows of the profile raw tables as they are inferred from the current state, for a backfill.

For each profile where it maps to, for each external ID the profile that it was attached to, for each canonical profile
its traits. Such a row is the last one that stands for its key, without what it cannot know: when it happened and by
which event. It keeps `id` and `seq`, so it lies before every later row, and one that is there already is found again.
Source: Segment, "Profiles Sync Tables", section "Profile raw tables".
"""

import pyarrow as pa
import pyarrow.compute as pc

#: Raw table to the column that its current state has one row for each value of.
KEYS = {
    "id_graph_updates": "segment_id",
    "external_id_mapping_updates": "external_id_hash",
    "profile_traits_updates": "segment_id",
}
#: The columns that tell which rows are the current state.
READ = {
    "id_graph_updates": ("id", "seq", "uuid_ts", "segment_id", "canonical_segment_id"),
    "external_id_mapping_updates": ("id", "seq", "uuid_ts", "external_id_hash", "__operation"),
    "profile_traits_updates": ("id", "seq", "uuid_ts", "segment_id"),
}


def current(name: str, rows: pa.Table, graph: pa.Table | None = None) -> pa.Table:
    """The rows that are the current state, of the columns in `READ`.

    Args:
        name: Of the raw table.
        rows: All that count.
        graph: The current rows of `id_graph_updates`, which tell whose traits are current.
    """
    last = _last(rows, KEYS[name])
    if name == "external_id_mapping_updates":
        return last.filter(pc.not_equal(last["__operation"], "REMOVED"))
    if name == "profile_traits_updates" and graph is not None:
        canonical = graph.filter(pc.equal(graph["segment_id"], graph["canonical_segment_id"]))["segment_id"]
        return last.filter(pc.is_in(last["segment_id"], canonical.combine_chunks()))
    return last


def without_times(rows: pa.RecordBatch) -> pa.RecordBatch:
    """Without the time and the event of a change."""
    columns = {
        name: pa.nulls(rows.num_rows, column.type) if name == "timestamp" or name.startswith("triggering_") else column
        for name, column in zip(rows.schema.names, rows.columns, strict=True)
    }
    return pa.RecordBatch.from_arrays(list(columns.values()), schema=rows.schema)


def _last(rows: pa.Table, key: str) -> pa.Table:
    """Of each key the row with the largest seq."""
    rows = rows.sort_by("seq")
    numbered = rows.append_column("_place", pa.array(range(rows.num_rows), pa.int64()))
    return rows.take(numbered.group_by(key).aggregate([("_place", "max")])["_place_max"])
