"""What the next batch needs to know of the past: four append-only logs below `_control`.

Each row carries its batch. A batch reads only rows of earlier ones, so running it again reads what it read before.
A batch looks up what its events touch and nothing else: the identifiers by their digests, the profiles these belong
to, and those profiles' other identifiers and traits. Large files are not read for it, see `lake.indexes`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from profiles_sync.lake.base import Lake, Opened
from profiles_sync.lake.indexes import Index
from profiles_sync.pipeline.beside import beside
from profiles_sync.pipeline.hashing import places
from profiles_sync.pipeline.kernel import Past
from profiles_sync.pipeline.landing import numbers
from profiles_sync.spec.rules import IdentityRules
from profiles_sync.spec.traits import Trait

IDENTIFIERS, GRAPH, TRAITS = "_control/identifiers", "_control/graph", "_control/traits"
TIMES = [("seq", pa.int64()), ("received_at", pa.int64()), ("timestamp", pa.int64())]
_BATCH = ("batch", pa.int64())
MAPPED = pa.schema(
    [
        ("high", pa.int64()),  # with `low`, 128 bits of the external ID's hash
        ("low", pa.int64()),
        ("type", pa.string()),
        ("value", pa.string()),
        ("profile", pa.int64()),  # that it was first attached to
        *TIMES,
    ]
)
NODES = pa.schema([("profile", pa.int64()), ("canonical", pa.int64()), ("segment_id", pa.string()), *TIMES])
_TRAITS = pa.schema(
    [
        ("profile", pa.int64()),
        ("name", pa.string()),
        ("value", pa.string()),  # JSON; null: the trait was removed
        ("changed", pa.int64()),  # seq of the raw row that wrote the trait to this profile
        *TIMES,
        _BATCH,
    ]
)
_OWNERS = Index("by_digest", ["high", "low", "profile", "batch"])
_MAPPED = Index("by_profile", ["profile", *(name for name in MAPPED.names if name != "profile"), "batch"])
_NODES = Index("by_profile", [*NODES.names, "batch"])
_POINTED = Index("by_canonical", ["canonical", "profile", "batch"])
_CHANGED = Index("by_profile", _TRAITS.names)
#: By which the logs are looked up.
INDEXES: Mapping[str, Sequence[Index]] = {
    IDENTIFIERS: (_OWNERS, _MAPPED),
    GRAPH: (_NODES, _POINTED),
    TRAITS: (_CHANGED,),
}
Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class Known:
    """What the past knows of the profiles that a batch touches.

    Attributes:
        mapped: `MAPPED`, every identifier of these profiles.
        nodes: `NODES`, these profiles and those merged into them, each once, by number.
        traits: Of those that are canonical, by number and name.
    """

    mapped: pa.Table = field(default_factory=MAPPED.empty_table)
    nodes: pa.Table = field(default_factory=NODES.empty_table)
    traits: dict[int, dict[str, Trait]] = field(default_factory=dict)

    def canonical(self, profiles: Numbers) -> Numbers:
        """Where each of the profiles, which are known, maps."""
        return numbers(self.nodes, "canonical")[np.searchsorted(numbers(self.nodes, "profile"), profiles)]


def look_up(lake: Lake, identifiers: pa.Table, batch: int) -> Known:
    """All that earlier batches know of the profiles which the identifiers belong to.

    Args:
        lake: Holds the logs.
        identifiers: `high` and `low`, distinct.
        batch: Only earlier ones are asked.
    """
    table, graph = lake.open(IDENTIFIERS), lake.open(GRAPH)
    if table is None or graph is None or not identifiers.num_rows:
        return Known()
    digests = _before(lake, IDENTIFIERS, table, _OWNERS, numbers(identifiers, "high"), batch)
    found = places(*(numbers(one, name) for one in (digests, identifiers) for name in ("high", "low"))) >= 0
    nodes = _family(lake, graph, np.unique(numbers(digests, "profile")[found]), batch)
    mapped = _before(lake, IDENTIFIERS, table, _MAPPED, numbers(nodes, "profile"), batch)
    mapped = mapped.select(MAPPED.names).sort_by("seq").cast(MAPPED)
    return Known(mapped, nodes, _traits_of(lake, nodes, batch))


def _before(lake: Lake, name: str, table: Opened, index: Index, keys: Numbers, batch: int) -> pa.Table:
    """The rows of earlier batches that have one of the keys."""
    rows = lake.look_up(name, table, index, keys)
    return rows.filter(pc.less(rows["batch"], batch)).combine_chunks()


def _family(lake: Lake, graph: Opened, touched: Numbers, batch: int) -> pa.Table:
    """The last rows of every profile, merged ones included, that maps where one of the touched profiles maps.

    A merge points all that had been merged before at the survivor anew, so whatever was ever pointed at a profile
    that is still canonical is there still.
    """
    mine = _last(_before(lake, GRAPH, graph, _NODES, touched, batch))
    family = numbers(_before(lake, GRAPH, graph, _POINTED, numbers(mine, "canonical"), batch), "profile")
    others = _last(_before(lake, GRAPH, graph, _NODES, np.setdiff1d(family, touched), batch))
    return pa.concat_tables([mine, others]).sort_by("profile").select(NODES.names).cast(NODES).combine_chunks()


def _last(rows: pa.Table) -> pa.Table:
    """The last row of each profile, by profile."""
    kept = last_rows(numbers(rows, "profile"), numbers(rows, "seq"))
    return rows.take(pa.array(kept)).combine_chunks()


def last_rows(profile: Numbers, seq: Numbers) -> Numbers:
    """The places of each profile's last row, by profile."""
    order = np.lexsort((seq, profile))
    is_last = np.append(profile[order][1:] != profile[order][:-1], True)[: len(order)]
    kept: Numbers = order[is_last]
    return kept


def _traits_of(lake: Lake, nodes: pa.Table, batch: int) -> dict[int, dict[str, Trait]]:
    table = lake.open(TRAITS)
    live = numbers(nodes, "profile")[numbers(nodes, "profile") == numbers(nodes, "canonical")]
    if table is None or not len(live):
        return {}
    rows = _before(lake, TRAITS, table, _CHANGED, live, batch).sort_by("changed")
    known: dict[int, dict[str, Trait]] = {}
    for row in rows.to_pylist():
        traits = known.setdefault(row["profile"], {})
        if row["value"] is None:
            traits.pop(row["name"], None)
        else:
            traits[row["name"]] = Trait(orjson.loads(row["value"]), row["seq"], row["received_at"], row["timestamp"])
    return known


def as_past(known: Known, identifiers: pa.Table, rules: IdentityRules) -> tuple[Past, NDArray[np.int16]]:
    """What the replay starts from.

    Returns:
        The past, and the rank of the type of every code: those of the batch first, then those that only the past knows.
    """
    mine = places(*(numbers(one, name) for one in (known.mapped, identifiers) for name in ("high", "low")))
    codes, batch = mine.astype(np.int64), identifiers.num_rows
    others = codes < 0
    codes[others] = batch + np.arange(int(others.sum()))
    types = pc.index_in(known.mapped["type"], pa.array(list(rules.by_type), pa.string())).fill_null(-1).to_numpy()
    kinds = np.concatenate([numbers(identifiers, "rank"), types[others]]).astype(np.int16)
    profile, canonical = numbers(known.nodes, "profile"), numbers(known.nodes, "canonical")
    live = profile[profile == canonical]
    owners, mapped_at = np.full(len(kinds), -1, np.int32), np.zeros(len(kinds), np.int64)
    owners[codes] = np.searchsorted(live, known.canonical(numbers(known.mapped, "profile")))
    mapped_at[codes] = numbers(known.mapped, "received_at")
    merged = profile != canonical
    root = np.searchsorted(live, canonical[merged])
    order = np.argsort(root, kind="stable")
    ends = np.concatenate([[0], np.cumsum(np.bincount(root, minlength=len(live)))]).astype(np.int64)
    return Past(live, owners, mapped_at, ends, profile[merged][order]), kinds


def remember(lake: Lake, batch: int, mapped: pa.Table, nodes: pa.Table, traits: pa.Table) -> None:
    """Append what the batch added: new identifiers, where profiles map now, traits that changed."""

    def one(name: str, rows: pa.Table) -> None:
        stamp = pa.array(np.full(rows.num_rows, batch))
        lake.append(name, rows if "batch" in rows.column_names else rows.append_column("batch", stamp), batch)

    beside(*(partial(one, name, rows) for name, rows in ((IDENTIFIERS, mapped), (GRAPH, nodes), (TRAITS, traits))))


def trait_rows(
    before: dict[int, dict[str, Trait]], after: dict[int, dict[str, Trait]], changed: dict[int, int], batch: int
) -> pa.Table:
    """What changed in the traits of each profile that is still canonical; a merged-away one is never asked for again.

    Args:
        before: Traits by profile before the batch.
        after: And after it.
        changed: The seq of each profile's last row in `profile_traits_updates` in this batch.
        batch: Its number.
    """
    rows = []
    for profile, seq in changed.items():
        if profile not in after:
            continue
        old, new = before.get(profile, {}), after[profile]
        common = {"profile": profile, "changed": seq, "batch": batch}
        for name in old.keys() - new.keys():
            rows.append(common | {"name": name, "value": None, **_times(old[name])})
        for name, trait in new.items():
            if old.get(name) != trait:
                rows.append(common | {"name": name, "value": orjson.dumps(trait.value).decode(), **_times(trait)})
    return pa.Table.from_pylist(rows, _TRAITS)


def _times(trait: Trait) -> dict[str, object]:
    return {"seq": trait.seq, "received_at": trait.received_at, "timestamp": trait.timestamp}
