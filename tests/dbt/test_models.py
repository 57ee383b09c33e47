"""The dbt package, run by dbt on DuckDB and on Postgres: its tables have the rows of the lake's views."""

import pytest

from tests.dbt.running import Dbt, driver, duckdb_output, postgres_output
from tests.lakes import Twin
from tests.servers import postgres
from tests.sync.steps import call, declared_at, job, stream
from tests.warehouses.contract.places import DuckDBPlace, PostgresPlace
from tests.warehouses.setup.grammar import DIALECTS, parses

MODELS = {"id_graph": "segment_id", "external_id_mapping": "external_id_hash", "profile_traits": "canonical_segment_id"}
RAW = ("id_graph_updates", "external_id_mapping_updates", "profile_traits_updates")

pytestmark = [pytest.mark.slow, pytest.mark.lake]


class Modelled:
    """A space, its warehouse, and dbt over that."""

    def __init__(self, started, folder, place):
        self.twin, self.place = Twin(folder / "space"), place
        self.twin.settings = declared_at(folder / "space", place)
        output = duckdb_output(place.settings) if place.kind == "duckdb" else postgres_output(place.settings)
        self.dbt = Dbt(started, folder / "dbt", output)

    def land(self, events):
        self.twin.write(events)
        done = job(self.twin)
        assert done.status == "Success", done

    def rows(self, schema, model):
        columns = list(self.twin.lake.types(model))
        return sorted(map(repr, self.place.rows(model, columns, schema)))

    def keyed(self, model, column):
        """Key to the value of a column, of dbt's table."""
        return dict(self.place.rows(model, [MODELS[model], column], "modelled"))

    def run(self, command="run"):
        """All of it goes well."""
        done = self.dbt(command)
        assert self.dbt.said["ok"], self.dbt.said
        assert done.keys() >= MODELS.keys()
        return done

    def assert_same(self):
        for model in MODELS:
            assert list(self.place.columns("modelled")[model]) == list(self.twin.lake.types(model)), model
            assert self.rows("modelled", model) == self.rows("acme", model), model


@pytest.fixture(scope="module")
def started():
    with driver() as process:
        yield process


@pytest.fixture(scope="module")
def server():
    with postgres() as made:
        yield made


@pytest.fixture(params=["duckdb", "postgres"])
def modelled(request, started, tmp_path):
    place = DuckDBPlace(tmp_path) if request.param == "duckdb" else PostgresPlace(request.getfixturevalue("server"))
    yield Modelled(started, tmp_path, place)
    place.close()


def test_a_first_run_and_one_after_merges_and_late_events_give_the_rows_of_the_views(modelled):
    modelled.land(stream(1, 150, day=3))
    done = modelled.run("build")
    assert {status for name, status in done.items() if name not in MODELS} == {"pass"} and len(done) > 20
    modelled.assert_same()
    before, traits = modelled.keyed("id_graph", "canonical_segment_id"), modelled.place.columns("modelled")
    # Days before the first batch; the last event is of the present, and brings a trait that nobody had.
    modelled.land([*stream(2, 150), call("identify", "new", day=25, userId="u1", traits={"size": 7, "plan": None})])
    modelled.run()
    modelled.assert_same()
    after = modelled.keyed("id_graph", "canonical_segment_id")
    assert [one for one in before if after[one] != before[one]], "nothing that was there was merged away"
    assert "size" in modelled.place.columns("modelled")["profile_traits"].keys() - traits["profile_traits"].keys()


def test_rows_that_land_out_of_order_are_removed_or_are_gone(started, tmp_path):
    modelled = Modelled(started, tmp_path, DuckDBPlace(tmp_path))
    modelled.land([*stream(3, 150), *merged_again_and_again()])
    followed_to_the_end(modelled)
    gone_or_removed(modelled)
    for model in MODELS:  # the text of a later run
        text = modelled.dbt.compiled(model)
        assert [kind for kind in DIALECTS if not parses(kind, in_dialect(text, kind))] == [], model
    told_by_the_packages_tests(modelled)
    refused_in_the_syncs_own_schema(modelled)


def merged_again_and_again():
    """Four profiles, of which the youngest is merged into the next older one, that into the next, and so on."""
    calls = [("page", {"anonymousId": f"chain-{one}"}) for one in range(4)]
    for one in (3, 2, 1):
        traits = {"email": f"chain-{one}@example.com"}
        calls += [("identify", {"anonymousId": f"chain-{which}", "traits": traits}) for which in (one, one - 1)]
    return [call(kind, f"chain-{day}", day=day, **given) for day, (kind, given) in enumerate(calls, start=10)]


def followed_to_the_end(modelled):
    """A backfill brings profiles that are older than those that are there, and of merges not every row."""
    place, wanted = modelled.place, modelled.rows("acme", "id_graph")
    pointed = dict(place.rows("id_graph", ["segment_id", "canonical_segment_id"]))
    for name in RAW:
        place.run(f"CREATE TABLE kept_{name} AS FROM acme.{name} WHERE segment_id < 'use_V'")
        place.run(f"DELETE FROM acme.{name} WHERE segment_id < 'use_V'")
    modelled.run()
    assert 0 < len(modelled.rows("modelled", "id_graph")) < len(wanted)
    for name in RAW:
        place.run(f"INSERT INTO acme.{name} FROM kept_{name}")
    later = place.run(
        "DELETE FROM acme.id_graph_updates AS u WHERE EXISTS (FROM acme.id_graph_updates AS o WHERE o.segment_id = "
        "u.segment_id AND o.segment_id <> o.canonical_segment_id AND o.seq < u.seq) RETURNING segment_id"
    )
    assert len(later) >= 2, "nothing was merged again"
    modelled.run()
    assert modelled.keyed("id_graph", "canonical_segment_id") == pointed
    assert len(modelled.rows("modelled", "profile_traits")) == len(wanted)
    owners = dict(place.rows("external_id_mapping", ["external_id_hash", "canonical_segment_id"]))
    assert modelled.keyed("external_id_mapping", "canonical_segment_id") == owners


def gone_or_removed(modelled):
    """An external ID that was removed, one that came again, and a profile that is no more in the raw tables."""
    place = modelled.place
    first, second = sorted(modelled.keyed("external_id_mapping", "uuid_ts"))[:2]
    for number, (digest, operation) in enumerate([(first, "REMOVED"), (second, "REMOVED"), (second, "CREATED")]):
        place.run(
            "INSERT INTO acme.external_id_mapping_updates BY NAME SELECT * REPLACE "
            f"('9999999999999999999{number}' AS seq, id || '{number}' AS id, '{operation}' AS __operation) "
            f"FROM acme.external_id_mapping_updates WHERE external_id_hash = '{digest}' AND seq < '9'"
        )
    alone = "SELECT max(canonical_segment_id) FROM acme.id_graph GROUP BY canonical_segment_id HAVING count(*) = 1"
    gone = min(place.run(alone))[0]
    place.run(f"DELETE FROM acme.id_graph_updates WHERE segment_id = '{gone}'")
    modelled.run()
    left = modelled.keyed("external_id_mapping", "uuid_ts")
    assert first not in left and second in left
    assert all(gone not in modelled.keyed(model, "uuid_ts") for model in ("id_graph", "profile_traits"))


def in_dialect(text, kind):
    return text.replace('"', "`") if kind in ("bigquery", "databricks") else text


def told_by_the_packages_tests(modelled):
    merged = [one for one, into in modelled.keyed("id_graph", "canonical_segment_id").items() if one != into]
    modelled.place.run(f"UPDATE modelled.external_id_mapping SET canonical_segment_id = '{merged[0]}'")
    done = modelled.dbt("test", "--select", "external_id_mapping")
    assert done["is_not_merged_away_external_id_mapping_canonical_segment_id"] == "fail"


def refused_in_the_syncs_own_schema(modelled):
    done = modelled.dbt("run", profiles_sync_schema="modelled")
    assert done["id_graph"] == "error"
    assert "the sync's own" in str(modelled.dbt.said)
