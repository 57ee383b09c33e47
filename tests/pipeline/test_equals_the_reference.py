"""The pipeline gives the reference's tables, whatever the stream, the batches, the path and the executor."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from profiles_sync.lake import indexes, merging
from profiles_sync.lake import upkeep as lake_upkeep
from profiles_sync.lake.listing import public_tables
from profiles_sync.lake.tables import scan
from profiles_sync.pipeline import parse, trait_history
from profiles_sync.pipeline.run import rebuild, take_new_events
from profiles_sync.sync.preview import preview
from profiles_sync.sync.upkeep import upkeep
from tests.lakes import Twin, random_events, rows_of

WINDOWS = "{anonymous_id: {limit: 2, frequency: Weekly}, email: {limit: 2}}"


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("rules", ["{}", f"{WINDOWS}, max_traits: 2"])
def test_random_streams_in_several_batches(tmp_path, monkeypatch, seed, rules):
    monkeypatch.setattr(trait_history.portions, "__defaults__", (2_000,))  # bytes: a few rows
    monkeypatch.setattr(parse, "CELLS", 200)
    twin = Twin(tmp_path, rules)
    for batch in range(3):
        report = twin.land(random_events(seed * 10 + batch, 120, day=batch * 5))
        assert report.read == report.events + report.duplicates + sum(report.quarantined.values())
        twin.assert_equal()
    assert take_new_events(twin.engine).read == 0
    twin.assert_equal()


@pytest.mark.parametrize("seed", range(2))
def test_what_indexes_and_vectors_give(tmp_path, monkeypatch, seed):
    for owner, name in ((indexes, "SMALL"), (indexes, "_MANY"), (merging, "LARGE")):
        monkeypatch.setattr(owner, name, 0)
    monkeypatch.setattr(lake_upkeep, "_MANY", 2)
    twin = Twin(tmp_path, WINDOWS)
    folder = Path(twin.lake.path(indexes.FOLDER))
    for batch in range(4):
        twin.land(random_events(seed * 10 + batch, 120, day=batch * 5))
        twin.assert_equal()
        if batch == 1:
            upkeep(twin.settings)
        for number, path in enumerate(sorted(folder.rglob("*.by_*"))):
            path.write_bytes(path.read_bytes()[: -(number % 3)] if number % 3 else b"")
    assert list(folder.rglob("*.by_*"))


@pytest.mark.parametrize("seed", range(2))
def test_ten_batches_give_what_one_gives(tmp_path, seed):
    events = sorted(random_events(seed, 200), key=lambda event: (event["receivedAt"], event["messageId"]))
    one, ten = Twin(tmp_path / "one", WINDOWS), Twin(tmp_path / "ten", WINDOWS)
    one.land(events)
    for start in range(0, 200, 20):
        ten.land(events[start : start + 20])
    assert public_tables(one.lake) == public_tables(ten.lake)
    for name in public_tables(one.lake):
        assert one.lake.types(name) == ten.lake.types(name), name
        assert rows_of(one.lake, name) == rows_of(ten.lake, name), name


@pytest.mark.parametrize("seed", range(2))
def test_more_bytes_than_a_batch_may_have_are_several_batches_of_one_run_and_give_what_one_gives(tmp_path, seed):
    events = sorted(random_events(seed, 200), key=lambda event: (event["receivedAt"], event["messageId"]))
    one = Twin(tmp_path / "one", WINDOWS)
    several = Twin(tmp_path / "several", WINDOWS, executor="driver, batch_bytes: 6000")
    at_once = one.land(events)
    for hour in range(10):
        several.write(events[hour * 20 : hour * 20 + 20], files=1)
    files = sorted((several.folder / "events").iterdir())
    for hour, file in enumerate(files):  # the order in which they landed counts, and not that of their names
        file.rename(file.with_name(f"{9 - hour}.jsonl"))
        os.utime(file.with_name(f"{9 - hour}.jsonl"), (hour, hour))
    planned = preview(several.settings)
    report = take_new_events(several.engine)
    assert 3 <= report.batch == planned["batches"] <= 10
    assert (report.read, report.events, report.duplicates) == (at_once.read, at_once.events, at_once.duplicates)
    assert (report.violations, report.merges) == (at_once.violations, at_once.merges)
    assert public_tables(one.lake) == public_tables(several.lake)
    for name in public_tables(one.lake):
        assert one.lake.types(name) == several.lake.types(name), name
        assert rows_of(one.lake, name) == rows_of(several.lake, name), name
    assert preview(several.settings)["batches"] == take_new_events(several.engine).read == 0


@pytest.mark.parametrize("seed", range(2))
def test_the_distributed_path_on_spark(tmp_path, spark, seed):
    twin = Twin(tmp_path, WINDOWS, identity_path="distributed", executor="spark", spark=spark)
    for batch in range(2):
        twin.land(random_events(seed * 10 + batch, 150, day=batch * 5), files=3)
        twin.assert_equal()


def test_a_rebuild_replays_the_batches_so_that_late_events_stay_late(tmp_path):
    twin = Twin(tmp_path / "space", WINDOWS)
    for batch in range(3):
        twin.land(random_events(batch, 80, day=30 - batch * 10))  # each batch is older than the one before
    anew = replace(twin.lake, root=str(tmp_path / "anew"))
    rebuild(replace(twin.engine, lake=anew), twin.lake)
    for name in public_tables(twin.lake):
        assert twin.lake.types(name) == anew.types(name), name
        assert sorted(map(repr, scan(anew.open(name)).to_pylist())) == sorted(
            map(repr, scan(twin.lake.open(name)).to_pylist())
        ), name
    at_once = Twin(tmp_path / "at-once", WINDOWS)
    at_once.land([event for batch in range(3) for event in random_events(batch, 80, day=30 - batch * 10)])
    assert rows_of(at_once.lake, "id_graph_updates") != rows_of(anew, "id_graph_updates")  # else this proves nothing
