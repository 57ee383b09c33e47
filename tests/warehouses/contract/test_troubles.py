"""A sync that something goes wrong with: it is told, nothing is there twice or half, and the next one makes up."""

import threading
import time

import pytest

from profiles_sync.errors import WarehouseUnreachable
from tests.sync.steps import bought, call, job, stream
from tests.warehouses.contract.steps import assert_same, sync, synced_same

SMALL = [bought("m1", total=5), call("identify", "i1", userId="u1", traits={"plan": "pro"})]
MORE = [
    bought("m2", 6, total=6, coupon="x"),
    call("identify", "i2", 6, userId="u1", anonymousId="a", traits={"plan": 1}),
]


def test_values_that_do_not_fit_the_column_are_empty_and_counted(twin, place):
    twin.land([bought("m1", total=5, note="7")])
    sync(twin, place)
    place.retype("bought", "note", place.integer)
    notes = ["8", "x", "9" * 20, "", " 9 "]
    twin.land([bought(f"n{n}", 6, total=6, note=note) for n, note in enumerate(notes)])
    done = sync(twin, place).tables["bought"]
    assert (done.error, done.rows, done.cast_to_null) == (None, 5, 3)
    assert sorted(place.rows("bought", ["id", "note"])) == [
        ("m1", 7), ("n0", 8), ("n1", None), ("n2", None), ("n3", None), ("n4", 9)
    ]  # fmt: skip


def test_a_cast_in_a_merged_table_counts_what_does_not_fit(twin, place):
    twin.land([call("identify", "i1", userId="u1", traits={"age": 30})])
    sync(twin, place)
    place.retype("user_traits", "value", place.integer)
    twin.land([call("identify", "i2", 6, userId="u1", traits={"age": 31, "plan": "pro"})])
    done = sync(twin, place).tables["user_traits"]
    assert (done.error, done.cast_to_null) == (None, 1)
    assert sorted(place.rows("user_traits", ["name", "value"])) == [("age", 31), ("plan", None)]


def test_a_key_that_does_not_fit_its_column_is_refused(twin, place):
    twin.land([bought("1")])
    sync(twin, place)
    place.retype("bought", "id", place.integer)
    twin.land([bought("m2", 6), bought("3", 6)])
    assert "and 1 keys do not fit; give the column its type back" in sync(twin, place).tables["bought"].error
    assert place.rows("bought", ["id"]) == [(1,)]


def test_a_table_dropped_behind_our_back_comes_back_whole(twin, place):
    for events in (SMALL, MORE):
        twin.land(events)
        sync(twin, place)
    for table in ("bought", "id_graph", "screens"):
        place.drop(table)
    assert synced_same(twin, place).tables.keys() == {"bought", "id_graph", "screens"}


def test_rows_that_no_record_stands_for_are_left_alone(twin, place):
    twin.land(SMALL)
    sync(twin, place)
    place.run(f"DELETE FROM {place.quote('_profiles_sync', 'cursors_acme')}")
    twin.land(MORE)
    result = sync(twin, place)
    assert result.tables["bought"].error.startswith("the table holds rows, and no record in _profiles_sync")
    assert place.rows("bought", ["id"]) == [("m1",)]


@pytest.mark.never("duckdb", "a file has no users")
@pytest.mark.notyet("snowflake", 'syntax error at or near "REVOKE"')
@pytest.mark.notyet("bigquery", 'syntax error at or near "REVOKE"')
@pytest.mark.notyet("databricks", "Spark's own catalog: Operation not allowed: GRANT")
def test_a_table_that_may_not_even_be_read_stops_no_other(twin, place):
    twin.land(SMALL)
    sync(twin, place)
    record = place.quote("_profiles_sync", "cursors_acme")
    place.run(f"DELETE FROM {record} WHERE table_name IN ('identifies', 'screens')")
    twin.land([call("alias", "a1", 6, userId="u1", previousId="a")])  # a table before those is synced
    with place.hidden("identifies"):
        result = sync(twin, place)
        assert [name for name, done in result.tables.items() if done.error] == ["identifies"]
        assert "permission denied" in result.tables["identifies"].error
    assert "screens" in {name for (name,) in place.run(f"SELECT table_name FROM {record}")}


@pytest.mark.never("duckdb", "a file has no users")
@pytest.mark.notyet("snowflake", 'syntax error at or near "REVOKE"')
@pytest.mark.notyet("bigquery", 'syntax error at or near "REVOKE"')
@pytest.mark.notyet("databricks", "Spark's own catalog: Operation not allowed: GRANT")
@pytest.mark.parametrize("table", ["bought", "user_traits"])
def test_a_permission_that_was_revoked_stops_its_table_and_no_other(twin, place, table):
    twin.land(SMALL)
    sync(twin, place)
    twin.land(MORE)
    with place.revoked(table):
        result = sync(twin, place)
        assert [name for name, done in result.tables.items() if done.error] == [table]
        assert result.status == "Partial success"
        assert "denied" in result.tables[table].error or "owner" in result.tables[table].error
        assert_same(twin, place, but=[table])
    assert synced_same(twin, place).tables.keys() == {table}


@pytest.mark.never("duckdb", "a file has no server")
@pytest.mark.never("databricks", "a job's own Spark is no server; a SQL warehouse has tests of its own")
def test_a_dead_server_is_told_in_bounded_time_and_made_up_for(twin, place):
    twin.land(SMALL)
    with place.stopped():
        started = time.monotonic()
        with pytest.raises(WarehouseUnreachable), place.open(patience=1).connect():
            pass
        result = sync(twin, place, patience=1)
        assert time.monotonic() - started < 30
        assert (result.status, result.tables) == ("Failed", {})
        assert "nothing was written" in result.error
    synced_same(twin, place)


@pytest.mark.never("duckdb", "a file has no server")
@pytest.mark.never("databricks", "a job's own Spark is no server; a SQL warehouse has tests of its own")
def test_a_server_that_goes_away_in_the_middle_ends_the_sync_and_is_made_up_for(twin, place, monkeypatch):
    twin.land(SMALL)
    seen = counted(place, monkeypatch, at=40, do=place.cut_off)
    result = sync(twin, place)
    assert seen[0] >= 40
    assert result.error and "went away" in result.error
    monkeypatch.undo()
    synced_same(twin, place)


class Killed(BaseException):
    """The process is no more."""


def counted(place, monkeypatch, at, do):
    """Count what the warehouse is told, and do something before number `at`."""
    seen, (connection, methods) = [0], place.statements

    def step(method):
        def told(self, *given, **options):
            seen[0] += 1
            if seen[0] == at:
                do()
            return method(self, *given, **options)

        return told

    for name in methods:
        monkeypatch.setattr(connection, name, step(getattr(connection, name)))
    return seen


def killed():
    raise Killed


@pytest.mark.parametrize("every", [9, pytest.param(1, marks=pytest.mark.slow)])
def test_a_sync_that_is_broken_off_between_any_two_statements_is_simply_repeated(twin, place, every, monkeypatch):
    twin.land(SMALL)
    sync(twin, place)
    for day in range(6, 1000):
        twin.land(
            [bought(f"m{day}", 6, coupon=f"c{day}", **{f"p{day}": day}), call("page", f"p{day}", 6, userId=f"u{day}")]
        )
        with monkeypatch.context() as patched:
            seen = counted(place, patched, at=1 + (day - 6) * every, do=killed)
            try:
                sync(twin, place)
            except Killed:
                pass
            else:
                break
        synced_same(twin, place)
    assert seen[0] > 18
    assert set(place.columns("_profiles_sync")) == place.internal


def test_two_syncs_at_once_write_each_row_once(twin, place):
    twin.land(stream(1, 60))
    results = []

    def run_one(number):
        results.append(sync(twin, place, str(number), patience=120))  # a stand-in takes its time

    both = [threading.Thread(target=run_one, args=[number]) for number in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert {result.error for result in results} == {None}
    assert sorted(result.rows > 0 for result in results) == [False, True]
    synced_same(twin, place)


def test_while_one_sync_has_the_schema_another_is_told_so(twin, place):
    twin.land(SMALL)
    with place.open().connect() as connection, connection.only_sync("acme"):
        result = sync(twin, place, patience=0)
    assert result.status == "Failed"
    assert "another" in result.error
    with place.open().connect() as connection, connection.only_sync("other"):
        assert sync(twin, place, patience=5).status == ("Failed" if place.kind == "duckdb" else "Success")


def test_the_main_job_syncs_it(twin, place):
    twin.write(SMALL)
    assert job(twin).status == "Success"
    twin.write(MORE)
    assert job(twin).warehouses["local"].rows > 0
    assert_same(twin, place)
