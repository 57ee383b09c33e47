"""Measure 3: JSON events to all Delta tables, against Spark reading the same JSON and writing one Delta table."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from profiles_sync.generator.stream import Shape
from profiles_sync.generator.write import write_events
from profiles_sync.lake.tables import scan
from profiles_sync.pipeline.run import Engine, take_new_events
from profiles_sync.settings import Settings, load
from profiles_sync.sync.hourly import lake_of
from tests.benchmarks.measure import Answer, Result, raced

SHAPE = Shape(event_names=50)


def space(folder: Path, shape: Shape, executor: str = "spark") -> Settings:
    """A space's settings with three sources and no warehouse."""
    folder.mkdir(parents=True, exist_ok=True)
    sources = "\n".join(f"  {name}: {{id: {name}, name: {name}, path: ./events/{name}}}" for name in shape.sources)
    (folder / "acme.yml").write_text(
        f"space: {{name: Acme, slug: acme}}\nsources:\n{sources}\nengine: {{executor: {executor}}}\n"
    )
    return load(folder / "acme.yml")


def measure(spark, folder: Path, quick: bool, seed: int) -> Iterator[Result]:
    shape = replace(SHAPE, events=100_000 if quick else 1_000_000, seed=seed)
    settings = space(folder, shape)
    written = write_events(folder / "events", shape)
    paths = [str(folder / "events" / name) for name in shape.sources]
    schema = spark.read.json(paths).schema
    lake = lake_of(settings)

    def ours() -> Answer:
        shutil.rmtree(folder / "lake", ignore_errors=True)
        report = take_new_events(Engine(settings, lake, lambda: spark))
        assert report.read == written.lines
        return Answer(report.events + report.duplicates + sum(report.quarantined.values()), 0)

    def theirs() -> Answer:
        shutil.rmtree(folder / "one", ignore_errors=True)
        spark.read.schema(schema).json(paths).write.format("delta").save(str(folder / "one"))
        return Answer(written.lines, 0)

    seconds, other, found, expected = raced(ours, theirs, 2 if quick else 3)
    rows = sum(
        scan(lake.open(name), ["id"]).num_rows for name in ("pages", "tracks", "identifies", "screens", "groups")
    )
    notes = {"bytes": written.size, "rows of five event tables": rows}
    size = f"{written.lines:,} events, {written.size / 1e6:,.0f} MB"
    yield Result(3, "JSON to all tables", "Spark to one Delta table", size, seconds, other, 1.6, found, expected, notes)
