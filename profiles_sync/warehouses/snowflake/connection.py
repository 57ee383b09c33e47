"""An open Snowflake session, as the sync sees it."""

import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import count
from typing import TYPE_CHECKING, Any, Self

from tenacity import retry, retry_if_exception_type, stop_after_attempt, wait_fixed

from profiles_sync.errors import ProfilesSyncError, WarehouseRefused
from profiles_sync.spec.tables import Type
from profiles_sync.warehouses.base import INTERNAL, OPERATION, Batch, Staged
from profiles_sync.warehouses.rows import by_table, renamed
from profiles_sync.warehouses.snowflake.capabilities import CAPABILITIES, kind, unfolded
from profiles_sync.warehouses.snowflake.dialect import DIALECT
from profiles_sync.warehouses.snowflake.driver import LONGEST, telling
from profiles_sync.warehouses.snowflake.files import Written, naive, written
from profiles_sync.warehouses.snowflake.inline import first, inline
from profiles_sync.warehouses.snowflake.lease import Lease
from profiles_sync.watching import tags

if TYPE_CHECKING:
    import pyarrow as pa
    import snowflake.connector as connector

_LONGEST_TAG = 2000
_CHANGES_ROWS = ("INSERT", "MERGE", "DELETE", "UPDATE")


def _tag() -> dict[str, str] | None:
    """Stands beside one statement in the history, in place of the session's."""
    tag = tags.as_json(_LONGEST_TAG)
    return None if tag is None else {"QUERY_TAG": tag}


class SnowflakeConnection:
    """A session; `again` opens another one like it, and a lease lasts `seconds` without being renewed.

    `few` is how many values of a batch still go with the statements.
    """

    def __init__(
        self,
        opened: "connector.SnowflakeConnection",
        again: Callable[[], Self],
        patience: float,
        seconds: float,
        few: int,
    ) -> None:
        self._opened, self._again, self._patience, self._seconds, self.few = opened, again, patience, seconds, few
        self._numbers, self._mine = count(), secrets.token_hex(8)
        self._lease: Lease | None = None
        self._schema = ""
        self._stages: set[str] = set()
        self._inline: dict[str, tuple[str | None, ...]] = {}

    def columns(self, schema: str) -> dict[str, dict[str, str]]:
        """See `protocol.Connection`. What somebody quoted in small letters is none of a sync's."""
        rows = self.query(DIALECT.catalog(schema))
        named = ((unfolded(table), unfolded(column), kind(*typed)) for table, column, *typed in rows)
        return by_table(row for row in named if row[0] is not None and row[1] is not None)

    @contextmanager
    def only_sync(self, schema: str) -> Iterator[None]:
        """See `protocol.Connection`."""
        self._with_lock(schema)
        lease = Lease(self, schema, self._seconds)
        with lease.held(self._again, self._patience):
            self._clear(schema)
            self._lease, self._schema = lease, schema
            try:
                yield
            finally:
                self._lease = None

    def _clear(self, schema: str) -> None:
        """Remove the staging tables of syncs that were killed."""
        left = [name for name in self.columns(INTERNAL) if name.startswith(DIALECT.staged(schema, ""))]
        self.execute(*(one for name in left for one in DIALECT.drop_staging(DIALECT.quote(INTERNAL, name))))

    def own_staging(self, staging: str) -> str:
        """The quoted name of a staging table that no other connection has.

        A sync that lost its lease and does not know it yet may still load rows, beside the one that took its place.
        """
        if self._lease is None:
            return staging
        return DIALECT.quote(INTERNAL, DIALECT.staged(self._schema, self._mine, next(self._numbers)))

    @retry(
        retry=retry_if_exception_type(WarehouseRefused), stop=stop_after_attempt(3), wait=wait_fixed(0.5), reraise=True
    )
    def _with_lock(self, schema: str) -> None:
        """Another sync may make it at the same moment: what it made is there at the next try."""
        self.execute(*DIALECT.create_schema(INTERNAL), *DIALECT.create_lock(schema))

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """See `protocol.Connection`. It commits only where this is still the only sync."""
        self._run("BEGIN TRANSACTION")
        try:
            yield
            if self._lease is not None:
                self._lease.confirm()
            self._run("COMMIT")
        except BaseException:
            with suppress(ProfilesSyncError):  # where the session is gone, Snowflake takes it back
                self._run("ROLLBACK")
            raise

    def execute(self, *statements: str) -> int:
        """See `protocol.Connection`."""
        return sum(map(self._run, statements))

    def _run(self, statement: str) -> int:
        try:
            with telling(statement), self._opened.cursor() as cursor:
                cursor.execute(statement, self._bound_to(statement), timeout=LONGEST, _statement_params=_tag())
                return int(cursor.rowcount or 0) if statement.startswith(_CHANGES_ROWS) else 0
        except WarehouseRefused:
            if statement.startswith("CREATE SCHEMA IF NOT EXISTS") and self._is_there(statement):
                return 0
            raise

    def _bound_to(self, statement: str) -> tuple[str | None, ...] | None:
        """The rows that go with it."""
        return next((values for source, values in self._inline.items() if source in statement), None)

    def _is_there(self, statement: str) -> bool:
        """Whether what may not be created is there; Snowflake asks for the right to create it also then."""
        name = statement.removeprefix("CREATE SCHEMA IF NOT EXISTS").strip().strip('"').replace('""', '"')
        return bool(self.query(DIALECT.has_schema(name)))

    def query(self, statement: str) -> Sequence[Sequence[Any]]:
        """See `protocol.Connection`."""
        with telling(statement), self._opened.cursor() as cursor:
            cursor.execute(statement, self._bound_to(statement), timeout=LONGEST, _statement_params=_tag())
            rows: list[tuple[Any, ...]] = cursor.fetchall()
            return rows

    def load(self, batch: Batch, staging: str, names: Mapping[str, str]) -> Staged:
        """See `protocol.Connection`. A few rows go with the statement; others by a file, the stage and COPY.

        Outside a sync all go the second way: what tries a warehouse tries what needs more rights.
        """
        rows = naive(batch.arrow())
        kinds = {names[column]: CAPABILITIES.staged[Type(kept)] for column, kept in batch.types.items()}
        if OPERATION in rows.schema.names:
            kinds[OPERATION] = CAPABILITIES.staged[Type.STRING]
        few, rows = first(renamed(rows, names), self.few if self._lease is not None else 0)
        if few is not None:
            return self._bound(few, kinds)
        staging = self.own_staging(staging)
        self.execute(*DIALECT.create_staging(staging, kinds))
        with written(rows) as files:
            if files.paths:
                self._copy(files, staging)
            return Staged(staging, files.rows, files.cut)

    def _bound(self, rows: "pa.Table", kinds: dict[str, str]) -> Staged:
        if not rows.num_rows:
            return Staged("", 0)
        made = inline(rows, kinds, next(self._numbers))
        self._inline[made.source] = made.values
        return Staged(made.source, rows.num_rows)

    def _copy(self, files: Written, staging: str) -> None:
        stage = DIALECT.stage(staging)
        if stage not in self._stages:
            self.execute(*DIALECT.create_stage(stage))
            self._stages.add(stage)
        folder = f"{stage}/{self._mine}/{next(self._numbers)}"
        for path in files.paths:
            self._run(DIALECT.put(str(path), folder))
        loaded = sum(int(row[3]) for row in self.query(DIALECT.copy(staging, folder)) if len(row) > 3)
        if loaded != files.rows:
            raise WarehouseRefused(
                f"snowflake refused COPY INTO: {loaded} of {files.rows} rows were loaded; the next run repeats it"
            )

    def unload(self, staged: Staged) -> None:
        """See `protocol.Connection`; the files go with the session."""
        if self._inline.pop(staged.source, None) is None and staged.source:
            self.execute(*DIALECT.drop_staging(staged.source))

    def close(self) -> None:
        """End the session; without one, there is nothing to end."""
        with suppress(Exception):
            self._opened.close(retry=False)
