"""The benchmarks are no part of the tests. What they stand on is: that they time what is there, and the same work."""

import orjson

from profiles_sync.generator.stream import Shape
from profiles_sync.generator.write import write_events
from profiles_sync.pipeline import staging
from profiles_sync.spec import tables
from profiles_sync.spec.space import Space
from tests.benchmarks.extracted import RULES, extracted
from tests.benchmarks.inputs import space
from tests.benchmarks.measure import Answer, Goal, Result
from tests.benchmarks.report import Kept
from tests.benchmarks.staged_events import digested, staged, to_parquet
from tests.benchmarks.stamped import events_of, stamped
from tests.benchmarks.steps import steps


def test_every_step_that_the_measures_time_is_there():
    with steps() as spent:
        pass
    assert spent == {}  # nothing ran


def test_what_is_digested_of_a_parquet_file_is_what_was_extracted(tmp_path):
    events = extracted(1_000, seed=7)
    to_parquet(events, tmp_path / "events.parquet")
    made = staged(events, tmp_path / "staged"), digested(tmp_path / "events.parquet", tuple(RULES.by_type), tmp_path)
    for one, other in zip(*made, strict=True):
        assert staging.read(one.identity).equals(staging.read(other.identity))
        assert staging.read(one.identifiers).equals(staging.read(other.identifiers))


def test_every_event_is_stamped_as_in_the_reference_s_tables(tmp_path):
    write_events(tmp_path / "events", Shape(events=600, repeats=0.05, poison=0.05, broken=0.01))
    settings = space(tmp_path, "driver", tmp_path / "events")
    reference = Space("acme", settings.rules)
    reference.land(events_of(settings))
    rows = (row for table in tables.EVENT_TYPE_TABLES for row in reference.tables.rows[table.name])
    found = stamped(settings).to_pylist()
    assert {row["id"]: row["segment_id"] for row in found} == {row["id"]: row.get("segment_id") for row in rows}
    assert len(found) < 600


def test_a_result_is_on_disk_as_soon_as_it_is_there(tmp_path):
    answer, path = Answer(3, "ab"), tmp_path / "build" / "bench.json"
    kept = Kept(path, {"seed": 7})
    for number in (1, 2):
        notes = {"every table": answer}
        kept.add(Result(number, "ours", "theirs", {"events": 3}, 1, 2.0, 1.0, Goal(3), answer, answer, notes))
        assert len(orjson.loads(path.read_bytes())["results"]) == number
    kept.over(2, {"seconds": 4.0})
    assert orjson.loads(path.read_bytes())["what each measure took"] == {"2": {"seconds": 4.0}}
