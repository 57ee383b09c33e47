"""The cases of survival: events through the whole job, edges through the connected components."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from profiles_sync.generator.write import write_events
from profiles_sync.lake.opening import lake_of
from profiles_sync.lake.tables import scan
from profiles_sync.pipeline.components import components
from profiles_sync.pipeline.engine import Engine
from profiles_sync.pipeline.run import take_new_events
from profiles_sync.settings import Settings, load
from profiles_sync.spec import tables
from profiles_sync.spec.rules import IdentityRules
from tests.benchmarks.costs import costs
from tests.benchmarks.extracted import Extracted, lines
from tests.benchmarks.inputs import STREAM
from tests.benchmarks.lakes import STAMPED, events_of_lake
from tests.benchmarks.measure import Answer, answer
from tests.benchmarks.resolved import by_reference, in_lake
from tests.benchmarks.shapes import blocked, chain, kiosk, one_identifier, poison
from tests.benchmarks.stamped import stamped

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_NAMES = 1_500  # traits of the hub, of which a profile takes the first thousand less one, for there is another
_SOME = {"b0000": 0, "b0003": 3}  # of them: name to the first event that sends it
_RAW = """
SELECT messageId AS id, event, TRY_CAST(json_extract_string(properties, '$.price') AS DOUBLE) AS price
FROM read_ndjson('{files}', columns={{messageId: 'VARCHAR', event: 'VARCHAR', properties: 'JSON'}}, ignore_errors=true)
WHERE messageId IS NOT NULL"""


class Case(Protocol):
    """A shape of some size: made here, run elsewhere, checked here again."""

    @property
    def inputs(self) -> Mapping[str, int]: ...

    def make(self) -> None: ...

    def run(self, spark: "SparkSession") -> Mapping[str, Any]: ...

    def found(self) -> Answer: ...

    def expected(self) -> Answer: ...


@dataclass(frozen=True)
class Events:
    """Events of a shape, of which only the identifiers matter, through the whole job."""

    shape: Callable[[int], Extracted]
    path: str
    folder: Path
    size: int
    seed: int

    @property
    def inputs(self) -> Mapping[str, int]:
        return {"events": self.size}

    def make(self) -> None:
        space(self.folder, self.path, ("website",))
        target = self.folder / "events" / "website" / "events.jsonl"
        with target.open("wb") as out:
            out.writelines(line + b"\n" for line in lines(self.shape(self.size)))

    def run(self, spark: "SparkSession") -> Mapping[str, Any]:
        return taken(load(self.folder / "acme.yml"), spark)

    def found(self) -> Answer:
        return in_lake(lake_of(load(self.folder / "acme.yml")), "pages")

    def expected(self) -> Answer:
        return by_reference(self.shape(self.size), IdentityRules(), "acme")


@dataclass(frozen=True)
class Stream:
    """Five events as they usually come for each one of the size, through the whole job."""

    folder: Path
    size: int
    seed: int

    @property
    def inputs(self) -> Mapping[str, int]:
        return {"events": 5 * self.size, "seed": self.seed}

    def make(self) -> None:
        space(self.folder, "auto", STREAM.sources)
        write_events(self.folder / "events", replace(STREAM, events=5 * self.size, seed=self.seed))

    def run(self, spark: "SparkSession") -> Mapping[str, Any]:
        return taken(load(self.folder / "acme.yml"), spark)

    def found(self) -> Answer:
        return events_of_lake(lake_of(load(self.folder / "acme.yml")))

    def expected(self) -> Answer:
        rows = _RAW.format(files=self.folder / "events" / "*" / "*.jsonl")
        return answer(STAMPED.format(rows=rows, since=0), stamps=stamped(load(self.folder / "acme.yml")))


@dataclass(frozen=True)
class OneComponent:
    """Ten edges for each one of the size, all connected: every node is linked to one before it, and some to others."""

    folder: Path
    size: int
    seed: int

    @property
    def inputs(self) -> Mapping[str, int]:
        return {"edges": 10 * self.size, "seed": self.seed}

    def make(self) -> None:
        self.folder.mkdir(parents=True)
        rng = np.random.default_rng(self.seed)
        node = np.tile(np.arange(1, 5 * self.size + 1), 2)
        edges = pa.table({"node": node, "component": rng.integers(0, node)})
        pq.write_table(edges.take(pa.array(rng.permutation(len(node)))), self.folder / "edges.parquet")

    def run(self, spark: "SparkSession") -> Mapping[str, Any]:
        components(spark, str(self.folder / "edges.parquet"), str(self.folder / "work"))
        return {}

    def found(self) -> Answer:
        return answer("SELECT * FROM rows", rows=pq.read_table(self.folder / "work" / "labels"))

    def expected(self) -> Answer:
        return answer(f"SELECT range AS node, CAST(0 AS BIGINT) AS component FROM range({5 * self.size + 1})")


@dataclass(frozen=True)
class TraitHub:
    """Identify calls of one person, one for each 50 of the size: one trait changes with each, of 1,500 others one."""

    folder: Path
    size: int
    seed: int

    @property
    def events(self) -> int:
        return self.size // 50

    @property
    def inputs(self) -> Mapping[str, int]:
        return {"events": self.events, "traits": _NAMES + 1}

    def make(self) -> None:
        space(self.folder, "auto", ("website",))
        target = self.folder / "events" / "website" / "events.jsonl"
        with target.open("wb") as out:
            for number in range(self.events):
                sent = {"a step": number, f"b{number % _NAMES:04}": number}
                at = f"2024-01-01T00:00:00.{number:06}Z"
                call = {"type": "identify", "userId": "u1", "messageId": f"{number}", "receivedAt": at, "traits": sent}
                out.write(orjson.dumps(call) + b"\n")

    def run(self, spark: "SparkSession") -> Mapping[str, Any]:
        return taken(load(self.folder / "acme.yml"), spark)

    def found(self) -> Answer:
        table = lake_of(load(self.folder / "acme.yml")).open("profile_traits_updates")
        assert table is not None
        return answer("SELECT * FROM rows", rows=scan(table, ["triggering_event_id", "a_step", *_SOME]))

    def expected(self) -> Answer:
        """All rows have what was sent last of the first thousand traits; the others never came in."""
        some = ", ".join(
            f"CASE WHEN n >= {place} THEN n - (n - {place}) % {_NAMES} END AS {name}" for name, place in _SOME.items()
        )
        return answer(
            f"SELECT CAST(n AS VARCHAR) AS triggering_event_id, n AS a_step, {some} FROM range({self.events}) AS _(n)"
        )


def space(folder: Path, path: str, sources: tuple[str, ...]) -> None:
    """Settings with the defaults, but for where identities are resolved."""
    declared = ""
    for name in sources:
        (folder / "events" / name).mkdir(parents=True)
        declared += f"  {name}: {{id: {name}, name: {name}, path: ./events/{name}}}\n"
    text = f"space: {{name: Acme, slug: acme}}\nsources:\n{declared}identity: {{path: {path}}}\n"
    (folder / "acme.yml").write_text(text)


def taken(settings: Settings, spark: "SparkSession") -> Mapping[str, Any]:
    """Run the job; what fences and caps did, how many rows there are, and what it cost."""
    lake = lake_of(settings)
    with costs(lake, spark) as spent:
        report = take_new_events(Engine(settings, lake, lambda: spark))
    rows = {name: count for name, count in report.tables.items() if name in tables.BY_NAME}
    done = {"profiles created": report.profiles_created, "merges": report.merges, "violations": report.violations}
    return done | {"rows": rows} | spent


#: Name to what makes a case of it: of a folder, a size and a seed.
SHAPES: dict[str, Callable[[Path, int, int], Case]] = {
    "a stream as usual": Stream,
    "one component": OneComponent,
    "a hub of traits": TraitHub,
} | {
    f"{name}, {path} path": partial(Events, shape, path)
    for name, shape in (
        ("a chain of links", chain),
        ("one identifier on every event", one_identifier),
        ("a kiosk", kiosk),
        ("a poison value", poison),
        ("a blocked value", blocked),
    )
    for path in ("distributed", "driver")
}
