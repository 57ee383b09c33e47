"""Marking rows as gone comes to the same rows as rewriting their files, for every reader."""

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from profiles_sync.lake import hits, indexes, log, merging, tables, vector_merge, vectors
from profiles_sync.lake.tables import scan
from profiles_sync.lake.upkeep import keep_up
from profiles_sync.warehouses.base import Cursor
from tests.lake.identifiers import KEY, TABLE, always_indexed, beaten_once, held, made, replayed, rows


@pytest.fixture(params=["read", "looked up"])
def lake(tmp_path, monkeypatch, request):
    """A table that takes vectors; what a file holds is read, or looked up in an index of it."""
    monkeypatch.setattr(merging, "LARGE", 0)
    if request.param == "looked up":
        always_indexed(monkeypatch)
    return made(tmp_path / "lake")


def test_a_changed_row_is_marked_and_written_anew_beside_the_new_ones(lake):
    merging.merge(lake, TABLE, rows(*(("I", n, n, 1) for n in range(50))), 1)
    version, configured = lake.open(TABLE.name).version(), lake.open(TABLE.name).metadata().configuration
    merging.merge(
        lake, TABLE, rows(("U", 3, 3, 2), ("D", 4, 4, 2), ("I", 60, 60, 2), ("U", 70, 70, 2), ("D", 8, 9, 2)), 2
    )
    table = held(lake)
    assert (len(table), table["p3", "email", "v3"], table["p70", "email", "v70"]) == (51, 2, 2)
    assert ("p4", "email", "v4") not in table
    first, second = sorted(log.live_files(lake.open(TABLE.name)).values(), key=lambda add: add["modificationTime"])
    assert sorted(vectors.decoded(first["deletionVector"])) == [3, 4]
    assert (second["stats"], "deletionVector" in second) == ('{"numRecords":3}', False)
    assert lake.open(TABLE.name).version() == version + 1
    protocol, metadata = lake.open(TABLE.name).protocol(), lake.open(TABLE.name).metadata()
    assert (protocol.reader_features, protocol.min_writer_version) == (["deletionVectors"], 7)
    assert metadata.configuration == configured | {"delta.enableDeletionVectors": "true"}
    assert configured["delta.enableChangeDataFeed"] == "true"


def test_a_batch_is_merged_once(lake):
    merging.merge(lake, TABLE, rows(("I", 1, 1, 1)), 1)
    for _ in range(2):
        merging.merge(lake, TABLE, rows(("U", 1, 1, 2), ("I", 2, 2, 2)), 2)
    assert held(lake) == {("p1", "email", "v1"): 2, ("p2", "email", "v2"): 2}
    assert len(scan(lake.open(TABLE.name))) == 2


def test_what_is_looked_up_is_not_read(lake, monkeypatch):
    always_indexed(monkeypatch)
    merging.merge(lake, TABLE, rows(*(("I", n, n, 1) for n in range(90))), 1)
    merging.merge(lake, TABLE, rows(("U", 3, 3, 2)), 2)
    monkeypatch.setattr(hits, "_found", None)
    read, real = [], indexes._read
    monkeypatch.setattr(indexes, "_read", lambda *asked: read.append(asked) or real(*asked))
    merging.merge(lake, TABLE, rows(("U", 4, 4, 3), ("U", 3, 3, 3)), 3)
    assert len(read) == 1  # the second batch's file, which had no index
    assert (held(lake)["p3", "email", "v3"], held(lake)["p4", "email", "v4"]) == (3, 3)


def test_a_key_with_the_digest_half_of_another_is_another(lake, monkeypatch):
    real = hits._digests

    def alike(texts):
        digests = real(texts).copy()
        digests[:, 0] = 5
        return digests

    monkeypatch.setattr(hits, "_digests", alike)
    merging.merge(lake, TABLE, rows(*(("I", n, n, 1) for n in range(50))), 1)
    merging.merge(lake, TABLE, rows(("U", 3, 3, 2), ("D", 4, 4, 2)), 2)
    assert (len(held(lake)), held(lake)["p3", "email", "v3"]) == (49, 2)


def test_a_row_that_was_changed_is_found_where_it_is_now(lake):
    merging.merge(lake, TABLE, rows(("I", 1, 1, 1)), 1)
    for batch in range(2, 6):
        merging.merge(lake, TABLE, rows(("U", 1, 1, batch)), batch)
    merging.merge(lake, TABLE, rows(("D", 1, 1, 6)), 6)
    merging.merge(lake, TABLE, rows(("U", 1, 1, 7)), 7)
    assert held(lake) == {("p1", "email", "v1"): 7}


operations = st.lists(st.tuples(st.sampled_from("UUDI"), st.integers(0, 6), st.integers(0, 3)), max_size=8)


@settings(max_examples=25, deadline=None)
@given(st.lists(operations, min_size=1, max_size=6), st.integers(0, 5), st.booleans())
def test_any_batches_come_to_the_same_as_deltalakes_merge(tmp_path_factory, batches, upkeep_after, indexed):
    """Marked rows, files put together anew, and deltalake's own MERGE, which takes over where neither may."""
    root = tmp_path_factory.mktemp("lake")
    marked, anew, plain = lakes = [made(root / name) for name in ("marked", "anew", "plain")]
    start = [Cursor(str(lake.open(TABLE.name).metadata().id), 0) for lake in lakes]
    for number, batch in enumerate(batches, 1):
        known = held(plain)
        last = {}
        for op, profile, value in batch:
            is_there = (f"p{profile}", "email", f"v{value}") in known
            last[profile, value] = ("U" if is_there else "I") if op == "I" else op
        found = rows(*((op, profile, value, number) for (profile, value), op in last.items()))
        for lake, large in zip(lakes, (0, 1 << 60, 0), strict=True):
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(merging, "LARGE", large)
                if lake is plain:
                    patch.setattr(vector_merge, "merge", lambda *_: False)
                if indexed:
                    always_indexed(patch)
                merging.merge(lake, TABLE, found, number)
        if number == upkeep_after:
            marked.open(TABLE.name).create_checkpoint()
            anew.open(TABLE.name).create_checkpoint()
        for lake in (marked, anew):
            assert held(lake) == held(plain)
            assert len(scan(lake.open(TABLE.name))) == len(held(lake))
    assert [replayed(*one) for one in zip(lakes, start, strict=True)] == [held(plain)] * 3
    assert told(anew) == told(plain)


def told(lake):
    """The change feed, row by row."""
    feed = tables.plain(pa.table(lake.open(TABLE.name).load_cdf(starting_version=1, allow_out_of_range=True)))
    return sorted((row["seq"], row["_change_type"], *(row[key] for key in KEY)) for row in feed.to_pylist())


def test_when_somebody_commits_first_the_merge_looks_again(lake, monkeypatch):
    merging.merge(lake, TABLE, rows(("I", 1, 1, 1), ("I", 2, 2, 1)), 1)
    merging.merge(lake, TABLE, rows(("U", 1, 1, 2)), 2)
    beaten_once(lake, monkeypatch)
    merging.merge(lake, TABLE, rows(("U", 2, 2, 3)), 3)
    assert held(lake) == {("p1", "email", "v1"): 2, ("p2", "email", "v2"): 3, ("p9", "email", "v9"): 1}


def test_a_file_with_a_long_vector_is_rewritten(lake, monkeypatch):
    merging.merge(lake, TABLE, rows(*(("I", n, n, 1) for n in range(200))), 1)
    monkeypatch.setattr(vector_merge, "_LONGEST", 200)
    for batch in range(2, 30):
        merging.merge(lake, TABLE, rows(*(("U", n * 7 + batch, n * 7 + batch, batch) for n in range(20))), batch)
        lengths = [len(one.get("deletionVector", {}).get("pathOrInlineDv", "")) for one in files(lake)]
        assert max(lengths) <= 200
    assert len(held(lake)) == len(scan(lake.open(TABLE.name))) == 200


def files(lake):
    return log.live_files(lake.open(TABLE.name)).values()


def test_upkeep_of_a_marked_table_keeps_its_rows(lake):
    merging.merge(lake, TABLE, rows(*(("I", n, n, 1) for n in range(40))), 1)
    for batch in range(2, 14):
        merging.merge(lake, TABLE, rows(("U", batch, batch, batch), ("D", 20 + batch, 20 + batch, 1)), batch)
    before = held(lake)
    assert keep_up(lake, TABLE.name, 1) > 8
    assert (held(lake), len(scan(lake.open(TABLE.name)))) == (before, len(before))
    merging.merge(lake, TABLE, rows(("U", 2, 2, 99)), 14)
    assert held(lake) == before | {("p2", "email", "v2"): 99}


@pytest.mark.spark
def test_spark_reads_a_marked_table_and_what_spark_marks_is_merged_on(lake, spark):
    merging.merge(lake, TABLE, rows(*(("I", n, n, 1) for n in range(5000))), 1)
    merging.merge(lake, TABLE, rows(*(("U" if n % 2 else "D", n, n, 2) for n in range(0, 5000, 7))), 2)
    path = lake.path(TABLE.name)

    def in_spark():
        found = spark.read.format("delta").load(path).select(*KEY, "seq").collect()
        return {tuple(row[:3]): int(row[3]) for row in found}

    assert in_spark() == held(lake)
    spark.sql(f"DELETE FROM delta.`{path}` WHERE value IN ('v1', 'v2')")  # a vector in a file of its own
    assert in_spark() == held(lake)
    merging.merge(lake, TABLE, rows(("U", 3, 3, 3), ("D", 5, 5, 3), ("I", 6000, 6000, 3)), 3)
    assert in_spark() == held(lake)
    spark.sql(f"OPTIMIZE delta.`{path}`")
    merging.merge(lake, TABLE, rows(("U", 9, 9, 4)), 4)
    assert in_spark() == held(lake)
    assert held(lake)["p9", "email", "v9"] == 4
