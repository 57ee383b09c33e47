"""Whether the identity graph is well: how it grows, what profiles hold, and what the rules refused."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from profiles_sync.console.identity.growth import Growth, growth, numbers
from profiles_sync.lake.base import Lake
from profiles_sync.lake.tables import scan
from profiles_sync.spec.resolver import NO_IDENTIFIERS
from profiles_sync.spec.tables import QUARANTINE

GRAPH, MAPPING, VIOLATIONS = "id_graph_updates", "external_id_mapping", "_control/violations"
#: All that is looked at.
TABLES = (GRAPH, MAPPING, VIOLATIONS, QUARANTINE.name)
_HUBS = 10
#: External IDs per profile: the least of each bar, and what is written below it.
_BARS = {1: "1", 2: "2", 3: "3", 4: "4", 5: "5", 6: "6 to 10", 11: "to 20", 21: "to 50", 51: "to 100", 101: "more"}


@dataclass(frozen=True)
class Hub:
    """A profile with many external IDs: on how many profiles of the past they were."""

    segment_id: str
    external_ids: int
    profiles: int


@dataclass(frozen=True)
class Health:
    """See the module; counts are by name, the largest first, but that `per_profile` is by how many they have."""

    growth: Growth
    per_profile: Mapping[str, int]
    types: Mapping[str, int]
    hubs: tuple[Hub, ...]
    violations: Mapping[str, Mapping[str, int]]
    unresolved: int
    quarantined: Mapping[str, int]


def health(lake: Lake) -> Health:
    """Read the whole graph; keep the answer with `Remembered`."""
    graph = _read(lake, GRAPH, "segment_id", "canonical_segment_id", "received_at")
    mapping = _read(lake, MAPPING, "canonical_segment_id", "external_id_type")
    broken = _violations(_read(lake, VIOLATIONS, "code", "external_id_type"))
    unresolved = sum(broken.pop(NO_IDENTIFIERS, {}).values())
    reasons = pc.replace_substring_regex(_read(lake, QUARANTINE.name, "reason")["reason"], r" \(.*", "")
    per_profile = mapping.group_by("canonical_segment_id").aggregate([([], "count_all")])
    return Health(
        growth(graph),
        _bars(numbers(per_profile["count_all"])),
        counted(mapping["external_id_type"]),
        _hubs(per_profile, graph),
        broken,
        unresolved,
        counted(reasons),
    )


def counted(values: pa.ChunkedArray) -> dict[str, int]:
    """Value to how often it is there, the most frequent first."""
    found = {one["values"]: one["counts"] for one in values.value_counts().to_pylist() if one["values"] is not None}
    return dict(sorted(found.items(), key=lambda one: (-one[1], one[0])))


def _bars(counts: NDArray[np.int64]) -> dict[str, int]:
    many = np.histogram(counts, [*_BARS, np.iinfo(np.int64).max])[0].tolist()
    return dict(zip(_BARS.values(), many, strict=True))


def _hubs(per_profile: pa.Table, graph: pa.Table) -> tuple[Hub, ...]:
    """The profiles with the most external IDs, such as one that a shared device made of several people."""
    order = [("count_all", "descending"), ("canonical_segment_id", "ascending")]
    most = per_profile.take(pc.select_k_unstable(per_profile, min(_HUBS, len(per_profile)), order)).to_pylist()
    names = pa.array([one["canonical_segment_id"] for one in most], pa.string())
    rows = graph.filter(pc.is_in(graph["canonical_segment_id"], names)).group_by("canonical_segment_id")
    found = rows.aggregate([("segment_id", "count_distinct")]).to_pydict()
    parts = dict(zip(found["canonical_segment_id"], found["segment_id_count_distinct"], strict=True))
    return tuple(
        Hub(one["canonical_segment_id"], one["count_all"], parts.get(one["canonical_segment_id"], 1)) for one in most
    )


def _violations(rows: pa.Table) -> dict[str, dict[str, int]]:
    """Code to type of external ID to how often; `` for none."""
    found: dict[str, dict[str, int]] = {}
    for code in counted(rows["code"]):
        found[code] = counted(pc.fill_null(rows.filter(pc.equal(rows["code"], code))["external_id_type"], ""))
    return found


def _read(lake: Lake, name: str, *columns: str) -> pa.Table:
    """The columns of a table, which may not be there yet."""
    table = lake.open(name)
    return pa.table({one: pa.array([], pa.string()) for one in columns}) if table is None else scan(table, columns)
