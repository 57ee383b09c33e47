"""One run per space at a time."""

from collections.abc import Iterator
from contextlib import contextmanager

from filelock import FileLock, Timeout

from profiles_sync.errors import LakeBusy, LakeError
from profiles_sync.lake.base import Lake


@contextmanager
def only_run(lake: Lake) -> Iterator[None]:
    """Hold the space's lock. The operating system releases it with the process, however that ends.

    Raises:
        LakeBusy: Another run holds it.
        LakeError: There is no folder to write to.
    """
    folder = lake.lock_folder
    if folder is None:  # no locks there: of two runs that open a batch at once, the tables let one, see `batches`
        yield
        return
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
