"""Measure 3: JSON events to all Delta tables.

Against Spark reading the same JSON with an explicit schema and writing one Delta table: warm, in the same process, and
as two whole processes, from nothing to their end. Before, the same stream at a small size has to come to the
reference's tables, all of them.
"""

import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial

from profiles_sync.generator.write import write_events
from profiles_sync.pipeline.engine import Engine
from profiles_sync.pipeline.run import take_new_events
from profiles_sync.sync.hourly import lake_of
from tests.benchmarks.inputs import STREAM, space
from tests.benchmarks.lakes import all_of_lake, all_of_reference, events_of_lake, events_of_one_table
from tests.benchmarks.measure import Bench, Goal, Result, Way, agreed, race
from tests.benchmarks.memory import PeakMemory
from tests.benchmarks.steps import steps

FULL, QUICK = (1_000_000,), (5_000,)  # events
_CLI = ["-c", "from profiles_sync.cli import main; main()"]
_LARGE = 100_000  # events: with fewer a process does little but start
_CHECKED = 3_000  # events: the reference is written to be read, not to be fast


def measure(bench: Bench) -> Iterator[Result]:
    _check_against_reference(bench)
    shape = replace(STREAM, events=bench.sizes[0], seed=bench.seed)
    events = bench.folder / "events"
    written = write_events(events, shape)
    settings = space(bench.folder / "space", "spark", events)
    lake, one = lake_of(settings), bench.folder / "one"
    paths = [str(events / name) for name in shape.sources]
    schema = bench.spark.read.json(paths).schema
    engine = Engine(settings, lake, bench.start)

    def theirs() -> None:
        bench.spark.read.schema(schema).json(paths).write.format("delta").save(str(one))

    with PeakMemory() as peak, steps() as spent:
        take_new_events(engine)
    all_tables = Way(
        "JSON to all Delta tables",
        lambda: take_new_events(engine),
        lambda: events_of_lake(lake),
        lambda: shutil.rmtree(settings.lake),
    )
    one_table = Way(
        "Spark, JSON to one Delta table",
        theirs,
        lambda: events_of_one_table(one),
        lambda: shutil.rmtree(one, ignore_errors=True),
    )
    inputs = {"events": shape.events, "seed": shape.seed, "bytes": written.size}
    notes = {"peak bytes": peak.bytes, "seconds by step": spent}
    yield race(3, all_tables, one_table, Goal(1.6), inputs, bench.repeats, notes)
    if shape.events >= _LARGE:
        yield _whole_processes(bench, all_tables, one_table, inputs, schema.json())


def _whole_processes(bench: Bench, ours: Way, theirs: Way, inputs: Mapping[str, int], schema: str) -> Result:
    """The same by the command line and by a script."""
    declared = bench.folder / "schema.json"
    declared.write_text(schema)
    sources = [str(bench.folder / "events" / name) for name in STREAM.sources]
    run = [*_CLI, "run", "--settings", str(bench.folder / "space" / "acme.yml"), "--json"]
    script = ["-m", "tests.benchmarks.one_table", str(declared), str(bench.folder / "one"), *sources]
    ways = (
        replace(way, name=f"{way.name}, a whole process", run=partial(_python, given))
        for way, given in ((ours, run), (theirs, script))
    )
    return race(3, *ways, Goal(2), inputs, bench.repeats, warm=False)


def _python(given: list[str]) -> None:
    subprocess.run([sys.executable, *given], check=True, stdout=subprocess.DEVNULL)


def _check_against_reference(bench: Bench) -> None:
    folder = bench.folder / "checked"
    write_events(folder / "events", replace(STREAM, events=min(_CHECKED, bench.sizes[0]), seed=bench.seed))
    settings = space(folder, "spark", folder / "events")
    lake = lake_of(settings)
    ours = Way("every table", lambda: None, lambda: all_of_lake(lake))
    take_new_events(Engine(settings, lake, bench.start))
    agreed(ours, Way("the reference", lambda: None, lambda: all_of_reference(settings)))
