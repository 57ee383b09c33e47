"""Measure 2: identity resolution with limits, windows, blocked values and priority, its results written as Delta.

Identifiers are extracted already. What is written: the profile of every event, the raw tables, what the next batch
looks up. Against Spark, which scans the same rows and hashes their identifiers, and writes nothing; and the path that
is spread over Spark against the one in the driver. Before, the reference has to come to the same, event by event.
"""

import shutil
import time
from collections.abc import Iterator
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
from tests.benchmarks.extracted import RULES, Extracted, extracted, staged, to_parquet
from tests.benchmarks.measure import Answer, Bench, Goal, Result, Way, agreed, answer, race
from tests.benchmarks.memory import PeakMemory
from tests.benchmarks.resolved import SEGMENTS, by_reference, in_lake
from tests.benchmarks.steps import RUN, steps

FULL, QUICK = (1_000, 1_000_000, 5_000_000), (1_000, 50_000)  # events
_SMALL, _LARGE = 10_000, 1_000_000  # events up to which the goal is in seconds; from which the goal of both paths holds
_HASHED = "transform(identifiers, one -> xxhash64(one.type, one.value)) AS hashes"


def measure(bench: Bench) -> Iterator[Result]:
    for count in bench.sizes:
        folder = bench.folder / str(count)
        events = extracted(count, bench.seed)
        inputs = {"events": count, "identifiers": len(events.event), "seed": bench.seed}
        driver = Space(bench, folder, events, "driver")
        expected = by_reference(events, RULES, driver.lake.slug)
        agreed(driver.resolves(), Way("the reference", lambda: None, lambda found=expected: found))
        notes = driver.noted()
        goal = Goal(0.3, "s") if count <= _SMALL else Goal(3)
        yield race(2, driver.writes(), _scan(bench, folder, events), goal, inputs, bench.repeats, notes)
        if count == max(bench.sizes):
            spread = Space(bench, folder, events, "distributed")
            notes = spread.noted()
            goal = Goal(4) if count >= _LARGE else Goal(3, "s")
            yield race(2, spread.resolves("spread over Spark"), driver.resolves(), goal, inputs, bench.repeats, notes)
        shutil.rmtree(folder)


class Space:
    """A space whose lake takes the events as its first batch, again and again."""

    def __init__(self, bench: Bench, folder: Path, events: Extracted, path: str) -> None:
        self.path, self.work = path, folder / path
        self.work.mkdir(parents=True)
        settings = self.work / "acme.yml"
        settings.write_text(
            "space: {name: Acme, slug: acme}\nsources: {website: {id: s1, name: Website, path: ./events}}\n"
            f"identity: {{path: {path}}}\n"
        )
        self.settings = load(settings)
        self.lake = lake_of(self.settings)
        self.engine = Engine(self.settings, self.lake, bench.start)
        started = time.perf_counter()
        self.parsed = staged(events, self.work / "staged")
        self.staging_seconds = time.perf_counter() - started
        self.message_id = events.message_id
        prepare(self.lake)
        self.resolve()

    def resolve(self) -> None:
        """A run between reading lines and writing the events' tables."""
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

    def resolves(self, where: str = "in the driver") -> Way:
        """Its answer is all that was written."""
        return Way(f"identity {where}, to Delta", self.resolve, lambda: in_lake(self.lake), self.forget)

    def writes(self) -> Way:
        """Its answer is which events it has."""
        return Way("identity in the driver, to Delta", self.resolve, self._events, self.forget)

    def _events(self) -> Answer:
        table = self.lake.open(SEGMENTS)
        assert table is not None
        return answer("SELECT message_id AS id FROM rows", rows=scan(table, ["message_id"]))

    def noted(self) -> dict[str, object]:
        """Once more, to see where the time goes and how much memory it takes."""
        self.forget()
        named = RUN | {"- replay": (Space, "resolved")}
        with PeakMemory() as peak, steps(named) as spent:
            self.resolve()
        hashed = {"digests, made while lines are read": self.staging_seconds}
        return {"peak bytes": peak.bytes, "seconds by step": dict(spent) | hashed}


def _scan(bench: Bench, folder: Path, events: Extracted) -> Way:
    path = folder / "events.parquet"
    to_parquet(events, path)

    def run() -> None:
        rows = bench.spark.read.parquet(str(path)).selectExpr("id", "received_at", _HASHED)
        rows.write.format("noop").mode("overwrite").save()

    return Way(
        "Spark scans and hashes the rows",
        run,
        lambda: answer("SELECT id FROM rows", rows=pq.read_table(path, columns=["id"])),
    )
