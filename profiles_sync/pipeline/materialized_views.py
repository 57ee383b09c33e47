"""What a batch changes in the six tables that are kept up to date by MERGE.

The changes follow from what was known before the batch and from its ledger alone, not from what the tables hold: a
batch that is run again merges the same rows. One row per key; a merged-away profile's rows are deleted and come
again under the profile it was merged into.
Source: Segment, "Profiles Sync Tables", sections "Tables Segment materializes" and "Tables you materialize".
"""

from collections.abc import Iterator

import pyarrow as pa

from profiles_sync.lake.tables import Lake
from profiles_sync.pipeline import raw_tables
from profiles_sync.pipeline.batches import Batch
from profiles_sync.pipeline.state import Known
from profiles_sync.spec import ids, tables
from profiles_sync.spec.columns import cast, text
from profiles_sync.spec.identifiers import Identifier
from profiles_sync.spec.ledger import Ledger, Mapped, Node
from profiles_sync.spec.rows import Row
from profiles_sync.spec.traits import Trait

Change = tuple[str, Row]  # U or D, and the row (for D its key)


def merge(lake: Lake, batch: Batch, known: Known, ledger: Ledger) -> dict[str, int]:
    """Merge the batch's changes; returns how many rows each table changes. Runs after the raw tables."""
    types = lake.types(raw_tables.TRAITS)
    declared = tables.BY_NAME[raw_tables.TRAITS].types
    added = {name: kind for name, kind in types.items() if name not in declared}
    lake.add_columns("profile_traits", added)
    view = _View(known, ledger)
    changes = {
        "profile_merges": view.profile_merges(),
        "user_identifiers": view.user_identifiers(),
        "user_traits": view.user_traits(),
        "id_graph": view.id_graph(),
        "external_id_mapping": view.external_id_mapping(),
        "profile_traits": view.profile_traits(added),
    }
    counts = {}
    for name, several in changes.items():
        rows = list(several)
        counts[name] = len(rows)
        if rows:
            lake.merge(tables.BY_NAME[name], _arrow(name, rows, added, batch), batch.number)
    return counts


def _arrow(name: str, rows: list[Change], added: dict[str, tables.Type], batch: Batch) -> pa.Table:
    types = tables.BY_NAME[name].types | (added if name == "profile_traits" else {})
    made = raw_tables.as_arrow([row for _, row in rows], types, batch.uuid_ts)
    return made.append_column("_op", pa.array([op for op, _ in rows], pa.string()))


class _View:
    """Before and after, and what differs."""

    def __init__(self, known: Known, ledger: Ledger) -> None:
        self.known, self.ledger = known, ledger
        self.moved = {number: node for number, node in ledger.nodes.items() if known.nodes.get(number) != node}

    def profile_merges(self) -> Iterator[Change]:
        for number, node in self.moved.items():
            yield "U", self._node(number, node) | {"received_at": node.received_at}

    def id_graph(self) -> Iterator[Change]:
        for number, node in self.moved.items():
            yield "U", self._node(number, node)

    def user_identifiers(self) -> Iterator[Change]:
        for identifier, mapped in self.ledger.mapped.items():
            canonical = self.ledger.nodes[mapped.profile].canonical
            before = self.known.canonical(identifier) if identifier in self.known.identifiers else None
            if before == canonical:
                continue
            if before is not None:
                yield "D", self._identifier(before, identifier, mapped)
            yield "U", self._identifier(canonical, identifier, mapped)

    def external_id_mapping(self) -> Iterator[Change]:
        for identifier, mapped in self.ledger.mapped.items():
            if identifier in self.known.identifiers and mapped.profile not in self.moved:
                continue
            node = self.ledger.nodes[mapped.profile]
            yield (
                "U",
                {
                    "canonical_segment_id": self.ledger.segment_ids[node.canonical],
                    "external_id_type": identifier.type,
                    "external_id_value": identifier.value,
                    "external_id_hash": ids.external_id_hash(*identifier),
                    "timestamp": max(mapped.timestamp, node.timestamp),
                },
            )

    def user_traits(self) -> Iterator[Change]:
        for number in self.known.traits.keys() | self.ledger.traits.keys():
            before, after = self.known.traits.get(number, {}), self.ledger.traits.get(number, {})
            for name in before.keys() - after.keys():
                yield "D", self._trait(number, name, before[name])
            for name, trait in after.items():
                if before.get(name) != trait:
                    yield "U", self._trait(number, name, trait)

    def profile_traits(self, types: dict[str, tables.Type]) -> Iterator[Change]:
        """A row for every profile: traits where it is canonical, the way to go where it is not."""
        last = {row["segment_id"]: row for row, _ in self.ledger.profile_traits_updates}
        for number in self.moved.keys() | self._with_new_traits():
            node, segment_id = self.ledger.nodes[number], self.ledger.segment_ids[number]
            if node.canonical != number:
                row = self._node(number, node) | {"merged_to": self.ledger.segment_ids[node.canonical]}
            else:
                row = self._node(number, node) | {"merged_to": None}
                row |= {name: last[segment_id][name] for name in ("seq", "timestamp") if segment_id in last}
                traits = self.ledger.traits.get(number, {})
                row |= {name: cast(trait.value, types[name]) for name, trait in traits.items()}
            yield "U", row | {"canonical_segment_id": segment_id}

    def _with_new_traits(self) -> set[int]:
        changed = {row["segment_id"] for row, _ in self.ledger.profile_traits_updates}
        return {number for number, segment_id in self.ledger.segment_ids.items() if segment_id in changed}

    def _node(self, number: int, node: Node) -> Row:
        return {
            "segment_id": self.ledger.segment_ids[number],
            "canonical_segment_id": self.ledger.segment_ids[node.canonical],
            "seq": ids.seq_text(node.seq),
            "timestamp": node.timestamp,
        }

    def _identifier(self, profile: int, identifier: Identifier, mapped: Mapped) -> Row:
        return {
            "canonical_segment_id": self.ledger.segment_ids[profile],
            "type": identifier.type,
            "value": identifier.value,
            **_times(mapped),
        }

    def _trait(self, profile: int, name: str, trait: Trait) -> Row:
        return {
            "canonical_segment_id": self.ledger.segment_ids[profile],
            "name": name,
            "value": text(trait.value),
            **_times(trait),
        }


def _times(one: Mapped | Trait) -> Row:
    return {"seq": ids.seq_text(one.seq), "received_at": one.received_at, "timestamp": one.timestamp}
