"""The whole product in one place and in memory: events in, every table out.

This is the reference that the cases in `tests/spec/cases` and the random streams are checked against. The
materialized tables and views are computed here anew from the raw tables, as their definitions say; the pipeline
keeps them up to date instead, and must come to the same rows.
Source: Segment, "Profiles Sync Tables"; the views are our corrected versions of Segment's dbt models.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from profiles_sync.spec import ids, tables
from profiles_sync.spec.columns import Value, cast, infer, text
from profiles_sync.spec.events import Event
from profiles_sync.spec.identifiers import Identifier, carried
from profiles_sync.spec.ledger import Ledger, trigger
from profiles_sync.spec.resolver import BLOCKED, Resolver, Violation
from profiles_sync.spec.rows import Row, event_rows, sent_traits
from profiles_sync.spec.rules import IdentityRules
from profiles_sync.spec.tables import Type

DUPLICATE_WINDOW = 7 * 86_400_000_000  # microseconds


@dataclass
class Tables:
    """Rows per table and the columns that traits, properties and context fields added, in order of appearance."""

    rows: dict[str, list[Row]] = field(default_factory=dict)
    added: dict[str, dict[str, Type]] = field(default_factory=dict)
    cast_to_null: int = 0

    def append(self, table: str, fixed: Row, brought: Row) -> None:
        """Add a row. A brought value creates its column, or is cast to it as well as can be."""
        columns = self.added.setdefault(table, {})
        row = dict(fixed)
        for name, value in sorted(brought.items()):  # the new columns of one event stand by name
            kind = columns.get(name) or infer(value)
            if kind is None or value is None:
                continue
            columns[name] = kind
            row[name] = cast(value, kind)
            self.cast_to_null += row[name] is None
        self.rows.setdefault(table, []).append(row)


class Space:
    """One space: its rules, its graph and its tables."""

    def __init__(self, slug: str, rules: IdentityRules) -> None:
        self.rules = rules
        self.resolver = Resolver(rules)
        self.ledger = Ledger(slug, rules.max_traits)
        self.tables = Tables(rows={table.name: [] for table in tables.FIXED_TABLES})
        self.violations: list[tuple[str, Violation]] = []
        self.duplicates = 0
        self._kept: dict[str, list[int]] = {}

    def land(self, batch: Iterable[Event]) -> None:
        """Take one batch: drop repeats, resolve the others in order, write their rows."""
        for event in sorted(batch, key=lambda one: one.order):
            if self._is_repeat(event):
                self.duplicates += 1
            else:
                self._land(event)
        self._refresh()

    def _is_repeat(self, event: Event) -> bool:
        """The same messageId within seven days of a kept copy is the same event."""
        kept = self._kept.setdefault(event.message_id, [])
        if any(abs(event.received_at - one) <= DUPLICATE_WINDOW for one in kept):
            return True
        kept.append(event.received_at)
        return False

    def _land(self, event: Event) -> None:
        found = carried(event, self.rules)
        self.violations += [(event.message_id, Violation(BLOCKED, one)) for one in found.blocked]
        stamp = None
        if event.type != "alias":
            done = self.resolver.resolve(found.identifiers, event.received_at)
            self.violations += [(event.message_id, one) for one in done.violations]
            over = self.ledger.record(trigger(event), done, sent_traits(event))
            self.violations += [(event.message_id, one) for one in over]
            stamp = done.stamp
        segment_id = None if stamp is None else self.ledger.segment_ids[stamp]
        for table, fixed, brought in event_rows(event):
            self.tables.append(table, fixed | {"segment_id": segment_id}, brought)

    def _refresh(self) -> None:
        """Compute everything that follows from the ledger."""
        rows, ledger = self.tables.rows, self.ledger
        rows["id_graph_updates"] = list(ledger.id_graph_updates)
        rows["external_id_mapping_updates"] = list(ledger.external_id_mapping_updates)
        rows["profile_traits_updates"] = []
        self.tables.added.pop("profile_traits_updates", None)
        for fixed, brought in ledger.profile_traits_updates:
            self.tables.append("profile_traits_updates", fixed, brought)
        graph = {row["segment_id"]: row for row in ledger.id_graph_updates}
        rows["profile_merges"] = [_only(row, "profile_merges") for row in graph.values()]
        rows["id_graph"] = [_only(row, "id_graph") for row in graph.values()]
        rows["user_identifiers"] = [self._identifier(row, graph) for row in ledger.external_id_mapping_updates]
        rows["external_id_mapping"] = [_mapping(row, graph) for row in ledger.external_id_mapping_updates]
        rows["user_traits"] = self._user_traits()
        rows["profile_traits"] = self._profile_traits(graph)

    def _identifier(self, row: Row, graph: dict[Value, Row]) -> Row:
        kept = _only(row, "user_identifiers")
        return kept | {
            "canonical_segment_id": graph[row["segment_id"]]["canonical_segment_id"],
            "type": row["external_id_type"],
            "value": row["external_id_value"],
        }

    def _user_traits(self) -> list[Row]:
        return [
            {
                "canonical_segment_id": self.ledger.segment_ids[profile],
                "name": name,
                "value": text(trait.value),
                "seq": ids.seq_text(trait.seq),
                "received_at": trait.received_at,
                "timestamp": trait.timestamp,
            }
            for profile, traits in self.ledger.traits.items()
            for name, trait in traits.items()
        ]

    def _profile_traits(self, graph: dict[Value, Row]) -> list[Row]:
        """One row per segment_id; the traits stand on the canonical one, the others say where they went."""
        last = {row["segment_id"]: row for row, _ in self.ledger.profile_traits_updates}
        types = self.tables.added.get("profile_traits_updates", {})
        self.tables.added["profile_traits"] = dict(types)
        numbers = {segment_id: number for number, segment_id in self.ledger.segment_ids.items()}
        made = []
        for segment_id, node in graph.items():
            canonical = node["canonical_segment_id"] == segment_id
            source = last.get(segment_id, node) if canonical else node
            row: Row = {"canonical_segment_id": node["segment_id"], "merged_to": None}
            row |= {"seq": source["seq"], "timestamp": source["timestamp"]}
            if canonical:
                traits = self.ledger.traits.get(numbers[str(segment_id)], {})
                row |= {name: cast(trait.value, types[name]) for name, trait in traits.items()}
            else:
                row["merged_to"] = node["canonical_segment_id"]
            made.append(row)
        return made

    def owner(self, identifier: Identifier) -> str | None:
        """The canonical segment_id that an external ID belongs to now."""
        profile = self.resolver.owners.get(identifier)
        return None if profile is None else self.ledger.segment_ids[profile.number]


def _mapping(row: Row, graph: dict[Value, Row]) -> Row:
    """The time of a mapping is the last moment at which it changed: when it was made, or when its profile moved."""
    node = graph[row["segment_id"]]
    times = [time for time in (row["timestamp"], node["timestamp"]) if isinstance(time, int)]
    kept = _only(row, "external_id_mapping")
    return kept | {"canonical_segment_id": node["canonical_segment_id"], "timestamp": max(times)}


def _only(row: Row, table: str) -> Row:
    return {name: row[name] for name in tables.BY_NAME[table].types if name in row}
