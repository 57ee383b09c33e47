"""Measure 13: what the checks of each batch cost: at most 1.25 x a sync without them.

An hour's run, of two spaces that take the same hours, one of which checks. And the sync alone of all that a lake holds
into an empty DuckDB file. All batches are as expected, so Great Expectations is not loaded: see DECISIONS, 55.
"""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path

import duckdb

from profiles_sync.generator.write import write_events
from profiles_sync.settings import Settings
from profiles_sync.sync.checking import quality_of
from profiles_sync.sync.hourly import lake_of, run
from profiles_sync.sync.run import Bounds, sync_warehouse
from profiles_sync.warehouses import open_warehouse
from tests.benchmarks.inputs import STREAM, space
from tests.benchmarks.measure import Answer, Bench, Goal, Result, Way, answer, race

FULL, QUICK = (10, 10_000), (5, 1_000)  # hours in the stream, and events in each of them
_MOST = Goal(1.25)


def measure(bench: Bench) -> Iterator[Result]:
    hours, each = bench.sizes
    inputs = {"events before": hours * each, "events": each, "seed": bench.seed}
    checking, plain = (Hours(bench, name, enabled) for name, enabled in (("checking", True), ("plain", False)))
    yield race(13, checking.way, plain.way, _MOST, inputs, bench.repeats)
    checked, unchecked = checking.whole("checked", True), checking.whole("unchecked", False)
    yield race(13, checked, unchecked, _MOST, inputs, bench.repeats)


class Hours:
    """A space that has taken all hours but the last few, which come one by one."""

    def __init__(self, bench: Bench, name: str, enabled: bool) -> None:
        self.folder, self.bench = bench.folder / name, bench
        hours, each = bench.sizes
        coming = bench.repeats + 1  # one warms up
        self.shape = replace(STREAM, events=(hours + coming) * each, hours=hours + coming, seed=bench.seed)
        self.events, self.hour = self.folder / "events", count(hours)
        write_events(self.events, self.shape, last_hour=hours)
        more = f"quality: {{enabled: {str(enabled).lower()}}}\n"
        self.settings = space(self.folder / "space", "driver", self.events, warehouse=True, more=more)
        self.way = Way(f"an hour's run, {'with checks' if enabled else 'without'}", self.run, self.rows, self.arrive)
        self.run()

    def arrive(self) -> None:
        """The events of the next hour."""
        hour, waiting = next(self.hour), self.folder / "waiting"
        write_events(waiting, self.shape, first_hour=hour, last_hour=hour + 1)
        for file in waiting.glob("*/*"):
            target = self.events / file.parent.name / f"{hour}-{file.name}"
            target.parent.mkdir(exist_ok=True)
            shutil.move(file, target)

    def run(self) -> None:
        result = run(self.settings, lambda: self.bench.spark)
        if result.status != "Success":
            raise RuntimeError(f"{result.status}: {result.error}")

    def rows(self) -> Answer:
        return _rows(Path(self.settings.warehouses["local"].path))

    def whole(self, name: str, enabled: bool) -> Way:
        """The sync of all rows into an empty file."""
        path = self.folder / f"{name}.duckdb"
        declared = self.settings.warehouses["local"].model_copy(update={"path": str(path)})

        def sync() -> None:
            gate = _quality(self.settings, enabled)
            result = sync_warehouse(
                open_warehouse(name, declared, "acme"), lake_of(self.settings), "1", bounds=Bounds(gate=gate)
            )
            if result.status != "Success":
                raise RuntimeError(result.said)

        return Way(f"a first sync, {name}", sync, lambda: _rows(path), lambda: path.unlink(missing_ok=True))


def _quality(settings: Settings, enabled: bool):
    quality = quality_of(settings, lake_of(settings)) if enabled else None
    return quality and quality.gate("local")


def _rows(path: Path) -> Answer:
    """Of every table its name and how many rows it has."""
    with duckdb.connect() as opened:
        opened.execute(f"ATTACH '{path}' AS w (READ_ONLY)")
        names = opened.execute("SELECT table_name FROM duckdb_tables() WHERE schema_name = 'acme'").fetchall()
        counts = " UNION ALL ".join(
            f"SELECT '{name}' AS name, count(*) AS rows FROM w.acme.\"{name}\"" for (name,) in names
        )
        rows = opened.sql(counts).to_arrow_table()
    return answer("FROM rows", rows=rows)
