"""Measure 4: an hour on a lake that knows ten times as many identifiers.

The hour has 10,000 events with 8,000 identifiers, three quarters of them known, from all over the files, and 500
merges. Against the same hour on the smaller lake, which has to come to the same rows. Before, at a small size, a lake
that was grown has to be the one that the job makes of the same events, and hours on it have to end as the reference's.

Two hours have rows of their own: the first small hour after a large load, which makes the indexes of the files that the
load left, and the hour after upkeep, which finds new files. Upkeep comes once a day, makes their indexes, and is not in
its hour's time; what it takes is noted.
"""

import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa

from profiles_sync.lake import indexes
from profiles_sync.lake.base import Where
from profiles_sync.lake.opening import lake_of
from profiles_sync.lake.tables import Lake, scan
from profiles_sync.pipeline.engine import Engine
from profiles_sync.pipeline.run import take_new_events
from profiles_sync.spec import tables
from profiles_sync.spec.tables import Group
from profiles_sync.sync.upkeep import upkeep
from tests.benchmarks import grown, grown_checked
from tests.benchmarks.measure import Answer, Bench, Goal, Result, Way, answer, race, timed
from tests.benchmarks.memory import PeakMemory
from tests.benchmarks.steps import steps

FULL, QUICK = (1_000_000, 10_000_000), (20_000, 100_000)  # identifiers, of the smaller lake and of the larger one
_EVENTS = 10_000  # in an hour


def measure(bench: Bench) -> Iterator[Result]:
    grown_checked.check(bench)
    small, large = min(bench.sizes), max(bench.sizes)
    lakes = [Grown(bench, bench.folder / str(size), size, small, large) for size in (large, small)]
    inputs = {"events": _EVENTS, "identifiers": large, "identifiers of the other": small, "seed": bench.seed}
    first = [lake.first() for lake in lakes]
    yield race(4, *first, Goal(15, "s"), inputs, bench.repeats, warm=False)
    result = race(4, *(lake.way() for lake in lakes), Goal(1.5), inputs, bench.repeats, _noted(lakes, Grown.noted))
    yield result
    yield replace(result, goal=Goal(15, "s"), notes={})
    after = [lake.after_upkeep() for lake in lakes]
    result = race(4, *after, Goal(15, "s"), inputs, 1, warm=False)
    yield replace(result, notes={**result.notes, **_noted(lakes, Grown.kept_up)})


def _noted(lakes: "list[Grown]", note: "Callable[[Grown], dict[str, Any]]") -> dict[str, Any]:
    """What there is to note of the larger lake, and of the other one under its size."""
    large, small = map(note, lakes)
    return large | {f"on {lakes[1].size:,}: {name}": value for name, value in small.items()}


class Grown:
    """A lake of so many identifiers; hour by hour is taken by it, the same hours by every such lake."""

    def __init__(self, bench: Bench, folder: Path, size: int, smallest: int, largest: int) -> None:
        self.size, self.folder, self.seed = size, folder, bench.seed
        self.settings = grown.space(folder)
        self.lake = lake_of(self.settings)
        self.engine = Engine(self.settings, self.lake, bench.start)
        self.units, self.number = smallest // grown.UNIT, 0
        grown.grow(self.engine, size // grown.UNIT, largest // grown.UNIT)
        self.upkeep: list[float] = []

    def arrive(self) -> None:
        """The next hour's events are there."""
        made = grown.hour(self.number, self.units, _EVENTS, self.seed)
        grown.arrive(self.folder, f"hour-{self.number}", map(orjson.dumps, made))
        self.number += 1

    def take(self) -> None:
        self.report = take_new_events(self.engine)

    def way(self) -> Way:
        return Way(f"an hour on {self.size:,} identifiers", self.take, self.rows, self.arrive)

    def first(self) -> Way:
        """As the first hour after the load: no file has an index."""
        return Way(f"the first hour after a load of {self.size:,} identifiers", self.take, self.rows, self.unindexed)

    def unindexed(self) -> None:
        shutil.rmtree(self.lake.path(indexes.FOLDER), ignore_errors=True)
        self.arrive()

    def after_upkeep(self) -> Way:
        return Way(f"the hour after upkeep, on {self.size:,} identifiers", self.take, self.rows, self.keep_up)

    def keep_up(self) -> None:
        with timed(self.upkeep):
            self.compacted = upkeep(self.settings)
        self.arrive()

    def kept_up(self) -> dict[str, Any]:
        """What upkeep did before its hour."""
        return {"seconds of upkeep": self.upkeep[-1], "files put together": sum(self.compacted.values())}

    def rows(self) -> Answer:
        """What the hours came to: every event's profile, and the rows of the graph, the identifiers and the traits."""
        since, hours = [("received_at", ">=", _time(grown.UNTIL + grown.WEEK))], {}
        for name in ("pages", "tracks", "identifies"):
            hours[name] = self._scan(name, ["id", "segment_id"], since)
        common = ["triggering_event_id", "segment_id", "seq"]
        hours["graph"] = self._scan("id_graph_updates", [*common, "canonical_segment_id"], since)
        hours["mapped"] = self._scan("external_id_mapping_updates", [*common, "external_id_hash"], since)
        hours["traits"] = self._scan("profile_traits_updates", [*common, "plan"], since)
        rows = [f"SELECT '{name}' AS what, CAST(x AS VARCHAR) AS row FROM {name} AS x" for name in hours]
        return answer(" UNION ALL ".join(rows), **hours)

    def _scan(self, name: str, columns: list[str], where: Where) -> pa.Table:
        table = self.lake.open(name)
        assert table is not None, name
        return scan(table, columns, where)

    def noted(self) -> dict[str, Any]:
        """Take an hour to see what it writes, where its time goes, and what there was."""
        self.arrive()
        there = _files(self.lake)
        with PeakMemory() as peak, steps() as spent:
            self.take()
        written: Counter[str] = Counter()
        for path, size in _files(self.lake).items() - there.items():
            written[_table(path)] += size
        report = {"merges": self.report.merges, "profiles created": self.report.profiles_created}
        indexed = sum(size for path, size in there.items() if path.is_relative_to(indexes.FOLDER))
        sizes = {"bytes written": written.total(), "bytes of the lake": sum(there.values()), "peak bytes": peak.bytes}
        sizes |= {"bytes of indexes": indexed}
        return report | sizes | {"bytes by table": dict(written.most_common()), "seconds by step": spent}


def _time(at: int) -> pa.Scalar:
    return pa.scalar(at, pa.timestamp("us", "UTC"))


def _files(lake: Lake) -> dict[Path, int]:
    """Every file of the tables, and its size."""
    root = Path(lake.path(""))
    found = {path.relative_to(root): path.stat().st_size for path in root.rglob("*") if path.is_file()}
    return {path: size for path, size in found.items() if path.parts[0] != "_staging"}


def _table(path: Path) -> str:
    if path.parts[0] == "_control":
        return "/".join(path.parts[:2])
    return "track event tables" if tables.table(path.parts[0]).group is Group.TRACK else path.parts[0]
