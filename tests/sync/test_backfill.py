"""A warehouse that is added to a lake with history: live syncs send what is new, the backfill what was there."""

import pytest

from profiles_sync.control import backfills
from profiles_sync.errors import ChangeRefused
from profiles_sync.lake.tables import scan
from profiles_sync.pipeline.engine import Engine
from profiles_sync.pipeline.run import take_new_events
from profiles_sync.sync.backfill import backfill, progress_of
from profiles_sync.sync.upkeep import upkeep
from tests.commands import columns, query
from tests.lakes import Twin
from tests.sync.killed import killed, killed_after_staging, people_of
from tests.sync.steps import (
    RAW,
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
