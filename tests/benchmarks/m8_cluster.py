"""Measure 8: the distributed path on a standalone cluster with two workers, all of it on this machine.

Identity resolution as in measure 2, with the path forced by setting, and once more with so little room for a task that
the components take rounds. Against the path in one process, whose answer it has to have.
"""

from collections.abc import Iterator
from pathlib import Path

from profiles_sync.pipeline import distributed
from profiles_sync.pipeline.kernel import Carriers, Past, Replayed
from profiles_sync.spec.rules import IdentityRules
from tests.benchmarks.apart import apart
from tests.benchmarks.cluster import session_on_cluster
from tests.benchmarks.extracted import RULES, extracted
from tests.benchmarks.m2_identity import Space
from tests.benchmarks.measure import Bench, Goal, Result, Way, agreed, race
from tests.benchmarks.memory import PeakMemory
from tests.benchmarks.resolved import by_reference
from tests.benchmarks.shuffles import rounds

FULL, QUICK = (1_000_000,), (5_000,)  # events
_CHECKED = 5_000


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
    notes = spread.noted()
    yield race(8, spread.resolves("on two workers"), driver.resolves(), Goal(3), inputs, bench.repeats, notes)
    by_rounds = InRounds(bench, bench.folder / "rounds", events, "distributed")
    with PeakMemory() as peak, rounds(bench.spark) as made:
        by_rounds.forget()
        by_rounds.resolve()
    notes = {"peak bytes": peak.bytes, "rounds": len(made), **made}
    yield race(
        8, by_rounds.resolves("on two workers, by rounds"), driver.resolves(), Goal(3), inputs, bench.repeats, notes
    )


class InRounds(Space):
    """A space whose components do not fit one task."""

    def resolved(self, carriers: Carriers, past: Past, rules: IdentityRules, created: int) -> Replayed:
        folder = str(self.work / "identity")
        room = len(carriers.codes) // 8
        return distributed.resolutions(self.engine.spark(), carriers, past, rules, created, folder, room)


def _check(bench: Bench) -> None:
    events = extracted(_CHECKED, bench.seed)
    for number, kind in enumerate((Space, InRounds)):
        small = kind(bench, bench.folder / f"checked-{number}", events, "distributed")
        expected = by_reference(events, RULES, small.lake.slug)
        agreed(small.resolves(), Way("the reference", lambda: None, lambda found=expected: found))
