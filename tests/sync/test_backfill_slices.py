"""A large table is backfilled in slices, and live syncs have their turn between them."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from profiles_sync.control import backfills
from profiles_sync.control.connections import connections
from profiles_sync.control.warehouses import enabled
from profiles_sync.errors import WarehouseBusy
from profiles_sync.lake import area
from profiles_sync.settings.models import ScheduleSettings
from profiles_sync.sync import group
from profiles_sync.sync.backfill import backfill, doing, sending
from profiles_sync.sync.status import status_of
from profiles_sync.warehouses.postgres import PostgresWarehouse
from tests.sync.steps import added_late, bought, call, declared_at, in_lake, job, new, recent
from tests.warehouses.contract.steps import assert_same, in_warehouse

RAW = ("id_graph_updates", "external_id_mapping_updates", "profile_traits_updates")
PEOPLE = 24


def history():
    when = {"receivedAt": recent()}
    people = [
        call("identify", f"i{n}", userId=f"u{n}", anonymousId=f"a{n}", traits={"plan": "free", "age": n})
        for n in range(PEOPLE)
    ]
    return [one | when for one in [*people, *(bought(f"h{n}", user=f"u{n}", total=n) for n in range(PEOPLE))]]


@pytest.fixture
def twin(tmp_path, place, monkeypatch):
    """A space with history, of which the staged files have eight rows or so each, and each slice has one file."""
    made = added_late(tmp_path / "space", history())
    made.settings = declared_at(tmp_path / "space", place, "backfill: {slice_seconds: 0}\n")
    monkeypatch.setattr(sending, "_PAUSE", (0.0, 0.0))
    monkeypatch.setattr(group, "_ROWS", 1)
    in_small_files(monkeypatch)
    made.write(new())
    with monkeypatch.context() as patched:
        patched.setattr("profiles_sync.sync.hourly.carry_on", lambda *given: ({}, []))
        job(made)  # the sync alone
    return made


def in_small_files(monkeypatch):
    """Eight rows in each."""

    def few(rows):
        for some in rows:
            for first in range(0, some.num_rows, 8):
                yield [some.slice(first, 8)]

    monkeypatch.setattr(area, "_in_parts", few)


def begun(twin):
    """The automatic backfill, staged."""
    from profiles_sync.sync.backfill.requests import begun as requested

    return requested(twin.settings, twin.lake, connections(twin.lake)["local"])


def test_a_large_table_is_sent_in_slices_and_the_warehouse_has_it_whole(twin, place, monkeypatch):
    begun(twin)
    noted, slices = backfills.note, []

    def note(lake, one, step, details=None):
        slices.append(details or {})
        return noted(lake, one, step, details)

    monkeypatch.setattr(backfills, "note", note)
    done = backfill(twin.settings, "local")
    assert (done.shown()["status"], done.errors, done.parts) == ("completed", {}, {})
    parts = [one["parts"]["bought"][0] for one in slices if "bought" in one.get("parts", {})]
    assert parts == [1, 2, 3]  # 25 rows in files of eight
    assert (done.sent["bought"], done.shown()["bytes_done"]) == (PEOPLE, done.shown()["bytes"])
    assert_same(twin, place, but=RAW)


@pytest.mark.slow
def test_between_any_two_slices_a_live_sync_has_its_turn_and_what_it_changed_stays(twin, place, monkeypatch):
    begun(twin)
    noted, live, turn = backfills.note, [], iter(range(PEOPLE))

    def note(lake, one, step, details=None):
        done = noted(lake, one, step, details)
        if step is backfills.Step.SENT and len(live) < 8:  # people merge, change and come while they are being sent
            n = next(turn)
            merge = call(
                "identify", f"x{n}", userId=f"u{2 * n}", anonymousId=f"a{PEOPLE - 1 - n}", traits={"age": 100 + n}
            )
            twin.write([merge | {"receivedAt": recent(0)}, *new(f"live{n}", user=f"v{n}")])
            live.append(job(twin).warehouses["local"])
        return done

    monkeypatch.setattr(backfills, "note", note)
    with monkeypatch.context() as patched:
        patched.setattr("profiles_sync.sync.hourly.carry_on", lambda *given: ({}, []))
        assert backfill(twin.settings, "local").status == "completed"
        assert {(one.status, one.tables["bought"].rows) for one in live} == {("Success", 1)}
        assert job(twin).status == "Success"
    assert_same(twin, place, but=RAW)


@pytest.mark.slow
def test_changes_that_no_live_sync_brought_go_with_the_last_slice(twin, place):
    from profiles_sync.pipeline.engine import Engine
    from profiles_sync.pipeline.run import take_new_events

    begun(twin)
    merges = [
        call("identify", f"x{n}", userId=f"u{n}", anonymousId=f"a{n + 1}") | {"receivedAt": recent(0)}
        for n in (0, 2, 4)
    ]
    twin.write(merges)
    assert take_new_events(Engine(twin.settings, twin.lake, twin.spark)).read == 3  # and no sync
    assert backfill(twin.settings, "local").status == "completed"
    for name in (
        "id_graph",
        "profile_merges",
        "user_traits",
        "user_identifiers",
        "profile_traits",
        "external_id_mapping",
    ):
        assert in_warehouse(twin, place, name) == in_lake(twin, name), name
    job(twin)
    assert_same(twin, place, but=RAW)


def test_a_live_sync_waits_for_a_slice_and_gets_its_turn_before_the_next(twin, place, monkeypatch):
    """A real contest: the backfill in a thread, and a sync that begins while that holds the warehouse."""
    begun(twin)
    holds, load_rows, one = threading.Event(), type(place).statements[0].load, place.statements[0]

    def slow(self, *given):
        if threading.current_thread().name == "backfill":
            holds.set()
            time.sleep(1.5)
        return load_rows(self, *given)

    monkeypatch.setattr(one, "load", slow)
    monkeypatch.setattr(sending, "_PAUSE", (0.5, 2.5))
    runs = threading.Thread(target=lambda: _until_the_test_ends(twin), name="backfill", daemon=True)
    runs.start()
    assert holds.wait(60)
    twin.write(new("live"))
    monkeypatch.setattr("profiles_sync.sync.hourly.carry_on", lambda *given: ({}, []))
    result = job(twin).warehouses["local"]
    assert (result.status, result.tables["bought"].rows) == ("Success", 1), result.error
    (open_one,) = [one for one in backfills.backfills(twin.lake) if one.is_open]
    assert 0 < len(open_one.sent) + len(open_one.parts) < len(open_one.tables)  # it is not over
    Stop.now = True
    runs.join(60)


@pytest.fixture
def impatient(monkeypatch):
    """Who waits for its turn in Postgres gives up soon."""
    made = PostgresWarehouse.__init__
    monkeypatch.setattr(PostgresWarehouse, "__init__", lambda self, *given: made(self, *given, 0.2))


@pytest.mark.slow
@pytest.mark.parametrize("place", ["postgres"], indirect=True)
def test_it_waits_for_a_sync_that_takes_longer_than_a_turn(twin, place, impatient):
    begun(twin)
    heard, is_waiting = [], threading.Event()

    def say(step):
        heard.append(step)
        if "once another sync has ended" in step:
            is_waiting.set()

    with place.open().connect() as other, ThreadPoolExecutor(1) as pool:
        with other.only_sync("acme"):
            done = pool.submit(backfill, twin.settings, "local", say=say)
            assert is_waiting.wait(60)
            assert not done.done()
        assert done.result(60).status == "completed"
    assert sum("once another sync" in step for step in heard) < 10


@pytest.mark.slow
@pytest.mark.parametrize("place", ["postgres"], indirect=True)
def test_what_stops_it_is_in_its_status_until_it_goes_on(twin, place, impatient, monkeypatch):
    begun(twin)
    monkeypatch.setattr(sending, "_PATIENCE", 0)
    with place.open().connect() as other, other.only_sync("acme"):
        with pytest.raises(WarehouseBusy):
            backfill(twin.settings, "local")
        for _ in range(2):
            done, warnings = carried_on(twin)
            assert ({}, "another sync of schema acme is under way" in warnings[0]) == (done, True)
    assert [row["step"] for row in backfills._rows(twin.lake)] == ["requested", "staged", "stopped"]
    assert "another sync" in status_of(twin.settings)["warehouses"]["local"]["backfill"]["error"]
    assert carried_on(twin)[0]["local"].status == "completed"
    assert status_of(twin.settings)["warehouses"]["local"]["backfill"]["error"] is None


def carried_on(twin):
    """As a run does after its syncs."""
    there = {one.name: one for one in enabled(twin.settings, twin.lake)}
    return doing.carry_on(twin.settings, twin.lake, twin.spark, there, connections(twin.lake), lambda step: None)


class Stop(BaseException):
    now = False


def _until_the_test_ends(twin):
    def say(step):
        if Stop.now:
            raise Stop

    try:
        backfill(twin.settings, "local", say=say)
    except Stop:
        Stop.now = False


def test_a_slice_is_as_many_files_as_are_sent_in_so_many_seconds():
    one = sending.Sending(None, None, None, None, None, slice_seconds=10)
    sizes = []
    for took in (1, 2, 4, 8, 9, 16, 30, 60, 200):
        one._fit(took)
        sizes.append(one._files)
    assert sizes == [2, 4, 8, 8, 8, 4, 2, 1, 1]


@pytest.mark.slow
def test_within_a_run_it_stops_when_the_next_sync_is_due_and_goes_on_after_that(twin, place, monkeypatch):
    begun(twin)
    twin.settings = twin.settings.model_copy(update={"schedule": ScheduleSettings(every_minutes=60)})
    monkeypatch.setattr(doing.schedule, "next_due", lambda every, now=None: time.time() + 600)
    noted = backfills.note
    with monkeypatch.context() as patched:

        def note(lake, one, step, details=None):
            done = noted(lake, one, step, details)
            if done.shown()["bytes_done"]:  # by now the next sync is due
                patched.setattr(sending.Sending, "_is_time", lambda self: self.until is not None)
            return done

        patched.setattr(backfills, "note", note)
        twin.write(new("n2"))
        first = job(twin).backfills["local"]
    assert (first["status"], first["errors"]) == ("staged", {})
    assert 0 < first["bytes_done"] < first["bytes"]
    assert job(twin).backfills["local"]["status"] == "completed"
    assert_same(twin, place, but=RAW)
