"""The files of the sources that no batch has taken yet.

A file is known by its path and is immutable; one that grew is reported and not read again. Names that begin with
`.` or `_` are somebody's temporary or marker files and are passed over.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from deltalake import DeltaTable
from pyarrow import fs

from profiles_sync.errors import SourceError
from profiles_sync.pipeline.batches import SourceFile


@dataclass(frozen=True)
class Found:
    """New files in a fixed order, and what a person should know about the sources."""

    files: tuple[SourceFile, ...]
    warnings: tuple[str, ...]


def new_files(sources: Mapping[str, str], taken: Mapping[str, int]) -> Found:
    """List each source's folder.

    Args:
        sources: Source slug to path: a folder, a file or a Delta table; local or an object store's URL.
        taken: Path to size of the files that batches have taken.
    """
    files: list[SourceFile] = []
    warnings: list[str] = []
    for slug, path in sources.items():
        listed = list(_listed(slug, path))
        if not listed:
            warnings.append(f"source {slug}: no files at {path}")
        files += [file for file in listed if file.path not in taken]
        warnings += [
            f"source {slug}: {file.path} had {taken[file.path]} bytes when it was read and has {file.size} now; "
            "files are read once, put new events into a new file"
            for file in listed
            if taken.get(file.path, file.size) != file.size
        ]
    return Found(tuple(sorted(files, key=lambda file: (file.source, file.path))), tuple(warnings))


def _listed(slug: str, path: str) -> Iterator[SourceFile]:
    filesystem, root = resolve(path)
    top = filesystem.get_file_info(root)
    if top.type == fs.FileType.File:
        infos = [top]
    elif top.type == fs.FileType.NotFound:
        return
    elif filesystem.get_file_info(f"{root}/_delta_log").type == fs.FileType.Directory:
        infos = [_info(filesystem, uri) for uri in DeltaTable(path).file_uris()]
    else:
        infos = filesystem.get_file_info(fs.FileSelector(root, recursive=True))
    for info in infos:
        if info.type == fs.FileType.File and info.size and not _hidden(info.path[len(root) :]):
            yield SourceFile(slug, info.path, info.size, (info.mtime_ns or 0) // 1000)


def _info(filesystem: fs.FileSystem, uri: str) -> fs.FileInfo:
    return filesystem.get_file_info(uri.partition("://")[2] or uri)


def _hidden(relative: str) -> bool:
    return any(part.startswith((".", "_")) for part in relative.split("/"))


def resolve(path: str) -> tuple[fs.FileSystem, str]:
    """The file system and the path on it of a local path or a URL.

    Raises:
        SourceError: There is no such kind of storage.
    """
    try:
        filesystem, inner = fs.FileSystem.from_uri(path) if "://" in path else (fs.LocalFileSystem(), path)
    except (OSError, ValueError) as error:
        raise SourceError(
            f"cannot open {path.partition('://')[0]}://…: {error}; use a local path or an s3://, gs:// or abfs:// URL"
        ) from None
    return filesystem, inner.rstrip("/") or "/"
