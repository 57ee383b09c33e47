"""A lock in an object store: an object that its owner renews, and that changes only in the hands of who read it last.

Every write is conditional: the store takes it where nobody has written since. Time is told by one clock at a time: the
owner counts by its own from before it sent a renewal, everybody else by the store's from when that arrived. So the
owner knows that the lease is over before anybody else may think so.

Source: Amazon S3, "Add preconditions to S3 operations with conditional requests"; Google Cloud Storage and Azure Blob
Storage have the same.
"""

import logging
import threading
import time
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import obstore
import orjson
from obstore.exceptions import AlreadyExistsError, PreconditionError

from profiles_sync.control.process import Process
from profiles_sync.errors import LakeBusy, LockLost
from profiles_sync.lake.storage import object_store

if TYPE_CHECKING:
    from obstore import PutMode, UpdateVersion

_log = logging.getLogger(__name__)
SECONDS = 120.0
_RENEWALS = 4  # in the time of one lease
_ROUNDED = 2.0  # seconds; stores tell the time in whole ones
_LEASE, _CLOCK = "_lease", "_lease_clock"


@dataclass(frozen=True)
class _Held:
    """What the object says. `renewed` makes each of them another, since some stores tell objects apart by content."""

    token: str
    owner: Process | None
    seconds: float
    renewed: int = 0

    def text(self) -> bytes:
        return orjson.dumps(asdict(self))

    @classmethod
    def read(cls, text: bytes) -> "_Held":
        said = orjson.loads(text)
        return cls(said["token"], said["owner"] and Process(**said["owner"]), said["seconds"], said["renewed"])


class Lease:
    """The lease of one space's lock.

    Args:
        folder: URL of the folder that has the object.
        options: Of the object store.
        what: Whose lock it is, for messages.
        seconds: How long it holds after a renewal.
    """

    def __init__(self, folder: str, options: Mapping[str, str], what: str, seconds: float = SECONDS) -> None:
        self._store = object_store(folder, options, timedelta(seconds=seconds / _RENEWALS))
        self._what, self._seconds = what, seconds
        self._held = _Held(uuid.uuid4().hex, Process.this(), seconds)
        self._version: UpdateVersion = {}
        self._until = 0.0
        self._lost = False
        self._ended = threading.Event()
        self._renewing = threading.Thread(target=self._renew_always, daemon=True, name="lease")

    def __enter__(self) -> "Lease":
        """Take it.

        Raises:
            LakeBusy: Another run has it.
        """
        try:
            self._take()
        except (AlreadyExistsError, PreconditionError):
            raise self._busy("began at the same time") from None
        self._renewing.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Let go, so that the next run need not wait."""
        self._ended.set()
        self._renewing.join()
        if not self._lost and _now() < self._until:
            try:
                self._put(replace(self._held, owner=None))
            except Exception:  # it ends by itself
                _log.debug("lease", exc_info=True)

    def check(self) -> None:
        """See that it still holds; asks nobody, so it costs nothing.

        Raises:
            LockLost: It has ended, and another run may have begun.
        """
        if self._lost or _now() >= self._until:
            self._lost = True
            raise LockLost(
                f"{self._what}: this run could not renew its lock for {self._seconds:g} s, so another one may have "
                "begun; it stopped and wrote nothing more, the next run goes on from there"
            )

    def _take(self) -> None:
        try:
            found = obstore.get(self._store, _LEASE)
        except FileNotFoundError:
            self._put(self._held, "create")
            return
        there, meta = _Held.read(bytes(found.bytes())), found.meta
        if not self._is_free(there, meta["last_modified"]):
            raise self._busy("is under way")
        self._version = _version(meta)
        self._put(self._held)

    def _is_free(self, there: _Held, renewed_at: datetime) -> bool:
        """Released, its owner gone from this machine, or not renewed for its time by the store's clock."""
        if there.owner is None or there.owner.is_gone():
            return True
        obstore.put(self._store, _CLOCK, uuid.uuid4().bytes)
        age = (obstore.head(self._store, _CLOCK)["last_modified"] - renewed_at).total_seconds()
        return bool(age > there.seconds + _ROUNDED)

    def _put(self, held: _Held, mode: "PutMode | None" = None) -> None:
        """Write it where nobody else has, since it was read or written here."""
        sent = _now()
        try:
            put = obstore.put(self._store, _LEASE, held.text(), mode=mode or self._version)
        except (AlreadyExistsError, PreconditionError):  # or the answer was lost, and the second try met the first
            there = obstore.get(self._store, _LEASE)
            if bytes(there.bytes()) != held.text():
                raise
            put = there.meta
        self._held, self._version, self._until = held, _version(put), sent + self._seconds

    def _renew_always(self) -> None:
        while not self._ended.wait(self._seconds / _RENEWALS):
            if _now() >= self._until:  # also where nobody took it meanwhile: what was told of its end stays true
                self._lost = True
            if self._lost:
                return
            try:
                self._put(replace(self._held, renewed=self._held.renewed + 1))
            except PreconditionError:
                self._lost = True
            except Exception:  # the store does not answer; there is time for some more tries
                _log.debug("lease", exc_info=True)

    def _busy(self, how: str) -> LakeBusy:
        return LakeBusy(f"{self._what}: another run {how}; nothing was done, the next run catches up")


def _version(meta: Mapping[str, Any]) -> "UpdateVersion":
    """What tells this object from every other one that was or will be in its place."""
    return {name: meta[name] for name in ("e_tag", "version") if meta.get(name) is not None}  # type: ignore[return-value]


def _now() -> float:
    """Seconds that also pass while the machine sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()
