"""From resolutions to the rows of the three profile raw tables, in landing order.

Source: Segment, "Profiles Sync Tables", section "Profile raw tables".
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from profiles_sync.spec import ids, traits
from profiles_sync.spec.columns import Value
from profiles_sync.spec.events import Event
from profiles_sync.spec.identifiers import Identifier
from profiles_sync.spec.resolver import Resolution, Violation
from profiles_sync.spec.rows import Row
from profiles_sync.spec.traits import OVER_TRAITS, Traits


@dataclass(frozen=True, slots=True)
class Trigger:
    """What a raw row tells of the event that caused it. Times are microseconds."""

    message_id: str
    type: str
    name: str | None
    source_id: str
    source_name: str
    source_slug: str
    received_at: int
    timestamp: int


def trigger(event: Event) -> Trigger:
    """The trigger columns of an event."""
    source = event.source
    return Trigger(
        event.message_id,
        event.type,
        event.label,
        source.id,
        source.name,
        source.slug,
        event.received_at,
        event.timestamp,
    )


@dataclass(frozen=True, slots=True)
class Mapped:
    """Where an external ID was first attached, and when."""

    profile: int
    seq: int
    received_at: int
    timestamp: int


@dataclass(frozen=True, slots=True)
class Node:
    """Where a profile maps to since its last row in `id_graph_updates`."""

    canonical: int
    seq: int
    received_at: int
    timestamp: int


@dataclass
class Ledger:
    """The rows so far, and what is current.

    `segment_ids`, `nodes`, `mapped`, `traits` and `traits_at` may hold only the profiles that the events touch.
    """

    space: str
    max_traits: int
    last_seq: int = 0
    segment_ids: dict[int, str] = field(default_factory=dict)
    nodes: dict[int, Node] = field(default_factory=dict)
    mapped: dict[Identifier, Mapped] = field(default_factory=dict)
    traits: dict[int, Traits] = field(default_factory=dict)
    id_graph_updates: list[Row] = field(default_factory=list)
    external_id_mapping_updates: list[Row] = field(default_factory=list)
    profile_traits_updates: list[tuple[Row, dict[str, Value]]] = field(default_factory=list)

    def record(self, event: Trigger, done: Resolution, sent: Mapping[str, Value]) -> tuple[Violation, ...]:
        """Write down what `event` did: the graph first, then its identifiers, then the traits it `sent`.

        Returns:
            What the limit of traits says of it.
        """
        profile = done.profile
        if profile is None:
            return ()
        if done.created:
            self.segment_ids[profile] = ids.segment_id(self.space, event.received_at, event.message_id)
            self._point(event, profile, profile)
        for merge in done.merges:
            self._point(event, merge.profile, merge.into)
        for identifier in done.mapped:
            self._map(event, profile, identifier)
        return (Violation(OVER_TRAITS),) if self._change_traits(event, done, sent) else ()

    def _point(self, event: Trigger, profile: int, canonical: int) -> None:
        row = self._row(event, "id_graph_updates", profile, str(canonical))
        row["canonical_segment_id"] = self.segment_ids[canonical]
        self.id_graph_updates.append(row)
        self.nodes[profile] = Node(canonical, self.last_seq, event.received_at, event.timestamp)

    def _map(self, event: Trigger, profile: int, identifier: Identifier) -> None:
        digest = ids.external_id_hash(*identifier)
        row = self._row(event, "external_id_mapping_updates", profile, digest)
        row |= {
            "external_id_type": identifier.type,
            "external_id_value": identifier.value,
            "external_id_hash": digest,
            "__operation": "CREATED",
        }
        self.external_id_mapping_updates.append(row)
        self.mapped[identifier] = Mapped(profile, self.last_seq, event.received_at, event.timestamp)

    def _change_traits(self, event: Trigger, done: Resolution, sent: Mapping[str, Value]) -> bool:
        """One row, a full snapshot, when the Identify changes a trait or a merge leaves a profile that has traits.

        Returns:
            Whether some traits are left out, for the profile has too many.
        """
        assert done.profile is not None
        before = self.traits.get(done.profile, {})
        merged = [self.traits.pop(merge.profile, {}) for merge in done.merges]
        current, lost = traits.combined([before, *merged], self.max_traits) if merged else (before, False)
        sent, left_out = traits.fitting(current, sent, self.max_traits)
        if not traits.changed(current, sent) and not (merged and current):
            return lost or left_out
        row = self._row(event, "profile_traits_updates", done.profile, "")
        current = traits.updated(current, sent, self.last_seq, event.received_at, event.timestamp)
        self.traits[done.profile] = current
        self.profile_traits_updates.append((row, {name: trait.value for name, trait in current.items()}))
        return lost or left_out

    def _row(self, event: Trigger, table: str, profile: int, key: str) -> Row:
        self.last_seq = ids.next_seq(self.last_seq, event.received_at)
        seq, segment_id = ids.seq_text(self.last_seq), self.segment_ids[profile]
        return {
            "id": ids.row_id(table, segment_id, key, seq),
            "segment_id": segment_id,
            "seq": seq,
            "received_at": event.received_at,
            "timestamp": event.timestamp,
            "triggering_event_type": event.type,
            "triggering_event_id": event.message_id,
            "triggering_event_name": event.name,
            "triggering_event_source_id": event.source_id,
            "triggering_event_source_name": event.source_name,
            "triggering_event_source_slug": event.source_slug,
        }
