"""Measure 8: the distributed path on a standalone cluster with two workers, all of it on this machine.

Identity resolution as in measure 2, from where the digests lie ready, with the path forced by setting; and with so few
edges for a task, also by setting, that one can only finish what links the shares, or not even that, so that there are
rounds. Against the path in one process, whose answer it has to have.
"""

from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks.apart import apart
from tests.benchmarks.cluster import session_on_cluster
from tests.benchmarks.extracted import RULES, Extracted, extracted
from tests.benchmarks.m2_identity import Space
from tests.benchmarks.measure import Bench, Goal, Result, Way, agreed, race
from tests.benchmarks.memory import PeakMemory
from tests.benchmarks.resolved import by_reference
from tests.benchmarks.shuffles import rounds

FULL = (1_000_000,)  # events
QUICK = ()  # a cluster takes a minute to do anything
_CHECKED = 2_000
BY_ROUNDS = "by rounds"
_ONE_TASK = 50_000_000  # edges: all of them


def measure(bench: Bench) -> Iterator[Result]:
    yield from apart(_on_cluster, bench.folder, bench.sizes, bench.repeats, bench.seed)


def _on_cluster(folder: Path, sizes: tuple[int, ...], repeats: int, seed: int) -> list[Result]:
    with session_on_cluster(folder) as session:
        bench = Bench(lambda: session, folder, sizes, repeats, seed)
        _check(bench)
        return list(_raced(bench))


def _raced(bench: Bench) -> Iterator[Result]:
    (count,) = bench.sizes
    events = extracted(count, bench.seed)
    inputs = {"events": count, "identifiers": len(events.event), "seed": bench.seed}
    driver = Space(bench, bench.folder / "events", events, "driver")
    spread = Space(bench, bench.folder / "events", events, "distributed")
    notes = spread.noted(spread.forget, spread.resolve)
    yield race(8, spread.resolves("on two workers"), driver.resolves(), Goal(3), inputs, bench.repeats, notes)
    for how, few in _few(events).items():
        parted = Space(bench, bench.folder / how, events, "distributed", few)
        parted.forget()
        with PeakMemory() as peak, rounds(bench.spark) as made:
            parted.resolve()
        if (how == BY_ROUNDS) != bool(made):
            raise RuntimeError(f"{how}: {len(made)} rounds; the setting for edges per task is not what it has to be")
        notes = {"peak bytes": peak.bytes, "edges per task": few, **_totals(made), **made}
        way = parted.resolves(f"on two workers, {how}")
        yield race(8, way, driver.resolves(), Goal(3), inputs, bench.repeats, notes)


def _few(events: Extracted) -> dict[str, int]:
    """So few edges that one task cannot take what contraction leaves, or what links the shares."""
    return {"by links": len(events.event) // 8, BY_ROUNDS: len(events.event) // 40}


def _totals(made: dict[str, dict[str, int]]) -> dict[str, int]:
    """Over all rounds; tasks that exchange files shuffle nothing."""
    return {"rounds": len(made)} | {f"{name} in all": sum(one[name] for one in made.values()) for name in _COUNTED}


_COUNTED = ("shuffles", "bytes")


def _check(bench: Bench) -> None:
    events = extracted(_CHECKED, bench.seed)
    spaces = [
        Space(bench, bench.folder / f"checked-{number}", events, "distributed", one_task)
        for number, one_task in enumerate((_ONE_TASK, *_few(events).values()))
    ]
    expected = by_reference(events, RULES, spaces[0].lake.slug)
    for small in spaces:
        small.resolve()
        agreed(small.resolves(), Way("the reference", lambda: None, lambda: expected))
