"""Two operators at once, and commands that were killed: what a change says and what is kept for it fit together."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from cryptography.fernet import Fernet

from profiles_sync.control import backfills
from profiles_sync.control.backfills import Backfill
from profiles_sync.control.credentials import complete, new_file
from profiles_sync.control.kept import files_in_use
from profiles_sync.control.log import Log
from profiles_sync.control.operating import delete, disable
from profiles_sync.control.selecting import select
from profiles_sync.control.vault import KEY, files_of, keep
from profiles_sync.control.warehouses import Status, known
from profiles_sync.errors import ChangedMeanwhile, ChangeRefused
from profiles_sync.lake.opening import lake_of
from profiles_sync.settings import load
from profiles_sync.spec.backfill import Window
from profiles_sync.sync import connecting
from profiles_sync.sync.prerequisites import prerequisites_of
from profiles_sync.warehouses.postgres import PostgresWarehouse
from tests.commands import SETTINGS, a_space

ALERTS = "alerts: {ops: {to: ./alerts.jsonl}}\n"


@pytest.fixture(autouse=True)
def key(monkeypatch, no_settings_in_the_environment):
    monkeypatch.setenv(KEY, Fernet.generate_key().decode())


@pytest.fixture(autouse=True)
def no_patience(monkeypatch):
    """Nobody answers there, and nobody waits for it."""
    monkeypatch.setattr(PostgresWarehouse.__init__, "__defaults__", (0,))


@pytest.fixture
def settings(tmp_path):
    return load(a_space(tmp_path, SETTINGS + ALERTS))


@pytest.fixture
def lake(settings):
    return lake_of(settings)


def fields(user):
    """Of a server that is not there, so that nothing but its credentials is tried."""
    return {"type": "postgres", "host": "127.0.0.1", "port": "9", "database": "d", "username": user}


def add(settings, user):
    return connecting.add(settings, "pg", fields(user), typed=f"of {user}", who=user)


def stands(settings, lake):
    """Who the warehouse is connected as, and with which password."""
    one = complete(known(settings, Log.read(lake), "pg"), lake)
    return one.settings.username, one.settings.password.get_secret_value()


def test_who_is_refused_leaves_the_others_credentials_and_none_of_their_own(settings, lake):
    seen = Log.read(lake)
    with pytest.raises(ChangedMeanwhile), new_file(lake, "pg", "postgres", "of ann") as kept:
        add(settings, "bob")
        seen.add("ann", Status.CREATED, "warehouse", "pg", {"fields": fields("ann"), "secrets": kept})
    assert stands(settings, lake) == ("bob", "of bob")
    assert set(files_of(lake, "pg")) == files_in_use(Log.read(lake))


def test_of_many_who_add_at_once_each_reader_finds_the_credentials_of_one_change(settings, lake):
    def attempt(user):
        try:
            return bool(add(settings, user))
        except ChangedMeanwhile:
            return False

    with ThreadPoolExecutor(4) as operators:
        assert any(operators.map(attempt, ("ann", "bob", "eve", "joe")))
    user, password = stands(settings, lake)
    assert password == f"of {user}"
    assert set(files_of(lake, "pg")) == files_in_use(Log.read(lake))


def test_a_deletion_erases_what_a_killed_addition_left_and_refuses_one_that_is_under_way(settings, lake):
    add(settings, "ann")
    delete(settings, "pg", "ann")
    seen = Log.read(lake)
    file = keep(lake, "pg", {"password": "of bob"})
    delete(settings, "pg", "ann")
    assert files_of(lake, "pg") == []
    with pytest.raises(ChangedMeanwhile):
        seen.add("bob", Status.CREATED, "warehouse", "pg", {"fields": fields("bob"), "secrets": {"password": file}})
    last = Log.read(lake).last
    delete(settings, "pg", "ann")
    assert Log.read(lake).last == last


def test_one_that_was_killed_between_tested_and_requested_is_requested_by_the_next_test(settings, lake, tmp_path):
    second = tmp_path / "second.duckdb"
    second.write_text("something else\n" * 1000)
    connecting.add(settings, "second", {"type": "duckdb", "path": str(second)}, who="ann")
    Log.read(lake).add("ann", Status.TESTED, "warehouse", "second", {"in_file": None})
    assert connecting.test(settings, "second", who="ann").status is Status.TESTED
    second.unlink()
    assert connecting.test(settings, "second", who="ann").status is Status.REQUESTED


def test_an_open_backfill_of_a_warehouse_that_is_deleted_is_cancelled(settings, lake):
    backfills.request(lake, Backfill("1", "local", 0, None, ("pages",), Window(None, None), 1))
    disable(settings, "local", "ann")
    delete(settings, "local", "ann")
    (one,) = backfills.backfills(lake)
    assert (one.is_open, one.shown()["status"]) == (False, "cancelled")


def test_a_deleted_warehouse_that_still_stands_in_the_file_has_no_prerequisites(settings):
    disable(settings, "local", "ann")
    delete(settings, "local", "ann")
    with pytest.raises(ChangeRefused, match="warehouse local is deleted; add it again first"):
        prerequisites_of(settings, "local", "ann")


def test_a_change_of_selective_sync_is_told_and_what_changes_nothing_is_not(settings, tmp_path):
    for _ in range(2):
        select(settings, "local", off=["event-type-tables"], who="ann")
    (told,) = map(json.loads, (tmp_path / "alerts.jsonl").read_text().splitlines())
    assert (told["occasion"], told["warehouse"], told["text"]) == (
        "warehouse_modified",
        "local",
        "Selective Sync, by ann",
    )
