"""Staged slices to the event type tables and the table of each Track event.

The driver decides the columns of every table over the whole batch; tasks cast, stamp and write data files; the
driver commits them, one commit per table.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
from deltalake.transaction import AddAction
from numpy.typing import NDArray

from profiles_sync.lake.base import Lake
from profiles_sync.lake.files import put
from profiles_sync.lake.tables import ARROW
from profiles_sync.pipeline import staging
from profiles_sync.pipeline.batches import Batch
from profiles_sync.pipeline.casts import cast_column, values_of
from profiles_sync.pipeline.identity import Resolved
from profiles_sync.pipeline.staged import Brought, Parsed, TableSlice
from profiles_sync.pipeline.staging import Slice
from profiles_sync.pipeline.storage import resolve
from profiles_sync.spec import tables
from profiles_sync.spec.columns import infer
from profiles_sync.spec.tables import Type
from profiles_sync.watching.threads import Threads

_FILE = 48 << 20  # staged bytes that go into one file
_AT_ONCE = 8  # tables whose logs are read and written at once: the time is the storage's, not ours
_STAMPS = pa.schema([("segment_id", pa.string()), ("kept", pa.bool_())])


@dataclass(frozen=True)
class Part:
    """A slice, how its brought columns are staged, and the stamps of its file's events."""

    where: Slice
    kinds: dict[str, str]
    stamps: Slice


@dataclass(frozen=True)
class WriteTask:
    """What a task needs to write one table's rows."""

    table: str
    folder: str
    file: str
    types: dict[str, Type]
    parts: tuple[Part, ...]
    uuid_ts: int


@dataclass(frozen=True)
class Written:
    """A data file that is not committed yet; `cast_to_null` counts values that the column could not hold."""

    table: str
    file: str
    size: int
    rows: int
    cast_to_null: int

    def to_json(self) -> str:
        """As a task returns it."""
        return orjson.dumps(asdict(self)).decode()

    @classmethod
    def from_json(cls, text: str) -> "Written":
        """As the driver gets it back."""
        return cls(**orjson.loads(text))

    def action(self, modified_at: int) -> AddAction:
        """For the table's log."""
        return AddAction(self.file, self.size, {}, modified_at // 1000, True, f'{{"numRecords":{self.rows}}}')


def plan(lake: Lake, batch: Batch, parsed: Sequence[Parsed], resolved: Resolved, attempt: str) -> list[WriteTask]:
    """Decide the columns of every table that the batch has rows for, and say what is to be written.

    `attempt` is part of the names of the files, so that an orphaned task of an earlier attempt cannot overwrite one.
    """
    stamps = staging.write(
        lake.path(f"_staging/{batch.number}/stamps"), [_stamps(resolved, i) for i in range(len(parsed))]
    )
    by_table: dict[str, list[tuple[int, TableSlice]]] = {}
    for split, one in enumerate(parsed):
        for table in one.tables:
            by_table.setdefault(table.table, []).append((split, table))

    def tasks_of(name: str) -> list[WriteTask]:
        slices = by_table[name]
        types = None if lake.has(name, batch.number) else _columns(lake, name, slices, resolved)
        if types is None:
            return []
        parts = [
            Part(one.where, {column: b.kind for column, b in one.brought.items()}, stamps[split])
            for split, one in slices
        ]
        files = [f"part-{batch.number:010d}-{attempt}-{number:04d}.parquet" for number in range(len(parts))]
        together = zip(files, _together(parts), strict=False)
        folder = lake.files(name, batch.number)
        return [WriteTask(name, folder, file, types, some, batch.uuid_ts) for file, some in together]

    with Threads(_AT_ONCE) as beside:
        tasks = [task for several in beside.map(tasks_of, sorted(by_table)) for task in several]
    return sorted(tasks, key=lambda task: -sum(part.where.length for part in task.parts))  # the largest first


def _together(parts: Sequence[Part]) -> Iterator[tuple[Part, ...]]:
    """The parts of a table in files of some size, so that no table keeps one task busy when the others are done."""
    some: list[Part] = []
    for part in parts:
        some.append(part)
        if sum(one.where.length for one in some) >= _FILE:
            yield tuple(some)
            some = []
    if some:
        yield tuple(some)


def _stamps(resolved: Resolved, split: int) -> pa.Table:
    return pa.Table.from_arrays([resolved.stamps[split], pa.array(resolved.landing.kept[split])], schema=_STAMPS)


def _columns(
    lake: Lake, name: str, slices: Sequence[tuple[int, TableSlice]], resolved: Resolved
) -> dict[str, Type] | None:
    """The table's columns with the new ones of this batch; None when no row of it stays."""
    kept = resolved.landing.kept
    if not any(kept[split].any() for split, _ in slices):
        return None
    firsts: dict[str, Brought] = {}
    for split, one in slices:
        for column, first in _kept_firsts(one, kept[split]).items():
            if column not in firsts or first.order < firsts[column].order:
                firsts[column] = first
    existing = lake.types(name) or dict(tables.table(name).types)
    new = sorted(
        (column for column in firsts if column not in existing), key=lambda column: (firsts[column].order, column)
    )
    return existing | {column: Type(firsts[column].first_type) for column in new}


def _kept_firsts(one: TableSlice, kept: NDArray[np.bool_]) -> dict[str, Brought]:
    """The first values among the events that stay. They are known already, unless a duplicate had one."""
    if all(kept[column.row] for column in one.brought.values()):
        return one.brought
    rows = staging.read(one.where)
    rows = rows.filter(pa.array(kept[rows["_row"].to_numpy()])).sort_by(
        [("received_at", "ascending"), ("id", "ascending")]
    )
    found = {}
    for column, staged in one.brought.items():
        values = values_of(rows[column], staged.kind)
        index = next((i for i, value in enumerate(values) if value is not None), None)
        if index is not None:
            at = rows["received_at"][index].value
            kind = infer(values[index]) or Type.STRING
            found[column] = Brought(staged.kind, kind, at, rows["id"][index].as_py(), staged.row)
    return found


def write(task: WriteTask) -> str:
    """Cast, stamp and write the rows of one table into one data file; runs inside a task."""
    made = [_part(task, part) for part in task.parts]
    rows = pa.concat_tables([table for table, _ in made])
    filesystem, folder = resolve(task.folder)
    size = put(filesystem, f"{folder}/{task.file}", rows)
    return Written(task.table, task.file, size, rows.num_rows, sum(lost for _, lost in made)).to_json()


def _part(task: WriteTask, part: Part) -> tuple[pa.Table, int]:
    slice_ = staging.read(part.where)
    stamps = _read_stamps(part.stamps).take(slice_["_row"])
    slice_ = slice_.append_column("segment_id", stamps["segment_id"])
    if not pc.all(stamps["kept"]).as_py():
        slice_ = slice_.filter(stamps["kept"])
    staged = dict(zip(slice_.column_names, slice_.columns, strict=True))
    columns, lost = [], 0
    for name, kind in task.types.items():
        column, failed = _column(staged.get(name), slice_.num_rows, name, kind, part.kinds.get(name), task.uuid_ts)
        columns.append(column)
        lost += failed
    return pa.table(columns, names=list(task.types)), lost


@lru_cache(maxsize=64)
def _read_stamps(where: Slice) -> pa.Table:
    """Every table of a file asks for the same stamps."""
    return staging.read(where)


def _column(
    values: pa.ChunkedArray | None, rows: int, name: str, kind: Type, staged: str | None, uuid_ts: int
) -> tuple[Any, int]:
    """The column as the table has it, and how many of its values became null on the way."""
    if name == "uuid_ts":
        return pa.array(np.full(rows, uuid_ts)).cast(ARROW[kind]), 0
    if values is None:
        return pa.nulls(rows, ARROW[kind]), 0
    if staged is None or staged == kind:
        return values, 0
    column = cast_column(values.combine_chunks(), staged, kind)
    return column, column.null_count - values.null_count


def commit(lake: Lake, batch: Batch, todo: Sequence[WriteTask], written: Sequence[Written]) -> None:
    """Commit the written files, one commit per table, which also brings the table or its new columns."""
    types = {task.table: task.types for task in todo}

    def one(table: tuple[str, list[Written]]) -> None:
        name, files = table
        lake.append_files(name, [file.action(batch.uuid_ts) for file in files], batch.number, types[name])

    with Threads(_AT_ONCE) as beside:
        for _ in beside.map(one, _by_table(written)):
            pass


def _by_table(written: Sequence[Written]) -> Iterator[tuple[str, list[Written]]]:
    grouped: dict[str, list[Written]] = {}
    for one in written:
        grouped.setdefault(one.table, []).append(one)
    yield from sorted(grouped.items())


def rows_written(written: Sequence[Written]) -> Mapping[str, int]:
    """Rows per table."""
    return {name: sum(file.rows for file in files) for name, files in _by_table(written)}
