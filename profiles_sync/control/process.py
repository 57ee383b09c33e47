"""Which process is at work somewhere, so that another one on the same machine can tell at once that it is gone."""

import os
from dataclasses import dataclass
from pathlib import Path

_BOOT = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True)
class Process:
    """A process. `machine` and `started` are None where the system does not tell them, which is anywhere but on Linux.

    A number is given to a new process once the old one is gone, so when it began belongs to it. Containers of one
    machine number their processes on their own, so which numbering it is belongs to the machine.
    """

    machine: str | None
    pid: int
    started: str | None

    @classmethod
    def this(cls) -> "Process":
        """The one that asks."""
        return cls(_machine(), os.getpid(), _started(os.getpid()))

    def is_gone(self) -> bool:
        """Whether it is known to have ended: never so of a process of another machine."""
        if self.machine is None or self.machine != _machine():
            return False
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return True
        except PermissionError:  # it is somebody else's, and there
            pass
        now = _started(self.pid)
        return now == _ENDED or (None not in (now, self.started) and now != self.started)


_ENDED = "ended"


def _machine() -> str | None:
    try:
        return f"{_BOOT.read_text().strip()} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return None


def _started(pid: int) -> str | None:
    """When it began, in ticks since the machine did; `_ENDED` where only its parent has not noticed its end yet."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return _ENDED if fields[0] in "ZX" else fields[19]
