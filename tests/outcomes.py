"""What an engine made of a stream of events, and what holds for it whatever the stream was."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from profiles_sync.spec import ids, tables
from profiles_sync.spec.tables import Group, Type

RAW = tuple(table.name for table in tables.RAW_TABLES)
_EVENTS = tuple(table.name for table in tables.EVENT_TYPE_TABLES)
_PYTHON = {Type.STRING: str, Type.BIGINT: int, Type.DOUBLE: float, Type.BOOLEAN: bool, Type.TIMESTAMP: int}

Row = dict[str, Any]


@dataclass
class Outcome:
    """What an engine made of a case.

    Attributes:
        rows: Table to rows; every fixed table is there. Times are microseconds since 1970 UTC, NULL is None or missing.
        columns: Table to all its columns and their types, the declared ones included.
        violations: messageId, code, and the external ID type where the violation is about one.
        duplicates: How many events were repeats.
        quarantined: Reason to number of lines.
    """

    rows: dict[str, list[Row]]
    columns: dict[str, dict[str, Type]]
    violations: list[list[str]] = field(default_factory=list)
    duplicates: int = 0
    quarantined: dict[str, int] = field(default_factory=dict)

    def ordered(self, table: str) -> list[Row]:
        """The rows of a raw table in landing order."""
        return sorted(self.rows[table], key=lambda row: row["seq"])


def problems(outcome: Outcome) -> list[str]:
    """Every way in which the outcome contradicts itself or the declared tables; sentences, none if all is well."""
    return [
        *_declared_problems(outcome),
        *_value_problems(outcome),
        *_seq_problems(outcome),
        *_graph_problems(outcome),
        *_event_problems(outcome),
    ]


def _declared_problems(outcome: Outcome) -> Iterator[str]:
    for table in tables.FIXED_TABLES:
        if table.name not in outcome.rows:
            yield f"{table.name} is missing"
    for name in outcome.rows:
        declared = tables.table(name).types
        if not declared.items() <= outcome.columns[name].items():
            yield f"{name} does not have its declared columns"


def _value_problems(outcome: Outcome) -> Iterator[str]:
    for table, rows in outcome.rows.items():
        types = outcome.columns[table]
        for column in sorted({name for row in rows for name in row}):
            if column not in types:
                yield f"{table}.{column} has values but is no column"
                continue
            values = {type(row.get(column)) for row in rows} - {type(None)}
            if not values <= {_PYTHON[types[column]]}:
                yield f"{table}.{column} is a {types[column]} but holds {values}"
        key = tables.table(table).key
        keys = [tuple(row.get(name) for name in key) for row in rows]
        if table not in _EVENTS and not _is_track_table(table) and (len(set(keys)) < len(keys) or _has_none(keys)):
            yield f"{table}: the key {key} is empty or not unique"


def _has_none(keys: list[tuple[Any, ...]]) -> bool:
    return any(value is None for key in keys for value in key)


def _seq_problems(outcome: Outcome) -> Iterator[str]:
    everything = [row["seq"] for table in RAW for row in outcome.rows[table]]
    if len(set(everything)) < len(everything):
        yield "two raw rows have the same seq"
    if any(seq is None or len(seq) != 20 or not seq.isdigit() for seq in everything):
        yield "a seq is not 20 digits"
    for row in outcome.rows["external_id_mapping_updates"]:
        if row["external_id_hash"] != ids.external_id_hash(row["external_id_type"], row["external_id_value"]):
            yield "an external_id_hash is not the SHA-1 of type and value"


def _graph_problems(outcome: Outcome) -> Iterator[str]:
    last = {row["segment_id"]: row["canonical_segment_id"] for row in outcome.ordered("id_graph_updates")}
    for table in ("id_graph", "profile_merges"):
        if {row["segment_id"]: row["canonical_segment_id"] for row in outcome.rows[table]} != last:
            yield f"{table} is not the last state of id_graph_updates"
    canonical = {one for one in last.values() if last[one] == one}
    if canonical != set(last.values()):
        yield "a canonical_segment_id is itself merged away"
    for table in ("user_identifiers", "user_traits", "external_id_mapping"):
        if not {row["canonical_segment_id"] for row in outcome.rows[table]} <= canonical:
            yield f"{table} has rows of a profile that is merged away"
    merged_to = {row["canonical_segment_id"]: row.get("merged_to") for row in outcome.rows["profile_traits"]}
    if merged_to != {one: None if to == one else to for one, to in last.items()}:
        yield "profile_traits does not say for every profile where it went"


def _event_problems(outcome: Outcome) -> Iterator[str]:
    profiles = {row["segment_id"] for row in outcome.rows["id_graph"]} | {None}
    own = [name for name in outcome.rows if _is_track_table(name)]
    for table in (*_EVENTS, *own):
        if not {row.get("segment_id") for row in outcome.rows[table]} <= profiles:
            yield f"{table} has a segment_id that is not in id_graph"
    if sorted(row["id"] for table in own for row in outcome.rows[table]) != sorted(
        row["id"] for row in outcome.rows["tracks"]
    ):
        yield "tracks and the track event tables hold different events"


def _is_track_table(name: str) -> bool:
    return tables.table(name).group is Group.TRACK
