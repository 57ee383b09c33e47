"""A block of lines to what its plain events come to: their identities and their rows table by table."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import orjson
import pyarrow as pa
from numpy.typing import NDArray

from profiles_sync.lake.tables import ARROW
from profiles_sync.pipeline.bulk import calls as common
from profiles_sync.pipeline.bulk import carried
from profiles_sync.pipeline.bulk.calls import IDENTIFY, KINDS, PAGE, TRACK, Calls
from profiles_sync.pipeline.bulk.carried import Identifiers
from profiles_sync.pipeline.bulk.columns import fill, named
from profiles_sync.pipeline.bulk.order import landing_order
from profiles_sync.pipeline.bulk.scanner import OBJECT
from profiles_sync.pipeline.bulk.view import Indices, View
from profiles_sync.pipeline.staged import Brought
from profiles_sync.spec import names
from profiles_sync.spec.columns import flatten, infer
from profiles_sync.spec.events import Source
from profiles_sync.spec.rules import IdentityRules
from profiles_sync.spec.tables import EVENT_TABLE_OF, Type, reserved_columns

_TRAITS = reserved_columns("identifies")
_TEXTS = {"id": "messageId", "anonymous_id": "anonymousId", "user_id": "userId"}


@dataclass
class Read:
    """What a block came to. `line` numbers in it count the block's lines that are not blank, from 0."""

    odd: list[tuple[int, int, bytes]]  # line, its number in the block with blank lines, the line
    identity: pa.Table
    identifiers: pa.Table
    tables: list[tuple[str, pa.Table, dict[str, Brought]]]
    lines: int  # that are not blank


class TooWide(Exception):
    """The rows of a block would have too many places: each row has one in every column of its table."""


def read_block(text: bytes, source: Source, rules: IdentityRules, most: int | None = None) -> Read:
    """Read the plain lines of a block at once; the odd ones are handed back.

    Raises:
        TooWide: There would be more than `most` values in all columns that payloads and contexts bring, nulls included.
    """
    view = View(text)
    calls = common.read(view)
    found = carried.find(view, calls, rules)
    context = named(view, view.below("context", {"integrations"}), frozenset(), "context_", calls.odd)
    payloads = [_payload(view, calls, kind) for kind in range(len(KINDS))]
    identifiers = carried.collect(view, found, calls.odd, rules)
    lines = np.flatnonzero(~calls.odd)
    table_names, order, spans = _in_tables(calls, lines)
    tables = _Tables(view, calls, source, table_names, order, spans)
    if most is not None and tables.are_wider((context, *payloads), most):
        raise TooWide
    odd = [
        (line, int(view.block.line_number[line]), view.block.text(line)) for line in np.flatnonzero(calls.odd).tolist()
    ]
    return Read(
        odd,
        _identity(view, calls, lines, identifiers),
        pa.table([identifiers.line.astype(np.int32), identifiers.rank, identifiers.value], ["row", "rank", "value"]),
        list(tables.made(context, payloads)),
        view.lines,
    )


def _payload(view: View, calls: Calls, kind: int) -> dict[str, Indices]:
    """The columns of the payload that calls of this kind own. A page's name and category have columns of their own."""
    is_page = PAGE <= kind < TRACK
    below = view.below("properties" if kind >= PAGE else "traits", {"name", "category"} if is_page else ())
    paths = {path: mine for path, tokens in below.items() if len(mine := tokens[calls.kind[view.line[tokens]] == kind])}
    table = "" if kind == TRACK else EVENT_TABLE_OF[KINDS[kind]]
    return named(view, paths, reserved_columns(table), "", calls.odd)


def _in_tables(calls: Calls, lines: Indices) -> tuple[list[str], Indices, NDArray[np.int64]]:
    """The lines in the order of their tables, Track events by their own: names, order, where each begins."""
    key, tables = calls.kind[lines].astype(np.int64), [EVENT_TABLE_OF[kind] for kind in KINDS[:TRACK]]
    coded = calls.texts["event"].take(pa.array(lines)).dictionary_encode()
    own = [names.event_table(names.event_slug(one)) for one in coded.dictionary.to_pylist()]
    tables += sorted(set(own))
    place = {name: number for number, name in enumerate(tables)}
    codes = coded.indices.fill_null(0).to_numpy(zero_copy_only=False)
    is_track = key == TRACK
    key[is_track] = np.array([place[name] for name in own] or [0], np.int64)[codes[is_track]]
    order = np.argsort(key, kind="stable")
    spans = np.concatenate([[0], np.cumsum(np.bincount(key, minlength=len(tables)))]).astype(np.int64)
    return tables, lines[order], spans


def _identity(view: View, calls: Calls, lines: Indices, identifiers: Identifiers) -> pa.Table:
    sent = _sent_traits(view, calls)
    blocked = {
        line: orjson.dumps([tuple(one) for one in sorted(set(several))]).decode()
        for line, several in identifiers.blocked.items()
    }
    at = pa.array(lines)
    kinds = pa.DictionaryArray.from_arrays(pa.array(calls.kind[lines]), pa.array(KINDS)).cast(pa.string())
    label = pa.compute.coalesce(calls.texts["event"], calls.texts["name"]).take(at)
    return pa.table(
        {
            "row": pa.array(lines.astype(np.int32)),
            "received_at": pa.array(calls.received_at[lines]),
            "timestamp": pa.array(calls.timestamp[lines]),
            "message_id": calls.texts["messageId"].take(at),
            "type": kinds,
            "name": label,
            "blocked": pa.array(
                [blocked.get(line) for line in lines.tolist()] if blocked else [None] * len(lines), pa.string()
            ),
            "traits": pa.array([sent.get(line) for line in lines.tolist()], pa.string()),
        }
    )


def _sent_traits(view: View, calls: Calls) -> dict[int, str]:
    """What each Identify sends, as JSON, by line: flattened by the spec itself."""
    tokens = view.at("traits")
    tokens = tokens[(view.kind[tokens] == OBJECT)]
    tokens = tokens[(calls.kind[view.line[tokens]] == IDENTIFY) & ~calls.odd[view.line[tokens]]]
    found = {}
    for token in tokens.tolist():
        raw = view.block.data[view.block.tokens.start[token] : view.block.tokens.stop[token]].tobytes()
        if sent := flatten(orjson.loads(raw), _TRAITS):
            found[int(view.line[token])] = orjson.dumps(sent).decode()
    return found


class _Tables:
    """The rows of a block's events, table by table."""

    def __init__(
        self, view: View, calls: Calls, source: Source, tables: list[str], lines: Indices, spans: NDArray[np.int64]
    ) -> None:
        self.view, self.calls, self.source, self.tables, self.lines, self.spans = (
            view,
            calls,
            source,
            tables,
            lines,
            spans,
        )
        self.place = np.full(view.lines, -1, np.int64)
        self.place[lines] = np.arange(len(lines))
        self.of = np.repeat(np.arange(len(tables), dtype=np.int32), np.diff(spans))
        at = pa.array(lines)
        self.texts = {name: column.take(at) for name, column in calls.texts.items()}
        self.received_at = calls.received_at[lines]
        self.rank = np.empty(len(lines), np.int64)
        self.rank[landing_order(self.received_at, self.texts["messageId"])] = np.arange(len(lines))
        self.fixed = self._fixed(at)

    def _fixed(self, at: pa.Array) -> dict[str, pa.Array]:
        time = ARROW[Type.TIMESTAMP]
        columns = {"_row": pa.array(self.lines.astype(np.int32))}
        columns |= {column: self.texts[name] for column, name in _TEXTS.items()}
        columns["event_source_id"] = pa.array([self.source.id]).take(pa.array(np.zeros(len(self.lines), np.int64)))
        columns["received_at"] = pa.array(self.received_at).cast(time)
        columns["sent_at"] = self.calls.sent_at.take(at).cast(time)
        columns["original_timestamp"] = self.calls.original_timestamp.take(at).cast(time)
        columns["timestamp"] = pa.array(self.calls.timestamp[self.lines]).cast(time)
        return columns

    def made(
        self, context: dict[str, Indices], payloads: list[dict[str, Indices]]
    ) -> Iterator[tuple[str, pa.Table, dict[str, Brought]]]:
        columns: list[dict[str, pa.Array]] = [{} for _ in self.tables]
        brought: list[dict[str, Brought]] = [{} for _ in self.tables]
        tracks: dict[str, pa.Array] = {}
        tracks_brought: dict[str, Brought] = {}
        for name, tokens in context.items():
            self._put(name, tokens, self.spans, self.of, columns, brought)
            mine = self._in(tokens, int(self.spans[TRACK]), len(self.lines))
            if len(mine):
                whole = np.array([0, self.spans[TRACK], len(self.lines)])
                of = (np.arange(len(self.lines)) >= self.spans[TRACK]).astype(np.int32)
                both: list[dict[str, pa.Array]] = [{}, {}]
                both_brought: list[dict[str, Brought]] = [{}, {}]
                self._put(name, mine, whole, of, both, both_brought)
                tracks |= both[1]
                tracks_brought |= both_brought[1]
        for payload in payloads:
            for name, tokens in payload.items():
                self._put(name, tokens, self.spans, self.of, columns, brought)
        for number, table in enumerate(self.tables):
            begin, end = int(self.spans[number]), int(self.spans[number + 1])
            if end > begin:
                own = self._own(number, begin, end)
                yield table, pa.table(own | columns[number]), brought[number]
        begin = int(self.spans[TRACK])
        if len(self.lines) > begin:
            yield "tracks", pa.table(self._own(TRACK, begin, len(self.lines)) | tracks), tracks_brought

    def are_wider(self, columns: Sequence[Mapping[str, Indices]], most: int) -> bool:
        """Whether columns of these tokens have more values than so many, nulls included."""
        every = [tokens for several in columns for tokens in several.values()]
        if len(every) * len(self.lines) <= most:
            return False
        total = 0
        for tokens in every:
            places = self.place[self.view.line[tokens]]
            if len(places := places[places >= 0]):
                total += int(self.spans[self.of[places.max()] + 1] - self.spans[self.of[places.min()]])
        return total > most

    def _in(self, tokens: Indices, low: int, high: int) -> Indices:
        places = self.place[self.view.line[tokens]]
        return tokens[(places >= low) & (places < high)]

    def _put(
        self,
        name: str,
        tokens: Indices,
        spans: NDArray[np.int64],
        of: NDArray[np.int32],
        columns: list[dict[str, pa.Array]],
        brought: list[dict[str, Brought]],
    ) -> None:
        places = self.place[self.view.line[tokens]]
        tokens, places = tokens[places >= 0], places[places >= 0]
        if not len(tokens):
            return
        for one in fill(self.view, tokens, places, spans, of, self.rank):
            columns[one.table][name] = one.values
            line = int(self.view.line[one.first])
            first = infer(self.view.value(one.first)) or Type.STRING
            at, message_id = int(self.calls.received_at[line]), self.calls.texts["messageId"][line].as_py()
            brought[one.table][name] = Brought(one.kind, first, at, message_id, line)

    def _own(self, table: int, begin: int, end: int) -> dict[str, pa.Array]:
        """The declared columns but segment_id and uuid_ts, which are not known yet."""
        made = {name: column.slice(begin, end - begin) for name, column in self.fixed.items()}

        def text(name: str) -> pa.Array:
            return self.texts[name].slice(begin, end - begin)

        if table >= TRACK:
            coded = text("event").dictionary_encode()
            slugs = pa.array([names.event_slug(one) for one in coded.dictionary.to_pylist()], pa.string())
            return made | {"event": slugs.take(coded.indices), "event_text": text("event")}
        kind = KINDS[table]
        if table >= PAGE:
            return made | {"name": text("name"), "category": text("category"), "group_id": text("context.groupId")}
        if kind == "group":
            return made | {"group_id": text("groupId")}
        return made | {"previous_id": text("previousId")} if kind == "alias" else made
