"""Measure 6: an hour with no events and one with a hundred, after the session is up; Delta commits are counted."""

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from profiles_sync.generator.write import write_events
from profiles_sync.pipeline.run import Engine, take_new_events
from profiles_sync.sync.hourly import lake_of
from tests.benchmarks.measure import Result
from tests.benchmarks.tables import SHAPE, space


def commits(folder: Path) -> int:
    return sum(1 for _ in folder.rglob("_delta_log/*.json"))


def measure(spark, folder: Path, quick: bool, seed: int) -> Iterator[Result]:
    shape = replace(SHAPE, events=20_000, seed=seed, hours=200)  # a hundred events an hour
    settings = space(folder, shape, "auto")
    engine = Engine(settings, lake_of(settings), lambda: spark)
    write_events(folder / "events", shape, last_hour=199)
    take_new_events(engine)
    write_events(folder / "events", shape, first_hour=199)
    for what, goal in (("an hour with 100 events", 10.0), ("an hour without events", 3.0)):
        before, started = commits(folder), time.perf_counter()
        report = take_new_events(engine)
        seconds = time.perf_counter() - started
        notes = {"Delta commits": commits(folder) - before, "Spark jobs": 0, "events": report.events}
        yield Result(6, what, "one second", f"{report.events} events", seconds, 1.0, goal, notes=notes)
