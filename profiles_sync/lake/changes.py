"""What changed in a lake table since a warehouse's cursor.

Append tables: the files that commits added since. Merged tables: the change data feed since, the last change per key.
Where the history is gone, or a rebuilt lake takes the place of the one that was synced: all rows, to replace what is
there. Any other table than the one the cursor knew is refused.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
from deltalake import DeltaTable
from pyarrow import fs

from profiles_sync.errors import AnotherLake
from profiles_sync.lake.lineage import stands_for
from profiles_sync.lake.log import Action, actions_of
from profiles_sync.lake.tables import ARROW, Lake, plain, scan, storage_of, types_of
from profiles_sync.spec.tables import Change, Table, Type, table
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
    paths: Sequence[str]

    @property
    def is_empty(self) -> bool:
        """Whether no row changed, so that only the cursor has to move."""
        return self.since is not None and not self.paths

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
        filesystem, root = storage_of(self.delta.table_uri)
        files = ds.dataset(
            [unquote(path) for path in self.paths],
            schema=schema,
            format="parquet",
            filesystem=fs.SubTreeFileSystem(root, filesystem),
        )
        return files.scanner().to_reader() if self.paths else schema.empty_table().to_reader()

    def _merged(self) -> pa.Table:
        schema = pa.schema([*((name, ARROW[kind]) for name, kind in self.types.items()), (OPERATION, pa.string())])
        if self.since is None:
            rows = scan(self.delta)
            return (
                rows.append_column(OPERATION, pa.array(["U"] * rows.num_rows, pa.string()))
                .select(schema.names)
                .cast(schema)
            )
        feed = plain(pa.table(self.delta.load_cdf(starting_version=self.since + 1, ending_version=self.cursor.version)))
        feed = feed.filter(pc.not_equal(feed["_change_type"], "update_preimage"))
        last = _last_per_key(feed, list(self.table.key))
        deleted = pc.equal(last["_change_type"], "delete")
        rows = {name: last[name] if name in last.column_names else pa.nulls(last.num_rows) for name in self.types}
        rows[OPERATION] = pc.if_else(deleted, "D", "U")
        return pa.table(rows).cast(schema)


def _last_per_key(feed: pa.Table, keys: list[str]) -> pa.Table:
    numbered = feed.sort_by("_commit_version").append_column("_place", pa.array(range(feed.num_rows), pa.int64()))
    last = numbered.group_by(keys).aggregate([("_place", "max")])["_place_max"]
    return numbered.take(last)


def changes(lake: Lake, name: str, cursor: Cursor | None) -> Changes | None:
    """What the warehouse does not have yet of a table; None when there is nothing.

    Raises:
        AnotherLake: The cursor is not of this table as it is, or as it was.
    """
    delta = lake.open(name)
    if delta is None:
        return None
    if cursor is not None and not _follows(lake, name, delta, cursor):
        raise AnotherLake(
            f"the warehouse follows a table that is not the one in {lake.path('')}: that is another lake, one that was "
            "put back to an earlier state, or a table that was made anew; set lake: to the lake that was synced, or "
            "give this one a schema of its own; to load this lake's rows instead, drop the tables and run again"
        )
    table_id, version = str(delta.metadata().id), delta.version()
    if cursor is not None and (cursor.table_id, cursor.version) == (table_id, version):
        return None
    now = Cursor(table_id, version, _commit(delta, version))
    if cursor is None:
        return Changes(table(name), types_of(delta), now, False, delta, None, [])
    paths = _changed(delta, cursor.version, now.version) if cursor.table_id == now.table_id else None
    if paths is None:
        return Changes(table(name), types_of(delta), now, True, delta, None, [])
    return Changes(table(name), types_of(delta), now, False, delta, cursor.version, paths)


def _follows(lake: Lake, name: str, delta: DeltaTable, cursor: Cursor) -> bool:
    """Whether the cursor stands in the history of this table, or in that of one whose place it takes."""
    if cursor.table_id != str(delta.metadata().id):
        return stands_for(lake, name, cursor.table_id)
    if cursor.version > delta.version():
        return False
    commit = _commit(delta, cursor.version)
    return not commit or not cursor.commit or commit == cursor.commit


def _commit(delta: DeltaTable, version: int) -> str:
    """A digest of a version's entry in the log; empty where the log was cleaned."""
    filesystem, root = storage_of(delta.table_uri)
    try:
        with filesystem.open_input_stream(f"{root}/_delta_log/{version:020d}.json") as file:
            return hashlib.sha1(file.read(), usedforsecurity=False).hexdigest()
    except FileNotFoundError:
        return ""


def _changed(delta: DeltaTable, since: int, until: int) -> list[str] | None:
    """The files that hold what changed after a version; None where the log or one of them is gone.

    What upkeep does changes no rows, and says so in the log.
    """
    filesystem, root = storage_of(delta.table_uri)
    paths: list[str] = []
    try:
        for version in range(since + 1, until + 1):
            paths += _paths(actions_of(filesystem, f"{root}/_delta_log/{version:020d}.json"))
    except FileNotFoundError:
        return None
    infos = filesystem.get_file_info([f"{root}/{unquote(path)}" for path in paths])
    return paths if all(info.type == fs.FileType.File for info in infos) else None


def _paths(commit: Sequence[Action]) -> Iterator[str]:
    for action in commit:
        if "cdc" in action:
            yield action["cdc"]["path"]
        elif "add" in action and action["add"]["dataChange"]:
            yield action["add"]["path"]
