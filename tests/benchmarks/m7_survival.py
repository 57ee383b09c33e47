"""Measure 7: what kills others: many events, huge components, hubs and poison, with little memory.

Each in a process of its own, on a cluster with a driver of 4 GB and executors of 2 GB. A shape has to end, the whole
tree of processes has to stay below 8 GB, and the time may grow with the size only: a fifth of it comes first, in the
same processes. What it comes to is held against the resolver that is written to be read, against DuckDB over the raw
JSON with the profiles that this resolver gives, or against how it was made. At small sizes nobody looks at the memory,
and some shapes are left out.
"""

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.benchmarks.apart import apart
from tests.benchmarks.cluster import session_on_cluster
from tests.benchmarks.measure import Bench, Goal, Result, Way, agreed, timed
from tests.benchmarks.memory import PeakMemory
from tests.benchmarks.steps import steps
from tests.benchmarks.survivors import SHAPES, Case

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

FULL, QUICK = (1_000_000,), (2_000,)  # links of the chain; the other shapes have their sizes from it
_LARGE = 500_000  # from where memory counts; below, the session of the other measures does
_FEW = ("a stream as usual", "one component", "a chain of links, distributed path", "a kiosk, driver path")
_GOAL = Goal(6, memory=8_000_000_000)  # five times the size, and a fifth more
Ran = tuple[float, int, Mapping[str, Any]]  # seconds, peak bytes, notes


def measure(bench: Bench) -> Iterator[Result]:
    (unit,) = bench.sizes
    for name in SHAPES if unit >= _LARGE else _FEW:
        cases = _made(name, bench, unit)
        ran = apart(_on_cluster, bench.folder, cases) if unit >= _LARGE else _run(cases, bench.spark)
        yield _result(name, cases, ran)
        for path in bench.folder.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def _made(name: str, bench: Bench, unit: int) -> list[Case]:
    """A fifth, to wake up the workers, a fifth, and the whole."""
    folder, sizes = bench.folder / name.replace(" ", "-"), (unit // 5, unit // 5, unit)
    made = [SHAPES[name](folder / str(number), size, bench.seed) for number, size in enumerate(sizes)]
    for case in made:
        case.make()
    return made


def _on_cluster(folder: Path, cases: list[Case]) -> list[Ran]:
    """In a process that does nothing else."""
    with session_on_cluster(folder) as session:
        return _run(cases, session)


def _run(cases: list[Case], session: "SparkSession") -> list[Ran]:
    return [_timed(case, session) for case in cases]


def _timed(case: Case, session: "SparkSession") -> Ran:
    seconds: list[float] = []
    with PeakMemory() as peak, steps() as spent, timed(seconds):
        notes = case.run(session)
    taken = {"driver peak bytes": peak.own, "cpu seconds": peak.cpu_seconds, "seconds by step": spent}
    return seconds[0], peak.bytes, {**notes, **taken}


def _result(name: str, cases: list[Case], ran: list[Ran]) -> Result:
    (_, fifth, whole), (_, less, (seconds, peak, notes)) = cases, ran
    for case in (fifth, whole):
        found = agreed(*(Way(name, lambda: None, how) for how in (case.found, case.expected)))
    spent, spent_less = (one["cpu seconds"] for one in (notes, less[2]))
    notes = {"peak bytes": peak, "peak bytes of the fifth": less[1], "cpu ratio": spent / spent_less, **notes}
    notes |= {f"{name} of the fifth": less[2][name] for name in ("driver peak bytes", "cpu seconds", "seconds by step")}
    return Result(7, name, "a fifth of it", whole.inputs, 1, seconds, less[0], _GOAL, *found, notes)
