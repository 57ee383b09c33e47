"""What changed in a table of a catalog since a warehouse's cursor: its change feed, as `changes` reads paths.

Few rows are read once, when somebody first asks whether there are any; many are read as often as they are asked for,
and never all at once.
"""

import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from profiles_sync.lake.fetched import fetched, fetched_in_parts
from profiles_sync.lake.lineage import refuse_another
from profiles_sync.lake.tables import ARROW
from profiles_sync.spec.tables import Change, Table, Type, table
from profiles_sync.warehouses.base import OPERATION, Cursor

if TYPE_CHECKING:
    from profiles_sync.lake.catalog import CatalogLake

KEPT_HOURS = 168  # Delta refuses to VACUUM what is younger, for the sake of those who still read or write it
_METRICS = "to_json(map_from_entries(array_sort(map_entries(operationMetrics))))"
# What an append and a MERGE each call the size of what they wrote.
_ADDED = "coalesce(operationMetrics['numOutputBytes'], operationMetrics['numTargetBytesAdded'])"
_LARGE = 64 << 20  # bytes of files from which on rows are not held


@dataclass
class CatalogChanges:
    """A `warehouses.base.Batch`; `since` is the version that the warehouse has, None for nothing."""

    lake: "CatalogLake"
    table: Table
    types: Mapping[str, Type]
    cursor: Cursor
    full: bool
    since: int | None
    bytes: int

    @property
    def is_empty(self) -> bool:
        """See `warehouses.base.Batch`."""
        return self.since is not None and (self._frame.isEmpty() if self._is_large else not self._rows.num_rows)

    def arrow(self) -> pa.RecordBatchReader:
        """See `warehouses.base.Batch`."""
        if not self._is_large:
            return self._rows.to_reader()
        schema = pa.schema([(name, ARROW[kind]) for name, kind in self._wanted.items()])
        return pa.RecordBatchReader.from_batches(schema, fetched_in_parts(self._frame, self._wanted))

    def spark(self, session: Any) -> Any:  # noqa: ANN401 a DataFrame, where pyspark is
        """See `warehouses.base.Batch`."""
        return self._read_by(session)

    @property
    def _is_large(self) -> bool:
        return self.bytes > _LARGE

    @property
    def _wanted(self) -> Mapping[str, Type]:
        """The columns of the rows."""
        return {**self.types, OPERATION: Type.STRING} if self.table.change is Change.MERGE else self.types

    @cached_property
    def _rows(self) -> pa.Table:
        return fetched(self._frame, self._wanted)

    @cached_property
    def _frame(self) -> Any:  # noqa: ANN401 a DataFrame
        return self._read_by(self.lake.session)

    def _read_by(self, session: Any) -> Any:  # noqa: ANN401 a SparkSession, a DataFrame
        """What is there, or of a feed the last row of each key, which no two commits share."""
        columns = [f"`{name}`" for name in self.types]
        is_merged, place = self.table.change is Change.MERGE, self.lake.named(self.table.name)
        if self.since is None:
            rows = session.read.option("versionAsOf", self.cursor.version).table(place)
            return rows.selectExpr(*columns, *([f"'U' AS {OPERATION}"] if is_merged else []))
        reader = session.read.option("readChangeFeed", "true").option("startingVersion", self.since + 1)
        feed = reader.option("endingVersion", self.cursor.version).table(place)
        if not is_merged:
            return feed.select(*columns)
        keys = ", ".join(f"`{key}`" for key in self.table.key)
        last = f"row_number() OVER (PARTITION BY {keys} ORDER BY _commit_version DESC) AS _place"
        changed = feed.where("_change_type <> 'update_preimage'").selectExpr(
            *columns, f"if(_change_type = 'delete', 'D', 'U') AS {OPERATION}", last
        )
        return changed.where("_place = 1").drop("_place")


def changes(lake: "CatalogLake", name: str, cursor: Cursor | None) -> CatalogChanges | None:
    """See `base.Lake.changes`."""
    if lake.open(name) is None:
        return None
    (last,) = _history(lake, name, " LIMIT 1")
    if cursor is not None and (cursor.version, cursor.commit) == (last["version"], _digest(last)):
        return None
    now = newest(lake, name)
    if cursor is None:
        return CatalogChanges(lake, table(name), lake.types(name), now, False, None, lake.size(name))
    history = _history(lake, name)
    digests = {one["version"]: _digest(one) for one in history}
    refuse_another(lake.open, name, cursor, now, lambda version: digests.get(version, ""), lake.path(name))
    is_gone = cursor.table_id != now.table_id or not _is_there(history, cursor.version + 1)
    since = None if is_gone else cursor.version
    size = (
        lake.size(name)
        if is_gone
        else sum(int(one["added"] or 0) for one in history if one["version"] > cursor.version)
    )
    return CatalogChanges(lake, table(name), lake.types(name), now, is_gone, since, size)


def newest(lake: "CatalogLake", name: str) -> Cursor:
    """Where a table that is there stands."""
    (last,) = _history(lake, name, " LIMIT 1")
    return Cursor(str(lake.table_id(name)), last["version"], _digest(last))


def _history(lake: "CatalogLake", name: str, limit: str = "") -> Sequence[Any]:
    """The commits, newest first."""
    rows = lake.session.sql(f"DESCRIBE HISTORY {lake.named(name)}{limit}")
    wanted = ("version", "cast(timestamp AS DOUBLE) AS at", "operation", f"{_METRICS} AS metrics", f"{_ADDED} AS added")
    found = rows.selectExpr(*wanted)
    return sorted(found.collect(), key=lambda row: -int(row["version"]))


def _digest(commit: Any) -> str:  # noqa: ANN401 a Row
    """What tells a commit from another one with its number."""
    text = f"{commit['at']:.3f} {commit['operation']} {commit['metrics']}"
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


def _is_there(history: Sequence[Any], version: int) -> bool:
    """Whether the feed reaches back to the version: neither its log nor its files have been removed."""
    at = next((float(one["at"]) for one in history if one["version"] == version), 0.0)
    return at > time.time() - KEPT_HOURS * 3600
