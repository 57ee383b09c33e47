"""Where a warehouse stands: what the file says, what operators changed since, and which changes fit."""

import itertools

import pytest

from profiles_sync.control.log import Log
from profiles_sync.control.operating import changed, delete, disable, enable
from profiles_sync.control.warehouses import AFTER, Managed, Status, enabled, known, managed, warehouses
from profiles_sync.errors import ChangeRefused, SettingsError
from profiles_sync.lake.opening import lake_of
from profiles_sync.settings import load
from tests.commands import SETTINGS, written

pytestmark = pytest.mark.usefixtures("no_settings_in_the_environment")
OFF = SETTINGS.replace("path: ./acme.duckdb}", "path: ./acme.duckdb, enabled: false}")
NONE = SETTINGS.partition("warehouses:")[0]
FIELDS = {"fields": {"type": "duckdb", "path": "/x.duckdb"}, "secrets": {}}


@pytest.fixture
def told(tmp_path):
    """The status of a warehouse with the file as it says."""

    def status(file, name="local"):
        settings = load(written(tmp_path, file))
        one = warehouses(settings, lake_of(settings)).get(name)
        return one and str(one.status)

    return status


def add(settings, name="pg"):
    log = Log.read(lake_of(settings))
    return changed(settings, log, Managed(name, Status.DELETED, None), Status.CREATED, "ann", FIELDS)


def test_one_that_stands_in_the_file_counts_as_enabled(told):
    assert (told(SETTINGS), told(OFF), told(NONE)) == ("enabled", "disabled", None)


def test_what_an_operator_switched_holds_until_the_file_says_something_else(tmp_path, told):
    settings = load(written(tmp_path, SETTINGS))
    disable(settings, "local", "ann")
    assert (told(SETTINGS), told(OFF)) == ("disabled", "disabled")
    enable(settings, "local", "ann")
    assert (told(SETTINGS), told(OFF)) == ("enabled", "disabled")
    assert told(NONE) is None


def test_one_that_the_file_switches_off_can_be_enabled_and_the_file_has_the_last_word(tmp_path, told):
    settings = load(written(tmp_path, OFF))
    enable(settings, "local", "ann")
    assert (told(OFF), told(SETTINGS)) == ("enabled", "enabled")
    disable(settings, "local", "ann")
    assert (told(OFF), told(SETTINGS)) == ("disabled", "enabled")


def test_a_tombstone_stays_whatever_the_file_says(tmp_path, told):
    settings = load(written(tmp_path, SETTINGS))
    disable(settings, "local")
    assert delete(settings, "local").status is Status.DELETED
    assert [told(file) for file in (SETTINGS, OFF, NONE)] == ["deleted"] * 3
    assert enabled(settings, lake_of(settings)) == []


def test_one_that_was_added_has_its_connection_until_it_is_deleted(tmp_path):
    settings = load(written(tmp_path, SETTINGS))
    log, one = add(settings)
    assert (one.status, one.settings.type, one.settings.path, one.in_file) == ("created", "duckdb", "/x.duckdb", None)
    assert list(managed(settings, log)) == ["local", "pg"]
    one = delete(settings, "pg")
    assert (one.status, one.settings) == ("deleted", None)


def test_every_change_that_does_not_fit_is_refused_with_what_to_do():
    refused = {}
    for now, then in itertools.product(Status, Status):
        one = Managed("pg", now, None)
        if now in AFTER[then]:
            one.may_become(then)
            continue
        with pytest.raises(ChangeRefused) as error:
            one.may_become(then)
        refused[now, then] = str(error.value)
    assert refused[Status.ENABLED, Status.DELETED].endswith("is enabled and cannot become deleted; disable it first")
    assert refused[Status.CREATED, Status.ENABLED].endswith("let `profiles-sync warehouse test` go well first")
    assert refused[Status.ENABLED, Status.ENABLED] == "warehouse pg is enabled already"
    assert refused[Status.DISABLED, Status.CREATED].endswith("created; enable it, or delete it to add it anew")
    assert (Status.REQUESTED, Status.ENABLED) not in refused
    assert {(Status.CREATED, Status.REQUESTED), (Status.DELETED, Status.ENABLED)} <= refused.keys()


def test_one_that_was_created_is_not_enabled_before_it_was_tested_and_requested(tmp_path):
    settings = load(written(tmp_path, SETTINGS))
    log, one = add(settings)
    for status in (Status.TESTED, Status.REQUESTED):
        with pytest.raises(ChangeRefused):
            enable(settings, "pg")
        log, one = changed(settings, log, one, status, "ann")
    assert [one.name for one in enabled(settings, lake_of(settings))] == ["local"]
    assert enable(settings, "pg").status is Status.ENABLED
    assert [one.name for one in enabled(settings, lake_of(settings))] == ["local", "pg"]


def test_a_name_that_nobody_knows_is_told(tmp_path):
    settings = load(written(tmp_path, SETTINGS))
    for step in (enable, disable, delete):
        with pytest.raises(SettingsError, match="no warehouse 'pg' in the settings; declared there: local"):
            step(settings, "pg")
    assert Log.read(lake_of(settings)).last == 0


def test_one_that_was_added_and_is_in_the_file_later_is_that_of_the_file(tmp_path, told):
    settings = load(written(tmp_path, NONE))
    add(settings, "local")
    assert (told(NONE), told(SETTINGS)) == ("created", "enabled")
    settings = load(written(tmp_path, SETTINGS))
    one = known(settings, Log.read(lake_of(settings)), "local")
    assert one.settings.path == str(tmp_path / "acme.duckdb")
