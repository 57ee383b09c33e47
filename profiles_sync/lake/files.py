"""Data files written beside a table's log, which then names them."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from deltalake.transaction import AddAction
from pyarrow import fs

from profiles_sync.lake import log
from profiles_sync.lake.storage import storage_of

if TYPE_CHECKING:
    from profiles_sync.lake.tables import Lake

_LOOKED_AT = 10_000  # rows


def write(lake: "Lake", table: str, name: str, rows: pa.Table) -> AddAction:
    """Write rows to a table's folder; the file belongs to the table once it is committed."""
    return write_to(lake.path(table), lake.options, name, rows, ranges=table.startswith("_control/"))


def write_to(folder: str, options: Mapping[str, str], name: str, rows: pa.Table, ranges: bool = False) -> AddAction:
    """Write rows to a folder, which is the table's or goes to `append_files`."""
    filesystem, root = storage_of(folder, options)
    return AddAction(name, put(filesystem, f"{root}/{name}", rows), {}, log.now(), True, _statistics(rows, ranges))


def put(filesystem: fs.FileSystem, path: str, rows: pa.Table) -> int:
    """Write rows to a file, whose folder may be that of a new table; its size in bytes."""
    if isinstance(filesystem, fs.LocalFileSystem):
        filesystem.create_dir(path.rpartition("/")[0])
    with filesystem.open_output_stream(path) as out:
        pq.write_table(rows, out, compression="snappy", use_dictionary=_repeating(rows))
    size: int = filesystem.get_file_info(path).size
    return size


def _repeating(rows: pa.Table) -> bool | list[str]:
    """The columns for which a dictionary pays: of many rows those whose values repeat. Digests only fill it in vain."""
    if rows.num_rows <= _LOOKED_AT:
        return True
    some = rows.slice(0, _LOOKED_AT)
    return [name for name in rows.column_names if pc.count_distinct(some[name]).as_py() < _LOOKED_AT // 2] or False


def _statistics(rows: pa.Table, ranges: bool) -> str:
    """Of control tables the ranges of whole numbers, by which runs leave files out; of others none.

    Who filters with deltalake by a column without them, beside columns that have some, is not shown the file's rows.
    """
    if not ranges:
        return orjson.dumps({"numRecords": rows.num_rows}).decode()
    whole = [one.name for one in rows.schema if one.type == pa.int64() and rows[one.name].null_count < rows.num_rows]
    found = {name: pc.min_max(rows[name]).as_py() for name in whole}
    stats = {
        "numRecords": rows.num_rows,
        "minValues": {name: one["min"] for name, one in found.items()},
        "maxValues": {name: one["max"] for name, one in found.items()},
        "nullCount": {name: rows[name].null_count for name in whole},
    }
    return orjson.dumps(stats).decode()
