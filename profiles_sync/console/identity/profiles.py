"""A profile, looked up by any of its external IDs or its segment_id.

All of it is read from the profile raw tables, which are only ever appended to, and from `user_traits`.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from profiles_sync.console.identity.profile import Cause, Held, Merge, Profile, Trait
from profiles_sync.lake.base import Lake, Where
from profiles_sync.lake.tables import scan
from profiles_sync.spec.ids import external_id_hash

SEGMENT_ID = "segment_id"
_MERGES, _IDENTIFIERS, _TRAITS = "id_graph_updates", "external_id_mapping_updates", "user_traits"
_CAUSE = (
    "seq",
    "received_at",
    "timestamp",
    "triggering_event_type",
    "triggering_event_id",
    "triggering_event_name",
    "triggering_event_source_name",
)


def look_up(lake: Lake, kind: str, value: str, normalize_email: bool = False) -> Profile | None:
    """The profile that an external ID belongs to, or that a segment_id became a part of; None where there is none.

    Args:
        lake: Of the space.
        kind: The external ID's type, or `segment_id`.
        value: As it was received; spaces around it are left out.
        normalize_email: Whether the space's rules trim and lower-case e-mail addresses.
    """
    value = value.strip()
    if kind == "email" and normalize_email:
        value = value.lower()
    seen_with = value if kind == SEGMENT_ID else _seen_with(lake, kind, value)
    return None if seen_with is None else of(lake, seen_with)


def of(lake: Lake, segment_id: str) -> Profile | None:
    """The profile that a segment_id is, or became a part of; None where nobody has it."""
    own = _read(lake, _MERGES, ("seq", "canonical_segment_id"), [(SEGMENT_ID, "==", segment_id)])
    if not own:
        return None
    canonical = own[-1]["canonical_segment_id"]
    pointed = _read(lake, _MERGES, ("seq", SEGMENT_ID), [("canonical_segment_id", "==", canonical)])
    members = sorted({row[SEGMENT_ID] for row in pointed})
    rows = _read(lake, _MERGES, (SEGMENT_ID, "canonical_segment_id", *_CAUSE), [(SEGMENT_ID, "in", members)])
    created = {row[SEGMENT_ID]: _cause(row) for row in rows if row[SEGMENT_ID] == row["canonical_segment_id"]}
    return Profile(canonical, created, merges_in(rows), _identifiers(lake, members), _traits(lake, canonical))


def merges_in(rows: Sequence[Mapping[str, Any]]) -> tuple[Merge, ...]:
    """The merges in rows of `id_graph_updates` that are in order.

    The table has a row for each segment_id that a merge points elsewhere. A profile that was merged away earlier is
    pointed on together with the one that took it in; it is counted there and is no merge of its own.
    """
    found: dict[tuple[str, str], Merge] = {}
    stands = {row[SEGMENT_ID]: row[SEGMENT_ID] for row in rows}
    for row in rows:
        mine, into = row[SEGMENT_ID], row["canonical_segment_id"]
        before, stands[mine] = stands[mine], into
        if mine == into:
            continue
        if before == mine:
            found[mine, into] = Merge(mine, into, _cause(row))
        elif (before, into) in found:
            found[before, into] = replace(found[before, into], moved=found[before, into].moved + 1)
    return tuple(found.values())


def _seen_with(lake: Lake, kind: str, value: str) -> str | None:
    """The profile that an external ID was first attached to."""
    wanted = [("external_id_hash", "==", external_id_hash(kind, value))]
    rows = _read(
        lake, _IDENTIFIERS, ("seq", SEGMENT_ID, "external_id_type", "external_id_value", "__operation"), wanted
    )
    same = [row for row in rows if (row["external_id_type"], row["external_id_value"]) == (kind, value)]
    return same[-1][SEGMENT_ID] if same and same[-1]["__operation"] != "REMOVED" else None


def _identifiers(lake: Lake, members: Collection[str]) -> tuple[Held, ...]:
    names = ("external_id_type", "external_id_value", SEGMENT_ID, "__operation", *_CAUSE)
    found: dict[tuple[str, str], Held] = {}
    for row in _read(lake, _IDENTIFIERS, names, [(SEGMENT_ID, "in", list(members))]):
        key = row["external_id_type"], row["external_id_value"]
        if row["__operation"] == "REMOVED":
            found.pop(key, None)
        else:
            found.setdefault(key, Held(*key, row[SEGMENT_ID], _cause(row)))
    return tuple(found.values())


def _traits(lake: Lake, canonical: str) -> tuple[Trait, ...]:
    rows = _read(lake, _TRAITS, ("seq", "name", "value", "timestamp"), [("canonical_segment_id", "==", canonical)])
    return tuple(
        Trait(row["name"], row["value"], row["timestamp"]) for row in sorted(rows, key=lambda row: row["name"])
    )


def _read(lake: Lake, name: str, columns: Sequence[str], where: Where) -> list[dict[str, Any]]:
    """Rows in the order of `seq`."""
    table = lake.open(name)
    rows: list[dict[str, Any]] = [] if table is None else scan(table, columns, where).to_pylist()
    return sorted(rows, key=lambda row: str(row["seq"]))


def _cause(row: Mapping[str, Any]) -> Cause:
    return Cause(
        row["seq"],
        row["timestamp"] or row["received_at"],
        row["received_at"],
        row["triggering_event_type"],
        row["triggering_event_id"],
        row["triggering_event_name"],
        row["triggering_event_source_name"],
    )
