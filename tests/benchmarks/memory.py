"""The most memory that this process and all it started held at once."""

import os
import threading
from pathlib import Path
from types import TracebackType

_PAGE = os.sysconf("SC_PAGE_SIZE")


class PeakMemory:
    """Watches while a block runs. What processes share is counted once for each of them: it is an upper bound."""

    def __init__(self, every: float = 0.2) -> None:
        self.bytes = 0
        self._every = every
        self._over = threading.Event()
        self._watch = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> "PeakMemory":
        self._watch.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._watch.join()

    def _look(self) -> None:
        while True:
            self.bytes = max(self.bytes, resident(os.getpid()))
            if self._over.wait(self._every):
                return


def resident(top: int) -> int:
    """Resident bytes of a process and its descendants, now."""
    children: dict[int, list[int]] = {}
    sizes: dict[int, int] = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((process / "stat").read_text().rpartition(")")[2].split()[1])
            size = int((process / "statm").read_text().split()[1]) * _PAGE
        except (OSError, IndexError):  # it has ended meanwhile
            continue
        children.setdefault(parent, []).append(int(process.name))
        sizes[int(process.name)] = size
    total, waiting = 0, [top]
    while waiting:
        process_id = waiting.pop()
        total += sizes.get(process_id, 0)
        waiting += children.get(process_id, [])
    return total
