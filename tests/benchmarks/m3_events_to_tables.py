"""Measure 3: JSON events to all Delta tables.

The lake has a batch before, and some of its messageIds come again. Among the events are broken lines, values that do
not fit their column, blocked identifiers, and more identifiers than a profile may have for ever or in a window; what
came of each is noted. Against Spark reading the same JSON with an explicit schema and writing one Delta table: warm, in
the same process, and as two whole processes, from nothing to their end. The reference says which of Spark's rows stay,
and whose profile each shows. Before, the same at a small size has to come to the reference's tables, all of them.
"""

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import orjson
import pyarrow as pa

from profiles_sync.generator.write import write_events
from profiles_sync.pipeline.engine import Engine, Report
from profiles_sync.pipeline.run import take_new_events
from profiles_sync.spec.resolver import BLOCKED, OVER_LIMIT, OVER_TIME_LIMIT
from profiles_sync.sync.hourly import lake_of
from tests.benchmarks.inputs import STREAM, space
from tests.benchmarks.lakes import all_of_lake, all_of_reference, events_of_lake, events_of_one_table
from tests.benchmarks.measure import Answer, Bench, Goal, Result, Way, agreed, race
from tests.benchmarks.memory import PeakMemory
from tests.benchmarks.stamped import stamped
from tests.benchmarks.steps import steps

FULL, QUICK = (1_000_000,), (3_000,)  # events
_CLI = ["-c", "from profiles_sync.cli import main; main()"]
_LARGE = 100_000  # events: with fewer a process does little but start
_CHECKED = 3_000  # events: the reference is written to be read, not to be fast
_HOURS, _BEFORE = 48, 2  # of the stream, and of them in the batch before
_AGAIN = 10  # every so many-th event of the batch before comes again


def measure(bench: Bench) -> Iterator[Result]:
    stream = Stream(bench, bench.folder, bench.sizes[0])
    with PeakMemory() as peak, steps() as spent:
        stream.take()
    ours, theirs = stream.all_tables(), stream.one_table()
    inputs = {"events": bench.sizes[0], "bytes": stream.size, "seed": bench.seed}
    notes = {"peak bytes": peak.bytes, "seconds by step": spent, "of the batch": stream.had()}
    notes |= {"every table at a small size, as the reference has it": _checked(bench, stream)}
    theirs.run()
    agreed(ours, theirs)  # both have run once and are warm
    yield race(3, ours, theirs, Goal(1.6), inputs, bench.repeats, notes, warm=False)
    if bench.sizes[0] >= _LARGE:
        yield _whole_processes(bench, stream, inputs)


class Stream:
    """A space with a batch before, and files that it has not taken."""

    def __init__(self, bench: Bench, folder: Path, events: int) -> None:
        self.bench, self.folder, self.events = bench, folder, folder / "events"
        in_all = events * _HOURS // (_HOURS - _BEFORE)
        shape = replace(STREAM, events=in_all, seed=bench.seed, hours=_HOURS, detail=True, broken=0.001)
        write_events(folder / "waiting", shape)
        self.since = datetime.fromisoformat(shape.start) + timedelta(hours=_BEFORE)
        taken = self.arrive(lambda hour: hour < f"{self.since:%Y%m%d-%H}")
        before = space(folder / "space", "driver", self.events)
        self.lake, self.one, self.kept = lake_of(before), folder / "one", folder / "kept"
        take_new_events(Engine(before, self.lake, bench.start))
        self.settings = space(folder / "space", "spark", self.events)
        self.engine = Engine(self.settings, self.lake, bench.start)
        shutil.copytree(self.settings.lake, self.kept)
        new = self.arrive(lambda hour: True) + _again(taken, self.since)
        self.new, self.size = [str(path) for path in new], sum(path.stat().st_size for path in new)
        self.stamps: pa.Table = stamped(self.settings)
        self.schema = bench.spark.read.json(self.new).schema

    def arrive(self, is_due: Callable[[str], bool]) -> list[Path]:
        """The files of these hours are there."""
        there = []
        for path in sorted((self.folder / "waiting").glob("*/*")):
            if is_due(path.stem):
                target = self.events / path.parent.name / path.name
                target.parent.mkdir(parents=True, exist_ok=True)
                there.append(path.rename(target))
        return there

    def take(self) -> None:
        self.report: Report = take_new_events(self.engine)

    def restore(self) -> None:
        """The lake as it is after the batch before."""
        shutil.rmtree(self.settings.lake)
        shutil.copytree(self.kept, self.settings.lake)

    def all_tables(self) -> Way:
        at = int(self.since.timestamp()) * 1_000_000
        return Way("JSON to all Delta tables", self.take, lambda: events_of_lake(self.lake, at), self.restore)

    def one_table(self) -> Way:
        at = int(self.since.timestamp()) * 1_000_000
        return Way(
            "Spark, JSON to one Delta table",
            self.append,
            lambda: events_of_one_table(self.one, self.stamps, at),
            lambda: shutil.rmtree(self.one, ignore_errors=True),
        )

    def append(self) -> None:
        rows = self.bench.spark.read.schema(self.schema).json(self.new)
        rows.write.format("delta").save(str(self.one))

    def had(self) -> dict[str, int]:
        """What the last batch had beside plain events."""
        said, violations = self.report, self.report.violations
        found = {
            "lines": said.read,
            "lines in quarantine": sum(said.quarantined.values()),
            "repeats": said.duplicates,
            "values of another type than their column's": sum(said.cast_to_null.values()),
            "blocked values": violations.get(BLOCKED, 0),
            "over a limit": violations.get(OVER_LIMIT, 0),
            "over a limit in a window": violations.get(OVER_TIME_LIMIT, 0),
            "merges": said.merges,
        }
        if lacking := [name for name, count in found.items() if not count and said.read >= _LARGE]:
            raise RuntimeError(f"the stream had none of these: {', '.join(lacking)}")
        return found


def _again(taken: list[Path], since: datetime) -> list[Path]:
    """Some events of the batch before come once more, in a file beside each."""
    made = []
    received_at = (since + timedelta(minutes=5)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    for path in taken:
        again = path.with_name(f"again-{path.name}")
        with again.open("wb") as out:
            for line in path.read_bytes().splitlines()[::_AGAIN]:
                if line.endswith(b"}"):  # broken ones do not
                    out.write(orjson.dumps(orjson.loads(line) | {"receivedAt": received_at}) + b"\n")
        made.append(again)
    return made


def _whole_processes(bench: Bench, stream: Stream, inputs: Mapping[str, int]) -> Result:
    """The same by the command line and by a script."""
    declared = bench.folder / "schema.json"
    declared.write_text(stream.schema.json())
    run = [*_CLI, "run", "--settings", str(bench.folder / "space" / "acme.yml"), "--json"]
    script = ["-m", "tests.benchmarks.one_table", str(declared), str(stream.one), *stream.new]
    ways = (
        replace(way, name=f"{way.name}, a whole process", run=partial(_python, given))
        for way, given in ((stream.all_tables(), run), (stream.one_table(), script))
    )
    return race(3, *ways, Goal(2), inputs, bench.repeats, warm=False)


def _python(given: list[str]) -> None:
    subprocess.run([sys.executable, *given], check=True, stdout=subprocess.DEVNULL)


def _checked(bench: Bench, stream: Stream) -> Answer:
    """Of the stream itself where it is small, else of a smaller one."""
    if bench.sizes[0] > _CHECKED:
        stream = Stream(bench, bench.folder / "checked", _CHECKED)
        stream.take()
    ours = Way("every table", lambda: None, lambda: all_of_lake(stream.lake))
    return agreed(ours, Way("the reference", lambda: None, lambda: all_of_reference(stream.settings)))[0]
