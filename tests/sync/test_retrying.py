"""A sync that a real server breaks off is tried again with growing waits; what the server refuses is not."""

import threading
import time

import pytest

from profiles_sync.settings import RetrySettings
from profiles_sync.sync.retrying import sync_patiently
from tests.lakes import Twin
from tests.servers import postgres
from tests.sync.steps import call
from tests.warehouses.contract.places import PostgresPlace
from tests.warehouses.contract.steps import assert_same

RETRIES = RetrySettings(times=3, first_wait=2, longest_wait=5)
#: A trigger that does something to the first so many inserts; a sequence counts on when a transaction is taken back.
TRIGGER = """
CREATE SEQUENCE acme.inserts;
GRANT USAGE ON SEQUENCE acme.inserts TO segment;
CREATE FUNCTION acme.in_the_way() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF nextval('acme.inserts') <= {times} THEN {does}; END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER in_the_way AFTER INSERT ON acme.pages FOR EACH STATEMENT EXECUTE FUNCTION acme.in_the_way();
"""
BREAK_OFF = "PERFORM pg_terminate_backend(pg_backend_pid())"
REFUSE = "RAISE EXCEPTION 'not today'"


@pytest.fixture(scope="module")
def server():
    with postgres() as started:
        yield started


@pytest.fixture
def place(server):
    made = PostgresPlace(server)
    yield made
    made.close()


@pytest.fixture
def twin(tmp_path, place):
    """A space that was synced once and has news in several tables."""
    made = Twin(tmp_path)
    made.land([call("page", "p1", userId="u1"), call("screen", "s1", userId="u1")])
    assert synced(made, place)[0].status == "Success"
    made.land([call("page", "p2", userId="u2"), call("screen", "s2", userId="u2")])
    return made


def synced(twin, place):
    """The sync with its retries; what came of it, how long it waited, what it said."""
    waits, said = [], []
    result = sync_patiently(place.open(), twin.lake, "1", said.append, RETRIES, waits.append)
    return result, waits, said


def test_a_sync_that_is_broken_off_is_tried_again_and_nothing_is_there_twice(twin, place):
    place.run(TRIGGER.format(times=2, does=BREAK_OFF))
    result, waits, said = synced(twin, place)
    assert (result.status, result.error, waits) == ("Success", None, [2, 4])
    assert sum("again" in one for one in said) == 2
    assert {"pages", "screens"} <= result.tables.keys()
    assert (result.tables["pages"].rows, result.tables["screens"].rows) == (1, 1)
    assert_same(twin, place)


def test_tries_and_waits_have_an_end_and_the_next_run_makes_up_for_it(twin, place):
    place.run(TRIGGER.format(times=4, does=BREAK_OFF))
    result, waits, _ = synced(twin, place)
    assert waits == [2, 4, 5]
    assert result.status == "Failed"
    assert result.problem.error_class == "connectivity"
    result, waits, _ = synced(twin, place)
    assert (result.status, waits) == ("Success", [])
    assert_same(twin, place)


@pytest.mark.parametrize("state", ["40P01", "40001", "55P03"])
def test_a_table_that_somebody_else_is_at_is_tried_again_after_the_others_with_growing_waits(twin, place, state):
    """A deadlock, a transaction that cannot be serialized, a lock that was not to be had in time."""
    place.run(TRIGGER.format(times=4, does=f"RAISE EXCEPTION 'in the way' USING ERRCODE = '{state}'"))
    result, waits, said = synced(twin, place)  # in its group, alone, and after three waits
    assert (result.status, result.error, waits) == ("Success", None, [2, 4, 5])
    assert said.index("screens") < said.index("pages (again)")
    assert (result.tables["pages"].rows, result.tables["screens"].rows) == (1, 1)
    assert_same(twin, place)


def test_a_table_that_stays_locked_fails_alone_and_says_what_to_do(twin, place):
    place.run(TRIGGER.format(times=9, does="RAISE EXCEPTION 'in the way' USING ERRCODE = '40P01'"))
    result, waits, _ = synced(twin, place)
    assert (result.status, waits) == ("Partial success", [2, 4, 5])
    assert [name for name, table in result.tables.items() if table.error] == ["pages"]
    assert result.tables["pages"].problem.error_class == "capacity"
    assert "SQLSTATE 40P01" in result.tables["pages"].error
    place.run("DROP TRIGGER in_the_way ON acme.pages")
    assert synced(twin, place)[0].tables.keys() == {"pages"}
    assert_same(twin, place)


def test_two_transactions_that_wait_for_each_other_cost_no_table_its_sync(twin, place):
    """A real deadlock: the owner locks what the sync writes last, and then waits for what it wrote first."""
    place.run("SELECT 1")
    with place.server.connect(place.database) as other:
        other.autocommit = False
        other.execute("SET deadlock_timeout = '10s'; LOCK TABLE acme.screens IN EXCLUSIVE MODE")
        waiting = threading.Thread(target=_locks_the_other, args=[other])
        waiting.start()
        result, _, _ = synced(twin, place)
        waiting.join(60)
    assert (result.status, result.error) == ("Success", None)
    assert "deadlock detected" in (place.server.data / "log").read_text()
    assert_same(twin, place)


def _locks_the_other(other):
    deadline = time.monotonic() + 30
    waits = "SELECT 1 FROM pg_locks WHERE NOT granted AND relation = 'acme.screens'::regclass"
    while not other.execute(waits).fetchall() and time.monotonic() < deadline:
        time.sleep(0.05)
    other.execute("LOCK TABLE acme.pages IN EXCLUSIVE MODE")  # the sync is the one that is broken off
    other.rollback()


def test_what_is_refused_is_not_tried_again(twin, place):
    place.run(TRIGGER.format(times=9, does=REFUSE))
    result, waits, _ = synced(twin, place)
    assert (result.status, waits) == ("Partial success", [])
    assert [name for name, table in result.tables.items() if table.error] == ["pages"]
    place.run("DROP TRIGGER in_the_way ON acme.pages")
    result, _, _ = synced(twin, place)
    assert (result.status, result.tables.keys()) == ("Success", {"pages"})
    assert_same(twin, place)


def test_a_server_that_does_not_answer_at_first_has_the_patience_of_its_connection_alone(twin, place):
    with place.stopped():
        warehouse = place.open(patience=0)
        waits = []
        result = sync_patiently(warehouse, twin.lake, "1", lambda said: None, RETRIES, waits.append)
    assert (result.status, result.may_pass, waits) == ("Failed", False, [])
    assert result.problem.error_class == "connectivity"
