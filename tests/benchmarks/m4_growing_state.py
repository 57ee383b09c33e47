"""Measure 4: an hour on a lake that knows ten times as many identifiers.

The hour has 10,000 events with 8,000 identifiers, three quarters of them known, from all over the files, and 500
merges. Against the same hour on the smaller lake, which has to come to the same rows. Before, at a small size, a lake
that was grown has to be the one that the job makes of the same events, and hours on it have to end as the reference's.
The first small hour after a large load makes the indexes of the files that the load left; it is noted, not timed.
"""

from collections import Counter
from collections.abc import Iterator
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
from tests.benchmarks import grown, grown_checked
from tests.benchmarks.measure import Answer, Bench, Goal, Result, Way, answer, race, timed
from tests.benchmarks.memory import PeakMemory
from tests.benchmarks.steps import steps

FULL, QUICK = (1_000_000, 10_000_000), (20_000, 200_000)  # identifiers, of the smaller lake and of the larger one
_EVENTS = 10_000  # in an hour


def measure(bench: Bench) -> Iterator[Result]:
    grown_checked.check(bench)
    small, large = min(bench.sizes), max(bench.sizes)
    lakes = [Grown(bench, bench.folder / str(size), size, small, large) for size in (large, small)]
    noted = [lake.noted() for lake in lakes]
    inputs = {"events": _EVENTS, "identifiers": large, "identifiers of the other": small, "seed": bench.seed}
    notes = noted[0] | {f"on {small:,}: {name}": value for name, value in noted[1].items()}
    result = race(4, *(lake.way() for lake in lakes), Goal(1.5), inputs, bench.repeats, notes)
    yield result
    yield replace(result, goal=Goal(15, "s"), notes={})


class Grown:
    """A lake of so many identifiers; hour by hour is taken by it, the same hours by every such lake."""

    def __init__(self, bench: Bench, folder: Path, size: int, smallest: int, largest: int) -> None:
        self.size, self.folder, self.seed = size, folder, bench.seed
        self.settings = grown.space(folder)
        self.lake = lake_of(self.settings)
        self.engine = Engine(self.settings, self.lake, bench.start)
        self.units, self.number = smallest // grown.UNIT, 0
        grown.grow(self.engine, size // grown.UNIT, largest // grown.UNIT)
        self.first: list[float] = []
        self.arrive()
        with timed(self.first):
            self.take()

    def arrive(self) -> None:
        """The next hour's events are there."""
        made = grown.hour(self.number, self.units, _EVENTS, self.seed)
        grown.arrive(self.folder, f"hour-{self.number}", map(orjson.dumps, made))
        self.number += 1

    def take(self) -> None:
        self.report = take_new_events(self.engine)

    def way(self) -> Way:
        return Way(f"an hour on {self.size:,} identifiers", self.take, self.rows, self.arrive)

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
        sizes |= {"bytes of indexes": indexed, "seconds of the first hour, which makes them": self.first[0]}
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
