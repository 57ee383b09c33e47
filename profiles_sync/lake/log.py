"""The log of a Delta table where deltalake has no word for it: a file's whole entry, and a commit of given actions.

Source: Delta Lake protocol, sections "Actions", "Checkpoints" and "Delta Log Entries".
"""

import hashlib
import os
import re
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import obstore
import orjson
import pyarrow.parquet as pq
from deltalake import DeltaTable
from obstore.exceptions import AlreadyExistsError
from pyarrow import fs

from profiles_sync.lake.storage import object_store, of_table, storage_of
from profiles_sync.watching.tally import tally

if TYPE_CHECKING:
    from profiles_sync.lake.tables import Lake

Action = dict[str, Any]
_VERSION = re.compile(r"(\d{20})\.(json|checkpoint\..*)")


@dataclass(frozen=True)
class Entries:
    """The entries of one table's log; what was read of them is kept."""

    filesystem: fs.FileSystem
    root: str
    _texts: dict[int, bytes] = field(default_factory=dict)

    @classmethod
    def of(cls, path: str, options: Mapping[str, str] | None = None) -> "Entries":
        """Those of the table at a path or URL; `options` as `storage_of` takes them."""
        return cls(*storage_of(f"{path.rstrip('/')}/_delta_log", options))

    def newest(self) -> int | None:
        """The table's version; None when there is no table."""
        for name in sorted(self._names(), reverse=True):
            if match := _VERSION.fullmatch(name):
                return int(match[1])
        return None

    def _names(self) -> list[str]:
        """Of all that is in the log. Arrow would ask a local disk for the size of each."""
        if not isinstance(self.filesystem, fs.LocalFileSystem):
            listed = self.filesystem.get_file_info(fs.FileSelector(self.root, allow_not_found=True))
            return [info.base_name for info in listed]
        try:
            return os.listdir(self.root)
        except FileNotFoundError:
            return []

    def actions(self, version: int) -> list[Action]:
        """What one version did.

        Raises:
            FileNotFoundError: The log does not have it, or no more.
        """
        return _actions(self._text(version))

    def digest(self, version: int) -> str:
        """What tells the entry from that of the same version of a table that was put back; empty where it is gone."""
        try:
            return hashlib.sha1(self._text(version), usedforsecurity=False).hexdigest()
        except FileNotFoundError:
            return ""

    def _text(self, version: int) -> bytes:
        if version not in self._texts:
            self._texts[version] = _read(self.filesystem, f"{self.root}/{version:020d}.json")
        return self._texts[version]


def live_files(table: DeltaTable) -> dict[str, Action] | None:
    """Path to `add` action of every file of the table; None where its checkpoint has a form that is not known here."""
    return files_at(Entries(*of_table(table, "_delta_log")), table.version())


def files_at(entries: Entries, until: int) -> dict[str, Action] | None:
    """The same for one of its versions."""
    start, files = 0, dict[str, Action]()
    last = _last_checkpoint(entries)
    if last is not None and last["version"] <= until:
        if last.get("parts") or last.get("v2Checkpoint"):
            return None
        start = last["version"] + 1
        path = f"{entries.root}/{last['version']:020d}.checkpoint.parquet"
        for add in pq.read_table(path, columns=["add"], filesystem=entries.filesystem)["add"].to_pylist():
            if add is not None:
                files[add["path"]] = _plain(add)
    for version in range(start, until + 1):
        actions = entries.actions(version)
        for action in actions:
            files.pop(action.get("remove", {}).get("path"), None)
        files |= {action["add"]["path"]: action["add"] for action in actions if "add" in action}
    return files


def actions_of(filesystem: fs.FileSystem, path: str) -> list[Action]:
    """The actions of one commit.

    Raises:
        FileNotFoundError: The log does not have it, or no more.
    """
    return _actions(_read(filesystem, path))


def commit(lake: "Lake", name: str, version: int, actions: Sequence[Action], info: Mapping[str, Any]) -> bool:
    """Write a version; False when somebody else wrote it first. `info` says of what kind it is."""
    first = {"commitInfo": {"timestamp": now(), **info}}
    text = b"\n".join(orjson.dumps(action) for action in (first, *actions)) + b"\n"
    relative = f"_delta_log/{version:020d}.json"
    lake.guard()
    if _put(lake, name, relative, text):
        tally().committed(added(actions))
        return True
    return False


def _put(lake: "Lake", name: str, relative: str, text: bytes) -> bool:
    if "://" not in lake.root:
        return _link(Path(lake.path(name)) / relative, text)
    store = object_store(lake.path(name), lake.options)
    try:
        obstore.put(store, relative, text, mode="create")
    except AlreadyExistsError:
        return False
    return True


def rows_of(add: Action) -> int | None:
    """How many rows a file has, marked ones too; None where whoever wrote it did not tell."""
    rows: int | None = orjson.loads(add.get("stats") or "{}").get("numRecords")
    return rows


def added(actions: Sequence[Action]) -> int:
    """Bytes of the data files that a version added."""
    return sum(action["add"]["size"] for action in actions if "add" in action)


def count(lake: "Lake", name: str) -> None:
    """Count the newest version, which deltalake has just committed, where anybody wants to know."""
    if tally().is_wanted:
        entries = Entries.of(lake.path(name), lake.options)
        newest = entries.newest()
        tally().committed(0 if newest is None else added(entries.actions(newest)))


def transaction(app: str, version: int) -> Action:
    """What makes a commit one of an application's, which looks for it before it does the same again."""
    return {"txn": {"appId": app, "version": version, "lastUpdated": now()}}


def now() -> int:
    """In milliseconds, as the log has times."""
    return time.time_ns() // 1_000_000


def _link(path: Path, text: bytes) -> bool:
    """A file that is whole from the moment it is there."""
    written = path.with_name(f"_{uuid.uuid4().hex}.tmp")
    path.parent.mkdir(parents=True, exist_ok=True)
    written.write_bytes(text)
    try:
        os.link(written, path)
    except FileExistsError:
        return False
    finally:
        written.unlink()
    return True


def _last_checkpoint(entries: Entries) -> Action | None:
    try:
        found: Action = orjson.loads(_read(entries.filesystem, f"{entries.root}/_last_checkpoint"))
    except FileNotFoundError:
        return None
    return found


def _actions(text: bytes) -> list[Action]:
    return [orjson.loads(line) for line in text.splitlines() if line]


def _read(filesystem: fs.FileSystem, path: str) -> bytes:
    with filesystem.open_input_stream(path) as file:
        text: bytes = file.read()
        return text


def _plain(add: Action) -> Action:
    """An entry of a checkpoint as it stands in a commit: no empty fields, maps as objects."""
    known = ("path", "partitionValues", "size", "modificationTime", "dataChange", "stats", "tags", "deletionVector")
    kept = {name: add[name] for name in known if add.get(name) is not None}
    kept |= {name: dict(kept[name]) for name in ("partitionValues", "tags") if name in kept}
    if "deletionVector" in kept:
        kept["deletionVector"] = {name: value for name, value in kept["deletionVector"].items() if value is not None}
    return kept
