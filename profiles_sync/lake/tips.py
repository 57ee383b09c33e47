"""Where a table's log stands, read from its newest entries, and commits on top of that.

To open a table, deltalake replays its whole log, some milliseconds each time, and an hour looks at thousands of tables.
What a commit needs is little: the version, the columns, the last batch. Each entry that is written here repeats the
table's metadata in its `commitInfo`, which belongs to whoever commits, so that the newest entry alone tells all of it.
Where others wrote since, their entries are read back to the last of ours, or to where the log itself tells it. Where
that is far, or the table has features that a plain one has not, deltalake does the work.

Source: Delta Lake protocol, sections "Delta Log Entries" and "Commit Provenance Information".
"""

import uuid
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from deltalake import DeltaTable
from deltalake.transaction import AddAction

from profiles_sync.errors import LakeError
from profiles_sync.lake import log, schemas
from profiles_sync.lake.log import Action, Entries
from profiles_sync.spec.tables import Type

if TYPE_CHECKING:
    from profiles_sync.lake.tables import Lake

_MARK = "profilesSync"
_FAR = 64  # entries; then a replay is as good
_ATTEMPTS = 5
INTERVAL = "delta.checkpointInterval"
_CHECKPOINT = 50  # versions from one checkpoint to the next where the table does not say, and no upkeep writes any
_NEW = {"minReaderVersion": 1, "minWriterVersion": 2}
_PLAIN = {"minReaderVersion": 1, "minWriterVersion": 4}  # with a change feed, which appended files are part of as such
_CHECKED = ("delta.invariants", "delta.generationExpression", "delta.constraints.")  # by those who write rows


@dataclass(frozen=True)
class Tip:
    """A table as its newest version has it.

    Attributes:
        version: That one.
        digest: Of its entry in the log; empty where the log has been cleaned.
        metadata: The table's `metaData` action.
        batch: The last batch that was committed to it.
        is_plain: Whether it has no feature that an append must know of.
    """

    version: int
    digest: str
    metadata: Action
    batch: int
    is_plain: bool

    @property
    def id(self) -> str:
        """What tells the table from another one at the same place."""
        return str(self.metadata["id"])

    @property
    def types(self) -> dict[str, Type]:
        """Column to logical type, in the table's order."""
        return schemas.read(self.metadata["schemaString"])


def read(lake: "Lake", name: str, entries: Entries | None = None) -> Tip | None:
    """The table's tip, or None when there is no table yet. `entries` are those of its log, where they are at hand."""
    entries = entries or Entries.of(lake.path(name), lake.options)
    newest = entries.newest()
    if newest is None:
        return None
    digest, seen = entries.digest(newest), _Seen(lake.app())
    for version in range(newest, max(newest - _FAR, -1), -1):
        try:
            seen.note(entries.actions(version))
        except FileNotFoundError:
            break
        batch = 0 if seen.batch is None and version == 0 else seen.batch
        if batch is not None and seen.metadata and seen.protocol:
            return Tip(newest, digest, seen.metadata, batch, _is_plain(seen.protocol, seen.metadata))
    return _replayed(lake, name, entries)


def append(
    lake: "Lake", name: str, files: Sequence[AddAction], batch: int | None, metadata: Action, tip: Tip | None
) -> bool:
    """Commit data files, with the table or its metadata where that is new; False when somebody else was first.

    Args:
        lake: Of the table.
        name: Of the table.
        files: In its folder.
        batch: The commit is its transaction, if it is one's.
        metadata: That it has to have.
        tip: The plain table as it was found, None where there is none.
    """
    actions: list[Action] = [{"protocol": _NEW}] if tip is None else []
    if tip is None or metadata != tip.metadata:
        actions.append({"metaData": metadata})
    if batch is not None:
        actions.append(log.transaction(lake.app(), batch))
    actions += [{"add": _entry(one)} for one in files]
    info = {"operation": "WRITE", "operationParameters": {"mode": "Append"}, "isBlindAppend": True}
    return _commit(lake, name, 0 if tip is None else tip.version + 1, actions, info, metadata)


def commit(lake: "Lake", name: str, tip: Tip, actions: Sequence[Action], info: Mapping[str, Any]) -> bool:
    """Commit any actions on a plain table that leave its metadata; False when somebody else was first."""
    return _commit(lake, name, tip.version + 1, actions, info, tip.metadata)


def _commit(
    lake: "Lake", name: str, version: int, actions: Sequence[Action], info: Mapping[str, Any], metadata: Action
) -> bool:
    done = log.commit(lake, name, version, actions, {**info, _MARK: {"metaData": metadata}})
    if done and _is_time(name, version, metadata) and (table := lake.open(name)) is not None:
        table.create_checkpoint()
    return done


def append_once(
    lake: "Lake",
    name: str,
    files: Sequence[AddAction],
    batch: int | None,
    types: Mapping[str, Type],
    configuration: Mapping[str, str] | None = None,
) -> bool:
    """The same as often as it takes; False when the table is not plain.

    Args:
        lake: Of the table.
        name: Of the table.
        files: In its folder.
        batch: It is committed once; None for files of no batch.
        types: The columns that the table has to have; one that is there keeps its type.
        configuration: Of a new table.

    Raises:
        LakeError: Somebody else is faster each time.
    """
    for _ in range(_ATTEMPTS):
        tip = read(lake, name)
        if tip is not None and not tip.is_plain:
            return False
        metadata = _created(types, configuration or {}) if tip is None else _grown(tip, types)
        is_there = tip is not None and batch is not None and tip.batch >= batch
        if is_there or append(lake, name, files, batch, metadata, tip):
            return True
    raise LakeError(
        f"space {lake.slug}: {name} could not be written, others write to it all the time; nothing is lost, the next "
        "run goes on from here"
    )


@dataclass
class _Seen:
    """What the entries told so far, the newest first."""

    app: str
    metadata: Action | None = None
    protocol: Action | None = None
    batch: int | None = None

    def note(self, actions: Sequence[Action]) -> None:
        found: dict[str, Any] = {}
        for action in actions:
            found |= action
            if action.get("txn", {}).get("appId") == self.app:
                self.batch = action["txn"]["version"] if self.batch is None else self.batch
        mark = found.get("commitInfo", {}).get(_MARK, {})
        self.metadata = self.metadata or found.get("metaData") or mark.get("metaData")
        self.protocol = self.protocol or found.get("protocol") or (_NEW if mark else None)


def metadata_of(table: DeltaTable) -> Action:
    """A table's `metaData` action as deltalake knows it."""
    about = table.metadata()
    return {
        "id": str(about.id),
        "name": about.name,
        "description": about.description,
        "format": {"provider": "parquet", "options": {}},
        "schemaString": table.schema().to_json(),
        "partitionColumns": about.partition_columns,
        "createdTime": about.created_time,
        "configuration": about.configuration,
    }


def _replayed(lake: "Lake", name: str, entries: Entries) -> Tip | None:
    table = lake.open(name)
    if table is None:
        return None
    protocol, version = table.protocol(), table.version()
    versions = {"minReaderVersion": protocol.min_reader_version, "minWriterVersion": protocol.min_writer_version}
    batch = table.transaction_version(lake.app()) or 0
    metadata = metadata_of(table)
    return Tip(version, entries.digest(version), metadata, batch, _is_plain(versions, metadata))


def _is_plain(protocol: Action, metadata: Action) -> bool:
    """Most features came with later versions of readers and writers; those before stand in the metadata."""
    said = f"{metadata['schemaString']} {list(metadata['configuration'])}"
    return all(protocol[name] <= most for name, most in _PLAIN.items()) and not any(one in said for one in _CHECKED)


def _is_time(name: str, version: int, metadata: Action) -> bool:
    """Whether a checkpoint is due; not in the same run for all tables."""
    every = int(metadata["configuration"].get(INTERVAL, _CHECKPOINT))
    return version > 0 and (version + zlib.crc32(name.encode())) % every == 0


def _created(types: Mapping[str, Type], configuration: Mapping[str, str]) -> Action:
    return {
        "id": str(uuid.uuid4()),
        "format": {"provider": "parquet", "options": {}},
        "schemaString": schemas.written(types),
        "partitionColumns": [],
        "configuration": dict(configuration),
        "createdTime": log.now(),
    }


def _grown(tip: Tip, types: Mapping[str, Type]) -> Action:
    if types.keys() <= tip.types.keys():
        return tip.metadata
    return tip.metadata | {"schemaString": schemas.written(types, tip.metadata["schemaString"])}


def _entry(file: AddAction) -> Action:
    return {
        "path": file.path,
        "partitionValues": {},
        "size": file.size,
        "modificationTime": file.modification_time,
        "dataChange": file.data_change,
        "stats": file.stats,
    }
