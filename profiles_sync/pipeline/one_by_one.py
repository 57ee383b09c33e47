"""Events read one by one to the tables that `bulk` makes of many at once: exactly as the spec says, only slower."""

from dataclasses import dataclass, field, replace
from typing import Any

import orjson
import pyarrow as pa

from profiles_sync.lake.tables import ARROW
from profiles_sync.pipeline.staged import MIXED, ROW, Brought
from profiles_sync.spec import tables
from profiles_sync.spec.columns import Value, infer
from profiles_sync.spec.events import Event
from profiles_sync.spec.identifiers import carried
from profiles_sync.spec.rows import Row, event_rows, sent_traits
from profiles_sync.spec.rules import IdentityRules
from profiles_sync.spec.tables import Type

_IDENTITY = pa.schema(
    [
        ("row", pa.int32()),
        ("received_at", pa.int64()),
        ("timestamp", pa.int64()),
        *((name, pa.string()) for name in ("message_id", "type", "name", "blocked", "traits")),
    ]
)
_IDENTIFIERS = pa.schema([("row", pa.int32()), ("rank", pa.int16()), ("value", pa.string())])


@dataclass
class _Rows:
    """Rows of one table, column by column."""

    rows: list[int] = field(default_factory=list)
    fixed: list[Row] = field(default_factory=list)
    values: dict[str, list[tuple[int, Value]]] = field(default_factory=dict)
    first: dict[str, Brought] = field(default_factory=dict)

    def add(self, place: int, event: Event, fixed: Row, brought: Row) -> None:
        index = len(self.rows)
        self.rows.append(place)
        self.fixed.append(fixed)
        for name, value in brought.items():
            if value is None:
                continue
            self.values.setdefault(name, []).append((index, value))
            known = self.first.get(name)
            if known is None or event.order < known.order:
                kind = infer(value) or Type.STRING
                self.first[name] = Brought("", kind, event.received_at, event.message_id, place)


class OneByOne:
    """Collects events."""

    def __init__(self, rules: IdentityRules) -> None:
        self.rules = rules
        self.identity: list[dict[str, Any]] = []
        self.identifiers: list[dict[str, Any]] = []
        self.tables: dict[str, _Rows] = {}

    def add(self, place: int, event: Event) -> None:
        """Take an event that stands at `place` in its file."""
        found, sent = carried(event, self.rules), sent_traits(event)
        self.identity.append(
            {
                "row": place,
                "received_at": event.received_at,
                "timestamp": event.timestamp,
                "message_id": event.message_id,
                "type": event.type,
                "name": event.label,
                "blocked": orjson.dumps([tuple(one) for one in found.blocked]).decode() if found.blocked else None,
                "traits": orjson.dumps(sent).decode() if sent else None,
            }
        )
        self.identifiers += [
            {"row": place, "rank": self.rules.ranks[one.type], "value": one.value} for one in found.identifiers
        ]
        for table, fixed, brought in event_rows(event):
            self.tables.setdefault(table, _Rows()).add(place, event, fixed, brought)

    def made(self) -> tuple[pa.Table, pa.Table, list[tuple[str, pa.Table, dict[str, Brought]]]]:
        """Identities, identifiers, and rows table by table."""
        return (
            pa.Table.from_pylist(self.identity, _IDENTITY),
            pa.Table.from_pylist(self.identifiers, _IDENTIFIERS),
            [(name, *_table(name, rows)) for name, rows in sorted(self.tables.items())],
        )


def _table(name: str, rows: _Rows) -> tuple[pa.Table, dict[str, Brought]]:
    declared = tables.table(name).types
    arrays: dict[str, pa.Array] = {ROW: pa.array(rows.rows, pa.int32())}
    for column, kind in declared.items():
        if column not in {"segment_id", "uuid_ts"}:
            arrays[column] = pa.array([row.get(column) for row in rows.fixed], ARROW[kind])
    brought = {}
    for column, values in rows.values.items():
        staged_as, arrays[column] = _staged(values, len(rows.rows))
        brought[column] = replace(rows.first[column], kind=staged_as)
    return pa.table(arrays), brought


def _staged(values: list[tuple[int, Value]], length: int) -> tuple[str, pa.Array]:
    """A column of one JSON type as it is, one of several as JSON text. Timestamps stay text until they are cast."""
    kinds = {_json_type(value) for _, value in values}
    kind = kinds.pop() if len(kinds) == 1 else None
    column: list[Value] = [None] * length
    for index, value in values:
        column[index] = value if kind else orjson.dumps(value).decode()
    return kind or MIXED, pa.array(column, ARROW[kind] if kind else pa.string())


def _json_type(value: Value) -> Type | None:
    """What Arrow can hold exactly; None for a whole number beyond 64 bits, which a column may want as text."""
    kind = infer(value)
    if kind is Type.TIMESTAMP:
        return Type.STRING
    return None if kind is Type.DOUBLE and isinstance(value, int) else kind
