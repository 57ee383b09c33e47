"""What the log of a Delta table says is to be read: which data files, each row once. See `delta_source`."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
from deltalake import DeltaTable
from pyarrow import fs

from profiles_sync.lake.log import actions_of

LOG = "_delta_log"
AGAIN = "events in them that were read before are dropped as duplicates, unless they have no time of their own"


@dataclass(frozen=True)
class DataFile:
    """A data file as the log has it.

    Attributes:
        path: Relative to the table, URL-encoded.
        size: In bytes.
        modified_at: In milliseconds.
        has_vector: Some of its rows are deleted, a deletion vector says which.
        rewritten: The commit that added it deleted other files, whose rows it may hold.
    """

    path: str
    size: int
    modified_at: int
    has_vector: bool
    rewritten: bool = False


@dataclass
class Compacted:
    """Files that were never read and the files that they were compacted into, maybe with others that were."""

    originals: dict[str, DataFile]
    files: dict[str, DataFile]


def snapshot(table: DeltaTable) -> Iterator[DataFile]:
    """The data files of the table as it is."""
    vectors = {str(one).rpartition("/")[2] for one in pa.table(table.deletion_vectors())["filepath"].to_pylist()}
    for row in pa.table(table.get_add_actions()).to_pylist():
        has_vector = unquote(row["path"]).rpartition("/")[2] in vectors
        yield DataFile(row["path"], row["size_bytes"], row["modification_time"], has_vector)


def commits_between(filesystem: fs.FileSystem, root: str, first: int, last: int) -> list[list[dict[str, Any]]] | None:
    """The actions of each commit; None where the log does not have them all."""
    if first > last + 1:
        return None
    try:
        return [actions_of(filesystem, f"{root}/{LOG}/{version:020d}.json") for version in range(first, last + 1)]
    except FileNotFoundError:
        return None


@dataclass
class Followed:
    """What is to be read after some commits, of a table that was read completely before them."""

    is_taken: Callable[[DataFile], bool]
    waiting: dict[str, DataFile] = field(default_factory=dict)
    compacted: list[Compacted] = field(default_factory=list)

    def commit(self, actions: list[dict[str, Any]]) -> None:
        """Follow one commit."""
        removed = [one["remove"] for one in actions if "remove" in one]
        deleted = [one["path"] for one in removed if one.get("dataChange", True)]
        added = [one["add"] for one in actions if "add" in one]
        for path in deleted:
            self._delete(path)
        moved = {one["path"] for one in removed} - set(deleted)
        self._compact(moved, {one["path"]: _data(one) for one in added if not one["dataChange"]})
        rewritten = bool(set(deleted) - {one["path"] for one in added})
        new = [_data(one, rewritten) for one in added if one["dataChange"]]
        self.waiting |= {one.path: one for one in new if not self.is_taken(one)}

    def _delete(self, path: str) -> None:
        self.waiting.pop(path, None)
        for one in [one for one in self.compacted if path in one.files]:
            # Which of the originals the deleted rows were in is not known: what is left of them is in the other files.
            self.compacted.remove(one)
            left = {other: replace(data, rewritten=True) for other, data in one.files.items() if other != path}
            self.waiting |= left

    def _compact(self, moved: set[str], into: dict[str, DataFile]) -> None:
        again = [one for one in self.compacted if one.files.keys() & moved]
        originals = {path: self.waiting.pop(path) for path in moved & self.waiting.keys()}
        if not originals and not again:
            return  # all that was compacted had been read
        for one in again:
            self.compacted.remove(one)
            originals |= one.originals
            into |= {path: data for path, data in one.files.items() if path not in moved}
        self.compacted.append(Compacted(originals, into))

    def result(self, path: str, gone: Callable[[Iterable[DataFile]], bool]) -> tuple[list[DataFile], list[str]]:
        """The files to read and the warnings; `gone` tells whether one of several files is no longer there."""
        data, warnings = dict(self.waiting), []
        if any(one.rewritten for one in data.values()):
            warnings.append(f"UPDATE, DELETE, MERGE or RESTORE wrote rows of {path} into new files: {AGAIN}")
        for one in self.compacted:
            lost = any(other.has_vector for other in one.originals.values()) or gone(one.originals.values())
            if lost:
                warnings.append(
                    f"files of {path} were compacted and vacuumed or purged before they were read: the compacted ones "
                    f"are read; {AGAIN}"
                )
            data |= one.files if lost else one.originals
        return [one for one in data.values() if not self.is_taken(one)], warnings


def _data(add: dict[str, Any], rewritten: bool = False) -> DataFile:
    has_vector = add.get("deletionVector") is not None
    return DataFile(add["path"], add["size"], add["modificationTime"], has_vector, rewritten)
