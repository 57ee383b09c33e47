"""Hours of Track calls of many names, each with properties of its own: in a space, and in Spark's one Delta table."""

import shutil
from collections.abc import Callable, Iterator, Mapping
from itertools import count
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
from adbc_driver_postgresql import dbapi
from deltalake import DeltaTable

from profiles_sync.pipeline.engine import Engine
from profiles_sync.pipeline.run import take_new_events
from profiles_sync.settings import Settings, load
from profiles_sync.sync.hourly import lake_of, run
from profiles_sync.warehouses import PostgresSettings, open_warehouse
from tests.benchmarks.extracted import iso
from tests.benchmarks.lakes import STAMPED, events_of_lake, warehouse
from tests.benchmarks.measure import Answer, Bench, Way, answer
from tests.benchmarks.stamped import stamped
from tests.benchmarks.steps import steps

DUCKDB: Mapping[str, object] = {"type": "duckdb", "path": "./acme.duckdb"}
_START, _HOUR = 1_767_571_200_000_000, 3_600_000_000
_SCHEMA = "messageId string, anonymousId string, receivedAt string, event string, properties string"
_ONE = """
SELECT messageId AS id, event, TRY_CAST(json_extract_string(properties, '$.price') AS DOUBLE) AS price
FROM read_parquet({files})"""
_TRACKS = "SELECT id, segment_id, received_at FROM acme.tracks"


class Space:
    """A space that takes hour after hour, and syncs a warehouse."""

    def __init__(
        self, bench: Bench, folder: Path, names: int, events: int, synced: Mapping[str, object] = DUCKDB
    ) -> None:
        self.names, self.events, self.seed, self.start = names, events, bench.seed, bench.start
        self.folder, self.synced = folder, synced
        (folder / "events").mkdir(parents=True)
        path = folder / "acme.yml"
        path.write_text(
            "space: {name: Acme, slug: acme}\nsources: {website: {id: s1, name: Website, path: ./events}}\n"
            f"warehouses: {{local: {orjson.dumps(synced).decode()}}}\n"
        )
        self.settings: Settings = load(path)
        self.lake = lake_of(self.settings)
        self.hours = count()
        self.file = folder

    def anew(self) -> None:
        """Nothing is left, and the first hour is there."""
        for folder in (self.folder / "events", Path(self.settings.lake)):
            shutil.rmtree(folder, ignore_errors=True)
        (self.folder / "events").mkdir()
        self.hours = count()
        self.next()

    def next(self) -> None:
        """The next hour is there."""
        number = next(self.hours)
        self.file = self.folder / "events" / f"{number}.jsonl"
        made = map(orjson.dumps, hour(number, self.names, self.events))
        self.file.write_bytes(b"\n".join(made) + b"\n")

    def take(self) -> None:
        take_new_events(Engine(self.settings, self.lake, self.start))

    def sync(self) -> None:
        result = run(self.settings, self.start)
        if result.status != "Success":
            raise RuntimeError(f"{result.status}: {result.shown()}")

    def in_lake(self) -> Answer:
        return events_of_lake(self.lake)

    def way(self, name: str) -> Way:
        return Way(name, self.sync, self.in_warehouse, self.next)

    def in_warehouse(self) -> Answer:
        """Every Track call in the warehouse, whatever it is called."""
        return answer("SELECT * FROM rows", rows=self._tracks())

    def _tracks(self) -> pa.Table:
        if self.synced["type"] == "duckdb":
            with warehouse(self.folder / "acme.duckdb") as opened:
                return opened.sql(_TRACKS).to_arrow_table()
        where = open_warehouse("local", PostgresSettings.model_validate(self.synced), "acme").settings.conninfo
        with dbapi.connect(where) as opened, opened.cursor() as cursor:
            cursor.execute(_TRACKS)
            return cursor.fetch_arrow_table()

    def noted(self, arrive: Callable[[], None], work: Callable[[], None]) -> dict[str, Any]:
        """Once more, to see where the time goes."""
        arrive()
        with steps() as spent:
            work()
        return {"seconds by step": spent}


class OneTable:
    """Spark's one Delta table of what the space has."""

    def __init__(self, bench: Bench, space: Space) -> None:
        self.spark, self.space, self.path = bench.spark, space, str(bench.folder / "one-table")
        self.taken: set[Path] = set()

    def way(self) -> Way:
        return Way(
            "Spark appends them to one Delta table", lambda: self.append(self.space.file), self.rows, self.follow
        )

    def append(self, file: Path) -> None:
        rows = self.spark.read.schema(_SCHEMA).json(str(file))
        rows.write.format("delta").mode("append").save(self.path)
        self.taken.add(file)

    def follow(self) -> None:
        """Have all that the space took before the last hour."""
        there = set(self.space.file.parent.iterdir()) - {self.space.file}
        if self.space.file in self.taken:
            self.taken.clear()
            shutil.rmtree(self.path)
        for file in there - self.taken:
            self.append(file)

    def rows(self) -> Answer:
        rows = _ONE.format(files=DeltaTable(self.path).file_uris())
        return answer(STAMPED.format(rows=rows, since=0), stamps=stamped(self.space.settings))


def hour(number: int, names: int, events: int) -> Iterator[dict[str, Any]]:
    """Track calls. Each name has properties of its own; every hour one name in twenty is new and one has a new one."""
    first = 0 if names == 1 else number * names // 20
    step = _HOUR // events
    for place in range(events):
        which = first + place % names
        properties = {f"size_{which}": place, f"label_{which}": f"text {place % 7}", "price": place % 10_000 / 100}
        properties |= {"cart": {f"total_{which}": place / 4, "products": [{"sku": place % 300}]}}
        if number and which % 20 == 0:
            properties[f"since_{number}"] = place % 2 == 0
        yield {
            "type": "track",
            "messageId": f"{number}-{place}",
            "anonymousId": f"cookie-{place * 7919 % (events // 10)}",
            "receivedAt": iso(_START + number * _HOUR + place * step),
            "event": f"Event {which}",
            "properties": properties,
        }
