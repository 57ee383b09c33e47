"""Measure 9: the 201st hourly run against the 10th, with the upkeep of a day and without.

Both take the same hundred events and sync a DuckDB warehouse; one lake has taken nine hours before, the other two
hundred. So the later run meets more people whom it knows, and has more to change. What the number of runs alone costs
shows against a third lake, which has taken the same two hundred hours in nine runs.

The clock goes on by an hour from run to run, so that the runs keep the lake up once a day as they do for everybody:
eight times before the 201st, the last time eight hours before it. Then the runs are timed in turn twice: as 23 of a
day's 24 are, and as the one that does the upkeep, nine and eight hours' worth of it: small files put together,
checkpoints, replaced files removed. Those are kept for a week by default, and here not at all: so each upkeep removes
what a day has replaced, as it does from the second week on. Entries of the log stay for 30 days, which no run here
lasts. In the end the lake that grew hour by hour has to be the one that a single batch makes.
"""

import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from statistics import fmean, median
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from profiles_sync.generator.stream import Shape
from profiles_sync.generator.write import write_events
from profiles_sync.lake.opening import lake_of
from profiles_sync.pipeline.engine import Engine
from profiles_sync.pipeline.run import take_new_events
from profiles_sync.sync import upkeep
from profiles_sync.sync.hourly import run
from tests.benchmarks.inputs import STREAM, space
from tests.benchmarks.lakes import all_of_duckdb, all_of_lake, events_of_any_lake
from tests.benchmarks.measure import Answer, Bench, Goal, Result, Way, agreed, race, timed
from tests.benchmarks.steps import steps

FULL = (201, 10, 100)  # which run, against which, and events in each hour
QUICK = ()  # what many hours cost shows after many
_DAY = 24


def measure(bench: Bench) -> Iterator[Result]:
    late, early, each = bench.sizes
    shape = replace(STREAM, events=late * each, hours=late, seed=bench.seed)
    write_events(bench.folder / "waiting", shape)
    spaces = [Hourly(bench, number, shape, number - 1) for number in (late, early)]
    alike = Hourly(bench, early, shape, late - 1)
    notes = _of_both(spaces, Hourly.noted)
    inputs = {"runs before": late - 1, "of the other": early - 1, "events": each, "seed": bench.seed}
    result = race(9, *(one.way() for one in spaces), Goal(1.2), inputs, bench.repeats, notes)
    same = {**inputs, "hours before, in both": late - 1}
    known = race(9, spaces[0].way(), alike.way(), Goal(1.2), same, bench.repeats, alike.noted())
    notes = _of_both(spaces, Hourly.noted_upkeep)
    upkept = race(9, *(one.with_upkeep() for one in spaces), Goal(1.2), inputs, bench.repeats, notes)
    yield replace(result, notes={**result.notes, **_of_both(spaces, Hourly.checked)})
    yield known
    yield upkept


def _of_both(spaces: "list[Hourly]", note: "Callable[[Hourly], dict[str, Any]]") -> dict[str, Any]:
    """What there is to note of the later run, and of the other one under its number."""
    late, early = map(note, spaces)
    return late | {f"{spaces[1].name}: {name}": value for name, value in early.items()}


class Hourly:
    """A space that has taken some hours in some runs before, and takes the stream's last hour again and again."""

    def __init__(self, bench: Bench, number: int, shape: Shape, hours: int) -> None:
        self.shape, self.start = shape, bench.start
        self.name = f"run {number}" + ("" if hours == number - 1 else f" on {hours} hours")
        self.waiting, self.folder = bench.folder / "waiting", bench.folder / self.name
        self.kept = bench.folder / f"{self.name}, kept"
        settings = space(self.folder, "auto", self.folder / "events", warehouse=True)
        self.settings = settings.model_copy(update={"upkeep": settings.upkeep.model_copy(update={"keep_hours": 0})})
        self.lake = lake_of(self.settings)
        self.began, self.hour = time.time(), 0
        self.seconds: list[float] = []
        for self.hour in range(number - 1):
            for hour in range(self.hour * hours // (number - 1), (self.hour + 1) * hours // (number - 1)):
                self.arrive(hour)
            with timed(self.seconds):
                self.run()
        self.hour = number - 1
        shutil.copytree(self.folder, self.kept)
        self.arrive(shape.hours - 1)

    def arrive(self, hour: int) -> None:
        name = f"{datetime.fromisoformat(self.shape.start) + timedelta(hours=hour):%Y%m%d-%H}.jsonl"
        for file in self.waiting.glob(f"*/{name}"):
            (self.folder / "events" / file.parent.name).mkdir(parents=True, exist_ok=True)
            shutil.copy(file, self.folder / "events" / file.parent.name)

    def run(self, later: int = 0) -> None:
        """At its hour, or some later, by the clock that tells whether upkeep is due."""
        now = self.began + (self.hour + later) * 3600 + 60  # the first run's tables are a little younger than the space
        with patch.object(upkeep, "time", SimpleNamespace(time=lambda: now)):
            result = run(self.settings, self.start)
        if result.status != "Success":
            raise RuntimeError(f"{result.status}: {result.error}")

    def restore(self) -> None:
        """The lake and the warehouse are as they were before the last hour."""
        shutil.rmtree(self.settings.lake)
        shutil.copytree(self.kept / "lake", self.settings.lake)
        shutil.copy(self.kept / "acme.duckdb", self.folder)

    def way(self) -> Way:
        return Way(self.name, self.run, self.last_hour, self.restore)

    def with_upkeep(self) -> Way:
        return Way(f"{self.name}, which does a day's upkeep", self.keep_up, self.last_hour, self.restore)

    def keep_up(self) -> None:
        """The same run, when upkeep is due."""
        self.run(later=_DAY)

    def last_hour(self) -> Answer:
        """The events of the last hour; their profiles are those of the hours before."""
        began = datetime.fromisoformat(self.shape.start) + timedelta(hours=self.shape.hours - 1)
        return events_of_any_lake(self.lake, since=int(began.timestamp()) * 1_000_000)

    def noted(self) -> dict[str, Any]:
        """Take the last hour to see where the time goes; and how long the runs before took, hour after hour."""
        return self._took(self.run) | self.by_day()

    def noted_upkeep(self) -> dict[str, Any]:
        return self._took(self.keep_up)

    def _took(self, work: Callable[[], None]) -> dict[str, Any]:
        self.restore()
        before = self._files()
        with steps() as spent:
            work()
        if (work == self.keep_up) != ("upkeep" in spent):
            raise RuntimeError(f"{self.name}: upkeep was {'not ' if work == self.keep_up else ''}done")
        return {"files before": before, "files": self._files(), "seconds by step": spent}

    def _files(self) -> int:
        return sum(1 for path in Path(self.settings.lake).rglob("*") if path.is_file())

    def by_day(self) -> dict[str, Any]:
        """Runs 2 to 25 are the first day, the 25th with upkeep, and so on; the first run compiles."""
        days = [self.seconds[at : at + _DAY] for at in range(1, len(self.seconds), _DAY)]
        return {
            "mean of a day's runs, upkeep included": {f"day {at + 1}": fmean(day) for at, day in enumerate(days)},
            "median of them": {f"day {at + 1}": median(day) for at, day in enumerate(days)},
            "the run with upkeep": {f"day {at + 1}": day[-1] for at, day in enumerate(days) if len(day) == _DAY},
        }

    def checked(self) -> dict[str, Answer]:
        """What grew run by run is what all the hours give as one batch, in the lake and in DuckDB."""
        settings = space(self.folder / "at-once", "driver", self.folder / "events")
        take_new_events(Engine(settings, lake_of(settings), self.start))
        grown = Way("run by run", self.run, lambda: all_of_lake(self.lake))
        agreed(grown, Way("all as one batch", self.run, lambda: all_of_lake(lake_of(settings))))
        in_duckdb = Way("in DuckDB", self.run, lambda: all_of_duckdb(self.folder / "acme.duckdb", "acme"))
        return {"every table, as all hours in one batch and DuckDB have them": agreed(grown, in_duckdb)[0]}
