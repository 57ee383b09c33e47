"""One file to staged slices: its events' identities, their rows per table, and what goes to quarantine.

Runs inside a task. A value keeps the type that JSON gave it: which type a column has is decided later, over the
whole batch, and the cast happens when the rows are written.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import orjson
import pyarrow as pa

from profiles_sync.lake.tables import ARROW
from profiles_sync.pipeline import staging
from profiles_sync.pipeline.batches import SourceFile
from profiles_sync.pipeline.discover import resolve
from profiles_sync.pipeline.lines import Unreadable, read_lines
from profiles_sync.pipeline.staging import Slice
from profiles_sync.spec import tables
from profiles_sync.spec.columns import Value, infer
from profiles_sync.spec.events import Event, Rejected, Source, read_line
from profiles_sync.spec.identifiers import carried
from profiles_sync.spec.rows import Row, event_rows, sent_traits
from profiles_sync.spec.rules import IdentityRules
from profiles_sync.spec.tables import Type

IDENTITY = pa.schema(
    [
        ("row", pa.int32()),  # the event's place among the events of its file
        ("received_at", pa.int64()),
        ("timestamp", pa.int64()),
        ("message_id", pa.string()),
        ("type", pa.string()),
        ("name", pa.string()),
        ("identifiers", pa.string()),  # JSON: [[type, value], ...], best rank first
        ("blocked", pa.string()),
        ("traits", pa.string()),  # JSON object of what an Identify sends, null for other calls
    ]
)
_MIXED = "mixed"
_ROW = "_row"  # in a slice, the event's place among the events of its file


@dataclass(frozen=True)
class Brought:
    """A column that payloads brought to a slice.

    Attributes:
        kind: The type of all its values, or `mixed`: then they are staged as JSON.
        first_type: The type of its first value in landing order.
        received_at: Order of the event with the first value, with `message_id`.
        message_id: As above.
        row: That event's place in the file.
    """

    kind: str
    first_type: str
    received_at: int
    message_id: str
    row: int

    @property
    def order(self) -> tuple[int, str]:
        """Columns of a table stand in the order of their first values, those of one event by name."""
        return self.received_at, self.message_id


@dataclass(frozen=True)
class TableSlice:
    """The rows of one file for one table."""

    table: str
    where: Slice
    brought: dict[str, Brought]


@dataclass(frozen=True)
class Parsed:
    """What one file came to."""

    file: SourceFile
    lines: int
    quarantined: dict[str, int]
    nul_characters: int
    identity: Slice
    quarantine: Slice
    tables: tuple[TableSlice, ...]

    def to_json(self) -> str:
        """As a task returns it through Spark."""
        return orjson.dumps(asdict(self)).decode()

    @classmethod
    def from_json(cls, text: str) -> "Parsed":
        """As the driver gets it back."""
        read = orjson.loads(text)
        return cls(
            SourceFile(**read["file"]),
            read["lines"],
            read["quarantined"],
            read["nul_characters"],
            Slice(**read["identity"]),
            Slice(**read["quarantine"]),
            tuple(
                TableSlice(
                    one["table"],
                    Slice(**one["where"]),
                    {name: Brought(**column) for name, column in one["brought"].items()},
                )
                for one in read["tables"]
            ),
        )


@dataclass
class _Rows:
    """Rows of one table while a file is read, column by column."""

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
            if known is None or event.order < (known.received_at, known.message_id):
                kind = infer(value) or Type.STRING
                self.first[name] = Brought("", kind, event.received_at, event.message_id, place)


@dataclass(frozen=True)
class ParseTask:
    """What a task needs to read one file."""

    file: SourceFile
    source: Source
    rules: IdentityRules
    staging: str


def parse(task: ParseTask) -> Parsed:
    """Read the file and stage what is in it."""
    identity: list[dict[str, Any]] = []
    quarantine: list[dict[str, Any]] = []
    rows: dict[str, _Rows] = {}
    lines, nul = 0, 0
    for number, line, event in _events(task):
        lines += 1
        if isinstance(event, str):
            raw = line.decode("utf-8", "replace").replace("\0", "")
            quarantine.append({"line_number": number, "reason": event, "raw": raw})
            continue
        place = len(identity)
        nul += event.nul_characters
        identity.append(_identity(event, task.rules, place))
        for table, fixed, brought in event_rows(event):
            rows.setdefault(table, _Rows()).add(place, event, fixed, brought)
    names, made = sorted(rows), [_table(name, rows[name]) for name in sorted(rows)]
    staged = staging.write(
        task.staging,
        [pa.Table.from_pylist(identity, IDENTITY), _quarantine(task, quarantine), *(one for one, _ in made)],
    )
    slices = tuple(
        TableSlice(name, where, columns) for name, where, (_, columns) in zip(names, staged[2:], made, strict=True)
    )
    reasons = [str(one["reason"]) for one in quarantine]
    counts = {reason: reasons.count(reason) for reason in sorted(set(reasons))}
    return Parsed(task.file, lines, counts, nul, staged[0], staged[1], slices)


def _events(task: ParseTask) -> Iterator[tuple[int, bytes, Event | str]]:
    """Each line with its event, or with the reason why it is none."""
    filesystem, _ = resolve(task.staging if "://" in task.staging and "://" in task.file.path else "/")
    number = 0
    try:
        for number, line in read_lines(filesystem, task.file.path):
            try:
                yield number, line, read_line(line, task.source, task.file.modified_at)
            except Rejected as rejected:
                yield number, line, str(rejected)
    except Unreadable as broken:
        yield number + 1, b"", f"unreadable from here on ({broken})"


def _identity(event: Event, rules: IdentityRules, place: int) -> dict[str, Any]:
    found = carried(event, rules)
    sent = sent_traits(event)
    return {
        "row": place,
        "received_at": event.received_at,
        "timestamp": event.timestamp,
        "message_id": event.message_id,
        "type": event.type,
        "name": event.label,
        "identifiers": orjson.dumps([tuple(one) for one in found.identifiers]).decode(),
        "blocked": orjson.dumps([tuple(one) for one in found.blocked]).decode() if found.blocked else None,
        "traits": orjson.dumps(sent).decode() if sent else None,
    }


def _quarantine(task: ParseTask, found: list[dict[str, Any]]) -> pa.Table:
    types = tables.QUARANTINE.types
    schema = pa.schema([(name, ARROW[kind]) for name, kind in types.items() if name not in {"uuid_ts", "batch"}])
    common = {"source_id": task.source.id, "source_slug": task.source.slug, "file": task.file.path}
    return pa.Table.from_pylist([common | {"received_at": task.file.modified_at} | one for one in found], schema)


def _table(name: str, rows: _Rows) -> tuple[pa.Table, dict[str, Brought]]:
    declared = tables.table(name).types
    arrays: dict[str, pa.Array] = {_ROW: pa.array(rows.rows, pa.int32())}
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
    return kind or _MIXED, pa.array(column, ARROW[kind] if kind else pa.string())


def _json_type(value: Value) -> Type | None:
    """What Arrow can hold exactly; None for a whole number beyond 64 bits, which a column may want as text."""
    kind = infer(value)
    if kind is Type.TIMESTAMP:
        return Type.STRING
    return None if kind is Type.DOUBLE and isinstance(value, int) else kind
