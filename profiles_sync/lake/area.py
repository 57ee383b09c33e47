"""An immutable area of a lake: tables that are written whole, in one commit, and never again.

Each tells in its configuration where the lake's table stood that its rows were read from.
"""

import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

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
_FILE = 128 << 20  # bytes of rows in memory that become one file


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
        added = list((log.files_at(entries, tip.version) or {}).values())
        rows = sum(orjson.loads(add["stats"])["numRecords"] for add in added)
        cursor = Cursor(*orjson.loads(tip.metadata["configuration"][_CURSOR]))
        return Kept(self.lake, place, tip.types, cursor, rows, sum(add["size"] for add in added))

    def _written(self, place: str, schema: pa.Schema, rows: Iterable[pa.RecordBatch]) -> Iterator[AddAction]:
        for some in _in_parts(rows):
            name = f"part-{uuid.uuid4().hex}.parquet"
            yield files.write(self.lake, place, name, pa.Table.from_batches(some, schema))


@dataclass(frozen=True)
class Kept:
    """A table of the area: its columns, where the lake's stood, how many rows and bytes."""

    lake: Lake
    place: str
    types: Mapping[str, Type]
    cursor: Cursor
    rows: int
    bytes: int

    def arrow(self) -> pa.RecordBatchReader:
        """The rows."""
        found = changes(self.lake, self.place, None)
        assert found is not None, self.place
        return found.arrow()


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
