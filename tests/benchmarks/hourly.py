"""Hours that come one by one to a space with a DuckDB warehouse, without Spark."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import duckdb

from profiles_sync.generator.write import write_events
from profiles_sync.sync.hourly import run
from tests.benchmarks.inputs import STREAM, space
from tests.benchmarks.measure import Answer, Bench, Way, answer


class Hours:
    """A space that has taken all hours but the last few; `more` are settings of it. Sizes are hours and events each."""

    def __init__(self, bench: Bench, name: str, more: str, coming: int | None = None) -> None:
        self.folder = bench.folder / name
        hours, each = bench.sizes
        coming = coming or bench.repeats + 1  # one warms up
        shape = replace(STREAM, events=(hours + coming) * each, hours=hours + coming, seed=bench.seed)
        self.events, self.waiting = self.folder / "events", self.folder / "waiting"
        write_events(self.events, shape, last_hour=hours)
        write_events(self.waiting, shape, first_hour=hours)
        self.coming = iter(sorted({file.name for file in self.waiting.glob("*/*")}))
        self.settings = space(self.folder / "space", "driver", self.events, warehouse=True, more=more)
        self.run()

    def way(self, name: str, run: Callable[[], None] | None = None) -> Way:
        """The next hour's run, in this process or however else."""
        return Way(name, run or self.run, self.rows, self.arrive)

    def arrive(self) -> None:
        """The events of the next hour."""
        for file in self.waiting.glob(f"*/{next(self.coming)}"):
            target = self.events / file.parent.name / file.name
            target.parent.mkdir(exist_ok=True)
            shutil.move(file, target)

    def run(self) -> None:
        result = run(self.settings, lambda: None)
        if result.status != "Success":
            raise RuntimeError(f"{result.status}: {result.error}")

    def rows(self) -> Answer:
        return rows_of(Path(self.settings.warehouses["local"].path))


def rows_of(path: Path) -> Answer:
    """Of every table of a warehouse its name and how many rows it has."""
    with duckdb.connect() as opened:
        opened.execute(f"ATTACH '{path}' AS w (READ_ONLY)")
        names = opened.execute("SELECT table_name FROM duckdb_tables() WHERE schema_name = 'acme'").fetchall()
        counts = " UNION ALL ".join(
            f"SELECT '{name}' AS name, count(*) AS rows FROM w.acme.\"{name}\"" for (name,) in names
        )
        rows = opened.sql(counts).to_arrow_table()
    return answer("FROM rows", rows=rows)
