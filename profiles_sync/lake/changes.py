"""What changed in a lake table since a warehouse's cursor.

Append tables: the files that commits added since. Merged tables: the change data feed since, the last change per key.
Where the history is gone, or a rebuilt lake takes the place of the one that was synced: all rows, to replace what is
there. Any other table than the one the cursor knew is refused.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
from deltalake import DeltaTable
from pyarrow import fs

from profiles_sync.lake import log, tips
from profiles_sync.lake.fetched import handed
from profiles_sync.lake.lineage import refuse_another
from profiles_sync.lake.log import Action, Entries
from profiles_sync.lake.storage import storage_of
from profiles_sync.lake.tables import ARROW, Lake, plain, scan, shaped
from profiles_sync.spec.tables import Change, Table, Type, table
from profiles_sync.warehouses.base import OPERATION, Cursor


@dataclass
class Changes:
    """A `warehouses.base.Batch`: rows are read when they are asked for.

    `since` is the version that the warehouse has, None where all rows are sent; `paths` are the files that hold what
    is sent, None where deltalake has to tell; `bytes` is their size.
    """

    table: Table
    types: Mapping[str, Type]
    cursor: Cursor
    full: bool
    lake: Lake
    since: int | None
    paths: Sequence[str] | None
    bytes: int

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
        return handed(session, self.arrow().read_all())

    def _appended(self) -> pa.RecordBatchReader:
        schema = pa.schema([(name, ARROW[kind]) for name, kind in self.types.items()])
        if self.paths is None:
            return scan(self._opened()).select(schema.names).cast(schema).to_reader()
        filesystem, root = storage_of(self.lake.path(self.table.name), self.lake.options)
        files = ds.dataset(
            [unquote(path) for path in self.paths],
            schema=schema,
            format="parquet",
            filesystem=fs.SubTreeFileSystem(root, filesystem),
        )
        return files.scanner().to_reader() if self.paths else schema.empty_table().to_reader()

    def _opened(self) -> DeltaTable:
        delta = self.lake.open(self.table.name)
        assert delta is not None, self.table.name
        if delta.version() != self.cursor.version:
            delta.load_as_version(self.cursor.version)
        return delta

    def _merged(self) -> pa.Table:
        schema = pa.schema([*((name, ARROW[kind]) for name, kind in self.types.items()), (OPERATION, pa.string())])
        if self.since is None:
            rows = scan(self._opened())
            return (
                rows.append_column(OPERATION, pa.array(["U"] * rows.num_rows, pa.string()))
                .select(schema.names)
                .cast(schema)
            )
        delta, first = self._opened(), self.since + 1
        feed = plain(pa.table(delta.load_cdf(starting_version=first, ending_version=self.cursor.version)))
        return shaped(last_per_key(feed, self.table.key), schema)


def last_per_key(feed: pa.Table, keys: Sequence[str]) -> pa.Table:
    """What became of each key in a change feed: its last row, and in `_op` whether that is gone."""
    feed = feed.filter(pc.not_equal(feed["_change_type"], "update_preimage"))
    numbered = feed.sort_by("_commit_version").append_column("_place", pa.array(range(feed.num_rows), pa.int64()))
    last = numbered.take(numbered.group_by(list(keys)).aggregate([("_place", "max")])["_place_max"])
    return last.append_column(OPERATION, pc.if_else(pc.equal(last["_change_type"], "delete"), "D", "U"))


def changes(lake: Lake, name: str, cursor: Cursor | None) -> Changes | None:
    """What the warehouse does not have yet of a table; None when there is nothing.

    Raises:
        AnotherLake: The cursor is not of this table as it is, or as it was.
    """
    entries = Entries.of(lake.path(name), lake.options)
    if cursor is not None and cursor.commit and cursor.commit == _newest(entries, cursor.version):
        return None
    tip = tips.read(lake, name, entries)
    if tip is None:
        return None
    now, about = Cursor(tip.id, tip.version, tip.digest), table(name)
    if cursor is not None:
        refuse_another(lake.open, name, cursor, now, entries.digest, f"the one in {lake.path('')}")
        if (cursor.table_id, cursor.version) == (now.table_id, now.version):
            return None
    if cursor is not None and cursor.table_id == now.table_id:
        found = _changed(entries, cursor.version, now.version)
        if found is not None:
            return Changes(about, tip.types, now, False, lake, cursor.version, *found)
    files = log.files_at(entries, now.version) if about.change is Change.APPEND else None
    size = _size(lake, name) if files is None else sum(add["size"] for add in files.values())
    whole = _whole(files)
    return Changes(about, tip.types, now, cursor is not None, lake, None, whole, size)


def _newest(entries: Entries, version: int) -> str | None:
    """The digest of the version if it is the newest one."""
    return entries.digest(version) if entries.newest() == version else None


def _size(lake: Lake, name: str) -> int:
    """Of a table as deltalake knows it."""
    table = lake.open(name)
    assert table is not None, name
    return int(pc.sum(pa.table(table.get_add_actions())["size_bytes"]).as_py() or 0)


def _whole(files: Mapping[str, Action] | None) -> list[str] | None:
    """The files of a version; None where not all of their rows are there."""
    if files is None or any(add.get("deletionVector") for add in files.values()):
        return None
    return list(files)


def _changed(entries: Entries, since: int, until: int) -> tuple[list[str], int] | None:
    """The files that hold what changed after a version, and their size; None where the log or one of them is gone.

    What upkeep does changes no rows, and says so in the log. A file that somebody wrote anew, without some of its
    rows, is not sent as it was.
    """
    root = entries.root.removesuffix("/_delta_log")
    paths: list[str] = []
    try:
        for version in range(since + 1, until + 1):
            commit = entries.actions(version)
            taken_out = set(_taken_out(commit))
            paths = [path for path in paths if path not in taken_out] + list(_paths(commit))
    except FileNotFoundError:
        return None
    infos = entries.filesystem.get_file_info([f"{root}/{unquote(path)}" for path in paths])
    if not all(info.type == fs.FileType.File for info in infos):
        return None
    return paths, sum(int(info.size) for info in infos)


def _paths(commit: Sequence[Action]) -> Iterator[str]:
    for action in commit:
        if "cdc" in action:
            yield action["cdc"]["path"]
        elif "add" in action and action["add"]["dataChange"]:
            yield action["add"]["path"]


def _taken_out(commit: Sequence[Action]) -> Iterator[str]:
    for action in commit:
        if "remove" in action and action["remove"].get("dataChange", True):
            yield action["remove"]["path"]
