"""Who may change what is synced, what is refused, and what the control log and the settings say of it."""

import pytest
from pydantic import ValidationError

from profiles_sync.control import history, operating, selecting
from profiles_sync.control.history import Sync
from profiles_sync.control.log import Log
from profiles_sync.control.selecting import select, selections, shown
from profiles_sync.errors import ChangedMeanwhile, ChangeRefused, Denied, SettingsError
from profiles_sync.spec.selection import EVERYTHING
from profiles_sync.warehouses.duckdb import DuckDBSettings
from tests.lakes import Twin
from tests.sync.steps import bought

OFF = False


@pytest.fixture
def twin(tmp_path):
    made = Twin(tmp_path)
    made.land([bought("m1", total=5)])
    return made


def synced_once(twin):
    history.record(twin.lake, [Sync("1", "local", "Success", 0, 1, 0, schema="acme")])


def declared(twin, **selective):
    local = DuckDBSettings(type="duckdb", path="x.duckdb", selective=selective)
    return twin.settings.model_copy(update={"warehouses": {"local": local}})


def now(settings, twin):
    return selections(settings, twin.lake)["local"].selection


def test_everything_goes_until_it_is_switched_off(twin):
    assert now(twin.settings, twin) == EVERYTHING
    select(twin.settings, "local", off=["track-tables", "pages.name"])
    assert now(twin.settings, twin) == EVERYTHING.switched({"track-tables": OFF, "pages.name": OFF})
    assert select(twin.settings, "local", on=["track-tables", "pages.name"]) == EVERYTHING
    assert now(twin.settings, twin) == EVERYTHING


def test_the_log_has_who_switched_what_and_what_stands_then(twin):
    select(twin.settings, "local", off=["track-tables"], who="ann")
    select(twin.settings, "local", on=["pages"], off=["screens"], who="bob")
    first, second = Log.read(twin.lake).changes
    assert (first.who, first.action, first.about, first.name) == ("ann", "selected", "warehouse", "local")
    stands = {"on": [], "off": ["track-tables"]}
    assert first.details == {"on": [], "off": ["track-tables"], "selection": stands, "since": {}}
    assert second.details["on"] == ["pages"] and second.details["selection"]["off"] == ["screens", "track-tables"]


def test_a_table_that_is_switched_on_begins_where_the_lake_stands(twin):
    select(twin.settings, "local", off=["track-tables", "pages"])
    twin.land([bought("m2"), bought("m3", event="New")])
    select(twin.settings, "local", on=["track-tables"])
    since = selections(twin.settings, twin.lake)["local"].since
    assert since == {name: twin.lake.changes(name, None).cursor for name in ("bought", "new")}
    twin.land([bought("m4")])
    select(twin.settings, "local", on=["pages"])
    assert selections(twin.settings, twin.lake)["local"].since.items() > since.items()


def test_what_changes_nothing_is_no_change(twin):
    select(twin.settings, "local", on=["pages", "raw-tables"])
    assert Log.read(twin.lake).changes == ()


ROLES = {
    "olga": ("Workspace Owner",),
    "ann": ("Unify and Engage Admin",),
    "rob": ("Unify and Engage read-only",),
}


@pytest.mark.parametrize("who", ["ann", "rob", "nobody"])
def test_only_an_owner_may_and_a_refusal_is_written_down(twin, who):
    settings = twin.settings.model_copy(update={"roles": ROLES})
    with pytest.raises(Denied, match="may not change what is synced; that takes the role Workspace Owner"):
        select(settings, "local", off=["pages"], who=who)
    (change,) = Log.read(twin.lake).changes
    assert (change.who, change.action, change.name) == (who, "denied", "warehouse selection local")
    assert now(settings, twin) == EVERYTHING
    select(settings, "local", off=["pages"], who="olga")
    assert not now(settings, twin).has("pages")


def test_whoever_may_see_the_settings_sees_it(twin):
    settings = twin.settings.model_copy(update={"roles": ROLES})
    assert shown(settings, "local", who="rob")["all_track_tables"]
    with pytest.raises(Denied):
        shown(settings, "local", who="nobody")


@pytest.mark.parametrize(
    ("items", "told"),
    [
        (["pages.received_at"], "cannot be left out"),
        (["pags"], "the lake has no table pags"),
        (["pages.urll"], "the lake's table pages has no such column"),
        (["bought"], "picked after the warehouse's first sync"),
        (["bought.total"], "picked after the warehouse's first sync"),
        (["screens", "pags"], "the lake has no table pags"),
    ],
)
def test_what_is_refused_changes_nothing(twin, items, told):
    with pytest.raises(ChangeRefused, match=told):
        select(twin.settings, "local", off=items)
    assert Log.read(twin.lake).changes == ()


def test_after_the_first_sync_track_tables_are_picked_one_by_one(twin):
    synced_once(twin)
    select(twin.settings, "local", off=["bought.total"])
    select(twin.settings, "local", off=["bought"])
    assert not now(twin.settings, twin).has("bought")
    with pytest.raises(ChangeRefused, match="the lake has no table sold"):
        select(twin.settings, "local", off=["sold"])


def test_a_first_sync_that_failed_is_none(twin):
    history.record(twin.lake, [Sync("1", "local", "Failed", 0, 1, 0, schema="acme")])
    with pytest.raises(ChangeRefused, match="picked after the warehouse's first sync"):
        select(twin.settings, "local", off=["bought"])


def test_nobody_switches_something_on_and_off_or_a_warehouse_that_is_not_there(twin):
    with pytest.raises(SettingsError, match="pages is to be on and off"):
        select(twin.settings, "local", on=["pages"], off=["pages"])
    with pytest.raises(SettingsError, match="no warehouse 'other'"):
        select(twin.settings, "other", off=["pages"])


def test_of_two_owners_at_once_one_is_refused(twin, monkeypatch):
    read = Log.read

    def slow(lake):
        seen = read(lake)
        monkeypatch.setattr(selecting.Log, "read", read)
        select(twin.settings, "local", off=["screens"], who="faster")
        return seen

    monkeypatch.setattr(selecting.Log, "read", slow)
    with pytest.raises(ChangedMeanwhile):
        select(twin.settings, "local", off=["pages"], who="slower")
    assert now(twin.settings, twin).off == {"screens"}


# The settings


def test_the_file_says_what_a_warehouse_begins_with_and_the_log_what_holds(twin):
    settings = declared(twin, **{"track-tables": False, "pages": False, "identifies.plan": False})
    assert now(settings, twin).off == {"track-tables", "pages", "identifies.plan"}
    select(settings, "local", on=["pages"])
    assert now(settings, twin).off == {"track-tables", "identifies.plan"}
    assert now(declared(twin, screens=False), twin).off == {"track-tables", "identifies.plan"}


def test_a_warehouse_that_was_deleted_forgets_its_selection(twin):
    settings = declared(twin, screens=False)
    select(settings, "local", off=["pages"])
    operating.disable(settings, "local")
    operating.delete(settings, "local")
    assert now(settings, twin).off == {"screens"}
    with pytest.raises(ChangeRefused, match="warehouse local is deleted"):
        select(settings, "local", off=["pages"])


@pytest.mark.parametrize(
    ("item", "told"),
    [("pages.received_at", "cannot be left out"), ("bought", "after the warehouse's first sync"), ("raw-", "no group")],
)
def test_the_file_is_refused_what_the_command_is(item, told):
    with pytest.raises(ValidationError, match=told):
        DuckDBSettings(type="duckdb", path="x.duckdb", selective={item: False})


# What is shown


def test_what_is_shown_has_the_four_groups_with_every_table(twin):
    synced_once(twin)
    select(twin.settings, "local", on=["bought"], off=["track-tables", "pages", "screens.name"])
    found = shown(twin.settings, "local")
    assert list(found["groups"]) == ["raw-tables", "materialized-tables", "event-type-tables", "track-tables"]
    assert found["groups"]["track-tables"] == {"on": False, "tables": {"bought": True}}
    assert found["groups"]["event-type-tables"]["tables"]["pages"] is False
    assert found["columns_off"] == ["screens.name"]
    assert (found["all_track_tables"], found["warnings"], found["errors"]) == (False, [], [])
    tables = [name for one in found["groups"].values() for name in one["tables"]]
    assert sorted(tables) == sorted(twin.lake.public_tables())
