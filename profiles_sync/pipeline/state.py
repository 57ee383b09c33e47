"""What the next batch needs to know of the past: four append-only logs below `_control`.

Each row carries its batch. A batch reads only rows of earlier ones, so running it again reads what it read before.
A batch looks up what its events touch and nothing else: the identifiers by hash, the profiles these belong to, and
those profiles' other identifiers and traits.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable
from numpy.typing import NDArray

from profiles_sync.lake.tables import Lake, scan
from profiles_sync.spec.identifiers import Identifier
from profiles_sync.spec.ids import external_id_hash
from profiles_sync.spec.ledger import Ledger, Mapped, Node
from profiles_sync.spec.resolver import Profile, Resolver
from profiles_sync.spec.traits import Trait

IDENTIFIERS, GRAPH, TRAITS = "_control/identifiers", "_control/graph", "_control/traits"
_TIMES = [("seq", pa.int64()), ("received_at", pa.int64()), ("timestamp", pa.int64()), ("batch", pa.int64())]
_IDENTIFIERS = pa.schema([("hash", pa.int64()), ("type", pa.string()), ("value", pa.string()), ("profile", pa.int64())])
_IDENTIFIERS = pa.schema([*_IDENTIFIERS, *pa.schema(_TIMES)])
_GRAPH = pa.schema([("profile", pa.int64()), ("canonical", pa.int64()), ("segment_id", pa.string()), *_TIMES])
_TRAITS = pa.schema(
    [
        ("profile", pa.int64()),
        ("name", pa.string()),
        ("value", pa.string()),  # JSON; null: the trait was removed
        ("changed", pa.int64()),  # seq of the raw row that wrote the trait to this profile
        *_TIMES,
    ]
)


@dataclass
class Known:
    """What the past knows of the profiles that a batch touches, keyed by profile number and identifier."""

    identifiers: dict[Identifier, Mapped] = field(default_factory=dict)
    nodes: dict[int, Node] = field(default_factory=dict)
    segment_ids: dict[int, str] = field(default_factory=dict)
    traits: dict[int, dict[str, Trait]] = field(default_factory=dict)

    def canonical(self, identifier: Identifier) -> int:
        """The profile that a known identifier belonged to when the batch began."""
        return self.nodes[self.identifiers[identifier].profile].canonical

    def fill(self, resolver: Resolver, ledger: Ledger) -> None:
        """Hand the past to a resolver and a ledger that are at the beginning."""
        live: dict[int, Profile] = {}
        for number in sorted(self.nodes):
            canonical = self.nodes[number].canonical
            profile = live.setdefault(canonical, Profile(canonical))
            if number != canonical:
                profile.absorbed.append(number)
        for identifier, mapped in self.identifiers.items():
            profile = live[self.nodes[mapped.profile].canonical]
            profile.mapped_at[identifier] = mapped.received_at
            resolver.owners[identifier] = profile
        ledger.segment_ids |= self.segment_ids
        ledger.nodes |= self.nodes
        ledger.mapped |= self.identifiers
        ledger.traits |= {number: dict(traits) for number, traits in self.traits.items()}


def short_hash(identifier: Identifier) -> int:
    """The first 64 bits of the external ID's hash, signed: what a look-up scans."""
    return int.from_bytes(bytes.fromhex(external_id_hash(*identifier)[:16]), signed=True)


def look_up(lake: Lake, identifiers: Iterable[Identifier], batch: int) -> Known:
    """All that earlier batches know of the profiles which the identifiers belong to."""
    table, graph = lake.open(IDENTIFIERS), lake.open(GRAPH)
    if table is None or graph is None:
        return Known()
    hashes = np.fromiter((short_hash(one) for one in identifiers), np.int64)
    found = _before(table, batch, ["hash", "profile"])
    touched = _numbers(found, "profile")[np.isin(_numbers(found, "hash"), hashes)]
    nodes = _before(graph, batch, ["profile", "canonical", "seq"])
    family = _family(_numbers(nodes, "profile"), _numbers(nodes, "canonical"), _numbers(nodes, "seq"), touched)
    known = Known()
    _read_graph(known, graph, family, batch)
    _read_identifiers(known, table, family, batch)
    _read_traits(known, lake.open(TRAITS), family, batch)
    return known


def _before(table: DeltaTable, batch: int, columns: list[str]) -> pa.Table:
    return scan(table, columns, pc.field("batch") < batch)


def _of(table: DeltaTable, profiles: NDArray[np.int64], batch: int) -> list[dict[str, object]]:
    wanted = pc.field("profile").isin(pa.array(profiles)) & (pc.field("batch") < batch)
    rows: list[dict[str, object]] = scan(table, where=wanted).to_pylist()
    return rows


def _numbers(table: pa.Table, column: str) -> NDArray[np.int64]:
    numbers: NDArray[np.int64] = table[column].combine_chunks().to_numpy(zero_copy_only=False)
    return numbers


def _family(
    profiles: NDArray[np.int64], canonicals: NDArray[np.int64], seqs: NDArray[np.int64], touched: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Every profile, merged ones included, that now maps where one of the touched profiles maps."""
    order = np.lexsort((seqs, profiles))
    profiles, canonicals = profiles[order], canonicals[order]
    last = np.append(profiles[1:] != profiles[:-1], True)[: len(profiles)]
    profiles, canonicals = profiles[last], canonicals[last]
    roots = canonicals[np.isin(profiles, touched)]
    return profiles[np.isin(canonicals, roots)]


def _read_graph(known: Known, graph: DeltaTable, family: NDArray[np.int64], batch: int) -> None:
    for row in sorted(_of(graph, family, batch), key=lambda row: int(str(row["seq"]))):
        number = _int(row["profile"])
        known.nodes[number] = Node(
            _int(row["canonical"]), _int(row["seq"]), _int(row["received_at"]), _int(row["timestamp"])
        )
        known.segment_ids[number] = str(row["segment_id"])


def _read_identifiers(known: Known, table: DeltaTable, family: NDArray[np.int64], batch: int) -> None:
    for row in _of(table, family, batch):
        identifier = Identifier(str(row["type"]), str(row["value"]))
        known.identifiers[identifier] = Mapped(
            _int(row["profile"]), _int(row["seq"]), _int(row["received_at"]), _int(row["timestamp"])
        )


def _read_traits(known: Known, table: DeltaTable | None, family: NDArray[np.int64], batch: int) -> None:
    rows = [] if table is None else _of(table, family, batch)
    for row in sorted(rows, key=lambda row: _int(row["changed"])):
        traits = known.traits.setdefault(_int(row["profile"]), {})
        name = str(row["name"])
        if row["value"] is None:
            traits.pop(name, None)
        else:
            traits[name] = Trait(
                orjson.loads(str(row["value"])), _int(row["seq"]), _int(row["received_at"]), _int(row["timestamp"])
            )
    known.traits = {
        number: traits for number, traits in known.traits.items() if known.nodes[number].canonical == number
    }


def _int(value: object) -> int:
    assert isinstance(value, int)
    return value


def remember(lake: Lake, known: Known, ledger: Ledger, batch: int) -> None:
    """Append what the batch added."""
    lake.append(IDENTIFIERS, pa.Table.from_pylist(_new_identifiers(known, ledger, batch), _IDENTIFIERS), batch)
    lake.append(GRAPH, pa.Table.from_pylist(_new_nodes(known, ledger, batch), _GRAPH), batch)
    lake.append(TRAITS, pa.Table.from_pylist(_new_traits(known, ledger, batch), _TRAITS), batch)


def _new_identifiers(known: Known, ledger: Ledger, batch: int) -> list[dict[str, object]]:
    return [
        {
            "hash": short_hash(identifier),
            "type": identifier.type,
            "value": identifier.value,
            "profile": mapped.profile,
            **_times(mapped, batch),
        }
        for identifier, mapped in ledger.mapped.items()
        if identifier not in known.identifiers
    ]


def _new_nodes(known: Known, ledger: Ledger, batch: int) -> list[dict[str, object]]:
    return [
        {
            "profile": number,
            "canonical": node.canonical,
            "segment_id": ledger.segment_ids[number],
            **_times(node, batch),
        }
        for number, node in ledger.nodes.items()
        if known.nodes.get(number) != node
    ]


def _new_traits(known: Known, ledger: Ledger, batch: int) -> list[dict[str, object]]:
    """What changed in the traits of each profile that is still live; a merged-away one is never asked for again."""
    rows: list[dict[str, object]] = []
    for profile, traits in ledger.traits.items():
        before = known.traits.get(profile, {})
        common = {"profile": profile, "changed": ledger.last_seq}
        for name in before.keys() - traits.keys():
            rows.append(common | {"name": name, "value": None, **_times(before[name], batch)})
        for name, trait in traits.items():
            if before.get(name) != trait:
                value = orjson.dumps(trait.value).decode()
                rows.append(common | {"name": name, "value": value, **_times(trait, batch)})
    return rows


def _times(one: Mapped | Node | Trait, batch: int) -> dict[str, object]:
    return {"seq": one.seq, "received_at": one.received_at, "timestamp": one.timestamp, "batch": batch}
