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
    """Watches while a block runs. What processes share is counted once for each of them: it is an upper bound.

    Attributes:
        bytes: Of this process and all it started.
        own: Of this process alone: in a run, the driver without its JVM.
    """

    def __init__(self, every: float = 0.2) -> None:
        self.bytes = self.own = 0
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
            own, *others = (process.bytes for process in _tree(os.getpid()))
            self.bytes, self.own = max(self.bytes, own + sum(others)), max(self.own, own)
            if self._over.wait(self._every):
                return


@dataclass(frozen=True)
class _Process:
    number: int
    parent: int
    bytes: int
    ticks: int  # its own and those of its children that have ended


def cpu_seconds(top: int) -> float:
    """Seconds of processors that a process and its descendants have taken so far; a busy machine does not add any."""
    return sum(process.ticks for process in _tree(top)) / _TICKS


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
        yield _Process(int(folder.name), int(fields[1]), size, sum(map(int, fields[11:15])))
