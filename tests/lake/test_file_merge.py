"""A small table's files are put together anew without the rows that change; that any batches come to the same as by
deltalake's own MERGE is shown beside the merge of large tables."""

import pyarrow as pa
import pytest

from profiles_sync.lake import file_merge, log, merging
from profiles_sync.lake.tables import plain, scan
from profiles_sync.spec.tables import Type
from tests.lake.identifiers import TABLE, beaten_once, held, made, rows


@pytest.fixture
def lake(tmp_path):
    return made(tmp_path / "lake")


def files(lake):
    return sorted(log.live_files(lake.open(TABLE.name)))


def test_files_without_a_changed_row_stay_and_the_others_become_one(lake):
    for batch, number in enumerate((1, 2, 3), 1):
        merging.merge(lake, TABLE, rows(("I", number, 1, batch), ("I", number, 2, batch)), batch)
    before, version = files(lake), lake.open(TABLE.name).version()
    merging.merge(lake, TABLE, rows(("U", 1, 1, 4), ("D", 2, 2, 4), ("I", 9, 9, 4), ("D", 7, 7, 4)), 4)
    assert (len(set(files(lake)) & set(before)), len(files(lake))) == (1, 2)
    assert lake.open(TABLE.name).version() == version + 1
    kept = {("p1", "email", "v2"): 1, ("p2", "email", "v1"): 2, ("p3", "email", "v1"): 3, ("p3", "email", "v2"): 3}
    assert held(lake) == kept | {("p1", "email", "v1"): 4, ("p9", "email", "v9"): 4}


def test_a_batch_is_merged_once_and_nothing_is_left_of_a_file_without_rows(lake):
    merging.merge(lake, TABLE, rows(("I", 1, 1, 1)), 1)
    for _ in range(2):
        merging.merge(lake, TABLE, rows(("D", 1, 1, 2)), 2)
    assert (held(lake), files(lake), lake.open(TABLE.name).version()) == ({}, [], 2)


def test_when_somebody_commits_first_the_merge_looks_again(lake, monkeypatch):
    merging.merge(lake, TABLE, rows(("I", 1, 1, 1)), 1)
    beaten_once(lake, monkeypatch)
    merging.merge(lake, TABLE, rows(("U", 1, 1, 2), ("U", 9, 9, 2)), 2)
    assert held(lake) == {("p1", "email", "v1"): 2, ("p9", "email", "v9"): 2}


def test_rows_older_than_a_column_have_none_of_it_after_a_merge(lake):
    merging.merge(lake, TABLE, rows(("I", 1, 1, 1), ("I", 2, 2, 1)), 1)
    lake.add_columns(TABLE.name, TABLE.types | {"plan": Type.STRING})
    changed = rows(("U", 1, 1, 2))
    merging.merge(lake, TABLE, changed.append_column("plan", pa.array(["pro"])), 2)
    plans = scan(lake.open(TABLE.name), ["canonical_segment_id", "plan"]).to_pylist()
    assert {row["canonical_segment_id"]: row["plan"] for row in plans} == {"p1": "pro", "p2": None}
    assert len(files(lake)) == 1


def test_what_somebody_gave_features_is_left_to_deltalake(lake, monkeypatch):
    merging.merge(lake, TABLE, rows(("I", 1, 1, 1)), 1)
    lake.open(TABLE.name).alter.add_constraint({"known": "type IS NOT NULL"})
    monkeypatch.setattr(file_merge, "hits", None)
    merging.merge(lake, TABLE, rows(("U", 1, 1, 2), ("I", 2, 2, 2)), 2)
    assert held(lake) == {("p1", "email", "v1"): 2, ("p2", "email", "v2"): 2}


def test_files_of_many_rows_are_left_to_deltalake(lake, monkeypatch):
    merging.merge(lake, TABLE, rows(*(("I", n, n, 1) for n in range(5))), 1)
    monkeypatch.setattr(file_merge, "_MOST", 4)
    version = lake.open(TABLE.name).version()
    merging.merge(lake, TABLE, rows(("U", 1, 1, 2), ("I", 8, 8, 2)), 2)
    assert (held(lake)["p1", "email", "v1"], len(held(lake))) == (2, 6)
    assert lake.open(TABLE.name).version() == version + 2  # its MERGE is a commit, what is new another


@pytest.mark.spark
def test_spark_reads_the_rows_and_the_change_feed(lake, spark):
    merging.merge(lake, TABLE, rows(*(("I", n, n, 1) for n in range(50))), 1)
    merging.merge(lake, TABLE, rows(("U", 3, 3, 2), ("D", 4, 4, 2), ("U", 70, 70, 2), ("I", 80, 80, 2)), 2)
    path = lake.path(TABLE.name)
    told = ("canonical_segment_id", "seq", "_change_type")
    feed = plain(pa.table(lake.open(TABLE.name).load_cdf(starting_version=2))).select(told).to_pylist()
    reader = spark.read.format("delta").option("readChangeFeed", "true").option("startingVersion", 2).load(path)
    assert sorted(map(tuple, reader.select(*told).collect())) == sorted(tuple(row.values()) for row in feed)
    assert sorted(row["_change_type"] for row in feed) == [
        "delete",
        "insert",
        "insert",
        "update_postimage",
        "update_preimage",
    ]
    found = spark.read.format("delta").load(path).select("canonical_segment_id").collect()
    assert sorted(row[0] for row in found) == sorted(profile for profile, _, _ in held(lake))
