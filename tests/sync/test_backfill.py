"""A warehouse that is added to a lake with history: live syncs send what is new, the backfill what was there."""

import json
import os
import re
import signal
import subprocess
import sys

import pytest
from filelock import FileLock

from profiles_sync.control import backfills, connections
from profiles_sync.control.warehouses import enabled
from profiles_sync.errors import ChangeRefused, LakeBusy, OverLimit, SettingsError
from profiles_sync.lake.tables import scan
from profiles_sync.pipeline.engine import Engine
from profiles_sync.pipeline.run import take_new_events
from profiles_sync.settings import load
from profiles_sync.spec.tables import RAW_TABLES
from profiles_sync.sync.backfill import backfill, progress_of
from profiles_sync.sync.backfill.requests import requested, window_of
from profiles_sync.sync.preview import preview
from profiles_sync.sync.upkeep import upkeep
from tests.commands import columns, in_process, query
from tests.lakes import Twin
from tests.sync.steps import (
    added_late,
    assert_same,
    bought,
    call,
    in_lake,
    in_warehouse,
    job,
    new,
    people,
    recent,
)

RAW = [table.name for table in RAW_TABLES]


def test_the_first_sync_sends_what_is_new_and_the_backfill_sends_the_history(tmp_path):
    twin = added_late(tmp_path, people())
    result = job(twin)  # nothing is new: the tables are made, and no backfill begins
    assert (result.status, result.warehouses["local"].rows, result.backfills) == ("Success", 0, {})
    assert columns(tmp_path).keys() == set(twin.lake.public_tables())
    twin.write(new())
    result = job(twin)
    assert result.warehouses["local"].tables["bought"].rows == 1
    shown = result.backfills["local"]
    assert (shown["status"], shown["tables"], shown["tables_done"], shown["errors"]) == ("completed", 16, 16, {})
    assert (shown["estimate_seconds"], shown["bytes_done"]) == (0, shown["bytes"])
    assert_same(twin, but=RAW)
    assert job(twin).backfills == {}  # once


def test_raw_rows_are_inferred_from_the_current_state(tmp_path):
    twin = added_late(tmp_path, people())
    twin.write(new())
    job(twin)
    for name in RAW:
        live = "timestamp IS NOT NULL"
        counts = f"count(*) FILTER ({live}), count(*) FILTER (received_at IS NULL OR uuid_ts IS NULL OR seq IS NULL)"
        ((fresh, unstamped),) = query(tmp_path, f"SELECT {counts} FROM acme.{name}")
        assert (fresh, unstamped) == (0 if name == "profile_traits_updates" else 1, 0), name
        old = f"FILTER (NOT ({live}))"
        order = f"max(seq) {old}, min(seq) FILTER ({live}), count(triggering_event_id) {old}"
        ((last_old, first_live, triggers),) = query(tmp_path, f"SELECT {order} FROM acme.{name}")
        assert triggers == 0
        assert first_live is None or last_old < first_live, name
    history = "timestamp IS NULL"
    merges = query(tmp_path, f"SELECT segment_id, canonical_segment_id FROM acme.id_graph_updates WHERE {history}")
    assert sorted(merges) == query(
        tmp_path,
        "SELECT segment_id, canonical_segment_id FROM acme.profile_merges WHERE "
        "canonical_segment_id <> (SELECT segment_id FROM acme.bought WHERE id = 'n1') ORDER BY 1",
    )
    assert len(merges) == 2
    mapped = query(
        tmp_path, f"SELECT external_id_value FROM acme.external_id_mapping_updates WHERE {history} ORDER BY 1"
    )
    assert mapped == [("a1",), ("u1",)]
    traits = query(tmp_path, f"SELECT plan, age FROM acme.profile_traits_updates WHERE {history}")
    assert traits == [("pro", 30)]


def test_actual_history_is_the_rows_as_they_were(tmp_path):
    twin = added_late(tmp_path, people(), settings="backfill: {history: actual}\n")
    twin.write(new())
    job(twin)
    assert_same(twin)


def test_a_warehouse_that_was_there_before_the_first_run_has_no_history(tmp_path):
    twin = Twin(tmp_path)
    twin.write(people())
    assert job(twin).backfills == {}
    (shown,) = progress_of(twin.settings, "local")
    assert (shown["status"], shown["tables"], shown["rows"]) == ("completed", 0, 0)
    assert_same(twin)
    asked = backfill(twin.settings, "local")  # also where somebody asks for it
    assert (asked.shown()["status"], asked.shown()["rows"]) == ("completed", 0)
    assert_same(twin)


@pytest.mark.parametrize("batches", [[people()], []])
def test_it_is_refused_before_a_sync_had_rows(tmp_path, batches):
    twin = added_late(tmp_path, *batches)
    with pytest.raises(ChangeRefused, match="first successful sync with more than 0 rows"):
        backfill(twin.settings, "local")
    job(twin)
    with pytest.raises(ChangeRefused, match="first successful sync with more than 0 rows"):
        backfill(twin.settings, "local")
    assert backfills.backfills(twin.lake) == []
    assert not (tmp_path / "lake/acme/_staging/backfill").exists()


def test_events_of_the_last_two_months_are_sent_and_others_on_request(tmp_path):
    old = [bought("o1") | {"receivedAt": "2020-03-01T10:00:00Z"}, bought("o2") | {"receivedAt": "2020-04-01T00:00:00Z"}]
    twin = added_late(tmp_path, [*old, *people()])
    twin.write(new())
    job(twin)
    assert query(tmp_path, "SELECT id FROM acme.bought ORDER BY id") == [("h4",), ("n1",)]
    asked = backfill(twin.settings, "local", "2020-03-01", "2020-03-31", ["bought"])
    assert asked.shown() | {"backfill_id": "", "requested_at": "", "bytes": 0, "bytes_done": 0} == {
        "backfill_id": "",
        "status": "completed",
        "requested_at": "",
        "requested_by": asked.by,
        "from": "2020-03-01T00:00:00+00:00",
        "to": "2020-04-01T00:00:00+00:00",
        "tables": 1,
        "tables_done": 1,
        "rows": 1,
        "rows_staged": 1,
        "bytes": 0,
        "bytes_done": 0,
        "estimate_seconds": 0,
        "errors": {},
        "error": None,
    }
    assert query(tmp_path, "SELECT id FROM acme.bought ORDER BY id") == [("h4",), ("n1",), ("o1",)]
    assert query(tmp_path, "SELECT count(*) FROM acme.tracks") == [(2,)]
    backfill(twin.settings, "local", "2020-01-01")
    assert_same(twin, but=RAW)
    assert [one["tables_done"] for one in progress_of(twin.settings, "local")] == [16, 1, 16]


def test_what_changed_meanwhile_wins_and_nothing_comes_back(tmp_path, monkeypatch):
    twin = added_late(tmp_path, people(), people_of("b"))
    twin.write(new())
    killed_after_staging(twin, monkeypatch)
    twin.write(
        [call("identify", "x1", userId="u1", anonymousId="ab", traits={"plan": "free"}) | {"receivedAt": recent(0)}]
    )
    result = job(twin)  # two profiles of the history merge in the sync that comes before the rest of the backfill
    assert result.backfills["local"]["status"] == "completed"
    assert_same(twin, but=RAW)
    graph = query(tmp_path, "SELECT segment_id, canonical_segment_id FROM acme.id_graph_updates ORDER BY seq")
    last = dict(graph)
    assert last == dict(query(tmp_path, "SELECT segment_id, canonical_segment_id FROM acme.profile_merges"))


def test_a_warehouse_that_is_behind_the_staged_rows_loses_what_is_gone(tmp_path, monkeypatch):
    twin = added_late(tmp_path, people(), people_of("b"))
    twin.write(new())
    killed(twin, monkeypatch, "profiles_sync.sync.hourly.carry_on")
    twin.write([call("identify", "x1", userId="u2", anonymousId="ab") | {"receivedAt": recent(0)}])
    assert take_new_events(Engine(twin.settings, twin.lake, twin.spark)).read == 1  # and no sync
    assert backfill(twin.settings, "local").status == "completed"
    views = ("id_graph", "profile_merges", "user_traits", "user_identifiers", "profile_traits", "external_id_mapping")
    for name in views:
        assert in_warehouse(twin, name) == in_lake(twin, name), name
    job(twin)
    assert_same(twin, but=RAW)


def test_what_was_staged_goes_some_time_after_it_was_sent(tmp_path):
    twin = added_late(tmp_path, people())
    twin.write(new())
    job(twin)
    (one,) = backfills.backfills(twin.lake)
    folder = tmp_path / f"lake/acme/_staging/backfill/{one.id}"
    upkeep(twin.settings)
    assert folder.is_dir()
    short = twin.settings.upkeep.model_copy(update={"keep_hours": 0})
    upkeep(twin.settings.model_copy(update={"upkeep": short}))
    assert not folder.exists()


def people_of(who):
    """A profile of a device that no user is known of."""
    return [call("page", f"{who}1", anonymousId=f"a{who}") | {"receivedAt": recent(2)}]


class Killed(BaseException):
    """As SIGKILL: nothing of ours runs after it."""


def killed(twin, monkeypatch, step):
    """The job, until it comes to a step."""

    def dies(*given):
        raise Killed

    with monkeypatch.context() as patched, pytest.raises(Killed):
        patched.setattr(step, dies)
        job(twin)


def killed_after_staging(twin, monkeypatch):
    killed(twin, monkeypatch, "profiles_sync.sync.backfill.carrying_out.Sending")
    (one,) = backfills.backfills(twin.lake)
    assert one.status == "staged"
    assert set(one.staged) == set(one.tables)


def test_the_staged_rows_do_not_change_any_more(tmp_path, monkeypatch):
    twin = added_late(tmp_path, people())
    twin.write(new())
    killed_after_staging(twin, monkeypatch)
    (one,) = backfills.backfills(twin.lake)
    place = f"_staging/backfill/{one.id}/bought"
    staged = scan(twin.lake.open(place)).to_pylist()
    assert sorted(row["id"] for row in staged) == ["h4", "n1"]
    twin.write(new("n2"))
    assert job(twin).backfills["local"]["status"] == "completed"
    assert scan(twin.lake.open(place)).to_pylist() == staged
    assert twin.lake.open(place).version() == 0
    assert_same(twin, but=RAW)


def test_one_event_table_too_many_is_refused_by_name_before_anything_is_written(tmp_path):
    events = [bought(f"e{n}", event=f"Event {n}") | {"receivedAt": recent()} for n in range(3)]
    twin = added_late(tmp_path, events, settings="limits: {backfill_event_tables: 2}\n")
    twin.write([call("page", "p1", userId="u5") | {"receivedAt": recent(0)}])
    result = job(twin)
    assert (result.status, result.backfills) == ("Success", {})
    (warning,) = [text for text in result.report.warnings if "backfill" in text]
    assert warning.startswith("backfill of local: event_2 is one event table more than the 2 that may be backfilled")
    with pytest.raises(OverLimit, match="event_2"):
        backfill(twin.settings, "local")
    assert backfills.backfills(twin.lake) == []
    assert not (tmp_path / "lake/acme/_staging/backfill").exists()
    assert backfill(twin.settings, "local", tables=["event_0", "event_1", *RAW]).status == "completed"
    with pytest.raises(OverLimit, match="event_2"):  # those that were backfilled count
        backfill(twin.settings, "local", tables=["event_2"])
    assert backfill(twin.settings, "local", tables=["event_1"]).status == "completed"
    assert query(tmp_path, "SELECT count(*) FROM acme.event_2") == [(0,)]
    assert job(twin).report.warnings == []  # the rest is theirs to ask for


def test_more_bytes_than_the_limit_are_refused_and_fewer_days_are_not(tmp_path):
    many = [bought(f"o{n}", note="x" * 100) | {"receivedAt": "2020-03-01T10:00:00Z"} for n in range(200)]
    twin = added_late(tmp_path, [*many, *people()])
    twin.write(new())
    job(twin)
    twin.settings = twin.settings.model_copy(
        update={"limits": twin.settings.limits.model_copy(update={"sync_bytes": 2000})}
    )
    with pytest.raises(
        OverLimit, match=r"it would send \d+\.\d kB .* lets 2.0 kB through; nothing was written; .*--from"
    ):
        backfill(twin.settings, "local", "2020-01-01", tables=["bought"])
    assert len(backfills.backfills(twin.lake)) == 1
    assert backfill(twin.settings, "local", tables=["bought"]).status == "completed"


def test_what_grew_over_the_limit_since_it_was_asked_for_is_not_staged(tmp_path):
    twin = added_late(tmp_path, people())
    twin.write(new())
    job(twin)
    (one,) = enabled(twin.settings, twin.lake)
    asked = requested(twin.settings, twin.lake, one, window_of(None, None), ["bought", "pages"], "ann")
    limits = twin.settings.limits
    twin.settings = twin.settings.model_copy(update={"limits": limits.model_copy(update={"sync_bytes": 100})})
    warnings = job(twin).report.warnings
    assert "limits.sync_bytes lets 100 bytes through; nothing was written" in warnings[0]
    assert backfills.backfills(twin.lake)[-1].stopped == warnings[0]
    assert not (tmp_path / "lake/acme/_staging/backfill" / asked.id).exists()
    twin.settings = twin.settings.model_copy(update={"limits": limits})
    assert job(twin).backfills["local"]["backfill_id"] == asked.id


def test_one_that_is_over_the_limit_gives_way_to_a_smaller_one_that_is_asked_for(tmp_path):
    many = [bought(f"o{n}", note="x" * 100) | {"receivedAt": recent()} for n in range(200)]
    twin = added_late(tmp_path, [*many, *people()])
    twin.write(new())
    job(twin)
    (one,) = enabled(twin.settings, twin.lake)
    large = requested(twin.settings, twin.lake, one, window_of(None, None), ["bought", "pages"], "ann")
    limits = twin.settings.limits.model_copy(update={"sync_bytes": scanned(twin, "pages")})
    twin.settings = twin.settings.model_copy(update={"limits": limits})
    with pytest.raises(OverLimit, match="it would send"):  # nothing else is asked for: it stays
        backfill(twin.settings, "local")
    assert backfills.backfills(twin.lake)[-1].is_open
    with pytest.raises(OverLimit, match="it would send"):  # too large as well: nothing gives way to it
        backfill(twin.settings, "local", tables=["bought"])
    assert backfills.backfills(twin.lake)[-1].is_open
    heard = []
    small = backfill(twin.settings, "local", tables=["pages"], say=heard.append)
    assert (small.status, small.tables) == ("completed", ("pages",))
    assert [text for text in heard if f"backfill {large.id} of local is over a limit and gives way" in text]
    assert [(one.id, str(one.status)) for one in backfills.backfills(twin.lake)[1:]] == [
        (large.id, "cancelled"),
        (small.id, "completed"),
    ]
    assert backfills.read(twin.lake).held_up == {}
    assert job(twin).backfills == {}


def scanned(twin, name):
    """Bytes of a table's files in the lake."""
    return sum(twin.lake.open(name).get_add_actions(flatten=True).column("size_bytes").to_pylist())


def test_a_sync_that_would_send_too_much_has_failed_and_nothing_was_sent(tmp_path):
    twin = Twin(tmp_path)
    twin.write(people())
    twin.settings = twin.settings.model_copy(
        update={"limits": twin.settings.limits.model_copy(update={"sync_bytes": 3000})}
    )
    result = job(twin).warehouses["local"]
    assert result.status == "Failed"
    assert re.fullmatch(r"the sync would send \d+\.\d kB .* limits.sync_bytes lets 3.0 kB through; .*", result.error)
    assert (str(result.problem.error_class), columns(tmp_path)) == ("capacity", {})
    twin.settings = load(tmp_path / "acme.yml")
    assert job(twin).status == "Success"
    assert_same(twin)


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"first": "soon"}, "--from, --to: "),
        ({"first": "2026-02-01", "last": "2026-01-01"}, "2026-01-01 is before 2026-02-01"),
        ({"tables": ["orders"]}, "--tables: the lake has no table orders"),
    ],
)
def test_what_makes_no_sense_is_refused(tmp_path, given, error):
    twin = Twin(tmp_path)
    twin.write(people())
    job(twin)
    with pytest.raises(SettingsError, match=error):
        backfill(twin.settings, "local", **given)
    assert len(backfills.backfills(twin.lake)) == 1


def test_a_table_that_fails_is_left_to_the_next_run(tmp_path):
    from tests.commands import warehouse

    twin = added_late(tmp_path, people())
    job(twin)
    with warehouse(tmp_path) as opened:
        opened.execute("DROP TABLE acme.bought; CREATE TABLE acme.bought (id INTEGER)")
    twin.write([call("page", "p1", userId="u5") | {"receivedAt": recent(0)}])
    result = job(twin)
    assert (result.warehouses["local"].status, result.backfills["local"]["tables_done"]) == ("Success", 15)
    assert result.backfills["local"]["errors"].keys() == {"bought"}
    with warehouse(tmp_path) as opened:
        opened.execute("DROP TABLE acme.bought")
    result = job(twin)
    assert result.backfills["local"]["status"] == "completed"
    assert_same(twin, but=RAW)


def test_the_plan_before_the_first_sync_sends_no_history(tmp_path):
    twin = added_late(tmp_path, people())
    steps = preview(twin.settings)["warehouses"]["local"]["tables"]
    assert steps["pages"] == [f"create pages with {len(twin.lake.types('pages'))} columns"]
    assert connections.connections(twin.lake) == {}


def test_a_warehouse_of_an_older_version_is_not_connected_anew(tmp_path):
    import shutil

    twin = Twin(tmp_path)
    twin.write(people())
    job(twin)
    for name in ("connections", "backfills"):
        shutil.rmtree(tmp_path / f"lake/acme/_control/{name}")
    twin.write(new())
    assert job(twin).backfills == {}
    assert (progress_of(twin.settings, "local")[0]["tables"], connections.connections(twin.lake)["local"].tables) == (
        0,
        {},
    )
    assert_same(twin)


# Killed, and meanwhile

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
