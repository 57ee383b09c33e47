"""After a load the warehouse has the keys that the lake has; where it has not, that is an error of the table."""

import hashlib

import pyarrow as pa
import pytest

from profiles_sync.problems import ErrorClass
from profiles_sync.quality.keys import Keys
from profiles_sync.sync.materializing import switch
from tests.commands import warehouse
from tests.lakes import Twin
from tests.sync.broken import checked, people
from tests.sync.steps import assert_same, bought, call, declared_at, job
from tests.warehouses.contract.places import PostgresPlace


@pytest.fixture
def on_postgres(tmp_path, server):
    """A space whose batches are checked, and its place on a server, where it was synced once."""
    twin, place = checked(Twin(tmp_path)), PostgresPlace(server)
    try:
        twin.settings = declared_at(twin.folder, place)
        twin.write(people())
        assert job(twin).status == "Success"
        yield twin, place
    finally:
        place.close()


def failed(result):
    return {name: one for name, one in result.warehouses["local"].tables.items() if one.error}


def test_a_row_that_stands_twice_in_the_warehouse_is_an_error_of_its_table(tmp_path):
    twin = checked(Twin(tmp_path))
    twin.write(people())
    assert job(twin).status == "Success"
    with warehouse(twin.folder) as opened:
        opened.execute("INSERT INTO w.acme.profile_traits FROM w.acme.profile_traits")
    twin.write([call("identify", "q8", userId="u1", traits={"plan": "free"})])
    result = job(twin)
    assert result.status == "Partial success"
    (name,), (one,) = failed(result).keys(), failed(result).values()
    assert (name, one.problem.error_class) == ("profile_traits", ErrorClass.INTERNAL)
    assert one.error.startswith("acme.profile_traits has 2 rows of 1 that this sync brought from the lake")


def test_a_row_that_postgres_lost_is_an_error_and_nothing_of_its_table_is_committed(on_postgres):
    twin, place = on_postgres
    place.run(
        "CREATE FUNCTION acme.lose() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN IF NEW.id = 'q9' THEN RETURN NULL; END IF; RETURN NEW; END $$"
    )
    place.run("CREATE TRIGGER lose BEFORE INSERT ON acme.bought FOR EACH ROW EXECUTE FUNCTION acme.lose()")
    twin.write([bought("q9", total=1), bought("q10", total=2), call("page", "q11", userId="u1", name="P")])
    result = job(twin)
    assert {name: one.error.partition(" that ")[0] for name, one in failed(result).items()} == {
        "bought": "acme.bought has 1 rows of 2"
    }
    assert {one.problem.error_class for one in failed(result).values()} == {ErrorClass.INTERNAL}
    assert place.rows("bought", ["id"]) == [("q6",)]
    place.run("DROP TRIGGER lose ON acme.bought")
    assert job(twin).status == "Success"
    assert sorted(place.rows("bought", ["id"])) == [("q10",), ("q6",), ("q9",)]


@pytest.mark.slow
def test_a_key_that_became_another_one_on_the_way_is_noticed(on_postgres):
    twin, place = on_postgres
    place.run(
        "CREATE FUNCTION acme.other() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN IF NEW.id = 'q9' THEN NEW.id = 'q10'; END IF; RETURN NEW; END $$"
    )
    place.run('ALTER TABLE acme.bought DROP CONSTRAINT "bought key"')
    place.run("CREATE TRIGGER other BEFORE INSERT ON acme.bought FOR EACH ROW EXECUTE FUNCTION acme.other()")
    twin.write([bought("q9", total=1), bought("q10", total=2)])
    result = job(twin)
    assert "and not the same ones" in failed(result)["bought"].error


@pytest.mark.slow
@pytest.mark.parametrize("place_kind", ["duckdb", "postgres"])
def test_rows_that_are_replaced_whole_are_counted_whole(tmp_path, server, place_kind):
    place = PostgresPlace(server) if place_kind == "postgres" else None
    twin = checked(Twin(tmp_path))
    try:
        if place:
            twin.settings = declared_at(twin.folder, place)
        twin.write(people())
        assert job(twin).status == "Success"
        switched = switch(twin.settings, "local")
        assert (switched.is_verified, switched.result.said) == (True, None)
        if not place:
            assert_same(twin)
    finally:
        if place:
            place.close()


def test_keys_are_distinct_and_summed_by_their_md5():
    rows = pa.table({"a": ["x", "x", None, "ä"], "b": ["1", "1", "2", "2"]})
    digests = [hashlib.md5(text.encode()).hexdigest() for text in ("x\x1f1", "ä\x1f2")]
    assert Keys.of(rows, ("a", "b")) == Keys(2, sum(int(digest[:8], 16) for digest in digests))
    assert Keys.of(rows.slice(0, 0), ("a",)) == Keys(0, 0)
