"""Measure 6: an hour with a hundred events and one with none, the session being up; a DuckDB warehouse is synced too.

Against what Spark alone takes: an append of the hour's events to one Delta table, a count of that table. In the end the
lake that grew hour by hour has to be the one that a single batch makes. Spark jobs and commits are counted, the commits
by what their tables are there for; docs/scale.md says why there is each.
"""

import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from profiles_sync.generator.write import write_events
from profiles_sync.pipeline.engine import Engine
from profiles_sync.pipeline.run import take_new_events
from profiles_sync.sync.hourly import lake_of, run
from tests.benchmarks.costs import kind_of
from tests.benchmarks.inputs import STREAM, space
from tests.benchmarks.lakes import all_of_lake, events_of_lake, events_of_one_table
from tests.benchmarks.measure import Answer, Bench, Goal, Result, Way, agreed, race
from tests.benchmarks.stamped import stamped

FULL, QUICK = (200, 100), (20, 100)  # hours in the stream, and events in each of them


def measure(bench: Bench) -> Iterator[Result]:
    hours = Hours(bench)
    count, each = bench.sizes
    inputs = {"events before": count * each, "seed": bench.seed}
    results = []
    for events, most, ours, against, theirs in (
        (each, 10.0, hours.take, "Spark appends them to one Delta table", hours.append),
        (0, 3.0, hours.idle, "Spark counts one Delta table", hours.count),
    ):
        counted = hours.counted(ours)
        theirs()
        ways = (
            Way(f"an hour with {events or 'no'} events", ours, hours.in_lake),
            Way(against, theirs, hours.in_one_table),
        )
        results.append(race(6, *ways, Goal(most, "s"), {"events": events, **inputs}, bench.repeats, counted))
    whole, _ = agreed(
        Way("hour by hour", hours.take, lambda: all_of_lake(hours.lake)),
        Way("all hours as one batch", hours.take, hours.at_once),
    )
    for one in results:
        yield replace(one, notes={**one.notes, "every table in the end, as all hours in one batch make them": whole})


class Hours:
    """A space and one Delta table that have taken all hours but the last few, which come one by one."""

    def __init__(self, bench: Bench) -> None:
        self.spark, self.folder = bench.spark, bench.folder
        count, each = bench.sizes
        shape = replace(STREAM, events=count * each, hours=count, seed=bench.seed)
        first = count - bench.repeats - 2  # one is counted, one runs before the timed ones
        self.events, self.one = self.folder / "events", self.folder / "one"
        write_events(self.events, shape, last_hour=first)
        self.coming = iter(range(first, count))
        for hour in range(first, count):
            write_events(self._waiting(hour), shape, first_hour=hour, last_hour=hour + 1)
        self.settings = space(self.folder / "space", "auto", self.events, warehouse=True)
        self.lake = lake_of(self.settings)
        self.schema = self.spark.read.json(str(self.events / "*")).schema
        self.idle()
        self._append(self.events)

    def take(self) -> None:
        """The next hour arrives and is run."""
        self.taken = self._waiting(next(self.coming))
        for file in self.taken.glob("*/*"):
            shutil.copy(file, self.events / file.parent.name / file.name)
        self.idle()

    def idle(self) -> None:
        """A run, whatever there is."""
        result = run(self.settings, lambda: self.spark)
        if result.status != "Success":
            raise RuntimeError(f"{result.status}: {result.error}")

    def append(self) -> None:
        """Spark appends the hour that was taken last."""
        self._append(self.taken)

    def count(self) -> None:
        """Spark's least: a job over one Delta table."""
        self.spark.read.format("delta").load(str(self.one)).count()

    def in_lake(self) -> Answer:
        return events_of_lake(self.lake)

    def in_one_table(self) -> Answer:
        return events_of_one_table(self.one, stamped(self.settings))

    def at_once(self) -> Answer:
        """Every table of a lake that takes all that has come as a single batch."""
        settings = space(self.folder / "at-once", "driver", self.events)
        take_new_events(Engine(settings, lake_of(settings), lambda: self.spark))
        return all_of_lake(lake_of(settings))

    def counted(self, work: Callable[[], None]) -> dict[str, Any]:
        """Do the work; which Delta tables had how many commits, and how many Spark jobs there were."""
        tracker = self.spark.sparkContext.statusTracker()
        commits, jobs = _commits(Path(self.settings.lake) / self.lake.slug), set(tracker.getJobIdsForGroup(None))
        work()
        made = _commits(Path(self.settings.lake) / self.lake.slug) - commits
        kinds: Counter[str] = Counter()
        for table, count in made.items():
            kinds[kind_of(table.split("/")[0])] += count
        return {
            "Spark jobs": len(set(tracker.getJobIdsForGroup(None)) - jobs),
            "Delta commits": made.total(),
            "commits by kind": dict(kinds.most_common()),
            "commits by table": dict(made.most_common()),
        }

    def _append(self, events: Path) -> None:
        rows = self.spark.read.schema(self.schema).json(str(events / "*"))
        rows.write.format("delta").mode("append").save(str(self.one))

    def _waiting(self, hour: int) -> Path:
        return self.folder / "waiting" / str(hour)


def _commits(lake: Path) -> Counter[str]:
    """Commits by table, as the logs have them."""
    return Counter(str(log.parent.parent.relative_to(lake)) for log in lake.rglob("_delta_log/*.json"))
