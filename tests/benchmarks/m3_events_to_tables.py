"""Measure 3: JSON events to all Delta tables.

Against Spark reading the same JSON with an explicit schema and writing one Delta table, warm, in the same process.
Before, the same stream at a small size has to come to the reference's tables, all of them.
"""

import shutil
from collections.abc import Iterator
from dataclasses import replace

from profiles_sync.generator.write import write_events
from profiles_sync.pipeline.run import Engine, take_new_events
from profiles_sync.sync.hourly import lake_of
from tests.benchmarks.inputs import STREAM, space
from tests.benchmarks.lakes import all_of_lake, all_of_reference, events_of_lake, events_of_one_table
from tests.benchmarks.measure import Bench, Goal, Result, Way, agreed, race
from tests.benchmarks.memory import PeakMemory

_CHECKED = 5_000  # events: the reference is written to be read, not to be fast


def measure(bench: Bench) -> Iterator[Result]:
    _check_against_reference(bench)
    shape = replace(STREAM, events=bench.sizes.events, seed=bench.sizes.seed)
    events = bench.folder / "events"
    written = write_events(events, shape)
    settings = space(bench.folder / "space", "spark", events)
    lake, one = lake_of(settings), bench.folder / "one"
    paths = [str(events / name) for name in shape.sources]
    schema = bench.spark.read.json(paths).schema

    def ours() -> None:
        shutil.rmtree(settings.lake, ignore_errors=True)
        take_new_events(Engine(settings, lake, lambda: bench.spark))

    def theirs() -> None:
        shutil.rmtree(one, ignore_errors=True)
        bench.spark.read.schema(schema).json(paths).write.format("delta").save(str(one))

    with PeakMemory() as peak:
        ours()
    all_tables = Way("JSON to all Delta tables", ours, lambda: events_of_lake(lake))
    one_table = Way("Spark, JSON to one Delta table", theirs, lambda: events_of_one_table(one))
    inputs = {"events": shape.events, "seed": shape.seed, "bytes": written.size}
    yield race(3, all_tables, one_table, Goal(1.6), inputs, bench.sizes.repeats, {"peak bytes": peak.bytes})


def _check_against_reference(bench: Bench) -> None:
    folder = bench.folder / "checked"
    write_events(folder / "events", replace(STREAM, events=min(_CHECKED, bench.sizes.events), seed=bench.sizes.seed))
    settings = space(folder, "spark", folder / "events")
    lake = lake_of(settings)
    ours = Way("every table", lambda: None, lambda: all_of_lake(lake))
    take_new_events(Engine(settings, lake, lambda: bench.spark))
    agreed(ours, Way("the reference", lambda: None, lambda: all_of_reference(settings)))
