"""What changed in a lake table since a warehouse's cursor.

Append tables: the files that commits added since. Merged tables: the change data feed since, the last change per key.
Where the table is another one than the cursor knew, or its history is gone: all rows, to replace what is there; whether
another table may do that is for the sync to say.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
from arro3.core.types import ArrowStreamExportable
from deltalake import DeltaTable
from pyarrow import fs

from profiles_sync.lake.tables import ARROW, Lake, scan, types_of
from profiles_sync.spec.tables import QUARANTINE, Change, Table, Type, table
from profiles_sync.warehouses.base import OPERATION, Cursor


@dataclass
class Changes:
    """A `warehouses.base.Batch`: rows are read when they are asked for."""

    table: Table
    types: Mapping[str, Type]
    cursor: Cursor
    full: bool
    delta: DeltaTable
    since: int | None

    def arrow(self) -> pa.RecordBatchReader:
        """See `warehouses.base.Batch`."""
        if self.table.change is Change.MERGE:
            return self._merged().to_reader()
        return self._appended()

    def spark(self, session: Any) -> Any:  # noqa: ANN401 a DataFrame, where pyspark is
        """See `warehouses.base.Batch`."""
        return session.createDataFrame(self.arrow().read_all())

    def _appended(self) -> pa.RecordBatchReader:
        schema = pa.schema([(name, ARROW[kind]) for name, kind in self.types.items()])
        if self.since is None:
            return scan(self.delta).select(schema.names).cast(schema).to_reader()
        filesystem, root = _files(self.delta)
        paths = [
            path for version in range(self.since + 1, self.cursor.version + 1) for path in _added(self.delta, version)
        ]
        scanner = ds.dataset(paths, schema=schema, format="parquet", filesystem=fs.SubTreeFileSystem(root, filesystem))
        return scanner.scanner().to_reader() if paths else schema.empty_table().to_reader()

    def _merged(self) -> pa.Table:
        schema = pa.schema([*((name, ARROW[kind]) for name, kind in self.types.items()), (OPERATION, pa.string())])
        if self.since is None:
            rows = scan(self.delta)
            return (
                rows.append_column(OPERATION, pa.array(["U"] * rows.num_rows, pa.string()))
                .select(schema.names)
                .cast(schema)
            )
        feed = _plain(self.delta.load_cdf(starting_version=self.since + 1, ending_version=self.cursor.version))
        feed = feed.filter(pc.not_equal(feed["_change_type"], "update_preimage"))
        last = _last_per_key(feed, list(self.table.key))
        deleted = pc.equal(last["_change_type"], "delete")
        rows = {name: last[name] if name in last.column_names else pa.nulls(last.num_rows) for name in self.types}
        rows[OPERATION] = pc.if_else(deleted, "D", "U")
        return pa.table(rows).cast(schema)


def _plain(feed: ArrowStreamExportable) -> pa.Table:
    """The feed with ordinary text columns: few Arrow functions know text views."""
    rows = pa.table(feed)
    return rows.cast(
        pa.schema([(one.name, pa.string() if one.type == pa.string_view() else one.type) for one in rows.schema])
    )


def _last_per_key(feed: pa.Table, keys: list[str]) -> pa.Table:
    numbered = feed.sort_by("_commit_version").append_column("_place", pa.array(range(feed.num_rows), pa.int64()))
    last = numbered.group_by(keys).aggregate([("_place", "max")])["_place_max"]
    return numbered.take(last)


def changes(lake: Lake, name: str, cursor: Cursor | None) -> Changes | None:
    """What the warehouse does not have yet of a table; None when there is nothing."""
    delta = lake.open(name)
    if delta is None:
        return None
    now = Cursor(str(delta.metadata().id), delta.version())
    if cursor == now:
        return None
    known = cursor is not None and cursor.table_id == now.table_id and cursor.version <= now.version
    if known and cursor is not None and _has_history(delta, cursor.version):
        return Changes(table(name), types_of(delta), now, False, delta, cursor.version)
    return Changes(table(name), types_of(delta), now, cursor is not None, delta, None)


def _has_history(delta: DeltaTable, version: int) -> bool:
    """Whether the log still has every commit after `version`."""
    filesystem, root = _files(delta)
    paths = [f"{root}/_delta_log/{number:020d}.json" for number in range(version + 1, delta.version() + 1)]
    return all(info.type == fs.FileType.File for info in filesystem.get_file_info(paths))


def _added(delta: DeltaTable, version: int) -> Iterator[str]:
    filesystem, root = _files(delta)
    with filesystem.open_input_file(f"{root}/_delta_log/{version:020d}.json") as file:
        for line in file.read().splitlines():
            add = orjson.loads(line).get("add")
            if add and add["dataChange"]:
                yield add["path"]


def _files(delta: DeltaTable) -> tuple[fs.FileSystem, str]:
    uri = delta.table_uri
    filesystem, root = fs.FileSystem.from_uri(uri) if "://" in uri else (fs.LocalFileSystem(), uri)
    return filesystem, root.rstrip("/")


def public_tables(lake: Lake) -> list[str]:
    """The tables that a warehouse gets, those that are always there first."""
    filesystem, root = fs.FileSystem.from_uri(lake.root) if "://" in lake.root else (fs.LocalFileSystem(), lake.root)
    listed = filesystem.get_file_info(fs.FileSelector(f"{root.rstrip('/')}/{lake.slug}", allow_not_found=True))
    names = {info.base_name for info in listed if info.type == fs.FileType.Directory}
    return sorted(
        names - {QUARANTINE.name, "_control", "_staging"},
        key=lambda name: (table(name).group == "track event table", name),
    )
