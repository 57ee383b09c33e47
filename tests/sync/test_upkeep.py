"""Upkeep: fewer files and the same rows, in the lake and in the warehouses that follow it."""

import time
from pathlib import Path

import pytest

from profiles_sync.lake import indexes
from profiles_sync.lake import upkeep as tables_upkeep
from profiles_sync.lake.listing import public_tables
from profiles_sync.lake.opening import lake_of
from profiles_sync.sync import upkeep as sync_upkeep
from profiles_sync.sync.upkeep import is_due, upkeep
from tests.commands import in_process, query
from tests.lakes import Twin, rows_of
from tests.sync.steps import assert_same, bought, job, stream

HOURS = 3


@pytest.fixture
def twin(tmp_path, monkeypatch):
    """A space after some hours, and an upkeep that takes these for many."""
    monkeypatch.setattr(tables_upkeep, "_MANY", 2)
    twin = Twin(tmp_path)
    for hour in range(HOURS):
        twin.write(stream(hour, 20, day=hour))
        job(twin)
    return twin


def files(twin, name):
    return len(twin.lake.open(name).file_uris())


def rows(twin):
    return {name: rows_of(twin.lake, name) for name in public_tables(twin.lake)}


def settled(twin, **changed):
    twin.settings = twin.settings.model_copy(update={"upkeep": twin.settings.upkeep.model_copy(update=changed)})


def test_tables_of_many_small_files_have_few_afterwards_and_the_same_rows(twin):
    before = rows(twin)
    assert files(twin, "id_graph_updates") > 1
    done = upkeep(twin.settings)
    assert done["_control/landed"] == HOURS
    assert [files(twin, name) for name in ("_control/landed", "pages", "id_graph_updates")] == [1, 1, 1]
    assert rows(twin) == before
    assert not upkeep(twin.settings).keys() & set(public_tables(twin.lake))


def test_the_next_hour_finds_the_indexes_of_the_files_that_upkeep_put_together(twin, monkeypatch):
    monkeypatch.setattr(indexes, "SMALL", 0)
    monkeypatch.setattr(indexes, "_MANY", 0)
    twin.write(stream(7, 20, day=HOURS))
    job(twin)
    upkeep(twin.settings)
    there = {path.name for path in Path(twin.lake.root).rglob("*.parquet")}
    read, real = [], indexes._read
    monkeypatch.setattr(
        indexes, "_read", lambda lake, name, file, index: read.append(file.path) or real(lake, name, file, index)
    )
    twin.write(stream(8, 20, day=HOURS))
    job(twin)
    assert not there & {Path(path).name for path in read}
    assert_same(twin)


def test_a_warehouse_has_nothing_to_do_after_upkeep(twin):
    upkeep(twin.settings)
    result = job(twin)
    assert (result.status, result.warehouses["local"].tables) == ("Success", {})
    cursors = dict(query(twin.folder, "SELECT table_name, version FROM _profiles_sync.cursors_acme"))
    assert cursors == {name: twin.lake.open(name).version() for name in public_tables(twin.lake)}


def test_a_warehouse_that_lags_gets_its_rows_across_upkeep(twin):
    """Files that were put together are still there for a warehouse, until they are removed; then it is loaded whole."""
    lagging, twin.settings = twin.settings, twin.settings.model_copy(update={"warehouses": {}})
    twin.write([*stream(99, 60, day=20), bought("later", day=21)])
    job(twin)
    upkeep(twin.settings)
    twin.settings = lagging
    result = job(twin)
    assert result.warehouses["local"].tables["bought"].duplicates == 0
    assert_same(twin)


def test_a_warehouse_that_lags_further_than_files_are_kept_is_loaded_whole(twin, monkeypatch):
    monkeypatch.setattr(tables_upkeep, "_hours", lambda keep: 0)
    lagging, twin.settings = twin.settings, twin.settings.model_copy(update={"warehouses": {}})
    twin.write([*stream(99, 60, day=20), bought("later", day=21)])
    job(twin)
    twin.write(stream(100, 60, day=22))
    job(twin)
    upkeep(twin.settings)
    twin.settings = lagging
    assert job(twin).status == "Success"
    assert_same(twin)


def test_a_run_does_upkeep_when_it_is_due_and_not_before(twin, monkeypatch):
    assert not is_due(twin.settings, twin.lake)
    later = time.time() + 25 * 3600
    monkeypatch.setattr(sync_upkeep.time, "time", lambda: later)
    assert is_due(twin.settings, twin.lake)
    job(twin)
    assert files(twin, "_control/landed") == 1
    assert not is_due(twin.settings, twin.lake)
    settled(twin, every_hours=0)
    later += 100 * 3600
    assert not is_due(twin.settings, twin.lake)


def test_upkeep_that_fails_leaves_the_run_a_success_with_a_warning(twin, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tables_upkeep, "keep_up", full)
    later = time.time() + 25 * 3600
    monkeypatch.setattr(sync_upkeep.time, "time", lambda: later)
    result = job(twin)
    assert result.status == "Success"
    assert result.report.warnings[-1].startswith("upkeep was not finished: the lake cannot be used: no space is left")


def test_the_command_says_what_was_put_together(twin):
    settings = ("--settings", twin.folder / "acme.yml")
    code, out, _ = in_process("upkeep", *settings)
    assert (code, "_control/landed" in out) == (0, True)
    assert in_process("upkeep", *settings, "--json")[:2] == (0, '{\n  "compacted": {}\n}\n')


def test_a_run_after_upkeep_comes_to_the_same_as_one_without(twin, tmp_path):
    other = Twin(tmp_path / "other")
    for hour in range(HOURS):
        other.write(stream(hour, 20, day=hour))
        job(other)
    upkeep(twin.settings)
    for space in (twin, other):
        space.write(stream(50, 60, day=5))
        job(space)
    assert lake_of(other.settings).root != twin.lake.root
    assert rows(other) == rows(twin)
