"""An open BigQuery: statements as jobs, those of a transaction in one session."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from profiles_sync.errors import ProfilesSyncError, WarehouseBusy, WarehouseUnreachable
from profiles_sync.warehouses.base import Batch, Staged
from profiles_sync.warehouses.bigquery import catalog
from profiles_sync.warehouses.bigquery.client import Calls
from profiles_sync.warehouses.bigquery.faults import SESSION_ENDED, said, told
from profiles_sync.warehouses.bigquery.lease import Lease
from profiles_sync.warehouses.bigquery.loading import Loads
from profiles_sync.warehouses.sql import Dialect

_CHANGES_ROWS = ("INSERT", "MERGE", "DELETE", "UPDATE")
_SESSION_ID = re.compile(r"[\w=+/.:-]+")


class BigQueryConnection:
    """What a sync does in a project.

    Args:
        calls: The client.
        dialect: For names.
        patience: Seconds to wait for another sync.
        loads: What puts rows into staging tables.
    """

    def __init__(self, calls: Calls, dialect: Dialect, patience: float, loads: Loads) -> None:
        self._calls, self._dialect, self._patience = calls, dialect, patience
        self._loads = loads
        self._session: str | None = None
        self._lease: Lease | None = None
        self._within = self._begun = self._gone = False

    def columns(self, schema: str) -> dict[str, dict[str, str]]:
        """See `protocol.Connection`."""
        with self._telling("a look at columns"):
            return catalog.columns(self._calls, self._dialect, schema)

    @contextmanager
    def only_sync(self, schema: str) -> Iterator[None]:
        """See `protocol.Connection`, and `lease`: who takes the place of a sync that is gone ends its session."""
        with self._telling("the lock"):
            lease = Lease(self._calls, schema, self._opened_session())
            before = lease.take(self._patience)
        try:
            if before:
                with self._telling("the end of another sync's session"):
                    self._abort(before)
            with self._telling("what a sync left that was killed"):
                self._loads.clear(schema)
            self._lease = lease
            yield
        finally:
            self._lease = None
            lease.rest()  # also where nobody answers
            with suppress(ProfilesSyncError), self._telling("the lock"):
                lease.give_back()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """See `protocol.Connection`. It begins with its first statement: nothing is begun for nothing."""
        self._within, self._begun = True, False
        try:
            yield
            if self._begun:
                self._still_ours()
        except BaseException:
            if self._begun:
                with suppress(ProfilesSyncError):  # where the session is gone, so is the transaction
                    self._run("ROLLBACK TRANSACTION", self._session)
            raise
        finally:
            self._within = False
        if self._begun:
            self._run("COMMIT TRANSACTION", self._session)

    def execute(self, *statements: str) -> int:
        """See `protocol.Connection`. What changes no rows goes as one script."""
        if any(statement.startswith(_CHANGES_ROWS) for statement in statements):
            self._settle()
            session = self._joined()
            return sum(self._run(statement, session) for statement in statements)
        self._run(";\n".join(statements), None)
        return 0

    def query(self, statement: str) -> Sequence[Sequence[Any]]:
        """See `protocol.Connection`."""
        self._settle()
        session = self._joined()
        with self._telling(_short(statement)):
            return self._calls.rows(statement, session)

    def load(self, batch: Batch, staging: str, names: Mapping[str, str]) -> Staged:
        """See `protocol.Connection`. The load job goes on meanwhile; what reads the staging table waits for it."""
        with self._telling("a load job"):
            return self._loads.begin(batch, staging, names)

    def unload(self, staged: Staged) -> None:
        """See `protocol.Connection`."""
        with self._telling("the removal of a staging table"):
            self._loads.remove(staged.source)

    def probe(self, read_only: bool) -> None:
        """Ask for something that is nothing; a sync needs a session anyway."""
        if not read_only:
            self._opened_session()
            return
        with self._telling("SELECT 1"):
            self._calls.query("SELECT 1")

    def close(self) -> None:
        """End the session; left alone, it would be kept for a day."""
        session, self._session = self._session, None
        if session is not None:
            with suppress(ProfilesSyncError), self._telling("the end of the session"):
                self._abort(session)

    def _joined(self) -> str | None:
        """The session, inside a transaction; its first statement begins it."""
        if not self._within:
            return None
        session = self._opened_session()
        if not self._begun:
            self._run("BEGIN TRANSACTION", session)
            self._begun = True
        return session

    def _opened_session(self) -> str:
        if self._session is None:
            with self._telling("a session"):
                job = self._calls.query("SELECT 1", create_session=True)
            self._session = str(job.session_info.session_id)
        return self._session

    def _abort(self, session: str) -> None:
        """End a session, and its transaction, if it is still there."""
        from google.api_core.exceptions import ClientError

        if not _SESSION_ID.fullmatch(session):
            return
        try:
            self._calls.query(f"CALL BQ.ABORT_SESSION({self._dialect.text(session)})")
        except ClientError as error:
            if not SESSION_ENDED.search(said(error)):
                raise

    def _run(self, statement: str, session: str | None) -> int:
        with self._telling(_short(statement)):
            return int(self._calls.query(statement, session).num_dml_affected_rows or 0)

    def _settle(self) -> None:
        with self._telling("a load job"):
            self._loads.settle()

    def _still_ours(self) -> None:
        if self._lease is not None:
            with self._telling("the lock"):
                self._lease.renew()

    @contextmanager
    def _telling(self, what: str) -> Iterator[None]:
        """Once the service did not answer for as long as we wait, it is not asked again."""
        if self._gone:
            raise WarehouseUnreachable(f"bigquery went away before {what}; the next run repeats it")
        if self._lease is not None and self._lease.lost:
            raise WarehouseBusy("another sync has taken the place of this one, which was silent; let one run at a time")
        try:
            with told(what):
                yield
        except WarehouseUnreachable:
            self._gone = True
            raise


def _short(statement: str) -> str:
    return " ".join(statement.split()[:3])
