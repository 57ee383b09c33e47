"""Which rows of a lake table have some keys: found without reading the table.

A data file of a Delta table never changes, so an index can belong to one: `index_file`, below `_control/_index`. It is
made when it is missing, and made again when it is not as it was written, does not fit its data file, or is from another
version of this code: whatever becomes of it, the answer is the data file's. Small files have none, nor have files that
are asked for many of their rows; those are read. Nor are there any in an object store, where a look-up of blocks would
be a request each.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from urllib.parse import unquote

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from deltalake import DeltaTable
from numpy.typing import NDArray
from pyarrow import fs

from profiles_sync.lake import index_file
from profiles_sync.lake.index_file import Damaged, among
from profiles_sync.lake.storage import of_table, storage_of
from profiles_sync.lake.tables import ARROW, Lake, plain, types_of

FOLDER = "_control/_index"
SMALL = 50_000  # rows; such a file is read in the time that its index takes
_MANY = 4  # a file that is asked for every so many-th of its rows is read
_ONE = Lock()  # is made at a time, where tables are merged beside each other: each holds a whole file
_log = logging.getLogger(__name__)
Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class Index:
    """By what the rows of a table are looked up, and what a look-up tells of them.

    Attributes:
        name: Of the index, distinct among those of a table.
        columns: Of the data file.
        made: Their rows, in the order of the file, to rows of whole numbers and texts. The first column is the key.
    """

    name: str
    columns: Sequence[str]
    made: Callable[[pa.Table], pa.Table] = lambda rows: rows


@dataclass(frozen=True)
class DataFile:
    """A file of a table, as the log has it."""

    path: str
    size: int
    rows: int


def files_of(table: DeltaTable) -> list[DataFile]:
    """The table's files."""
    found = pa.table(table.get_add_actions()).select(["path", "size_bytes", "num_records"])
    return [DataFile(row["path"], row["size_bytes"], row["num_records"] or 0) for row in found.to_pylist()]


def look_up(lake: Lake, name: str, table: DeltaTable, index: Index, keys: Numbers) -> pa.Table:
    """The rows of a table that have one of the keys, in no order.

    Args:
        lake: Of the table.
        name: Of the table, to which rows are appended and nothing else.
        table: As it is asked.
        index: By which its rows are looked up; it tells columns as they are.
        keys: Values of the first of these.
    """
    wanted, types = np.unique(keys), types_of(table)
    indexed, others = list[DataFile](), list[DataFile]()
    for file in files_of(table):
        (indexed if is_indexed(lake, file, len(wanted)) else others).append(file)
    found = [rows_of(lake, name, file, index, wanted) for file in indexed]
    schema = pa.schema([(column, ARROW[types[column]]) for column in index.columns])
    return pa.concat_tables([_scanned(table, others, schema, wanted), *found]).combine_chunks()


def _scanned(table: DeltaTable, files: Sequence[DataFile], schema: pa.Schema, keys: Numbers) -> pa.Table:
    if not files:
        return schema.empty_table()
    filesystem, root = of_table(table)
    below = fs.SubTreeFileSystem(root, filesystem)
    dataset = ds.dataset([unquote(file.path) for file in files], schema=schema, format="parquet", filesystem=below)
    return dataset.to_table(filter=pc.field(schema.names[0]).isin(pa.array(keys)))


def rows_of(lake: Lake, name: str, file: DataFile, index: Index, keys: Numbers) -> pa.Table:
    """Those of one of its files, by its index; the keys are ascending and distinct."""
    about = {"file": file.path, "size": file.size, "rows": file.rows, "columns": list(index.columns)}
    path = Path(lake.path(f"{FOLDER}/{name}")) / f"{file.path}.{index.name}"
    try:
        with closing(index_file.opened(path, about)) as found:
            return found.find(keys)
    except (Damaged, OSError):  # none, for example
        with _ONE:
            rows = _read(lake, name, file, index)
            _write(path, about, rows)
        return rows.filter(pa.array(among(rows[0].to_numpy(), keys)))


def rows_read(lake: Lake, name: str, file: DataFile, index: Index, keys: Numbers) -> pa.Table:
    """The same of a file that has no index."""
    rows = _read(lake, name, file, index)
    return rows.filter(pa.array(among(rows[0].to_numpy(), keys)))


def is_indexed(lake: Lake, file: DataFile, keys: int) -> bool:
    """Whether so many keys are looked up in an index of the file."""
    return "://" not in lake.root and file.rows >= max(SMALL, _MANY * keys)


def _read(lake: Lake, name: str, file: DataFile, index: Index) -> pa.Table:
    """What the index tells, of every row of a file."""
    filesystem, root = storage_of(lake.path(name), lake.options)
    with filesystem.open_input_file(f"{root}/{unquote(file.path)}") as data:
        rows = pq.ParquetFile(data).read(list(index.columns), use_threads=False)
    return index.made(plain(rows))


def _write(path: Path, about: Mapping[str, object], rows: pa.Table) -> None:
    try:
        index_file.write(path, about, rows)
    except (OSError, pa.ArrowException):  # no disk, or texts of gigabytes: a look-up needs no index
        _log.debug("index %s", path, exc_info=True)


def renew(lake: Lake, name: str, table: DeltaTable, by: Sequence[Index]) -> None:
    """Make what new files lack of the indexes that the table was looked up by, or the next run would wait for them."""
    folder, none = Path(lake.path(f"{FOLDER}/{name}")), np.empty(0, np.int64)
    if "://" in lake.root or not folder.is_dir():
        return
    used = {path.suffix.removeprefix(".") for path in folder.iterdir()}
    for index in (one for one in by if one.name in used):
        for file in files_of(table):
            if is_indexed(lake, file, 1):
                rows_of(lake, name, file, index, none)


def tidy(lake: Lake, name: str, table: DeltaTable) -> None:
    """Remove the indexes of files that the table does not have any more, and what a crash left."""
    folder = Path(lake.path(f"{FOLDER}/{name}"))
    if "://" in lake.root or not folder.is_dir():
        return
    files = {file.path for file in files_of(table)}
    for path in folder.iterdir():
        if path.stem not in files and path.is_file():
            path.unlink()
