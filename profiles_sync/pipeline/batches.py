"""Batches: what a run takes in one piece, written down before the work so that a crash can be finished.

A batch is opened with its files and its `uuid_ts`, does its work in repeatable steps, and is landed. A run that
finds an open batch finishes that one first, from the same files and to the same rows.
"""

import time
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import orjson
import pyarrow as pa

from profiles_sync.errors import LakeBusy
from profiles_sync.lake.base import Lake
from profiles_sync.lake.tables import scan

_OPENED, _LANDED, _FILES = "_control/batches", "_control/landed", "_control/files"
_GROWS = 8
_RECORD = pa.schema([("batch", pa.int64()), ("record", pa.string())])
_FILE = pa.schema([("source", pa.string()), ("path", pa.string()), ("size", pa.int64()), ("batch", pa.int64())])


@dataclass(frozen=True)
class SourceFile:
    """A file of a source; `modified_at` in microseconds. It is taken once and must not change."""

    source: str
    path: str
    size: int
    modified_at: int

    @property
    def weight(self) -> int:
        """Its bytes as lines of JSON: a compressed file counts several times what it has."""
        return self.size * (_GROWS if self.path.endswith((".gz", ".zst", ".parquet")) else 1)


@dataclass(frozen=True)
class Progress:
    """Where the space's clocks stand after a batch.

    The last seq, how many profiles were ever created, and the newest `received_at`, in microseconds, 0 for none known.
    """

    last_seq: int = 0
    profiles: int = 0
    newest: int = 0


@dataclass(frozen=True)
class Batch:
    """One batch; `before` is where the space stood when it was opened, `uuid_ts` is in microseconds."""

    number: int
    uuid_ts: int
    files: tuple[SourceFile, ...]
    before: Progress = field(default_factory=Progress)

    @property
    def weight(self) -> int:
        """Its files' bytes as lines of JSON."""
        return sum(file.weight for file in self.files)


def unfinished(lake: Lake) -> Batch | None:
    """The batch that was opened and never landed, if any."""
    opened = _last(lake, _OPENED)
    landed = _last(lake, _LANDED)
    if opened is None or (landed is not None and landed[0] >= opened[0]):
        return None
    return _batch(*opened, progress(lake))


def landed(lake: Lake) -> list[Batch]:
    """Every batch that landed, in order, without where the space stood before it: what a rebuild replays."""
    last, table, taken = last_landed(lake), lake.open(_OPENED), _taken(lake)
    rows = [] if table is None else scan(table, where=[("batch", "<=", last)]).sort_by("batch").to_pylist()
    opened = [_batch(row["batch"], orjson.loads(row["record"]), Progress()) for row in rows]
    return [replace(one, files=_of(one, taken)) for one in opened]


def progress(lake: Lake) -> Progress:
    """Where the space stands."""
    landed = _last(lake, _LANDED)
    if landed is None:
        return Progress()
    after = landed[1]
    return Progress(after["last_seq"], after["profiles"], after.get("newest", 0))  # older versions did not write it


def last_uuid_ts(lake: Lake) -> int:
    """The `uuid_ts` of the last batch that was opened, in microseconds, 0 for none: no row of the lake has a later."""
    opened = _last(lake, _OPENED)
    return 0 if opened is None else int(opened[1]["uuid_ts"])


def last_landed(lake: Lake) -> int:
    """The number of the last batch that landed, 0 for none."""
    landed = _last(lake, _LANDED)
    return 0 if landed is None else landed[0]


def open_batch(lake: Lake, files: tuple[SourceFile, ...]) -> Batch:
    """Write down a new batch. Its `uuid_ts` is now, and always later than that of every batch before."""
    opened = _last(lake, _OPENED)
    number, last_ts = (1, 0) if opened is None else (opened[0] + 1, opened[1]["uuid_ts"])
    return reopen(lake, Batch(number, max(time.time_ns() // 1000, last_ts + 1), files))


def reopen(lake: Lake, batch: Batch) -> Batch:
    """Write down a batch with the number, files and `uuid_ts` that it has; a lake that is built anew does so."""
    record = {"uuid_ts": batch.uuid_ts, "files": [vars(file) for file in batch.files]}
    _write(lake, _OPENED, batch.number, record)
    if lake.lock_folder is None and _last(lake, _OPENED) != (batch.number, record):
        raise LakeBusy(
            f"space {lake.slug}: another run opened batch {batch.number} at the same time and goes on with it; nothing "
            "was done, the next run catches up"
        )
    return replace(batch, before=progress(lake))


def remember_files(lake: Lake, batch: Batch) -> None:
    """Add the batch's files to those that are taken; from now on the batch has these files and no others."""
    rows = [
        {"source": file.source, "path": file.path, "size": file.size, "batch": batch.number} for file in batch.files
    ]
    lake.append(_FILES, pa.Table.from_pylist(rows, _FILE), batch.number)


def with_its_files(lake: Lake, batch: Batch) -> tuple[Batch, bool]:
    """The batch with the files that it must have, and whether that is settled: then not one of them may be missing."""
    if not lake.has(_FILES, batch.number):
        return batch, False
    return replace(batch, files=_of(batch, _taken(lake))), True


def land(lake: Lake, batch: Batch, after: Progress, report: dict[str, object]) -> None:
    """Write down that the batch is complete; only now do warehouses see it."""
    _write(lake, _LANDED, batch.number, asdict(after) | {"report": report})


def taken_files(lake: Lake) -> dict[str, int]:
    """Path to size of every file that a batch has taken."""
    return {path: size for path, (size, _) in _taken(lake).items()}


def _taken(lake: Lake) -> dict[str, tuple[int, int]]:
    """Path to size and batch."""
    table = lake.open(_FILES)
    rows = (_FILE.empty_table() if table is None else scan(table)).to_pydict()
    return dict(zip(rows["path"], zip(rows["size"], rows["batch"], strict=True), strict=True))


def _of(batch: Batch, taken: dict[str, tuple[int, int]]) -> tuple[SourceFile, ...]:
    return tuple(file for file in batch.files if taken.get(file.path, (0, 0))[1] == batch.number)


def _batch(number: int, record: dict[str, Any], before: Progress) -> Batch:
    return Batch(number, record["uuid_ts"], tuple(SourceFile(**file) for file in record["files"]), before)


def _last(lake: Lake, name: str) -> tuple[int, dict[str, Any]] | None:
    table = lake.open(name)
    if table is None:
        return None
    numbers = scan(table, ["batch"])["batch"].to_pylist()
    if not numbers:
        return None
    rows = scan(table, where=[("batch", "==", max(numbers))])
    return max(numbers), orjson.loads(rows["record"][0].as_py())


def _write(lake: Lake, name: str, number: int, record: dict[str, object]) -> None:
    rows = pa.Table.from_pylist([{"batch": number, "record": orjson.dumps(record).decode()}], _RECORD)
    lake.append(name, rows, number)
