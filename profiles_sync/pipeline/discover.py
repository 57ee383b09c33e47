"""The files of the sources that no batch has taken yet.

A file is known by its path, in an object store by its URL, and is immutable; one that grew is reported and not read
again. Names that begin with `.` or `_` are somebody's temporary or marker files and are passed over, empty files are
left until there is something in them.
"""

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from pyarrow import fs

from profiles_sync.errors import SourceError, SourceUnreachable, first_line
from profiles_sync.pipeline import delta_source
from profiles_sync.pipeline.batches import SourceFile
from profiles_sync.pipeline.storage import below, resolve


@dataclass(frozen=True)
class Found:
    """New files in a fixed order, what a person should know about the sources, and which of them cannot be read."""

    files: tuple[SourceFile, ...]
    warnings: tuple[str, ...]
    errors: tuple[str, ...] = ()


def new_files(sources: Mapping[str, str], taken: Mapping[str, int], ours: Collection[str] = ()) -> Found:
    """List each source's folder.

    Args:
        sources: Source slug to path: a folder, a file or a Delta table; local or an object store's URL.
        taken: Path to size of the files that batches have taken.
        ours: Local files, and folders (with `/` at the end), of the product itself: no events, wherever they lie.
    """
    files: list[SourceFile] = []
    warnings: list[str] = []
    errors: list[str] = []
    for slug, path in sources.items():
        try:
            found = _new_files(slug, path, taken)
        except PermissionError:
            warnings.append(f"source {slug}: no permission to read {path}")
        except (SourceError, SourceUnreachable) as error:
            errors.append(str(error))
        except OSError as error:
            why = first_line(error)
            errors.append(
                f"source {slug}: cannot list {path}: {why}; nothing of it was taken, the next run tries again"
            )
        else:
            files += [file for file in found.files if not any(_is_one(file.path, one) for one in ours)]
            warnings += [f"source {slug}: {warning}" for warning in found.warnings]
    return Found(tuple(sorted(files, key=lambda file: (file.source, file.path))), tuple(warnings), tuple(errors))


def _is_one(path: str, ours: str) -> bool:
    return path.startswith(ours) if ours.endswith("/") else path == ours


def _new_files(slug: str, path: str, taken: Mapping[str, int]) -> Found:
    filesystem, root = resolve(path)
    top = filesystem.get_file_info(root)
    if top.type == fs.FileType.NotFound:
        return Found((), (f"no files at {path}",))
    if filesystem.get_file_info(f"{root}/_delta_log").type == fs.FileType.Directory:
        return Found(*delta_source.new_files(slug, path, filesystem, root, taken))
    infos, warnings = ([top], []) if top.type == fs.FileType.File else _inside(filesystem, root)
    named = [info for info in infos if _has_name(info)]
    if odd := len(infos) - len(named):
        warnings.append(f"names below {path} are not UTF-8 ({odd} of them): rename them, what bears them is not read")
    listed = [
        SourceFile(slug, below(path, info.path[len(root) :]), info.size, (info.mtime_ns or 0) // 1000)
        for info in named
        if info.type == fs.FileType.File and info.size and not _hidden(info.path[len(root) :])
    ]
    if not listed:
        warnings.append(f"no files at {path}")
    closed = {file.path for file in listed if "://" not in file.path and not os.access(file.path, os.R_OK)}
    warnings += [f"no permission to read {path}; it is taken once that is mended" for path in sorted(closed - {*taken})]
    warnings += [
        f"{file.path} had {taken[file.path]} bytes when it was read and has {file.size} now; "
        "files are read once: put what is new into a new file, and move this one out of the folder to end this warning"
        for file in listed
        if taken.get(file.path, file.size) != file.size
    ]
    new = (file for file in listed if file.path not in taken and file.path not in closed)
    return Found(tuple(new), tuple(warnings))


def _inside(filesystem: fs.FileSystem, root: str) -> tuple[list[fs.FileInfo], list[str]]:
    try:
        return filesystem.get_file_info(fs.FileSelector(root, recursive=True)), []
    except (PermissionError, FileNotFoundError):  # of one folder below, which must not hide all the others
        return _folder_by_folder(filesystem, root)


def _folder_by_folder(filesystem: fs.FileSystem, root: str) -> tuple[list[fs.FileInfo], list[str]]:
    found: list[fs.FileInfo] = []
    warnings: list[str] = []
    waiting = [root]
    while waiting:
        folder = waiting.pop()
        try:
            infos = filesystem.get_file_info(fs.FileSelector(folder, allow_not_found=True))
        except PermissionError:
            warnings.append(f"no permission to list {folder}; what is in it is read once that is mended")
            continue
        found += infos
        waiting += [
            info.path
            for info in infos
            if info.type == fs.FileType.Directory and _has_name(info) and not _hidden(info.path[len(root) :])
        ]
    return found, warnings


def _has_name(info: fs.FileInfo) -> bool:
    """Whether its name is text; a folder takes any bytes."""
    try:
        return bool(info.path)
    except UnicodeDecodeError:
        return False


def _hidden(relative: str) -> bool:
    return any(part.startswith((".", "_")) for part in relative.split("/"))
