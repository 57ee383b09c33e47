"""One run per space at a time."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from profiles_sync.control.lease import SECONDS, Lease
from profiles_sync.errors import LakeBusy, LakeError
from profiles_sync.lake.base import Lake
from profiles_sync.lake.storage import storage_of


@contextmanager
def only_run(lake: Lake, seconds: float = SECONDS) -> Iterator[Lake]:
    """Hold the space's lock, which ends with the process, however that ends.

    In a folder the operating system holds it. In an object store it is a lease, which a run that was killed leaves for
    its time, unless the next one is on the same machine. A volume of a catalog has neither: of two runs that open a
    batch at once, the tables let one, see `batches`.

    Args:
        lake: Of the space.
        seconds: How long a lease holds without being renewed.

    Yields:
        The lake to work on. Its commits are refused once the lock is lost.

    Raises:
        LakeBusy: Another run holds it.
        LakeError: There is no folder to write to.
        LockLost: A commit was refused.
    """
    place = f"{lake.root.rstrip('/')}/{lake.slug}/_control"
    if lake.lock_folder is not None or place.startswith("file://"):
        with _locked(lake, lake.lock_folder or Path(storage_of(place)[1])):
            yield lake
    elif "://" in place:
        with Lease(place, lake.options, f"space {lake.slug} on {lake.root}", seconds) as lease:
            yield lake.guarded(lease.check)
    else:
        yield lake


@contextmanager
def _locked(lake: Lake, folder: Path) -> Iterator[None]:
    """The operating system releases it with the process."""
    lock = FileLock(folder / "lock")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=1)
    except Timeout:
        raise LakeBusy(
            f"space {lake.slug}: another run is under way on {lake.root}; nothing was done, the next run catches up"
        ) from None
    except OSError as error:
        raise LakeError(
            f"space {lake.slug}: cannot write to {folder}: {error.strerror}; `lake` in the settings "
            "has to be a folder that this user may write to"
        ) from None
    try:
        yield
    finally:
        lock.release()
