"""A run that fails before it comes to any warehouse is seen in each one's status, and counts for whoever is alerted."""

import json

import pytest

from profiles_sync.cli.frame import EXIT
from profiles_sync.control import backfills
from profiles_sync.control.history import Sync
from profiles_sync.problems import ErrorClass, Problem
from profiles_sync.settings import load
from profiles_sync.sync.health import health
from profiles_sync.sync.status import status_of
from profiles_sync.terminal.overview import print_status
from tests.commands import EVENTS, SETTINGS, a_space, in_process, write_events
from tests.sync.steps import added_late, bought, job, new, recent

ALERTS = "alerts: {ops: {to: ./alerts.jsonl, after: 2}, all: {to: ./all.jsonl}}\n"


@pytest.fixture
def space(tmp_path):
    """A space with one sync."""
    path = a_space(tmp_path, SETTINGS + ALERTS)
    run(path, "Success")
    return path


def run(space, status):
    code, out, _ = in_process("run", "--settings", space, "--json")
    assert (code, json.loads(out)["status"]) == (EXIT[status], status)
    return json.loads(out)


def told(space, name="alerts"):
    file = space.parent / f"{name}.jsonl"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def broken(space, is_broken):
    """Something else is where the lake keeps its list of batches, or not any more."""
    there, kept = space.parent / "lake" / "acme" / "_control" / "batches", space.parent / "kept"
    if is_broken:
        there.rename(kept)
        there.write_text("")
    else:
        there.unlink()
        kept.rename(there)


def test_a_run_that_came_to_no_warehouse_is_the_last_sync_of_each(space):
    broken(space, True)
    failed = run(space, "Failed")
    assert failed["warehouses"] == {}
    shown = status_of(load(space))
    assert shown["warehouses"]["local"]["last_status"] == "Failed"
    assert shown["warehouses"]["local"]["last_sync"] == shown["syncs"][0]["start_time"]
    assert health(load(space), lambda: None, lambda step: None).parts["last sync of local"].startswith("failed: ")
    broken(space, False)
    run(space, "Success")
    assert status_of(load(space))["warehouses"]["local"]["last_status"] == "Success"


def test_only_consecutive_failures_count(space):
    for turn in range(2):
        broken(space, True)
        run(space, "Failed")
        broken(space, False)
        write_events(space.parent, f"{turn}.jsonl", [EVENTS[0] | {"messageId": f"t{turn}"}])
        run(space, "Success")
    assert told(space) == []
    broken(space, True)
    run(space, "Failed")
    failed = run(space, "Failed")
    assert [one["in_a_row"] for one in told(space)] == [2]
    assert [one["in_a_row"] for one in told(space, "all")] == [1, 1, 1, 2]
    assert told(space)[0]["text"] == failed["error"]


def test_an_alert_says_what_to_do_and_where_to_see_more(space):
    (space.parent / "acme.duckdb").write_text("no database")
    run(space, "Failed")
    (one,) = told(space, "all")
    assert one["problems"] == [{"class": "schema", "advice": one["problems"][0]["advice"]}]
    assert "another product" in one["problems"][0]["advice"]
    assert one["sync_id"] == status_of(load(space))["syncs"][0]["sync_id"]


def test_one_error_of_many_tables_is_shown_once(capsys):
    full = Problem(ErrorClass.CAPACITY, "make room")
    tables = {"pages": "no space left", "tracks": "no space left", "bought": "another"}
    problems = {"pages": full, "tracks": full}
    one = Sync("1", "local", "Failed", 0, 0, 0, {}, tables, None, problems=problems)
    print_status({"warehouses": {}, "syncs": [one.shown()]}, True)
    said = capsys.readouterr().out.splitlines()[-3:]
    assert said == ["pages, tracks: no space left", "  capacity: make room", "bought: another"]


def test_a_backfill_that_cannot_begin_is_in_the_status_and_told_once(tmp_path, monkeypatch):
    events = [bought(f"e{n}", event=f"Event {n}") | {"receivedAt": recent()} for n in range(3)]
    twin = added_late(tmp_path, events, settings="limits: {backfill_event_tables: 2}\n" + ALERTS)
    for message in ("n1", "n2"):
        twin.write(new(message))
        assert job(twin).status == "Success"
    rows, looks = backfills._rows, []
    monkeypatch.setattr(backfills, "_rows", lambda lake: looks.append(lake) or rows(lake))
    shown = status_of(twin.settings)["warehouses"]["local"]["backfill"]
    assert len(looks) == 1
    assert (shown["status"], "event_2 is one event table more" in shown["error"]) == ("not begun", True)
    (one,) = told(tmp_path / "acme.yml", "all")
    assert (one["occasion"], one["warehouse"], one["problems"][0]["class"]) == ("backfill_stopped", "local", "capacity")
    assert shown["error"] in one["text"]
    assert "event_2" in in_process("status", "--settings", tmp_path / "acme.yml")[1]
    assert health(twin.settings, lambda: None, lambda step: None).parts["backfill of local"] == shown["error"]
    twin.settings = load(raised(tmp_path / "acme.yml"))
    assert job(twin).backfills["local"]["status"] == "completed"
    assert status_of(twin.settings)["warehouses"]["local"]["backfill"]["error"] is None
    assert "backfill of local" not in health(twin.settings, lambda: None, lambda step: None).parts


def raised(path):
    """The settings with a higher limit."""
    path.write_text(path.read_text().replace("backfill_event_tables: 2", "backfill_event_tables: 9"))
    return path
