"""What a measure is: two things that give the same answer, timed in turn in one process."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import duckdb
import pyarrow as pa

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


@dataclass(frozen=True)
class Bench:
    """What a measure is given.

    Attributes:
        start: Gives the session, and starts it for the first who asks.
        folder: Of its own.
        sizes: Of its inputs; each measure says what they are.
        repeats: How often each way is timed.
        seed: Of all that is generated.
    """

    start: "Callable[[], SparkSession]"
    folder: Path
    sizes: tuple[int, ...]
    repeats: int = 3
    seed: int = 7

    @property
    def spark(self) -> "SparkSession":
        return self.start()


@dataclass(frozen=True)
class Answer:
    """What was computed, so far as two ways must agree: rows, and a sum over their hashes in any order."""

    rows: int
    checksum: str


@dataclass(frozen=True)
class Way:
    """One of the two: how it is run, which is timed; what comes before that and how its last answer is read are not."""

    name: str
    run: Callable[[], object]
    answer: Callable[[], Answer]
    prepare: Callable[[], object] = lambda: None


@dataclass(frozen=True)
class Goal:
    """At most so many times the other's seconds (`x`), or so many seconds (`s`); and at most so many resident bytes."""

    most: float
    unit: Literal["x", "s"] = "x"
    memory: int | None = None


@dataclass(frozen=True)
class Result:
    """A line of the table. Seconds are the fewest of the repeats."""

    measure: int
    what: str
    against: str
    inputs: Mapping[str, int]
    repeats: int
    seconds: float
    against_seconds: float
    goal: Goal
    answer: Answer
    against_answer: Answer
    notes: Mapping[str, Any] = field(default_factory=dict)

    @property
    def ratio(self) -> float:
        return self.seconds / self.against_seconds

    @property
    def met(self) -> bool:
        fits = self.goal.memory is None or self.notes["peak bytes"] <= self.goal.memory
        return fits and (self.ratio if self.goal.unit == "x" else self.seconds) <= self.goal.most

    def shown(self) -> dict[str, Any]:
        return asdict(self) | {"ratio": self.ratio, "met": self.met}


class Differs(Exception):
    """Two ways disagree: then no time is worth a look."""


def race(
    measure: int,
    ours: Way,
    other: Way,
    goal: Goal,
    inputs: Mapping[str, int],
    repeats: int,
    notes: Mapping[str, Any] | None = None,
    warm: bool = True,
) -> Result:
    """Run both once, compare what they come to, then time them in turn: what slows the machine slows both.

    Not `warm` leaves out the first run, for what starts from nothing is not to be warmed up; so does a single repeat.

    Raises:
        Differs: Their answers do.
    """
    if warm and repeats > 1:
        for way in (ours, other):
            way.prepare()
            way.run()
        agreed(ours, other)
    times: dict[str, list[float]] = {ours.name: [], other.name: []}
    for _ in range(repeats):
        for way in (ours, other):
            way.prepare()
            with timed(times[way.name]):
                way.run()
    answers = agreed(ours, other)
    fewest = [min(times[way.name]) for way in (ours, other)]
    notes = dict(notes or {}) | {"all seconds": times}
    return Result(measure, ours.name, other.name, inputs, repeats, *fewest, goal, *answers, notes)


def agreed(ours: Way, other: Way) -> tuple[Answer, Answer]:
    """What both came to when they were last run.

    Raises:
        Differs: It is not the same.
    """
    found, expected = ours.answer(), other.answer()
    if found != expected:
        raise Differs(f"{ours.name} comes to {found}, {other.name} to {expected}")
    return found, expected


@contextmanager
def timed(into: list[float]) -> Iterator[None]:
    started = time.perf_counter()
    yield
    into.append(time.perf_counter() - started)


def answer(query: str, **tables: pa.Table) -> Answer:
    """The rows of a query over Arrow tables, and the sum of their hashes."""
    with duckdb.connect() as connection:
        for name, rows in tables.items():
            connection.register(name, rows)
        found = connection.execute(f"SELECT count(*), coalesce(sum(hash(x)), 0) FROM ({query}) AS x").fetchall()
    (rows, total) = found[0]
    return Answer(rows, f"{int(total) % 2**64:016x}")
