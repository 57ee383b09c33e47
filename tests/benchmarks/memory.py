"""What this process and all it started take: the most memory at once, and the time of processors."""

import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

_PAGE = os.sysconf("SC_PAGE_SIZE")
_TICKS = os.sysconf("SC_CLK_TCK")


class PeakMemory:
    """Watches while a block runs.

    Attributes:
        bytes: Of this process and all it started. What they share is counted once for each: it is an upper bound.
        own: Of this process alone: in a run, the driver without its JVM.
    """

    def __init__(self, every: float = 0.2) -> None:
        self.bytes = self.own = 0
        self._every = every
        self._over = threading.Event()
        self._watch = threading.Thread(target=self._look, daemon=True)
        self._before: dict[tuple[int, int], int] = {}
        self._ticks: dict[tuple[int, int], int] = {}

    def __enter__(self) -> "PeakMemory":
        self._before = {process.key: process.ticks for process in _tree(os.getpid())}
        self._watch.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._watch.join()

    @property
    def cpu_seconds(self) -> float:
        """Of processors, taken by all of them, also those that have ended; a busy machine does not add any."""
        return sum(ticks - self._before.get(key, 0) for key, ticks in self._ticks.items()) / _TICKS

    def _look(self) -> None:
        over = False
        while not over:
            over = self._over.wait(self._every)  # once more when it is over
            own, *others = _tree(os.getpid())
            self.bytes = max(self.bytes, own.bytes + sum(process.bytes for process in others))
            self.own = max(self.own, own.bytes)
            self._ticks.update((process.key, process.ticks) for process in (own, *others))


@dataclass(frozen=True)
class _Process:
    number: int
    parent: int
    started: int
    bytes: int
    ticks: int

    @property
    def key(self) -> tuple[int, int]:
        """No other process has it, also not one that gets its number later."""
        return self.number, self.started


def _tree(top: int) -> Iterator[_Process]:
    below: dict[int, list[_Process]] = {}
    waiting = []
    for process in _processes():
        below.setdefault(process.parent, []).append(process)
        if process.number == top:
            waiting.append(process)
    while waiting:
        process = waiting.pop()
        yield process
        waiting += below.get(process.number, [])


def _processes() -> Iterator[_Process]:
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            size = int((folder / "statm").read_text().split()[1]) * _PAGE
        except (OSError, IndexError):  # it has ended meanwhile
            continue
        yield _Process(int(folder.name), int(fields[1]), int(fields[19]), size, int(fields[11]) + int(fields[12]))
