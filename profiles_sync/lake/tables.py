"""The few Delta idioms the product uses: create, append once, merge once, read.

Every commit carries an application transaction: the space and the number of the batch. A batch that is run again
after a crash finds its number in the table and leaves the table alone. Only the driver commits; tasks write data
files, so whatever an orphaned task still does, it cannot change a table.
"""

import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from deltalake import (
    CommitProperties,
    DeltaTable,
    Field,
    PostCommitHookProperties,
    QueryBuilder,
    Schema,
    Transaction,
    write_deltalake,
)
from deltalake.exceptions import TableNotFoundError
from deltalake.schema import PrimitiveType
from deltalake.transaction import AddAction
from numpy.typing import NDArray
from pyarrow import fs

from profiles_sync.errors import LakeError
from profiles_sync.lake import files, log, schemas, tips
from profiles_sync.lake.log import Entries
from profiles_sync.lake.storage import of_table
from profiles_sync.lake.tips import Tip
from profiles_sync.spec import tables
from profiles_sync.spec.tables import Change, Table, Type
from profiles_sync.warehouses.base import Cursor

if TYPE_CHECKING:
    from profiles_sync.lake.base import Scanned, Where

_PART = 8 << 20  # rows that are looked at together
ARROW: Mapping[Type, pa.DataType] = {
    Type.STRING: pa.string(),
    Type.BIGINT: pa.int64(),
    Type.DOUBLE: pa.float64(),
    Type.BOOLEAN: pa.bool_(),
    Type.TIMESTAMP: pa.timestamp("us", "UTC"),
}


def unguarded() -> None:
    """The guard of a lake that nobody else writes to."""


@dataclass(frozen=True)
class Lake:
    """The tables of one space, as far as one table alone is concerned; `paths.PathLake` is the rest.

    Attributes:
        root: A folder or an object store's URL.
        slug: The space's slug, the folder below it.
        options: Of the object store.
        guard: See `base.Lake`.
    """

    root: str
    slug: str
    options: Mapping[str, str] = field(default_factory=dict)
    guard: Callable[[], None] = field(default=unguarded, repr=False, compare=False)

    def guarded(self, guard: Callable[[], None]) -> Self:
        """See `base.Lake`."""
        return replace(self, guard=guard)

    def path(self, name: str) -> str:
        """Where the table, or the folder below `_control` or `_staging`, is."""
        return f"{self.root.rstrip('/')}/{self.slug}/{name}"

    @property
    def lock_folder(self) -> Path | None:
        """See `base.Lake`."""
        return None if "://" in self.root else Path(self.path("_control"))

    def files(self, name: str, batch: int) -> str:
        """See `base.Lake`: the table's own folder, where the log then finds them."""
        return self.path(name)

    def open(self, name: str) -> DeltaTable | None:
        """The table as it is now, or None when there is none yet."""
        try:
            return DeltaTable(self.path(name), storage_options=dict(self.options) or None)
        except TableNotFoundError:
            return None

    def types(self, name: str) -> dict[str, Type]:
        """Column to logical type, in the table's order; empty when there is no table yet."""
        tip = tips.read(self, name)
        return {} if tip is None else tip.types

    def cursor(self, name: str) -> Cursor | None:
        """See `base.Lake`."""
        tip = tips.read(self, name)
        return None if tip is None else Cursor(tip.id, tip.version, tip.digest)

    def table_id(self, name: str) -> str | None:
        """See `base.Lake`."""
        table = self.open(name)
        return None if table is None else str(table.metadata().id)

    def begun_at(self) -> float | None:
        """See `base.Lake`."""
        table = self.open("_control/batches")
        return None if table is None else table.metadata().created_time / 1000

    def create(self, table: Table) -> None:
        """Create a declared table if it is not there."""
        if Entries.of(self.path(table.name), self.options).newest() is None:
            merged = {"delta.enableChangeDataFeed": "true"} if table.change is Change.MERGE else {}
            self._create(table.name, table.types, merged | _configured(table.name))

    def has(self, name: str, batch: int) -> bool:
        """Whether the batch is already committed to the table."""
        tip = tips.read(self, name)
        return tip is not None and tip.batch >= batch

    def append(self, name: str, rows: pa.Table, batch: int) -> None:
        """Append rows once; a batch that is there already is left alone. Creates the table, never a column.

        No rows are no commit: a warehouse then has nothing to look at.
        """
        tip = tips.read(self, name)
        if tip is None or tip.is_plain:
            self._append(name, rows, batch, tip)
        elif rows.num_rows and tip.batch < batch:
            table = self.open(name)
            assert table is not None, name
            self.guard()
            write_deltalake(table, rows, mode="append", commit_properties=self.stamp(batch))
            log.count(self, name)

    def _append(self, name: str, rows: pa.Table, batch: int, tip: Tip | None) -> None:
        """To a plain table, without a replay of its log. Runs filter control tables by whole numbers."""
        types = {one.name: logical(one.type) for one in rows.schema} if tip is None else tip.types
        if unknown := set(rows.column_names) - types.keys():
            raise LakeError(f"space {self.slug}: {name} has no column {min(unknown)}; please report this")
        if not rows.num_rows and tip is None:
            self._create(name, types, _configured(name))
        elif rows.num_rows and (tip is None or tip.batch < batch):
            schema = pa.schema([(column, ARROW[types[column]]) for column in rows.column_names])
            file = files.write(self, name, f"part-{batch:010d}-{uuid.uuid4().hex}.parquet", rows.cast(schema))
            self.append_files(name, [file], batch, types)

    def add(self, name: str, rows: pa.Table) -> None:
        """Append rows that belong to no batch. Creates the table."""
        types = {one.name: logical(one.type) for one in rows.schema}
        file = files.write(self, name, f"part-{uuid.uuid4().hex}.parquet", rows)
        if not tips.append_once(self, name, [file], None, types, _configured(name)):
            self.guard()
            write_deltalake(self.path(name), rows, mode="append", storage_options=dict(self.options) or None)
            log.count(self, name)

    def append_files(self, name: str, added: Sequence[AddAction], batch: int, types: Mapping[str, Type]) -> None:
        """Commit data files that tasks wrote into the table's folder, once; creates the table and its columns."""
        if tips.append_once(self, name, added, batch, types, _configured(name)):
            return
        self.add_columns(name, types)
        table = self.open(name)
        assert table is not None, name
        if not self.done(table, batch):
            self.guard()
            table.create_write_transaction(
                list(added),
                "append",
                table.schema(),
                commit_properties=self.stamp(batch),
                post_commithook_properties=_QUIET,
            )
            log.count(self, name)

    def add_columns(self, name: str, types: Mapping[str, Type]) -> None:
        """Add the columns that the table does not have; one that is there keeps its type."""
        if types.keys() <= self.types(name).keys():
            return
        table = self.open(name)
        assert table is not None, name
        there = types_of(table)
        if missing := [Field(column, _delta(kind)) for column, kind in types.items() if column not in there]:
            self.guard()
            table.alter.add_columns(missing)
            log.count(self, name)

    def _create(self, name: str, types: Mapping[str, Type], configuration: dict[str, str]) -> DeltaTable:
        schema = Schema([Field(column, _delta(kind)) for column, kind in types.items()])
        self.guard()
        made = DeltaTable.create(
            self.path(name),
            schema,
            mode="ignore",
            configuration=configuration,  # type: ignore[arg-type]
            storage_options=dict(self.options) or None,
        )
        log.count(self, name)
        return made

    def done(self, table: DeltaTable, batch: int, part: str = "") -> bool:
        """Whether the batch, or the part of its work, is committed."""
        return (table.transaction_version(self.app(part)) or 0) >= batch

    def app(self, part: str = "") -> str:
        """The application that commits are transactions of."""
        return f"profiles-sync/{self.slug}{part}"

    def stamp(self, batch: int, part: str = "") -> CommitProperties:
        """What makes a commit the batch's."""
        return CommitProperties(app_transactions=[Transaction(self.app(part), batch)])


def scan(table: "DeltaTable | Scanned", columns: Sequence[str] | None = None, where: "Where | None" = None) -> pa.Table:
    """Read rows of a table.

    The files are read through Arrow's own file systems: the Python ones that deltalake would hand to Arrow's threads
    are sometimes still asked for while the interpreter shuts down, which aborts the process.
    """
    if not isinstance(table, DeltaTable):
        return table.scan(columns, where)
    kept = condition(where)
    if "deletionVectors" in (table.protocol().reader_features or ()):
        return _scan_with_vectors(table, columns, kept)
    found, wanted = _dataset(table), None if columns is None else list(columns)
    try:
        return found.to_table(columns=wanted, filter=kept)
    except pa.ArrowNotImplementedError:  # a MERGE's files have text views, which Arrow does not compare with texts
        if where is None:
            raise
        return _filtered_later(found, wanted, where)


def _filtered_later(found: ds.Dataset, columns: list[str] | None, where: "Where") -> pa.Table:
    """The same, some rows at a time; only those that are kept are ever held."""
    kept = found.schema.names if columns is None else columns
    read = list(dict.fromkeys([*kept, *(name for name, _, _ in where)]))
    schema = pa.schema([found.schema.field(name) for name in read])
    parts = found.to_batches(columns=read)
    rows = [pa.Table.from_batches([one]).cast(schema).filter(condition(where)) for one in parts]
    return pa.concat_tables([schema.empty_table(), *rows]).select(kept)


def scan_in_parts(
    table: "DeltaTable | Scanned", columns: Sequence[str], where: "Where", keys: NDArray[np.int64]
) -> Iterator[pa.Table]:
    """Read rows of a table without deletion vectors, never all at once: for a log that may outgrow the memory.

    Among them are all that have one of the keys in the first column; where Spark reads, there are no others.
    """
    if not isinstance(table, DeltaTable):
        yield from table.of_keys(columns, keys, where)
        return
    waiting: list[pa.RecordBatch] = []
    for some in _dataset(table).to_batches(columns=list(columns), filter=condition(where)):
        waiting.append(some)
        if sum(one.num_rows for one in waiting) >= _PART:
            yield pa.Table.from_batches(waiting)
            waiting = []
    if waiting:
        yield pa.Table.from_batches(waiting)


def _dataset(table: DeltaTable) -> ds.Dataset:
    filesystem, root = of_table(table)
    return table.to_pyarrow_dataset(filesystem=fs.SubTreeFileSystem(root, filesystem))


def condition(where: "Where | None") -> pc.Expression | None:
    """The same for Arrow."""
    return pq.filters_to_expression(list(where)) if where else None


def _scan_with_vectors(table: DeltaTable, columns: Sequence[str] | None, where: pc.Expression | None) -> pa.Table:
    """Arrow knows no deletion vectors, the engine inside deltalake does."""
    query = "SELECT " + ("*" if columns is None else ", ".join(f'"{name}"' for name in columns)) + " FROM scanned"
    rows = plain(pa.table(QueryBuilder().register("scanned", table).execute(query)))
    return rows if where is None else rows.filter(where)


def plain(rows: pa.Table) -> pa.Table:
    """Ordinary text columns in place of text views, which few of Arrow's functions know."""
    return rows.cast(
        pa.schema([(one.name, pa.string() if one.type == pa.string_view() else one.type) for one in rows.schema])
    )


def shaped(rows: pa.Table, schema: pa.Schema) -> pa.Table:
    """Rows with the columns of a schema, NULL where they lack one that is younger than they are."""
    missing = pa.nulls(rows.num_rows)
    return pa.table({one: rows[one] if one in rows.column_names else missing for one in schema.names}).cast(schema)


def _configured(name: str) -> dict[str, str]:
    """Runs replay the logs of control tables and of those that are merged; a checkpoint now and then keeps these short.

    The others' are only looked at where they end.
    """
    often = name.startswith("_control/") or tables.table(name).change is Change.MERGE
    return {tips.INTERVAL: "10"} if often else {}


# Checkpoints and clean-up are upkeep's work, done on a schedule and not between two commits of a run.
_QUIET = PostCommitHookProperties(create_checkpoint=True, cleanup_expired_logs=False)


def quoted(name: str) -> str:
    """A column in a MERGE expression."""
    return f"`{name}`"


def types_of(table: DeltaTable) -> dict[str, Type]:
    """Column to logical type, in the table's order."""
    return {column.name: schemas.logical(getattr(column.type, "type", "")) for column in _fields(table)}


def _fields(table: DeltaTable) -> Iterable[Field]:
    return table.schema().fields


def _delta(kind: Type) -> PrimitiveType:
    return PrimitiveType(schemas.DELTA[kind])


def logical(arrow: pa.DataType) -> Type:
    """Of an Arrow type that `ARROW` has."""
    return next(kind for kind, known in ARROW.items() if known == arrow)
