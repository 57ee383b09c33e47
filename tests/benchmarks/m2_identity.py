"""Measure 2: identity resolution with limits, windows, blocked values and priority, its results written as Delta.

Identifiers are extracted already: both sides begin with the same Parquet file of events and their identifiers, and hash
every one of these with every core. Spark hashes them and writes nothing. We digest them, and the messageIds too, by
SHA-1 and stage that, as a run does when it reads lines; then we resolve and write the profile of every event, the raw
tables, and what the next batch looks up. Spark's answer is the ids of its rows, each with the profile that the
reference gives it; the reference also has to come to every other row of ours.

The path that is spread over Spark races the one in the driver from where the digests lie ready, for both need them.
"""

import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from profiles_sync.lake.opening import lake_of
from profiles_sync.lake.tables import scan
from profiles_sync.pipeline import identity, raw_tables
from profiles_sync.pipeline.batches import Batch
from profiles_sync.pipeline.engine import Engine
from profiles_sync.pipeline.kernel import Carriers, Past, Replayed
from profiles_sync.pipeline.run import prepare
from profiles_sync.settings import load
from profiles_sync.spec.rules import IdentityRules
from tests.benchmarks.extracted import RULES, Extracted, extracted
from tests.benchmarks.measure import Answer, Bench, Goal, Result, Way, agreed, answer, race
from tests.benchmarks.memory import PeakMemory
from tests.benchmarks.resolved import SEGMENTS, in_lake, tables_by_reference, whole
from tests.benchmarks.staged_events import digested, staged, to_parquet
from tests.benchmarks.steps import RUN, steps

FULL, QUICK = (1_000, 1_000_000, 5_000_000), (1_000, 50_000)  # events
_SMALL, _LARGE = 10_000, 1_000_000  # events up to which the goal is in seconds; from which the goal of both paths holds
_HASHED = "transform(identifiers, one -> xxhash64(one.type, one.value)) AS hashes"
_PROFILES = "SELECT message_id, segment_id FROM rows"
_SCANNED = "SELECT id AS message_id, segment_id FROM rows LEFT JOIN segments ON message_id = id"


def measure(bench: Bench) -> Iterator[Result]:
    for count in bench.sizes:
        folder = bench.folder / str(count)
        events = extracted(count, bench.seed)
        inputs = {"events": count, "identifiers": len(events.event), "seed": bench.seed}
        driver = Space(bench, folder, events, "driver")
        to_parquet(events, driver.parquet)
        reference = tables_by_reference(events, RULES, driver.lake.slug)
        expected = whole(reference)
        driver.resolve()
        agreed(driver.resolves(), Way("the reference", lambda: None, lambda found=expected: found))
        notes = {**driver.noted(driver.begin, driver.whole), "every table, as the reference has it": expected}
        goal = Goal(0.3, "s") if count <= _SMALL else Goal(3)
        spark = _scan(bench, driver.parquet, reference["segments"])
        yield race(2, driver.writes(), spark, goal, inputs, bench.repeats, notes)
        if count == max(bench.sizes):
            spread = Space(bench, folder, events, "distributed")
            notes = spread.noted(spread.forget, spread.resolve)
            goal = Goal(4) if count >= _LARGE else Goal(3, "s")
            yield race(2, spread.resolves("spread over Spark"), driver.resolves(), goal, inputs, bench.repeats, notes)
        shutil.rmtree(folder)


class Space:
    """A space whose lake takes the events as its first batch, again and again."""

    def __init__(
        self, bench: Bench, folder: Path, events: Extracted, path: str, edges_per_task: int = 50_000_000
    ) -> None:
        self.path, self.work = path, folder / path
        self.work.mkdir(parents=True)
        self.parquet = folder / "events.parquet"
        settings = self.work / "acme.yml"
        settings.write_text(
            "space: {name: Acme, slug: acme}\nsources: {website: {id: s1, name: Website, path: ./events}}\n"
            f"identity: {{path: {path}, edges_per_task: {edges_per_task}}}\n"
        )
        self.settings = load(settings)
        self.lake = lake_of(self.settings)
        self.engine = Engine(self.settings, self.lake, bench.start)
        self.parsed = staged(events, self.work / "staged")
        self.message_id = events.message_id
        prepare(self.lake)

    def whole(self) -> None:
        """A run between taking identifiers out of lines and writing the events' tables."""
        self.digest()
        self.resolve()

    def digest(self) -> None:
        self.parsed = digested(self.parquet, tuple(RULES.by_type), self.work / "digested")

    def resolve(self) -> None:
        """The same from where the digests lie ready."""
        batch = Batch(1, 1, ())
        resolved = identity.resolve_batch(self.lake, batch, self.parsed, RULES, self.resolved)
        segments = pa.table([self.message_id, pa.chunked_array(resolved.stamps)], ["message_id", "segment_id"])
        sources = self.settings.declared_sources * len(self.parsed)
        with ThreadPoolExecutor(2) as beside:  # as a run does
            events = beside.submit(self.lake.append, SEGMENTS, segments, batch.number)
            logs = beside.submit(identity.remember, self.lake, batch, resolved)
            raw_tables.append(self.lake, batch, resolved, sources)
            events.result()
            logs.result()

    def resolved(self, carriers: Carriers, past: Past, rules: IdentityRules, created: int) -> Replayed:
        return self.engine.resolve(carriers, past, rules, created)

    def forget(self) -> None:
        """The lake as it is before the first batch: the tables that are always there, empty."""
        shutil.rmtree(self.settings.lake)
        prepare(self.lake)

    def begin(self) -> None:
        """The same, and nothing is digested."""
        self.forget()
        shutil.rmtree(self.work / "digested", ignore_errors=True)

    def resolves(self, where: str = "in the driver") -> Way:
        """Its answer is all that was written."""
        name = f"identity {where}, of digests to Delta"
        return Way(name, self.resolve, lambda: in_lake(self.lake), self.forget)

    def writes(self) -> Way:
        """Its answer is which events it has, and their profiles."""
        return Way("identity in the driver, digests included, to Delta", self.whole, self._profiles, self.begin)

    def _profiles(self) -> Answer:
        table = self.lake.open(SEGMENTS)
        assert table is not None
        return answer(_PROFILES, rows=scan(table, ["message_id", "segment_id"]))

    def noted(self, before: Callable[[], None], work: Callable[[], None]) -> dict[str, object]:
        """Once more, to see where the time goes and how much memory it takes."""
        before()
        named = {"digests": (Space, "digest")} | RUN | {"- replay": (Space, "resolved")}
        with PeakMemory() as peak, steps(named) as spent:
            work()
        return {"peak bytes": peak.bytes, "seconds by step": spent}


def _scan(bench: Bench, path: Path, segments: pa.Table) -> Way:
    def run() -> None:
        rows = bench.spark.read.parquet(str(path)).selectExpr("id", "received_at", _HASHED)
        rows.write.format("noop").mode("overwrite").save()

    def found() -> Answer:
        return answer(_SCANNED, rows=pq.read_table(path, columns=["id"]), segments=segments)

    return Way("Spark scans and hashes the rows", run, found)
