"""Warehouses that are synced beside each other, and what the history has of each."""

import re
import threading
import time

import pytest

from profiles_sync.control import history
from profiles_sync.errors import LockLost
from profiles_sync.settings import load
from profiles_sync.sync import lanes, run, warehouses
from profiles_sync.sync.backfill.sending import Sending
from profiles_sync.sync.lanes import Lane
from profiles_sync.sync.status import status_of
from tests.commands import query
from tests.lakes import Twin
from tests.sync.steps import added_late, bought, job, new, people, recent

THREE = """warehouses:
  local: {type: duckdb, path: ./acme.duckdb}
  second: {type: duckdb, path: ./second.duckdb}
  third: {type: duckdb, path: ./third.duckdb}
"""


@pytest.fixture
def twin(tmp_path):
    """A space of three warehouses."""
    made = Twin(tmp_path)
    declared = re.sub(r"warehouses: .*\n", THREE, (tmp_path / "acme.yml").read_text())
    (tmp_path / "acme.yml").write_text(declared)
    made.settings = load(tmp_path / "acme.yml")
    made.write([bought("m1")])
    return made


def engine(twin, **changed):
    twin.settings = twin.settings.model_copy(update={"engine": twin.settings.engine.model_copy(update=changed)})


@pytest.fixture
def hanging(twin, monkeypatch):
    """The second warehouse does not answer until it is let go; what came of it then."""
    let_go, after, sync = threading.Event(), [], run._sync_tables

    def slow(connection, warehouse, *given):
        if warehouse.name == "second":
            let_go.wait(90)
        try:
            return sync(connection, warehouse, *given)
        except BaseException as error:
            after.append(error)
            raise

    monkeypatch.setattr(run, "_sync_tables", slow)
    let_go.after = after
    yield let_go
    let_go.set()


def ids(twin, file):
    return query(twin.folder, "SELECT id FROM acme.bought ORDER BY id", file=file)


def others_are_done(twin):
    """Wait until the history has the two that do not hang."""
    deadline = time.monotonic() + 60
    while len(history.syncs(twin.lake)) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)


def test_a_slow_warehouse_holds_up_no_other_and_each_is_in_the_history_when_it_is_done(twin, hanging):
    result = []
    runs = threading.Thread(target=lambda: result.append(job(twin)))
    runs.start()
    others_are_done(twin)
    assert sorted(one.warehouse for one in history.syncs(twin.lake)) == ["local", "third"]
    assert (ids(twin, "acme.duckdb"), ids(twin, "third.duckdb")) == ([("m1",)], [("m1",)])
    hanging.set()
    runs.join(30)
    assert (result[0].status, list(result[0].warehouses)) == ("Success", ["local", "second", "third"])
    assert len(history.syncs(twin.lake)) == 3


def test_start_and_duration_are_the_warehouse_s_own(twin, hanging):
    runs = threading.Thread(target=job, args=(twin,))
    runs.start()
    others_are_done(twin)
    time.sleep(1)
    hanging.set()
    runs.join(60)
    found = {one.warehouse: one for one in history.syncs(twin.lake)}
    seconds = {name: (one.finished_at - one.started_at) / 1e6 for name, one in found.items()}
    assert seconds["second"] > 0.5 + max(seconds["local"], seconds["third"])
    run_began = int(found["local"].sync_id)
    assert all(one.started_at > run_began for one in found.values())


def test_of_one_that_hangs_the_run_ends_without_it_and_it_records_nothing_any_more(twin, hanging, monkeypatch):
    engine(twin, silent_minutes=0.05)
    monkeypatch.setattr(lanes, "_LOOK", 0.1)
    result = job(twin)
    statuses = {name: one.status for name, one in result.warehouses.items()}
    assert (result.status, statuses) == (
        "Partial success",
        {"local": "Success", "second": "Failed", "third": "Success"},
    )
    assert "nothing was heard of it for 0.05 minutes" in result.warehouses["second"].error
    (sync,) = [one for one in history.syncs(twin.lake) if one.warehouse == "second"]
    assert (sync.status, sync.error_class) == ("Failed", "connectivity")
    hanging.set()  # it wakes up after the run
    deadline = time.monotonic() + 60
    while not hanging.after and time.monotonic() < deadline:
        time.sleep(0.05)
    assert isinstance(hanging.after[0], LockLost)
    assert job(twin).status == "Success"
    assert ids(twin, "second.duckdb") == [("m1",)]


@pytest.mark.parametrize("at_once", [1, 2])
def test_no_more_are_synced_at_once_than_the_settings_say(twin, monkeypatch, at_once):
    engine(twin, warehouses_at_once=at_once)
    busy, most, sync = set(), [], warehouses.sync_patiently

    def watched(warehouse, *given, **named):
        busy.add(warehouse.name)
        most.append(len(busy))
        time.sleep(0.2)
        try:
            return sync(warehouse, *given, **named)
        finally:
            busy.discard(warehouse.name)

    monkeypatch.setattr(warehouses, "sync_patiently", watched)
    assert job(twin).status == "Success"
    assert max(most) == at_once


def test_warehouses_in_one_file_take_turns(twin):
    same = twin.settings.warehouses["local"]
    both = {"local": same, "second": same.model_copy(update={"schema_name": "other"})}
    twin.settings = twin.settings.model_copy(update={"warehouses": both})
    twin.write([bought(f"n{number}", event=f"Event {number}") for number in range(150)])
    result = job(twin)
    assert {name: one.status for name, one in result.warehouses.items()} == {"local": "Success", "second": "Success"}
    assert query(twin.folder, "SELECT id FROM other.bought") == [("m1",)]


def test_what_each_is_at_is_one_line(twin):
    said = []
    from profiles_sync.sync.hourly import run as run_sync

    run_sync(twin.settings, twin.spark, said.append)
    syncing = [line for line in said if line.startswith("syncing ")]
    assert any(line.count(" to ") > 1 for line in syncing)
    assert all(re.fullmatch(r"syncing (\w+ to (local|second|third)(, |$)){1,3}", line) for line in syncing)


def test_an_error_that_nobody_expects_ends_the_wait():
    class Killed(BaseException):
        pass

    def dies(lane):
        raise Killed

    with pytest.raises(Killed):
        list(lanes.done([Lane({"a": dies})], 1, 10))


# What no source could be read for


@pytest.mark.parametrize("has_news", [False, True])
def test_a_sync_of_a_run_that_could_read_no_source_is_no_success(tmp_path, has_news):
    twin = Twin(tmp_path)
    twin.write([bought("m1") | {"receivedAt": recent()}])
    job(twin)
    if has_news:  # of an earlier run
        twin.land([bought("m2")])
    log = tmp_path / "events" / "_delta_log"
    log.mkdir()
    (log / f"{0:020}.json").write_text("no Delta log")
    result = job(twin)
    assert result.status == "Failed"
    newest = history.syncs(twin.lake)[0]
    assert (newest.warehouse, newest.status) == ("local", "Partial success" if has_news else "Failed")
    assert "source website" in newest.error and newest.error == result.error
    assert newest.shown()["problem"]["class"] and newest.shown()["problem"]["advice"]


# Backfills


def test_a_backfill_that_hangs_holds_up_neither_that_of_another_warehouse_nor_the_run(tmp_path, monkeypatch):
    twin = added_late(tmp_path, people())
    declared = re.sub(r"warehouses: .*\n", THREE, (tmp_path / "acme.yml").read_text())
    (tmp_path / "acme.yml").write_text(declared)
    twin.settings = load(tmp_path / "acme.yml")
    job(twin)
    twin.write(new())
    let_go, send = threading.Event(), Sending.send

    def slow(self, one):
        if self.warehouse.name == "local":
            let_go.wait(90)
        return send(self, one)

    monkeypatch.setattr(Sending, "send", slow)
    monkeypatch.setattr(lanes, "_LOOK", 0.1)
    engine(twin, silent_minutes=0.05)
    result = job(twin)
    assert "nothing was heard of it" in status_of(twin.settings)["warehouses"]["local"]["backfill"]["error"]
    let_go.set()
    assert result.status == "Success"
    assert {name: one["status"] for name, one in result.backfills.items()} == dict.fromkeys(
        ("second", "third"), "completed"
    )
    assert [told for told in result.report.warnings if "backfill of local: nothing was heard of it" in told]
    monkeypatch.undo()
    deadline = time.monotonic() + 60
    while (
        len(job(twin).backfills) and time.monotonic() < deadline
    ):  # the thread that was left behind may be at it still
        time.sleep(0.1)
    assert len(query(twin.folder, "FROM acme.id_graph")) == len(
        query(twin.folder, "FROM acme.id_graph", "third.duckdb")
    )
