"""What identity resolution comes to, as one answer: in the Delta tables that it wrote, and by the reference."""

from collections import defaultdict
from collections.abc import Mapping

import pyarrow as pa

from profiles_sync.lake.tables import Lake, scan
from profiles_sync.pipeline.identity import VIOLATIONS
from profiles_sync.spec import ids
from profiles_sync.spec.identifiers import Identifier
from profiles_sync.spec.resolver import BLOCKED, Resolution, Resolver
from profiles_sync.spec.rules import IdentityRules
from tests.benchmarks.extracted import Extracted
from tests.benchmarks.measure import Answer, answer

SEGMENTS = "_control/segments"  # which profile each event shows: in a real run a column of the events' own tables
_NAMES = {"triggering_event_id": "event", "id": "message_id"}
_ALL = """
SELECT 'event' AS what, message_id AS event, segment_id AS one, '' AS two FROM segments
UNION ALL SELECT 'graph', event, segment_id, canonical_segment_id FROM graph
UNION ALL SELECT 'mapped', event, segment_id, external_id_hash FROM mapped
UNION ALL SELECT 'violation', message_id, code, coalesce(external_id_hash, '') FROM violations"""


def in_lake(lake: Lake, events: str = SEGMENTS) -> Answer:
    """Every event's profile, every row of the graph and of the mappings, every violation; `events` is their table."""
    columns = {
        "segments": (events, ["message_id" if events == SEGMENTS else "id", "segment_id"]),
        "graph": ("id_graph_updates", ["triggering_event_id", "segment_id", "canonical_segment_id"]),
        "mapped": ("external_id_mapping_updates", ["triggering_event_id", "segment_id", "external_id_hash"]),
        "violations": (VIOLATIONS, ["message_id", "code", "external_id_hash"]),
    }
    rows = {}
    for name, (table, wanted) in columns.items():
        opened = lake.open(table)
        assert opened is not None, table
        rows[name] = scan(opened, wanted).rename_columns([_NAMES.get(column, column) for column in wanted])
    return whole(rows)


def whole(tables: Mapping[str, pa.Table]) -> Answer:
    """All rows of the four tables that identity resolution comes to."""
    return answer(_ALL, **tables)


def by_reference(events: Extracted, rules: IdentityRules, space: str) -> Answer:
    """The same by the resolver that is written to be read, one event after the other."""
    return whole(tables_by_reference(events, rules, space))


def tables_by_reference(events: Extracted, rules: IdentityRules, space: str) -> dict[str, pa.Table]:
    """Its tables; `segments` has every event's messageId and the profile that its row shows."""
    written = _Written(space)
    resolver = Resolver(rules)
    for message_id, received_at, blocked, identifiers in events.carried():
        if blocked:
            written.violation(message_id, BLOCKED, Identifier("anonymous_id", "null"))
        written.event(message_id, received_at, resolver.resolve(identifiers, received_at))
    return written.tables()


class _Written:
    """Columns of the rows that the resolutions come to."""

    def __init__(self, space: str) -> None:
        self.space = space
        self.segment_ids: list[str] = []  # by number of the profile
        self.rows: dict[str, list[tuple[str | None, ...]]] = defaultdict(list)

    def event(self, message_id: str, received_at: int, done: Resolution) -> None:
        if done.created:
            self.segment_ids.append(ids.segment_id(self.space, received_at, message_id))
            self.rows["graph"].append((message_id, self.segment_ids[-1], self.segment_ids[-1]))
        named = self.segment_ids
        self.rows["graph"] += [(message_id, named[one.profile], named[one.into]) for one in done.merges]
        if done.profile is not None:
            hashes = (ids.external_id_hash(*one) for one in done.mapped)
            self.rows["mapped"] += [(message_id, named[done.profile], one) for one in hashes]
        self.rows["segments"].append((message_id, None if done.stamp is None else named[done.stamp]))
        for one in done.violations:
            self.violation(message_id, one.code, one.identifier)

    def violation(self, message_id: str, code: str, identifier: Identifier | None) -> None:
        digest = None if identifier is None else ids.external_id_hash(*identifier)
        self.rows["violations"].append((message_id, code, digest))

    def tables(self) -> dict[str, pa.Table]:
        names = {
            "segments": ("message_id", "segment_id"),
            "graph": ("event", "segment_id", "canonical_segment_id"),
            "mapped": ("event", "segment_id", "external_id_hash"),
            "violations": ("message_id", "code", "external_id_hash"),
        }
        return {name: _texts(self.rows[name], columns) for name, columns in names.items()}


def _texts(rows: list[tuple[str | None, ...]], names: tuple[str, ...]) -> pa.Table:
    columns = zip(*rows, strict=True) if rows else ([] for _ in names)
    return pa.table([pa.array(column, pa.string()) for column in columns], list(names))
