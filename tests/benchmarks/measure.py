"""What a measure gives, and how two things are timed against each other."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Answer:
    """What was computed: rows and a checksum, so that two ways can be held against each other."""

    rows: int
    checksum: int


@dataclass(frozen=True)
class Result:
    """One line of the table. Seconds are the minimum of the repeats."""

    measure: int
    what: str
    against: str
    size: str
    seconds: float
    other: float
    goal: float | None
    answer: Answer | None = None
    other_answer: Answer | None = None
    notes: dict[str, Any] = field(default_factory=dict)

    @property
    def ratio(self) -> float:
        return self.seconds / self.other


def raced(
    ours: Callable[[], Answer], theirs: Callable[[], Answer], repeats: int
) -> tuple[float, float, Answer, Answer]:
    """Both in turn, so that a machine whose speed drifts is fair to both; one run of each is not counted.

    Raises:
        AssertionError: The answers differ: then no time is worth a look.
    """
    answers = ours(), theirs()
    assert answers[0] == answers[1], f"the answers differ: {answers}"
    times: tuple[list[float], list[float]] = [], []
    for _ in range(repeats):
        for kept, run in zip(times, (ours, theirs), strict=True):
            started = time.perf_counter()
            run()
            kept.append(time.perf_counter() - started)
    return min(times[0]), min(times[1]), *answers
