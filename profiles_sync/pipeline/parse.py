"""Files to staged slices: their events' identities, their rows per table, and what goes to quarantine.

Runs inside a task. A value keeps the type that JSON gave it: which type a column has is decided later, over the
whole batch, and the cast happens when the rows are written.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa

from profiles_sync.lake.tables import ARROW
from profiles_sync.pipeline import digests, staging
from profiles_sync.pipeline.batches import SourceFile
from profiles_sync.pipeline.delta_source import is_mark
from profiles_sync.pipeline.lines import Away, Piece, Unreadable, read_blocks
from profiles_sync.pipeline.one_by_one import OneByOne
from profiles_sync.pipeline.staged import IDENTIFIERS, IDENTITY, Brought, Parsed, TableSlice
from profiles_sync.pipeline.storage import resolve
from profiles_sync.spec import tables
from profiles_sync.spec.events import Rejected, Source, read_line
from profiles_sync.spec.rules import IdentityRules

AT_ONCE = 32 << 20  # bytes of lines that are taken at once
CELLS = 32 << 20  # values of their rows, nulls included


@dataclass(frozen=True)
class ParseTask:
    """What a task needs to read some files of one source, or one piece of a file."""

    files: tuple[SourceFile, ...]
    source: Source
    rules: IdentityRules
    staging: str
    piece: Piece | None = None


def parse(task: ParseTask) -> Parsed:
    """Read the files and stage what is in them."""
    reading = _Reading(task)
    for file in task.files:
        if not is_mark(file.path):
            reading.read(file)
    reading.take()
    return reading.staged()


@dataclass(frozen=True)
class _Mark:
    """From line `at` of the lines put together on, they are those of `file` from its line `number` on, from 1."""

    at: int
    file: SourceFile
    number: int


@dataclass
class _Reading:
    """What has been read so far, and the lines that are waiting to be taken at once."""

    task: ParseTask
    waiting: list[bytes] = field(default_factory=list)
    marks: list[_Mark] = field(default_factory=list)
    lines: int = 0
    places: int = 0
    ends: int = 0
    nul_characters: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    away: dict[str, str] = field(default_factory=dict)
    broken: dict[str, str] = field(default_factory=dict)
    identity: list[pa.Table] = field(default_factory=list)
    identifiers: list[pa.Table] = field(default_factory=list)
    quarantine: list[dict[str, Any]] = field(default_factory=list)
    slices: list[TableSlice] = field(default_factory=list)

    def read(self, file: SourceFile) -> None:
        """Read a file. Small ones are put together: what is taken at once costs by the table, not only by the line."""
        number = 1
        try:
            for block in read_blocks(*resolve(file.path), self.task.piece):
                whole = block if block.endswith(b"\n") else block + b"\n"
                self.marks.append(_Mark(self.ends, file, number))
                self.waiting.append(whole)
                ends = whole.count(b"\n")
                self.ends += ends
                number += ends
                if sum(map(len, self.waiting)) >= AT_ONCE:
                    self.take()
        except Away as away:
            self.away[file.path] = str(away)
        except Unreadable as broken:
            self.lines += 1
            self.broken[file.path] = broken.why
            self._quarantine(file, number, broken.raw, f"unreadable from here on ({broken.why})")

    def take(self) -> None:
        """Take the waiting lines: the plain ones at once where that is possible, the others one by one."""
        block, base = b"".join(self.waiting), self.places
        others = self._at_once(block, base) if digests.IS_FAST else self._numbered(block)
        one_by_one = OneByOne(self.task.rules)
        for place, number, line in others:
            if not line.strip():
                continue
            self.lines += 1
            mark = self.marks[bisect_right(self.marks, base + number, key=lambda one: one.at) - 1]
            try:
                event = read_line(line, self.task.source, mark.file.modified_at)
            except Rejected as rejected:
                self._quarantine(mark.file, mark.number + base + number - mark.at, line, str(rejected))
            else:
                self.nul_characters += event.nul_characters
                one_by_one.add(base + place, event)
        self._stage(*one_by_one.made(), 0)
        self.places = self.ends
        self.waiting.clear()

    def _at_once(self, block: bytes, base: int) -> list[tuple[int, int, bytes]]:
        """Lines of so many names that their tables would be too wide are taken by halves."""
        from profiles_sync.pipeline.bulk.block import TooWide, read_block  # needs numba

        half = block.rfind(b"\n", 0, len(block) // 2) + 1 or block.find(b"\n") + 1
        try:
            read = read_block(block, self.task.source, self.task.rules, CELLS if half < len(block) else None)
        except TooWide:
            before = block.count(b"\n", 0, half)
            others = self._at_once(block[half:], base + before)
            return self._at_once(block[:half], base) + [(at + before, n + before, line) for at, n, line in others]
        self.lines += read.lines - len(read.odd)
        self._stage(read.identity, read.identifiers, read.tables, base)
        return read.odd

    def _numbered(self, block: bytes) -> Iterator[tuple[int, int, bytes]]:
        for number, line in enumerate(block.split(b"\n")):
            yield number, number, line.rstrip(b"\r")

    def _stage(
        self,
        identity: pa.Table,
        identifiers: pa.Table,
        made: list[tuple[str, pa.Table, dict[str, Brought]]],
        base: int,
    ) -> None:
        """Keep what is small, write what is not; `base` is added to every row number."""
        if not identity.num_rows:
            return
        high, low = digests.halves(digests.sha1(identity["message_id"].combine_chunks()))
        identity = identity.append_column("high", pa.array(high)).append_column("low", pa.array(low))
        self.identity.append(_moved(identity, "row", base).select(IDENTITY.names).cast(IDENTITY))
        self.identifiers.append(_moved(_hashed(identifiers, self.task.rules), "row", base).cast(IDENTIFIERS))
        slices = staging.write(self.task.staging, [_moved(table, "_row", base) for _, table, _ in made])
        for (name, _, brought), where in zip(made, slices, strict=True):
            placed = {column: replace(one, row=one.row + base) for column, one in brought.items()}
            self.slices.append(TableSlice(name, where, placed))

    def _quarantine(self, file: SourceFile, number: int, line: bytes, reason: str) -> None:
        raw = line.decode("utf-8", "replace").replace("\0", "")
        about = {"file": file.path, "received_at": file.modified_at}
        self.quarantine.append(about | {"line_number": number, "reason": reason, "raw": raw})
        self.reasons[reason] += 1

    def staged(self) -> Parsed:
        """Write down the rest."""
        identity = pa.concat_tables([IDENTITY.empty_table(), *self.identity])
        identifiers = pa.concat_tables([IDENTIFIERS.empty_table(), *self.identifiers])
        identified, carried, refused = staging.write(self.task.staging, [identity, identifiers, self._quarantined()])
        return Parsed(
            self.task.source.slug,
            self.task.files[0].path if self.task.piece else None,
            self.lines,
            self.places,
            self.ends,
            dict(sorted(self.reasons.items())),
            self.nul_characters,
            self.away,
            self.broken,
            identified,
            carried,
            refused,
            tuple(self.slices),
        )

    def _quarantined(self) -> pa.Table:
        types = tables.QUARANTINE.types
        schema = pa.schema([(name, ARROW[kind]) for name, kind in types.items() if name not in {"uuid_ts", "batch"}])
        common = {"source_id": self.task.source.id, "source_slug": self.task.source.slug}
        return pa.Table.from_pylist([common | one for one in self.quarantine], schema)


def _moved(table: pa.Table, column: str, base: int) -> pa.Table:
    """The row numbers of a block as those of the file."""
    place = table.column_names.index(column)
    return (
        table.set_column(place, column, pa.compute.add(table[column], pa.scalar(base, pa.int32()))) if base else table
    )


def _hashed(identifiers: pa.Table, rules: IdentityRules) -> pa.Table:
    """With 128 bits of each identifier's hash."""
    rank, value = identifiers["rank"].to_numpy(), identifiers["value"].combine_chunks()
    high, low = np.empty(len(rank), np.int64), np.empty(len(rank), np.int64)
    for number, kind in enumerate(rules.by_type):
        mine = np.flatnonzero(rank == number)
        if len(mine):
            high[mine], low[mine] = digests.halves(digests.sha1(value.take(pa.array(mine)), kind))
    return pa.table([identifiers["row"], identifiers["rank"], pa.array(high), pa.array(low), value], IDENTIFIERS.names)
