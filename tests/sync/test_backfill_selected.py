"""A backfill sends what Selective Sync lets go: the tables and columns that are on."""

import pytest

from profiles_sync.control.selecting import select
from profiles_sync.errors import ChangeRefused
from profiles_sync.sync.backfill import backfill
from tests.commands import columns, query
from tests.sync.killed import killed_after_staging
from tests.sync.steps import added_late, job, new, people


def ids(twin, name):
    return [row[0] for row in query(twin.folder, f"SELECT id FROM acme.{name} ORDER BY id")]


def test_what_is_off_when_the_backfill_begins_has_no_history_there(tmp_path):
    twin = added_late(tmp_path, people())
    select(twin.settings, "local", off=["track-tables", "pages", "identifies.plan"])
    twin.write(new())
    shown = job(twin).backfills["local"]
    assert (shown["status"], shown["tables"], shown["tables_done"], shown["errors"]) == ("completed", 14, 14, {})
    assert not {"bought", "pages"} & columns(tmp_path).keys()
    assert "plan" not in columns(tmp_path)["identifies"] and ids(twin, "identifies") == ["h2", "h3"]
    select(twin.settings, "local", on=["track-tables", "pages"])
    twin.write(new("n2"))
    job(twin)
    assert (ids(twin, "bought"), ids(twin, "pages")) == (["n2"], [])


def test_a_table_that_is_on_again_gets_its_history_on_request(tmp_path):
    twin = added_late(tmp_path, people())
    select(twin.settings, "local", off=["track-tables"])
    twin.write(new())
    job(twin)
    with pytest.raises(ChangeRefused, match="bought is off in Selective Sync; switch it on first"):
        backfill(twin.settings, "local", tables=["bought"])
    select(twin.settings, "local", on=["track-tables"])
    twin.write(new("n2"))
    job(twin)
    assert backfill(twin.settings, "local", tables=["bought"]).shown()["status"] == "completed"
    assert ids(twin, "bought") == ["h4", "n1", "n2"]


def test_what_is_switched_off_before_it_was_sent_is_left_out(tmp_path, monkeypatch):
    twin = added_late(tmp_path, people())
    job(twin)
    twin.write(new())
    killed_after_staging(twin, monkeypatch)
    select(twin.settings, "local", off=["bought", "pages", "user_traits.value"])
    assert backfill(twin.settings, "local").shown()["status"] == "completed"
    assert (ids(twin, "bought"), ids(twin, "pages"), ids(twin, "identifies")) == (["n1"], [], ["h2", "h3"])
    assert set(query(tmp_path, "SELECT name, value FROM acme.user_traits")) == {("plan", None), ("age", None)}
