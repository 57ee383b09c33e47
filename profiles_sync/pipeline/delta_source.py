"""The data files of a Delta table that is a source of events, each row once.

The first run reads the files of the table as it is then. Later runs follow the table's log from the version that the
last batch read up to, which went along with that batch as a file of its own without lines:

- A file that a commit added is read once, also if OPTIMIZE has compacted it since. The compacted file is read only
  where a file that went into it was never read and is gone, by VACUUM.
- A file that was deleted before a run saw it is not read. What was read stays: the lake does not forget an event
  because its row was deleted from the source.

What is guaranteed: no row is passed over. What is not: that a row is read only once. UPDATE, DELETE, MERGE and RESTORE
write rows that stay into new files; a compacted file may hold rows that were read; and so may the whole table, where
the log was cleaned beyond the version that was read last. Such rows are the same events again and are dropped as
duplicates, by messageId; only an event without any time of its own, which takes its file's, lands twice when the two
files are more than seven days apart. Each of these is reported as a warning.

Files with a deletion vector hold rows that were deleted. They wait, with a warning, until the table is purged.
Columns that partition the table are read from the paths, see `parquet_rows`.
"""

from collections.abc import Iterable, Mapping
from urllib.parse import unquote

from deltalake import DeltaTable
from deltalake.exceptions import DeltaError, TableNotFoundError
from pyarrow import fs

from profiles_sync.errors import SourceError, first_line
from profiles_sync.lake.storage import options_for
from profiles_sync.pipeline.batches import SourceFile
from profiles_sync.pipeline.delta_log import AGAIN, LOG, DataFile, Followed, commits_between, snapshot
from profiles_sync.pipeline.parquet_rows import path_values
from profiles_sync.pipeline.storage import below

_MARK_AFTER = 20  # versions without new files: a table that is only kept up must not outrun the mark


def new_files(
    slug: str, path: str, filesystem: fs.FileSystem, root: str, taken: Mapping[str, int]
) -> tuple[tuple[SourceFile, ...], tuple[str, ...]]:
    """The files to read, with the mark of the version that the source is read up to then, and warnings.

    Args:
        slug: Of the source.
        path: Of the table, as the settings have it.
        filesystem: Where it is.
        root: Its path there.
        taken: Path to size of the files that batches have taken.

    Raises:
        SourceError: The table's files cannot be read as they are.
    """
    table = _open(slug, path)
    if table is None:
        return (), (f"no files at {path}",)
    since = _last_mark(table, path, taken)
    data, warnings = _untaken(table, path, since, filesystem, root, taken)
    _check_paths(slug, path, table, data)
    files = [_source_file(slug, path, one) for one in data if not one.has_vector]
    if len(files) < len(data):
        warnings.append(
            f"{len(data) - len(files)} file(s) of {path} hold deleted rows (deletion vectors) and wait; "
            "REORG TABLE ... APPLY (PURGE) rewrites them, and the next run reads the rows that stay"
        )
    elif files or table.version() - (since or 0) >= _MARK_AFTER:
        files.append(SourceFile(slug, f"{_marks(table, path)}{table.version()}", 0, 0))
    return tuple(files), tuple(warnings)


def _open(slug: str, path: str) -> DeltaTable | None:
    try:
        table = DeltaTable(path, storage_options=options_for(path) or None)
    except TableNotFoundError:
        return None
    except DeltaError as error:
        raise SourceError(f"source {slug}: cannot read the Delta table {path}: {first_line(error)}") from None
    if table.metadata().configuration.get("delta.columnMapping.mode", "none") != "none":
        raise SourceError(
            f"source {slug}: the Delta table {path} maps its columns to other names in its files, which is not "
            "supported; give a table without column mapping, such as a copy of it"
        )
    return table


def _marks(table: DeltaTable, path: str) -> str:
    """What the path of a mark begins with; the table's id is in it, for a table may be made anew in the same place."""
    return below(path, f"{LOG}/{table.metadata().id}@")


def is_mark(path: str) -> bool:
    """Whether a taken file is not one, but says up to which version of a Delta table it and the others go."""
    return f"/{LOG}/" in path


def _last_mark(table: DeltaTable, path: str, taken: Mapping[str, int]) -> int | None:
    marks = _marks(table, path)
    return max((int(one.removeprefix(marks)) for one in taken if one.startswith(marks)), default=None)


def _untaken(
    table: DeltaTable,
    path: str,
    since: int | None,
    filesystem: fs.FileSystem,
    root: str,
    taken: Mapping[str, int],
) -> tuple[list[DataFile], list[str]]:
    def is_taken(one: DataFile) -> bool:
        return below(path, unquote(one.path)) in taken

    def gone(several: Iterable[DataFile]) -> bool:
        infos = filesystem.get_file_info([f"{root}/{unquote(one.path)}" for one in several])
        return any(info.type == fs.FileType.NotFound for info in infos)

    commits = None if since is None else commits_between(filesystem, root, since + 1, table.version())
    if commits is not None:
        followed = Followed(is_taken)
        for commit in commits:
            followed.commit(commit)
        return followed.result(path, gone)
    warnings = []
    if since is not None:
        warnings.append(
            f"the log of {path} was cleaned beyond version {since}, which was read last: every file of the table that "
            f"was not read is read; {AGAIN}"
        )
    return [one for one in snapshot(table) if not is_taken(one)], warnings


def _check_paths(slug: str, path: str, table: DeltaTable, data: Iterable[DataFile]) -> None:
    columns = set(table.metadata().partition_columns)
    for one in data:
        inner = unquote(one.path)
        if ":/" in inner.partition("=")[0] or inner.startswith("/"):
            raise SourceError(
                f"source {slug}: {path} is a shallow clone, its files are those of another table; "
                "make that table the source, or a deep clone"
            )
        if missing := columns - path_values(inner).keys():
            raise SourceError(
                f"source {slug}: column {min(missing)} partitions the Delta table {path}, but its value does not stand "
                "in the paths of the table's files; give a table that is not partitioned, such as a copy of it"
            )


def _source_file(slug: str, path: str, one: DataFile) -> SourceFile:
    return SourceFile(slug, below(path, unquote(one.path)), one.size, one.modified_at * 1000)
