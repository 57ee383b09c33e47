"""What keeps another sync out of a schema: a row that names its holder and has to be renewed.

A transaction cannot be the lock. Snowflake leaves that of a client that was killed open, for minutes at best, and ends
one that is idle while others wait. So the row has a time, which a thread moves on; and because a holder may sleep past
it, each transaction changes the row before it commits, and one that finds another's name there takes all back.
"""

import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Protocol

from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_exponential

from profiles_sync.errors import ProfilesSyncError, WarehouseBusy, WarehouseUnreachable
from profiles_sync.warehouses.snowflake.dialect import DIALECT
from profiles_sync.warehouses.told import busy


class Session(Protocol):
    """As much of a connection as a lease needs."""

    def execute(self, *statements: str) -> int:
        """See `protocol.Connection`."""
        ...

    def close(self) -> None:
        """End it."""
        ...


class Lease:
    """The lock of a schema, in the hands of a sync that is alive."""

    def __init__(self, session: Session, schema: str, seconds: float) -> None:
        self._session, self._schema, self._seconds = session, schema, seconds
        self._holder = secrets.token_hex(8)

    @contextmanager
    def held(self, another: Callable[[], Session], patience: float) -> Iterator[None]:
        """Hold it. A sync that was killed may hold it for some seconds more.

        Args:
            another: Opens the session that renews it, for the sync's own may be busy for longer.
            patience: Seconds to wait for it.

        Raises:
            WarehouseBusy: Another sync has it.
        """
        retry(
            retry=retry_if_exception_type(WarehouseBusy),
            stop=stop_after_delay(patience),
            wait=wait_exponential(0.2, max=2),
            reraise=True,
        )(self._take)()
        over = threading.Event()
        renewing = threading.Thread(target=self._renew, args=[another, over], daemon=True, name="snowflake lease")
        renewing.start()
        try:
            yield
        finally:
            over.set()
            renewing.join(self._seconds)
            self._release(another)

    def _release(self, another: Callable[[], Session]) -> None:
        """Let go of it, where its session is lost by another one; where there is none, its time passes."""
        let_go = DIALECT.release_lock(self._schema, self._holder)
        with suppress(ProfilesSyncError):
            try:
                self._session.execute(let_go)
            except WarehouseUnreachable:
                session = another()
                try:
                    session.execute(let_go)
                finally:
                    session.close()

    def _take(self) -> None:
        if not self._session.execute(DIALECT.take_lock(self._schema, self._holder, self._seconds)):
            raise busy(self._schema)

    def confirm(self) -> None:
        """Be sure, within a transaction, that nobody took it and nobody takes it before the commit.

        Raises:
            WarehouseBusy: Somebody did.
        """
        if not self._session.execute(DIALECT.keep_lock(self._schema, self._holder, self._seconds)):
            raise WarehouseBusy(
                f"another sync of schema {self._schema} took over, for this one did not answer for {self._seconds:g} s;"
                " what was not committed is not there, the next run repeats it"
            )

    def _renew(self, another: Callable[[], Session], over: threading.Event) -> None:
        session: Session | None = None
        while not over.wait(self._seconds / 3):
            with suppress(ProfilesSyncError):  # the next transaction finds out
                session = session or another()
                session.execute(DIALECT.keep_lock(self._schema, self._holder, self._seconds))
        if session is not None:
            session.close()
