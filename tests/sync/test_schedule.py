"""Runs at the times that are due, never two at once; what was left out is written down and told."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, nullcontext
from pathlib import Path

import pytest

from profiles_sync.cli.scheduling import due as scheduled_run
from profiles_sync.control import history, schedule, skipped
from profiles_sync.control.history import Sync
from profiles_sync.control.lock import only_run
from profiles_sync.control.skipped import Skipped
from profiles_sync.errors import LakeBusy
from profiles_sync.lake.opening import lake_of
from profiles_sync.settings import load
from profiles_sync.sync.hourly import run
from profiles_sync.sync.scheduler import TOLD, Scheduler
from profiles_sync.sync.status import status_of
from tests.commands import BIN, SETTINGS, a_space, environment, in_process, written

MINUTE = 60
ALERTS = "alerts: {ops: {to: ./alerts.jsonl}}\n"


@pytest.fixture
def space(tmp_path):
    """A space that wants to be told of everything."""
    return a_space(tmp_path, SETTINGS + ALERTS)


def told(folder):
    file = folder / "alerts.jsonl"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def sync(at, status="Success", warehouse="local"):
    return Sync(str(int(at * 1e6)), warehouse, status, int(at * 1e6), int(at * 1e6), 0)


def keeper(space, seconds, body, runs, heard=None):
    """A schedule whose runs are a line of Python; ends by itself."""
    settings = load(space)
    command = [sys.executable, "-c", body]
    said = [] if heard is None else heard
    return Scheduler(settings, lake_of(settings), seconds / MINUTE, command, said.append, runs)


# When


@pytest.mark.parametrize(
    ("every", "now", "due"),
    [
        (60, "2026-01-05T14:00:00", "2026-01-05T15:00:00"),
        (60, "2026-01-05T14:59:59", "2026-01-05T15:00:00"),
        (60, "2026-01-05T23:30:00", "2026-01-06T00:00:00"),
        (15, "2026-01-05T14:14:59", "2026-01-05T14:15:00"),
        (1440, "2026-01-05T14:00:00", "2026-01-06T00:00:00"),
    ],
)
def test_syncs_are_due_near_the_full_hour(every, now, due):
    import datetime as dt

    at = dt.datetime.fromisoformat(f"{now}+00:00").timestamp()
    assert schedule.iso(schedule.next_due(every, at)) == f"{due}+00:00"


def test_status_has_a_next_sync_only_where_somebody_said_when(tmp_path):
    silent = load(written(tmp_path, SETTINGS))
    assert [status_of(silent)["warehouses"]["local"][key] for key in ("next_sync", "frequency")] == [None, None]
    declared = load(written(tmp_path, SETTINGS, "schedule: {every_minutes: 15}\n"))
    shown = status_of(declared)["warehouses"]["local"]
    assert shown["frequency"] == "every 15 minutes"
    assert shown["next_sync"] in {schedule.iso(schedule.next_due(15, time.time() - ago)) for ago in (0, 5)}
    off = load(
        written(
            tmp_path,
            SETTINGS.replace("acme.duckdb}", "acme.duckdb, enabled: false}"),
            "schedule: {every_minutes: 15}\n",
        )
    )
    assert status_of(off)["warehouses"]["local"]["next_sync"] is None


def test_a_schedule_that_runs_says_when_until_it_ends(tmp_path):
    settings = load(written(tmp_path, SETTINGS, "schedule: {every_minutes: 60}\n"))
    lake = lake_of(settings)
    due = schedule.next_due(5)
    schedule.announce(lake, 5, due)
    assert status_of(settings)["warehouses"]["local"]["next_sync"] == schedule.iso(due)
    assert schedule.running(lake, due + 59) is not None
    assert schedule.running(lake, due + 61) is None  # it did not do what it said it would
    schedule.withdraw(lake)
    assert schedule.next_sync(settings, lake) == schedule.iso(schedule.next_due(60))


# The command


@contextmanager
def command(space, *arguments):
    program = [str(BIN / "profiles-sync"), "schedule", "--settings", str(space), *arguments]
    with subprocess.Popen(program, env=environment(), stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def until(process, words):
    """Every line to the one with these words."""
    lines = []
    for line in process.stderr:
        lines.append(line)
        if words in line:
            return "".join(lines)
    raise AssertionError("".join(lines))


@pytest.mark.slow
def test_the_command_runs_the_job_and_ends_by_sigterm(space, tmp_path):
    with command(space, "--every", "600", "--now") as process:
        begun = until(process, "a run begins")
        assert in_process("status", "--settings", space, "--json")[0] == 0
        assert "the run has ended: Success" in until(process, "the run has ended")
        due = schedule.iso(schedule.next_due(600))
        assert f"next run at {due}" in until(process, "next run at")
        (_, out, _) = in_process("status", "--settings", space, "--json")
        shown = json.loads(out)
        assert shown["warehouses"]["local"]["next_sync"] == due
        assert [one["status"] for one in shown["syncs"]] == ["Success"]
        _, _, err = in_process("schedule", "--settings", space)
        assert f"a schedule is running already, as process {process.pid} of its machine" in err
        process.send_signal(signal.SIGTERM)
        assert "the schedule has ended" in until(process, "ended")
        assert process.wait() == 0
    assert begun.count("\n") == 1
    assert schedule.running(lake_of(load(space))) is None


def test_a_schedule_that_was_killed_is_none_at_once(space, tmp_path):
    with command(space, "--every", "600") as process:
        until(process, "next run at")
        assert schedule.running(lake_of(load(space))).process.pid == process.pid
        process.kill()
        time.sleep(0.5)
        assert schedule.running(lake_of(load(space))) is None


def test_sigterm_lets_the_run_that_is_going_come_to_its_end(space, tmp_path):
    heard = []
    mark = tmp_path / "done"
    body = f"import os, signal, time; os.kill(os.getppid(), signal.SIGTERM); time.sleep(1); open({str(mark)!r}, 'w')"
    one = keeper(space, 600, body, None, heard)
    before = signal.signal(signal.SIGTERM, lambda *_: one.stop())
    try:
        one.keep(at_once=True)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert mark.exists()
    assert heard[-2:] == ["waiting for the run that is going", "the run has ended: Success"]
    assert told(tmp_path) == []


def test_a_second_sigterm_ends_the_run_too(space, tmp_path):
    heard = []
    one = keeper(space, 600, "import time; time.sleep(300)", None, heard)

    def stop(*_):
        one.stop()
        if len(heard) and not heard[-1].startswith("waiting"):
            signal.setitimer(signal.ITIMER_REAL, 0.5)

    before = signal.signal(signal.SIGALRM, stop)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.5)
        began = time.monotonic()
        one.keep(at_once=True)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert time.monotonic() - began < 60
    assert heard[-1] == "the run has ended: it was ended by signal 15"
    assert told(tmp_path) == []  # somebody wanted that


# Never two at once


def test_a_run_that_is_still_going_means_that_the_next_is_skipped(space, tmp_path):
    """The runs take longer than their time; each notes when it begins and ends."""
    notes = tmp_path / "notes"
    body = (
        f"import time\nfile = open({str(notes)!r}, 'a', buffering=1)\n"
        "file.write('begin\\n'); time.sleep(2.5); file.write('end\\n')"
    )
    heard = []
    keeper(space, 1, body, 2, heard).keep()
    assert notes.read_text().split() == ["begin", "end"] * 2
    lake = lake_of(load(space))
    left_out = skipped.skipped(lake)
    assert len(left_out) >= 2
    assert all(one.due_at % 1_000_000 == 0 and "was still going" in one.reason for one in left_out)
    assert {one["occasion"] for one in told(tmp_path)} == {"sync_skipped"}
    assert len(told(tmp_path)) == len(left_out)
    assert sum(line.startswith("skipped the run of ") for line in heard) == len(left_out)


def test_a_run_that_somebody_else_began_means_the_same(space, tmp_path):
    settings = load(space)
    lake = lake_of(settings)
    with only_run(lake), pytest.raises(LakeBusy):
        run(settings, lambda: None)
    (one,) = skipped.skipped(lake)
    assert "another run is under way" in one.reason
    shown = status_of(settings)
    assert shown["syncs"] == []
    assert [(one["status"], one["reason"]) for one in shown["skipped"]] == [("Skipped", one.reason)]
    assert [one["occasion"] for one in told(tmp_path)] == ["sync_skipped"]
    assert "Skipped" in in_process("status", "--settings", space)[1]
    assert history.syncs(lake) == []


def test_what_was_skipped_comes_newest_first(space):
    lake = lake_of(load(space))
    for at in (2, 1, 3):
        skipped.record(lake, Skipped(at, f"{at}"))
    assert [one.due_at for one in skipped.skipped(lake)] == [3, 2, 1]
    assert skipped.skipped(lake)[0].shown() == {
        "status": "Skipped",
        "due_time": "1970-01-01T00:00:00+00:00",
        "reason": "3",
    }


# Told


def test_a_run_that_was_killed_is_told_by_the_schedule(space, tmp_path):
    keeper(space, 600, "import os, signal; os.kill(os.getpid(), signal.SIGKILL)", 1).keep(at_once=True)
    (one,) = told(tmp_path)
    assert one["occasion"] == "sync_failed"
    assert one["text"].startswith("a run did not come to its end: it was ended by signal 9; see what the schedule")
    assert f"the next run is due at {schedule.iso(schedule.next_due(10))} and goes on" in one["text"]


@pytest.mark.parametrize("word", ["Failed", "Skipped"])
def test_a_run_that_failed_or_was_skipped_told_of_itself(space, tmp_path, word):
    keeper(space, 600, f"raise SystemExit({TOLD[word]})", 1).keep(at_once=True)
    assert told(tmp_path) == []


def test_a_run_that_ended_by_a_traceback_is_told_by_the_schedule(space, tmp_path):
    keeper(space, 600, "import no_such_module", 1).keep(at_once=True)
    (one,) = told(tmp_path)
    assert one["occasion"] == "sync_failed"
    assert one["text"].startswith("a run did not come to its end: it ended with code 1; ")


@pytest.mark.parametrize(
    ("trouble", "codes"), [("none", {TOLD["Success"]}), ("broken", {TOLD["Failed"]}), ("busy", {TOLD["Skipped"]})]
)
def test_the_schedules_own_run_ends_with_what_it_came_to_and_tells_it_once(space, tmp_path, trouble, codes):
    if trouble == "broken":
        broken(space)
    with only_run(lake_of(load(space))) if trouble == "busy" else nullcontext(), pytest.raises(SystemExit) as ended:
        scheduled_run(str(space))
    assert {ended.value.code} == codes
    expected = {"none": [], "broken": ["sync_failed"], "busy": ["sync_skipped"]}
    assert [one["occasion"] for one in told(tmp_path)] == expected[trouble]


def broken(space):
    """The warehouse's file is none."""
    (space.parent / "acme.duckdb").write_text("no database")
    return load(space)


def test_a_failed_sync_is_told_with_how_many_it_is_in_a_row(space, tmp_path):
    settings = broken(space)
    lake = lake_of(settings)
    for hour, status in enumerate(["Failed", "Success", "Failed", "Partial success"]):
        history.record(lake, [sync(hour * 3600, status), sync(hour * 3600 + 1, "Failed", "other")])
    result = run(settings, lambda: None)
    (one,) = [one for one in told(tmp_path) if one["occasion"] == "sync_failed"]
    assert (one["warehouse"], one["in_a_row"]) == ("local", 3)
    assert one["text"] == result.warehouses["local"].error
    assert (result.status, result.report.warnings) == ("Failed", [])


def test_a_sync_that_partly_succeeded_is_told(tmp_path):
    other = "  pg: {type: duckdb, path: ./no/such/folder/x.duckdb}\n"
    settings = load(a_space(tmp_path, SETTINGS + other + ALERTS))
    (tmp_path / "no").write_text("no folder")
    sources = settings.sources | {
        "gone": settings.sources["website"].model_copy(update={"path": "nonsense://bucket/x"})
    }
    result = run(settings.model_copy(update={"sources": sources}), lambda: None)
    assert result.status == "Partial success"
    assert {(one["occasion"], one["warehouse"]) for one in told(tmp_path)} == {
        ("sync_failed", "pg"),
        ("sync_partially_succeeded", None),
    }


def test_a_success_is_not_told(space, tmp_path):
    assert run(load(space), lambda: None).status == "Success"
    assert told(tmp_path) == []


def test_an_alert_that_cannot_be_delivered_fails_no_sync(tmp_path):
    settings = load(
        a_space(tmp_path, SETTINGS + "alerts: {ops: {to: ./no/such/folder}}\nschedule: {every_minutes: 60}\n")
    )
    history.record(lake_of(settings), [sync(1)])
    result = run(settings, lambda: None)
    assert result.status == "Success"
    (warning,) = result.report.warnings
    assert warning.startswith("alert ops was not delivered: its file cannot be written")


def test_a_run_that_could_not_begin_is_told_also_where_there_is_no_history(tmp_path):
    (tmp_path / "lake").write_text("no folder")
    settings = load(a_space(tmp_path, SETTINGS + ALERTS.replace("jsonl", "jsonl, after: 3")))
    assert run(settings, lambda: None).status == "Failed"
    assert [(one["occasion"], one["in_a_row"]) for one in told(tmp_path)] == [("sync_failed", None)]


@pytest.mark.parametrize(
    ("synced", "left_out", "now", "late"),
    [
        ("14:00:02", None, "15:00:01", False),
        ("14:00:02", None, "15:59:59", False),
        ("14:00:02", None, "16:00:01", True),
        ("14:00:02", "15:00:00", "16:00:01", False),
        (None, None, "16:00:01", False),
    ],
)
def test_a_sync_is_late_when_one_that_was_due_neither_began_nor_was_skipped(tmp_path, synced, left_out, now, late):
    import datetime as dt

    from profiles_sync.sync.watched import _late

    def at(time):
        return dt.datetime.fromisoformat(f"2026-01-05T{time}+00:00").timestamp()

    settings = load(a_space(tmp_path, SETTINGS + ALERTS + "schedule: {every_minutes: 60}\n"))
    lake = lake_of(settings)
    if synced:
        history.record(lake, [sync(at(synced))])
    if left_out:
        skipped.record(lake, Skipped(int(at(left_out) * 1e6), "x"))
    said = [one.text for one in _late(settings, lake, int(at(now) * 1e6))]
    assert said == (
        [f"a sync was due at 2026-01-05T15:00:00+00:00, and the next began at 2026-01-05T{now}+00:00"] if late else []
    )
    assert _late(settings.model_copy(update={"schedule": None}), lake, int(at(now) * 1e6)) == []


def test_the_late_one_is_told(space, tmp_path):
    settings = load(written(space.parent, SETTINGS, ALERTS, "schedule: {every_minutes: 60}\n"))
    history.record(lake_of(settings), [sync(time.time() - 3 * 3600)])
    run(settings, lambda: None)
    assert [one["occasion"] for one in told(tmp_path)] == ["sync_late"]


def test_no_secret_of_an_alert_is_in_the_lake(tmp_path):
    secret = "hunter2"
    alerts = f"alerts: {{ops: {{to: 'http://127.0.0.1:9/{secret}'}}}}\n"
    settings = broken(a_space(tmp_path, SETTINGS + alerts))
    result = run(settings, lambda: None)
    assert result.report.warnings[0].startswith("alert ops was not delivered: nobody answers there")
    assert secret not in json.dumps(result.shown())
    found = [path for path in Path(tmp_path).rglob("*") if path.is_file() and path.name != "acme.yml"]
    assert [path for path in found if secret.encode() in path.read_bytes()] == []
    assert os.path.getsize(tmp_path / "acme.yml")
