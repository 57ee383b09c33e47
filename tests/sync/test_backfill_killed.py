"""A backfill that is killed, or broken off, or goes on beside live syncs, and the command that carries it out."""

import json
import os
import re
import signal
import subprocess
import sys

import pytest
from filelock import FileLock

from profiles_sync.control import backfills
from profiles_sync.errors import LakeBusy
from profiles_sync.sync.backfill import backfill, progress_of
from tests.commands import in_process, query
from tests.sync.killed import Killed, killed_after_staging, people_of
from tests.sync.steps import (
    RAW,
    added_late,
    assert_same,
    call,
    job,
    new,
    people,
    recent,
)

KILLED_AT = """
import os, signal, sys
from pathlib import Path
import profiles_sync.lake.files as files, profiles_sync.lake.log as log, profiles_sync.sync.hourly as hourly
from profiles_sync.settings import load
from profiles_sync.warehouses.duckdb import DuckDBConnection

left = None

def counted(do):
    def step(*args, **options):
        global left
        if left is not None:
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
        return do(*args, **options)
    return step

files.write = counted(files.write)
log.commit = counted(log.commit)
DuckDBConnection.query = counted(DuckDBConnection.query)
carry_on = hourly.carry_on

def from_here(*args):
    global left
    left = int(sys.argv[2])
    return carry_on(*args)

hourly.carry_on = from_here
hourly.run(load(Path(sys.argv[1])), lambda: None)
print("steps", int(sys.argv[2]) - left)
"""
SOME, ALL = (20, 45), [step for step in range(1, 57, 2) if step != 45]


@pytest.mark.parametrize("step", [*SOME, *(pytest.param(step, marks=pytest.mark.slow) for step in ALL)])
def test_killed_before_a_step_it_goes_on_from_there(tmp_path, step):
    twin = added_late(tmp_path, people(), people_of("b"))
    twin.write(new())
    arguments = [sys.executable, "-c", KILLED_AT, str(tmp_path / "acme.yml"), str(step)]
    variables = os.environ | {"PYTHONPATH": os.getcwd(), "PROFILES_SYNC_NO_NUMBA": "1"}  # it takes seconds to load
    ended = subprocess.run(arguments, env=variables, check=False, capture_output=True)
    assert ended.returncode == -signal.SIGKILL, ended.stdout
    twin.write([call("identify", "x1", userId="u1", anonymousId="ab") | {"receivedAt": recent(0)}])
    assert job(twin).backfills["local"]["status"] == "completed"
    assert_same(twin, but=RAW)
    graph = query(tmp_path, "SELECT segment_id, canonical_segment_id FROM acme.id_graph_updates ORDER BY seq")
    assert dict(graph) == dict(query(tmp_path, "SELECT segment_id, canonical_segment_id FROM acme.profile_merges"))
    assert query(tmp_path, "SELECT count(*) FROM acme.id_graph_updates WHERE timestamp IS NULL") == [(3,)]
    (one,) = progress_of(twin.settings, "local")
    assert (one["tables_done"], one["estimate_seconds"]) == (16, 0)


def test_a_command_that_was_broken_off_goes_on_when_it_is_given_again(tmp_path, monkeypatch):
    twin = added_late(tmp_path, people())
    twin.write(new())
    job(twin)
    for asked in ({"tables": ["bought", "pages"]}, {"first": "2026-01-01", "last": "2099-01-01"}):
        before = len(backfills.backfills(twin.lake))
        with monkeypatch.context() as patched, pytest.raises(Killed):
            patched.setattr("profiles_sync.sync.backfill.carrying_out.Sending", lambda *given: kill())
            backfill(twin.settings, "local", **asked)
        (staged,) = backfills.backfills(twin.lake)[before:]
        done = backfill(twin.settings, "local", **asked)
        assert (done.id, done.status) == (staged.id, "completed")
        assert len(backfills.backfills(twin.lake)) == before + 1
        assert backfill(twin.settings, "local", **asked).id != staged.id  # it is over: again is anew


def kill():
    raise Killed


def test_live_syncs_go_on_while_it_is_under_way(tmp_path, monkeypatch):
    twin = added_late(tmp_path, people(), people_of("b"))
    twin.write(new())
    killed_after_staging(twin, monkeypatch)
    messages = iter(f"live{number}" for number in range(100))
    noted, live = backfills.note, []

    def note(*given):
        """Between any two groups another process has its hourly sync."""
        done = noted(*given)
        twin.write(new(next(messages), user="ub"))
        live.append(job(twin).warehouses["local"])
        return done

    monkeypatch.setattr("profiles_sync.sync.group._TABLES", 5)
    monkeypatch.setattr("profiles_sync.sync.backfill.sending.backfills.note", note)
    assert backfill(twin.settings, "local").status == "completed"
    assert len(live) == 5
    assert {(one.status, one.tables["bought"].rows) for one in live} == {("Success", 1)}
    assert_same(twin, but=RAW)


def test_only_one_process_carries_it_out(tmp_path, monkeypatch):
    twin = added_late(tmp_path, people())
    twin.write(new())
    killed_after_staging(twin, monkeypatch)
    with FileLock(tmp_path / "lake/acme/_control/backfill-local.lock"):
        assert job(twin).backfills == {}
        with pytest.raises(LakeBusy, match="another process is at it"):
            backfill(twin.settings, "local")
    assert job(twin).backfills["local"]["status"] == "completed"


def test_the_command_backfills_and_shows_how_far_it_is(tmp_path, monkeypatch):
    twin, given = added_late(tmp_path, people()), ("--settings", tmp_path / "acme.yml")
    job(twin)
    code, _, error = in_process("backfill", "local", *given)
    assert (code, "first successful sync with more than 0 rows" in error) == (1, True)
    twin.write(new())
    killed_after_staging(twin, monkeypatch)
    (one,) = json.loads(in_process("backfill", "--show", "--json", *given)[1])["backfills"]["local"]
    assert (one["status"], one["tables"], one["tables_done"], one["rows_staged"] > 0) == ("staged", 16, 0, True)
    assert json.loads(in_process("status", "--json", *given)[1])["warehouses"]["local"]["backfill"] == one
    assert "backfill of local: staged, 0 of 16 tables" in in_process("status", *given)[1]
    code, out, told = in_process("backfill", "local", "--json", *given)
    (one,) = json.loads(out)["backfills"]["local"]
    assert (code, one["status"], one["tables_done"]) == (0, "completed", 16)
    assert "backfilling bought of local" in told
    code, out, told = in_process("backfill", "--from", "2026-01-01", "--tables", "pages, bought", *given)
    assert (code, "2 of 2" in out, "is staged" in told) == (0, True, True)


def test_one_warehouse_that_cannot_be_backfilled_stops_no_other(tmp_path):
    twin, given = added_late(tmp_path, people()), ("backfill", "--json", "--settings", tmp_path / "acme.yml")
    twin.write(new())
    job(twin)
    declared = (tmp_path / "acme.yml").read_text()
    second = f"warehouses: {{another: {{type: duckdb, path: {tmp_path}/another.duckdb}}, "
    (tmp_path / "acme.yml").write_text(declared.replace("warehouses: {", second))
    code, out, told = in_process(*given)  # it was never synced
    shown = json.loads(out)
    assert (code, list(shown["backfills"]), list(shown["errors"])) == (3, ["local"], ["another"])
    assert (shown["backfills"]["local"][0]["status"], shown["errors"]["another"] in told) == ("completed", True)
    for empty in ("", " ,"):
        assert in_process(*given, "--tables", empty)[0] == 2
    code, _, told = in_process(*given, "--tables", "nothing")
    assert (code, told.count("nothing")) == (2, 1), told
    (tmp_path / "acme.yml").write_text(re.sub(r"warehouses: .*\n", "", declared))
    assert "no warehouse is enabled" in in_process(*given)[2]
