"""An immutable area of a lake: tables that are written whole, in one commit, and never again.

Each tells in its configuration where the lake's table stood that its rows were read from.
"""

import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

import orjson
import pyarrow as pa
from deltalake.transaction import AddAction

from profiles_sync.lake import files, log, tips
from profiles_sync.lake.changes import changes
from profiles_sync.lake.log import Entries
from profiles_sync.lake.tables import ARROW, Lake
from profiles_sync.spec.tables import Type
from profiles_sync.warehouses.base import Cursor

_CURSOR = "profilesSync.cursor"
_FILE = 32 << 20  # bytes of rows in memory that become one file, the least that is read of a table at a time


@dataclass(frozen=True)
class Area:
    """A folder of such tables; `folder` is its name below the space's, such as `_staging/backfill/1`."""

    lake: Lake
    folder: str

    def put(self, name: str, types: Mapping[str, Type], rows: Iterable[pa.RecordBatch], cursor: Cursor) -> None:
        """Write a table, once: one that is there stays as it is."""
        place = f"{self.folder}/{name}"
        schema = pa.schema([(column, ARROW[kind]) for column, kind in types.items()])
        written = list(self._written(place, schema, rows))
        told = {_CURSOR: orjson.dumps([cursor.table_id, cursor.version, cursor.commit]).decode()}
        tips.append_once(self.lake, place, written, 1, types, told)

    def get(self, name: str) -> "Kept | None":
        """A table that was written; None where it was not."""
        place = f"{self.folder}/{name}"
        tip = tips.read(self.lake, place)
        if tip is None:
            return None
        entries = Entries.of(self.lake.path(place), self.lake.options)
        added = sorted((log.files_at(entries, tip.version) or {}).values(), key=lambda add: str(add["path"]))
        files = [KeptFile(add["path"], orjson.loads(add["stats"])["numRecords"], add["size"]) for add in added]
        cursor = Cursor(*orjson.loads(tip.metadata["configuration"][_CURSOR]))
        return Kept(self.lake, place, tip.types, cursor, tuple(files))

    def _written(self, place: str, schema: pa.Schema, rows: Iterable[pa.RecordBatch]) -> Iterator[AddAction]:
        for some in _in_parts(rows):
            name = f"part-{uuid.uuid4().hex}.parquet"
            yield files.write(self.lake, place, name, pa.Table.from_batches(some, schema))


@dataclass(frozen=True)
class KeptFile:
    """A data file: its path, how many rows and bytes."""

    path: str
    rows: int
    bytes: int


@dataclass(frozen=True)
class Kept:
    """A table of the area, or a part of one: its columns, where the lake's stood, its files in an order for ever."""

    lake: Lake
    place: str
    types: Mapping[str, Type]
    cursor: Cursor
    files: tuple[KeptFile, ...]

    @property
    def rows(self) -> int:
        """How many."""
        return sum(file.rows for file in self.files)

    @property
    def bytes(self) -> int:
        """The size of the files."""
        return sum(file.bytes for file in self.files)

    def part(self, first: int, many: int) -> "Kept":
        """Some of its files, from one on."""
        return replace(self, files=self.files[first : first + many])

    def arrow(self) -> pa.RecordBatchReader:
        """The rows."""
        found = changes(self.lake, self.place, None)
        assert found is not None, self.place
        return replace(found, paths=[file.path for file in self.files]).arrow()


def _in_parts(rows: Iterable[pa.RecordBatch]) -> Iterator[list[pa.RecordBatch]]:
    waiting: list[pa.RecordBatch] = []
    size = 0
    for some in rows:
        if some.num_rows:
            waiting.append(some)
            size += some.nbytes
        if size >= _FILE:
            yield waiting
            waiting, size = [], 0
    if waiting:
        yield waiting
