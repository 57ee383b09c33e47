"""What both ways into Databricks have in common."""

import uuid
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from threading import Lock
from typing import Any

from tenacity import retry, retry_if_exception_type, stop_after_attempt, wait_exponential

from profiles_sync.errors import ProfilesSyncError, WarehouseRefused, WarehouseUnreachable
from profiles_sync.spec.tables import Type
from profiles_sync.warehouses.base import INTERNAL, OPERATION, Batch, Staged
from profiles_sync.warehouses.databricks import faults
from profiles_sync.warehouses.databricks.dialect import CAPABILITIES, VOLUME, DatabricksDialect
from profiles_sync.warehouses.databricks.lease import SECONDS, Lease
from profiles_sync.warehouses.databricks.staging import parquet_files
from profiles_sync.warehouses.rows import by_table, renamed

_ATTEMPTS = 5  # of a statement that another writer of the table, such as OPTIMIZE, got in the way of


class Conflict(WarehouseRefused):
    """Another writer changed the table meanwhile; the statement changed nothing and can be repeated."""


class DatabricksConnection(ABC):
    """See `protocol.Connection`. A subclass knows how statements and files get there.

    Args:
        dialect: On the catalog.
        volume: The folder for rows on their way; None for a volume of our own.
        schema: Whose rows these are.
        patience: How long to wait for another sync, in seconds.
    """

    hold = SECONDS

    def __init__(self, dialect: DatabricksDialect, volume: str | None, schema: str, patience: float) -> None:
        self.dialect, self._volume, self._schema, self._patience = dialect, volume, schema, patience
        self._made: set[str] = set()
        self._files: dict[str, list[str]] = {}
        self._lease: Lease | None = None
        self._first = Lock()

    @abstractmethod
    def _rows(self, statement: str) -> Sequence[Sequence[Any]]:
        """What a statement answers; raises what the driver raises."""

    @abstractmethod
    def _put(self, path: str, contents: bytes) -> None:
        """A file into a volume."""

    @abstractmethod
    def _remove(self, path: str) -> None:
        """A file out of a volume, if it is there."""

    @abstractmethod
    def _left(self, folder: str) -> Sequence[str]:
        """The files of a folder, none where there is no folder."""

    @abstractmethod
    def _source(self, paths: Sequence[str], types: Mapping[str, str]) -> str:
        """What stands behind FROM to read the files."""

    def columns(self, schema: str) -> dict[str, dict[str, str]]:
        """See `protocol.Connection`."""
        return by_table(self.query(self.dialect.columns(schema)))

    @contextmanager
    def only_sync(self, schema: str) -> Iterator[None]:
        """See `protocol.Connection`. A sync that was killed keeps others out for a minute more: they wait for it."""
        self.execute(*self.dialect.create_schema(INTERNAL), *self.dialect.create_cursors(schema))
        owner = uuid.uuid4().hex
        lease = Lease(
            partial(self._claim, schema, owner),
            lambda: self.execute(*self.dialect.let_go(schema, owner)),
            f"another sync of schema {schema} is under way, or was killed less than {self.hold} s ago; let one run at "
            "a time sync it",
            self.hold,
        )
        with lease.held(self._patience):
            self._lease = lease
            try:
                yield
            finally:
                self._lease = None

    def _claim(self, schema: str, owner: str) -> bool:
        """Two syncs that claim it at once get in each other's way, and one has it."""
        try:
            return bool(_changed(self._told(self.dialect.claim(schema, owner, self.hold)[0])))
        except Conflict:
            return False

    def transaction(self) -> AbstractContextManager[None]:
        """See `protocol.Connection`; there is none."""
        return nullcontext()

    def execute(self, *statements: str) -> int:
        """See `protocol.Connection`. A statement that another writer got in the way of is repeated."""
        changed = 0
        for statement in statements:
            if self._lease is not None:
                self._lease.check()
            repeated = retry(
                retry=retry_if_exception_type(Conflict),
                stop=stop_after_attempt(_ATTEMPTS),
                wait=wait_exponential(0.5, max=8),
                reraise=True,
            )(self._told)
            rows = repeated(statement)
            changed += _changed(rows) if statement.startswith(("MERGE", "DELETE", "UPDATE", "INSERT")) else 0
        return changed

    def query(self, statement: str) -> Sequence[Sequence[Any]]:
        """See `protocol.Connection`."""
        return self._told(statement)

    def _told(self, statement: str) -> Sequence[Sequence[Any]]:
        try:
            return self._rows(statement)
        except ProfilesSyncError:
            raise
        except Exception as error:
            raise self._explained(error, " ".join(statement.split()[:3])) from None

    def _explained(self, error: Exception, what: str) -> ProfilesSyncError:
        if faults.is_gone(error):
            return WarehouseUnreachable(
                f"databricks went away during {what}; what it had not done by then is not there, the next run repeats "
                "it"
            )
        if faults.is_conflict(error):
            return Conflict(
                f"databricks gave up {what}, for somebody else changed the table meanwhile ({faults.kind(error)}); "
                "the next run repeats it"
            )
        return WarehouseRefused(f"databricks refused {what}: {faults.kind(error)}")

    def load(self, batch: Batch, staging: str, names: Mapping[str, str]) -> Staged:
        """See `protocol.Connection`. The rows are read from their files; there is no staging table."""
        with self._first:  # of the tables that are loaded beside each other
            folder = self._folder(staging)
        rows = batch.arrow()
        types = {names[column]: CAPABILITIES.types[Type(kind)] for column, kind in batch.types.items()}
        if OPERATION in rows.schema.names:
            types[OPERATION] = "string"
        paths: list[str] = []
        count = 0
        for name, contents, some in parquet_files(renamed(rows, names), batch.table.name):
            paths.append(f"{folder}/{name}")
            self._put(paths[-1], contents)
            count += some
        source = self._source(paths, types) if paths else ""
        self._files[source] = paths
        return Staged(source, count)

    def unload(self, staged: Staged) -> None:
        """See `protocol.Connection`."""
        for path in self._files.pop(staged.source, ()):
            self._remove(path)

    def _folder(self, staging: str) -> str:
        """Where the schema's rows wait; what a sync left there that was killed goes first."""
        place = staging.rpartition(".")[0]
        root = self._volume or self._own_volume(place)
        folder = f"{root.rstrip('/')}/{self._schema}"
        if folder not in self._made:
            self._made.add(folder)
            if self._lease is not None:  # no other sync can be using them
                for path in self._left(folder):
                    self._remove(path)
        return folder

    def _own_volume(self, place: str) -> str:
        """The path of a volume of our own in the schema of that quoted name."""
        path = "/".join(("/Volumes", *place.strip("`").split("`.`"), VOLUME))
        if path not in self._made:
            self.execute(f"CREATE VOLUME IF NOT EXISTS {place}.{self.dialect.quote(VOLUME)}")
            self._made.add(path)
        return path


def _changed(rows: Sequence[Sequence[Any]]) -> int:
    """The rows that a statement changed; it says so first."""
    return int(rows[0][0]) if rows and rows[0][0] is not None else 0
