"""What was worked out from tables of the lake, kept until one of them changes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, TypeVar

from profiles_sync.lake.base import Lake

T = TypeVar("T")


@dataclass
class Remembered:
    """One answer for each question; a table's cursor tells whether it still holds. Threads may share it."""

    _kept: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    _locks: dict[str, Lock] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def get(self, question: str, lake: Lake, tables: Sequence[str], work_out: Callable[[], T]) -> T:
        """The answer to a question, which is worked out once by whoever asks first.

        Args:
            question: What is asked, of this lake.
            lake: Of the space.
            tables: All that the answer depends on.
            work_out: Finds the answer.
        """
        with self._lock:
            mine = self._locks.setdefault(question, Lock())
        with mine:
            stands = [lake.cursor(name) for name in tables]
            kept = self._kept.get(question)
            if kept is None or kept[0] != stands:
                kept = self._kept[question] = stands, work_out()
            answer: T = kept[1]
            return answer
