"""The lake as tables of a Spark catalog, such as Unity Catalog: written and read by Spark alone.

Two schemas: the space's tables in the one that the settings name, what is only ours in `<schema>_control`, so that who
may read the tables need not see the state. Rows go to Spark as Parquet files in the staging folder, in no other way:
so it works the same in a session of this process and on a Spark Connect server.

A batch's rows are appended once because Spark keeps the application transaction of each append. MERGE needs no such
thing: it leaves each key as the batch left it, whether that is done once or twice, and no later batch begins before.
"""

import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from deltalake.transaction import AddAction
from numpy.typing import NDArray
from pyarrow import fs

from profiles_sync.lake import catalog_changes
from profiles_sync.lake.base import Opened, Where
from profiles_sync.lake.fetched import fetched
from profiles_sync.lake.indexes import Index
from profiles_sync.lake.listing import public
from profiles_sync.lake.storage import options_for, storage_of
from profiles_sync.lake.tables import logical, unguarded
from profiles_sync.spec.tables import Table, Type
from profiles_sync.warehouses.base import Batch, Cursor
from profiles_sync.watching.here import at
from profiles_sync.watching.tags import named
from profiles_sync.watching.tally import tally

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from profiles_sync.settings import CatalogSettings

_CONTROL, _STAGING = "_control/", "_staging"
_KEYS = 500_000  # whose rows are fetched together: Spark hands no more than 1 GB to one who asks
_NAMES = {"string": Type.STRING, "bigint": Type.BIGINT, "double": Type.DOUBLE, "boolean": Type.BOOLEAN}


@dataclass(frozen=True)
class CatalogLake:
    """See `base.Lake`."""

    settings: "CatalogSettings"
    slug: str
    spark: "Callable[[], SparkSession]" = field(repr=False, compare=False)
    guard: Callable[[], None] = field(default=unguarded, repr=False, compare=False)
    _there: set[str] = field(default_factory=set, repr=False, compare=False)

    @property
    def session(self) -> "SparkSession":
        """The session, once it is needed; its jobs say what they are for."""
        made: SparkSession = named(self._made)
        return made

    @cached_property
    def _made(self) -> "SparkSession":
        return self.spark()

    @property
    def root(self) -> str:
        """See `base.Lake`."""
        return self.settings.staging

    @property
    def options(self) -> Mapping[str, str]:
        """See `base.Lake`: the staging folder's store has the usual credentials."""
        return {}

    def guarded(self, guard: Callable[[], None]) -> Self:
        """See `base.Lake`."""
        return replace(self, guard=guard)

    @property
    def lock_folder(self) -> Path | None:
        """See `base.Lake`. A lock of this machine alone; a volume has none."""
        staging = self.settings.staging
        return None if "://" in staging or staging.startswith("/Volumes/") else Path(staging) / self.slug / "_control"

    def path(self, name: str) -> str:
        """See `base.Lake`."""
        if name.split("/")[0] == _STAGING:
            return f"{self.settings.staging.rstrip('/')}/{self.slug}/{name}"
        return ".".join(filter(None, self._place(name)))

    def files(self, name: str, batch: int) -> str:
        """See `base.Lake`. Removed with all else that is staged when the batch has landed."""
        folder = self.path(f"{_STAGING}/{batch}/tables/{name}")
        _make(folder)
        return folder

    def open(self, name: str) -> "CatalogTable | None":
        """See `base.Lake`. A catalog is asked for a table once: nobody drops one under a run."""
        if name not in self._there:
            if not self.session.catalog.tableExists(self.named(name)):
                return None
            self._there.add(name)
        return CatalogTable(self, name)

    def types(self, name: str) -> dict[str, Type]:
        """See `base.Lake`."""
        if self.open(name) is None:
            return {}
        columns = self.session.table(self.named(name)).schema.fields
        return {column.name: _NAMES.get(column.dataType.simpleString(), Type.TIMESTAMP) for column in columns}

    def table_id(self, name: str) -> str | None:
        """See `base.Lake`."""
        return None if self.open(name) is None else str(self._detail(name)["id"])

    def size(self, name: str) -> int:
        """Of a table's files, in bytes."""
        return int(self._detail(name)["size"])

    def begun_at(self) -> float | None:
        """See `base.Lake`."""
        first = f"{_CONTROL}batches"
        return None if self.open(first) is None else float(self._detail(first)["created"])

    def public_tables(self) -> list[str]:
        """See `base.Lake`."""
        return public(self._tables(""))

    def control_tables(self) -> list[str]:
        """See `base.Lake`."""
        return [f"{_CONTROL}{name}" for name in self._tables(_CONTROL)]

    def create(self, table: Table) -> None:
        """See `base.Lake`."""
        self._create(table.name, table.types)

    def add_columns(self, name: str, types: Mapping[str, Type]) -> None:
        """See `base.Lake`."""
        there = self.types(name)
        if missing := {column: kind for column, kind in types.items() if column not in there}:
            self.guard()
            self.session.sql(f"ALTER TABLE {self.named(name)} ADD COLUMNS ({_ddl(missing)})")

    def has(self, name: str, batch: int) -> bool:
        """See `base.Lake`. Spark tells nobody which transactions a table has; ours write down the batch."""
        if not name.startswith(_CONTROL) or (there := self.open(name)) is None:
            return False
        return there.has_any([("batch", "==", batch)])

    def append(self, name: str, rows: pa.Table, batch: int) -> None:
        """See `base.Lake`."""
        self._create(name, {one.name: logical(one.type) for one in rows.schema})
        if rows.num_rows:
            with self.staged(rows, f"{batch}/") as path:
                self._append(name, [path], batch)

    def append_files(self, name: str, added: Sequence[AddAction], batch: int, types: Mapping[str, Type]) -> None:
        """See `base.Lake`."""
        self._create(name, types)
        self.add_columns(name, types)
        paths = [f"{self.files(name, batch)}/{one.path}" for one in added]
        self._append(name, paths, batch)

    def look_up(self, name: str, table: Opened, index: Index, keys: NDArray[np.int64]) -> pa.Table:
        """See `base.Lake`."""
        return pa.concat_tables(CatalogTable(self, name).of_keys(index.columns, keys))

    def add(self, name: str, rows: pa.Table) -> None:
        """See `base.Lake`."""
        self._create(name, {one.name: logical(one.type) for one in rows.schema})
        with self.staged(rows) as path:
            self._append(name, [path], None)

    def merge(self, table: Table, changes: pa.Table, batch: int) -> None:
        """See `base.Lake`."""
        is_new = pc.equal(changes["_op"], "I")
        others = changes.filter(pc.invert(is_new))
        if others.num_rows:
            with self.staged(others, f"{batch}/") as path, at(table=table.name):
                self._merge(table, others.schema, path)
        self.append(table.name, changes.filter(is_new).drop_columns(["_op"]), batch)

    def cursor(self, name: str) -> Cursor | None:
        """See `base.Lake`."""
        return None if self.open(name) is None else catalog_changes.newest(self, name)

    def changes(self, name: str, cursor: Cursor | None) -> Batch | None:
        """See `base.Lake`."""
        return catalog_changes.changes(self, name, cursor)

    def keep_up(self, name: str, keep_hours: float, by: Sequence[Index] = ()) -> int:
        """See `base.Lake`; no table in a catalog has indexes of ours."""
        self.guard()
        done = self.session.sql(f"OPTIMIZE {self.named(name)}").collect()
        hours = max(keep_hours, catalog_changes.KEPT_HOURS)
        self.session.sql(f"VACUUM {self.named(name)} RETAIN {hours:.0f} HOURS").collect()
        return sum(int(row["metrics"]["numFilesRemoved"]) for row in done)

    def named(self, name: str) -> str:
        """The table in a statement."""
        return ".".join(f"`{part.replace('`', '``')}`" for part in self._place(name))

    def frame(self, types: Mapping[str, Type], paths: Sequence[str]) -> "DataFrame":
        """The rows of Parquet files."""
        return self.session.read.schema(_ddl(types)).parquet(*paths)

    @contextmanager
    def staged(self, rows: pa.Table, below: str = "") -> Iterator[str]:
        """Rows as a file that Spark can read; `below` is the folder of the batch, with which what a kill left goes."""
        folder = self.path(f"{_STAGING}/{below}rows")
        _make(folder)
        filesystem, root = storage_of(folder, options_for(folder))
        name = f"{uuid.uuid4().hex}.parquet"
        pq.write_table(rows, f"{root}/{name}", filesystem=filesystem)
        try:
            yield f"{folder}/{name}"
        finally:
            filesystem.delete_file(f"{root}/{name}")

    def _append(self, name: str, paths: Sequence[str], batch: int | None) -> None:
        """Once, where it is a batch's."""
        once = {} if batch is None else {"txnAppId": f"profiles-sync/{self.slug}", "txnVersion": str(batch)}
        with at(table=name):
            writer = self.frame(self.types(name), paths).write.format("delta").mode("append")
            self.guard()
            writer.options(**once).saveAsTable(self.named(name))
        tally().committed(0)

    def _merge(self, table: Table, schema: pa.Schema, path: str) -> None:
        view = f"profiles_sync_{uuid.uuid4().hex}"
        self.frame({one.name: logical(one.type) for one in schema}, [path]).createOrReplaceTempView(view)
        columns = [f"`{one.name}`" for one in schema if one.name != "_op"]
        self.guard()
        self.session.sql(
            f"MERGE INTO {self.named(table.name)} AS t USING {view} AS s "
            f"ON {' AND '.join(f't.`{key}` = s.`{key}`' for key in table.key)} "
            "WHEN MATCHED AND s._op = 'D' THEN DELETE "
            f"WHEN MATCHED THEN UPDATE SET {', '.join(f't.{column} = s.{column}' for column in columns)} "
            f"WHEN NOT MATCHED AND s._op = 'U' THEN INSERT ({', '.join(columns)}) "
            f"VALUES ({', '.join(f's.{column}' for column in columns)})"
        )
        tally().committed(0)
        self.session.catalog.dropTempView(view)

    def _place(self, name: str) -> tuple[str, ...]:
        schema = self.settings.schema_name
        if name.startswith("_control"):
            return self.settings.catalog, f"{schema}_control", name.removeprefix("_control").removeprefix("/")
        return self.settings.catalog, schema, name

    def _schema(self, name: str) -> str:
        return ".".join(f"`{part.replace('`', '``')}`" for part in self._place(name)[:2])

    def _create(self, name: str, types: Mapping[str, Type]) -> None:
        """Every table has a change feed: it is how warehouses follow it."""
        if self.open(name) is None:
            self.guard()
            self._create_schema(name)
            self.session.sql(
                f"CREATE TABLE IF NOT EXISTS {self.named(name)} ({_ddl(types)}) USING DELTA "
                "TBLPROPERTIES (delta.enableChangeDataFeed = true)"
            )

    def _create_schema(self, name: str) -> None:
        """Asked for only where it is missing: somebody else may have had to create it, and this user may not."""
        if not self.session.catalog.databaseExists(self._schema(name)):
            self.session.sql(f"CREATE SCHEMA IF NOT EXISTS {self._schema(name)}")

    def _tables(self, name: str) -> list[str]:
        if not self.session.catalog.databaseExists(self._schema(name)):
            return []
        listed = self.session.sql(f"SHOW TABLES IN {self._schema(name)}").where("not isTemporary").collect()
        return sorted(row["tableName"] for row in listed)

    def _detail(self, name: str) -> Mapping[str, Any]:
        detail = self.session.sql(f"DESCRIBE DETAIL {self.named(name)}")
        row = detail.selectExpr("id", "cast(createdAt AS DOUBLE) AS created", "sizeInBytes AS size").collect()[0]
        return {"id": row["id"], "created": row["created"], "size": row["size"]}


@dataclass(frozen=True)
class CatalogTable:
    """See `base.Scanned`."""

    lake: CatalogLake
    name: str

    def scan(self, columns: Sequence[str] | None = None, where: Where | None = None) -> pa.Table:
        """See `base.Scanned`."""
        types = self.lake.types(self.name)
        wanted = {name: types[name] for name in columns or types}
        with at(table=self.name), ExitStack() as staged:
            rows = self._where(where or (), types, staged)
            return fetched(rows.select(*(f"`{name}`" for name in wanted)), wanted)

    def of_keys(
        self, columns: Sequence[str], keys: NDArray[np.int64], where: Where | None = None
    ) -> Iterator[pa.Table]:
        """See `base.Scanned`."""
        distinct = np.unique(keys)
        for start in range(0, max(len(distinct), 1), _KEYS):
            yield self.scan(columns, [(columns[0], "in", distinct[start : start + _KEYS]), *(where or ())])

    def has_any(self, where: Where) -> bool:
        """Whether there is such a row."""
        with ExitStack() as staged:
            return not self._where(where, self.lake.types(self.name), staged).isEmpty()

    def _where(self, where: Where, types: Mapping[str, Type], staged: ExitStack) -> "DataFrame":
        """The rows for which all holds. What is one of many values is joined with them, in a file of `staged`."""
        lake = self.lake
        rows = lake.session.table(lake.named(self.name))
        for column, op, value in where:
            if op == "in":
                values = pa.table({column: pa.array(value)}).group_by(column).aggregate([])
                path = staged.enter_context(lake.staged(values))
                rows = rows.join(lake.frame({column: types[column]}, [path]), column, "left_semi")
            else:
                rows = rows.where(f"`{column}` {op} {int(value)}")
        return rows


def _ddl(types: Mapping[str, Type]) -> str:
    """Columns of a statement, or of a file."""
    return ", ".join(f"`{name}` {kind.name}" for name, kind in types.items())


def _make(folder: str) -> None:
    filesystem, root = storage_of(folder, options_for(folder))
    if isinstance(filesystem, fs.LocalFileSystem):  # an object store has no folders
        filesystem.create_dir(root, recursive=True)
