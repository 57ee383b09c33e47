"""The log of a Delta table where deltalake has no word for it: a file's whole entry, and a commit of given actions.

Source: Delta Lake protocol, sections "Actions", "Checkpoints" and "Delta Log Entries".
"""

import os
import time
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import obstore
import orjson
import pyarrow.parquet as pq
from deltalake import DeltaTable
from obstore.exceptions import AlreadyExistsError
from pyarrow import fs

from profiles_sync.lake.tables import Lake, storage_of

Action = dict[str, Any]


def live_files(table: DeltaTable) -> dict[str, Action] | None:
    """Path to `add` action of every file of the table; None where its checkpoint has a form that is not known here."""
    filesystem, root = storage_of(f"{table.table_uri.rstrip('/')}/_delta_log")
    start, files = 0, dict[str, Action]()
    last = _last_checkpoint(filesystem, root)
    if last is not None and last["version"] <= table.version():
        if last.get("parts") or last.get("v2Checkpoint"):
            return None
        start = last["version"] + 1
        path = f"{root}/{last['version']:020d}.checkpoint.parquet"
        for add in pq.read_table(path, columns=["add"], filesystem=filesystem)["add"].to_pylist():
            if add is not None:
                files[add["path"]] = _plain(add)
    for version in range(start, table.version() + 1):
        actions = actions_of(filesystem, f"{root}/{version:020d}.json")
        for action in actions:
            files.pop(action.get("remove", {}).get("path"), None)
        files |= {action["add"]["path"]: action["add"] for action in actions if "add" in action}
    return files


def actions_of(filesystem: fs.FileSystem, path: str) -> list[Action]:
    """The actions of one commit.

    Raises:
        FileNotFoundError: The log does not have it, or no more.
    """
    with filesystem.open_input_stream(path) as file:
        return [orjson.loads(line) for line in file.read().splitlines() if line]


def commit(lake: Lake, name: str, version: int, actions: Sequence[Action]) -> bool:
    """Write a version; False when somebody else wrote it first."""
    info = {"timestamp": now(), "operation": "MERGE", "operationParameters": {}, "isBlindAppend": False}
    text = b"\n".join(orjson.dumps(action) for action in ({"commitInfo": info}, *actions)) + b"\n"
    relative = f"_delta_log/{version:020d}.json"
    if "://" not in lake.root:
        return _link(Path(lake.path(name)) / relative, text)
    store = obstore.store.from_url(lake.path(name), config=dict(lake.options))  # type: ignore[call-overload]
    try:
        obstore.put(store, relative, text, mode="create")
    except AlreadyExistsError:
        return False
    return True


def now() -> int:
    """In milliseconds, as the log has times."""
    return time.time_ns() // 1_000_000


def _link(path: Path, text: bytes) -> bool:
    """A file that is whole from the moment it is there."""
    written = path.with_name(f"_{uuid.uuid4().hex}.tmp")
    written.write_bytes(text)
    try:
        os.link(written, path)
    except FileExistsError:
        return False
    finally:
        written.unlink()
    return True


def _last_checkpoint(filesystem: fs.FileSystem, root: str) -> Action | None:
    try:
        with filesystem.open_input_stream(f"{root}/_last_checkpoint") as file:
            found: Action = orjson.loads(file.read())
            return found
    except FileNotFoundError:
        return None


def _plain(add: Action) -> Action:
    """An entry of a checkpoint as it stands in a commit: no empty fields, maps as objects."""
    known = ("path", "partitionValues", "size", "modificationTime", "dataChange", "stats", "tags", "deletionVector")
    kept = {name: add[name] for name in known if add.get(name) is not None}
    kept |= {name: dict(kept[name]) for name in ("partitionValues", "tags") if name in kept}
    if "deletionVector" in kept:
        kept["deletionVector"] = {name: value for name, value in kept["deletionVector"].items() if value is not None}
    return kept
