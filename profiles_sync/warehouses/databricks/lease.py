"""Who syncs a schema, where no session holds a lock: a row of the sync record that has to be renewed.

A sync that was killed cannot give the schema back; its row ends a while later, and the next sync waits so long.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_exponential

from profiles_sync.errors import ProfilesSyncError, WarehouseBusy

#: How long a schema stays taken after the last sign of life of its sync, in seconds.
SECONDS = 60


@dataclass
class Lease:
    """One sync's hold on one schema.

    Attributes:
        claim: Takes or renews it in the warehouse and tells whether that went well.
        let_go: Gives it back.
        busy: What to say where another sync has it.
        seconds: How long it holds without being renewed.
    """

    claim: Callable[[], bool]
    let_go: Callable[[], object]
    busy: str
    seconds: float = SECONDS
    _until: float = 0
    _taking: threading.Lock = field(default_factory=threading.Lock)  # two at once would get in each other's way

    @contextmanager
    def held(self, patience: float) -> Iterator[None]:
        """Hold it meanwhile; wait for it up to `patience` seconds.

        Raises:
            WarehouseBusy: Another sync has it.
        """
        retry(
            retry=retry_if_exception_type(WarehouseBusy),
            stop=stop_after_delay(patience),
            wait=wait_exponential(0.5, max=5),
            reraise=True,
        )(self._take)()
        over = threading.Event()
        renewing = threading.Thread(target=self._renew, args=[over], daemon=True)
        renewing.start()
        try:
            yield
        finally:
            over.set()
            renewing.join()
            with suppress(ProfilesSyncError):  # it ends by itself
                self.let_go()
            self._until = 0

    def check(self) -> None:
        """Nothing may be changed after it has ended, unless nobody else took it meanwhile.

        Raises:
            WarehouseBusy: It was held, and has ended.
        """
        if self._is_over:
            with self._taking:  # a renewal that is under way may be all that it takes
                if self._is_over:
                    self._take()
        if self._is_over:
            raise WarehouseBusy(self.busy)

    @property
    def _is_over(self) -> bool:
        return 0 < self._until < time.monotonic()

    def _take(self) -> None:
        begun = time.monotonic()
        if not self.claim():
            raise WarehouseBusy(self.busy)
        self._until = begun + self.seconds

    def _renew(self, over: threading.Event) -> None:
        while not over.wait(self.seconds / 3):
            with self._taking, suppress(ProfilesSyncError):  # tried again; `check` sees what comes of it in the end
                self._take()
