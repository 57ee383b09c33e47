"""What a backfill is refused, by limits and by what makes no sense, and what becomes of it then."""

import re

import pytest

from profiles_sync.control import backfills, connections
from profiles_sync.control.warehouses import enabled
from profiles_sync.errors import OverLimit, SettingsError
from profiles_sync.settings import load
from profiles_sync.sync.backfill import backfill, progress_of
from profiles_sync.sync.backfill.requests import requested, window_of
from profiles_sync.sync.preview import preview
from tests.commands import columns, query
from tests.lakes import Twin
from tests.sync.steps import (
    RAW,
    added_late,
    assert_same,
    bought,
    call,
    job,
    new,
    people,
    recent,
)


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
