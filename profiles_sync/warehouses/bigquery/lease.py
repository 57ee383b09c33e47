"""Who may sync a schema: a table that only one process can make, and that its owner keeps touching.

BigQuery has no lock that goes with a connection. It makes a table once, whoever asks, and changes one only for who has
seen its last state (`If-Match`). So a table whose state does not change for a while has no living owner, and only one
of those who wait takes its place. Nobody's clock is compared with another one's. What the former owner had begun is in
the session that the table names, to be ended by who takes its place.
"""

import logging
import secrets
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from profiles_sync.errors import WarehouseBusy
from profiles_sync.warehouses.base import INTERNAL
from profiles_sync.warehouses.bigquery.client import Calls
from profiles_sync.warehouses.told import busy

if TYPE_CHECKING:
    from google.cloud import bigquery

_log = logging.getLogger(__name__)
SILENCE = 30.0  # seconds after which an owner is dead
_EVERY = 5.0  # seconds; BigQuery takes five changes of a table in ten
_LOOK = 0.5
_KEPT = timedelta(days=1)  # BigQuery removes what nobody came back to


class Lease:
    """The lock of a schema.

    Args:
        calls: The client.
        schema: What is locked.
        session: The session of whoever takes it.
    """

    def __init__(self, calls: Calls, schema: str, session: str) -> None:
        self._calls, self._schema, self._session = calls.again(), schema, session  # it is touched by another thread
        self._owner = secrets.token_hex(8)
        self._mine: Any = None
        self._turn, self._over = threading.Lock(), threading.Event()
        self.lost = False

    def take(self, patience: float) -> str | None:
        """Take it, waiting for another sync up to `patience` seconds, and for one that is silent as long as it takes.

        Returns:
            The session of a former owner that is silent; None where there was none.

        Raises:
            WarehouseBusy: Another sync has it.
        """
        self._make_dataset()
        alive, seen, since, deadline = True, None, time.monotonic(), time.monotonic() + patience
        while self._mine is None:
            there = self._made_or_found()
            if there is None:
                continue
            if there.etag != seen:
                alive = seen is not None or not patience
                seen, since = there.etag, time.monotonic()
            elif time.monotonic() - since > SILENCE and self._took(there, before := there.description):
                return self._kept(before)
            if alive and time.monotonic() > deadline:  # who was silent so far is waited out
                raise busy(self._schema)
            time.sleep(_LOOK)
        return self._kept(None)

    def renew(self) -> None:
        """Say that we are still there.

        Raises:
            WarehouseBusy: Somebody else has taken our place.
        """
        from google.api_core.exceptions import NotFound, PreconditionFailed

        with self._turn:
            try:
                self._mine.expires = datetime.now(UTC) + _KEPT
                self._mine = self._calls.client.update_table(self._mine, ["expires"], **self._calls.bounds)
            except (NotFound, PreconditionFailed):
                self.lost = True
        if self.lost:
            raise WarehouseBusy(f"another sync of schema {self._schema} has taken the place of this one")

    def rest(self) -> None:
        """Touch it no more."""
        self._over.set()

    def give_back(self) -> None:
        """Let others have it, unless somebody has it already."""
        self.renew()
        self._calls.client.delete_table(self._mine, not_found_ok=True, **self._calls.bounds)

    def _kept(self, before: str | None) -> str | None:
        threading.Thread(target=self._keep, name="bigquery-lease", daemon=True).start()
        return before

    def _keep(self) -> None:
        while not self._over.wait(_EVERY) and not self.lost:
            try:
                self.renew()
            except Exception:  # comes again, or the sync finds out for itself
                _log.debug("lease of %s", self._schema, exc_info=True)

    def _made_or_found(self) -> "bigquery.Table | None":
        """Somebody else's; None where it is ours now, or is gone again."""
        from google.api_core.exceptions import Conflict, NotFound

        table = self._table()
        try:
            self._mine = self._calls.client.create_table(table, **self._calls.bounds)
        except Conflict:
            try:
                there = self._calls.client.get_table(table.reference, **self._calls.bounds)
            except NotFound:
                return None
            if there.labels.get("owner") != self._owner:
                return there
            self._mine = there  # an answer was lost
        return None

    def _took(self, there: "bigquery.Table", before: str | None) -> bool:
        from google.api_core.exceptions import NotFound, PreconditionFailed

        there.labels, there.description = self._labels(), self._session
        there.expires = datetime.now(UTC) + _KEPT
        try:
            self._mine = self._calls.client.update_table(
                there, ["labels", "description", "expires"], **self._calls.bounds
            )
        except (NotFound, PreconditionFailed):
            return False
        return True

    def _table(self) -> "bigquery.Table":
        """Its name has a dash, so that no staging table can be called like it."""
        from google.cloud import bigquery

        dataset = bigquery.DatasetReference(self._calls.settings.project, INTERNAL)
        table = bigquery.Table(dataset.table(f"lock-{self._schema}"), [bigquery.SchemaField("unused", "STRING")])
        table.labels, table.description = self._labels(), self._session
        table.expires = datetime.now(UTC) + _KEPT
        return table

    def _labels(self) -> dict[str, str]:
        return self._calls.labels(owner=self._owner)

    def _make_dataset(self) -> None:
        from google.api_core.exceptions import NotFound
        from google.cloud import bigquery

        reference = bigquery.DatasetReference(self._calls.settings.project, INTERNAL)
        try:
            self._calls.client.get_dataset(reference, **self._calls.bounds)
        except NotFound:
            dataset = bigquery.Dataset(reference)
            dataset.location, dataset.labels = self._calls.settings.location, self._calls.labels()
            self._calls.client.create_dataset(dataset, exists_ok=True, **self._calls.bounds)
