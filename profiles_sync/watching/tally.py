"""What is counted while a run works; what it came to is in its result.

Whoever counts asks nobody whether there is a run: without one, nothing is counted.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from threading import Lock
from typing import Any


@dataclass
class Tally:
    """Of one run, in all of its threads.

    Attributes:
        steps: Seconds by step and warehouse, None for the lake's steps.
        commits: To tables of the lake.
        bytes: Of the data files that these added.
        is_wanted: Whether anybody asks; else what costs time is not counted.
        group: Of the jobs that Spark does for the run.
        spark: Spark's context, where there is one that can be asked for them.
        session: Spark's, once its jobs were named.
    """

    steps: dict[tuple[str, str | None], float] = field(default_factory=dict)
    commits: int = 0
    bytes: int = 0
    is_wanted: bool = False
    group: str | None = None
    spark: Any = None
    session: Any = None
    _lock: Lock = field(default_factory=Lock, repr=False)

    def took(self, step: str, warehouse: str | None, seconds: float) -> None:
        """A step was done, once or once more."""
        with self._lock:
            self.steps[step, warehouse] = self.steps.get((step, warehouse), 0) + seconds

    def committed(self, size: int) -> None:
        """A commit added files of so many bytes."""
        with self._lock:
            self.commits += 1
            self.bytes += size

    @property
    def spark_jobs(self) -> int | None:
        """How many jobs Spark did for the run; None where nobody can tell."""
        if self.spark is None or self.group is None:
            return None
        return len(self.spark.statusTracker().getJobIdsForGroup(self.group))


_TALLY: ContextVar[Tally | None] = ContextVar("profiles_sync_tally", default=None)


@contextmanager
def counting() -> Iterator[Tally]:
    """Count meanwhile."""
    tally = Tally()
    before = _TALLY.set(tally)
    try:
        yield tally
    finally:
        _TALLY.reset(before)


def tally() -> Tally:
    """Of the run that this thread works for; of nobody's, where it works for none."""
    return _TALLY.get() or Tally()
