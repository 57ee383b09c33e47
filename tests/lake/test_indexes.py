"""A look-up comes to what a scan comes to, whatever becomes of an index."""

import os
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from profiles_sync.lake import index_file, indexes
from profiles_sync.lake.index_file import BLOCK, Damaged
from profiles_sync.lake.indexes import Index
from profiles_sync.lake.tables import Lake, scan
from profiles_sync.lake.upkeep import keep_up

NAME, BY_KEY = "_control/things", Index("by_key", ["key", "text", "number", "other"])
ABOUT = {"file": "a.parquet", "size": 1, "rows": 1, "columns": ["key"]}


@pytest.fixture
def lake(tmp_path, monkeypatch):
    """A table of two files whose rows have indexes, however few they are."""
    monkeypatch.setattr(indexes, "SMALL", 1)
    monkeypatch.setattr(indexes, "_MANY", 0)
    lake = Lake(str(tmp_path), "acme")
    for batch in (1, 2):
        lake.append(NAME, things(range(batch, 2000, 2)), batch)
    return lake


def things(keys):
    """A row of each key, in no order of them; every fifth text is none."""
    keys = list(keys)
    np.random.default_rng(7).shuffle(keys)
    return pa.table(
        {
            "number": pa.array(keys, pa.int64()),
            "key": pa.array([key * 1_000_003 % 500 for key in keys], pa.int64()),
            "text": pa.array([None if key % 5 == 0 else f"text {key} ä" for key in keys], pa.string()),
            "other": pa.array(["" if key % 3 else "x" * (key % 7) for key in keys], pa.string()),
        }
    )


def found(lake, *keys):
    rows = indexes.look_up(lake, NAME, lake.open(NAME), BY_KEY, np.array(keys, np.int64))
    return in_order(rows)


def in_order(rows):
    return sorted(rows.select(BY_KEY.columns).to_pylist(), key=lambda row: row["number"])


def scanned(lake, *keys):
    rows = scan(lake.open(NAME))
    return in_order(rows.filter(pc.is_in(rows["key"], pa.array(keys, pa.int64()))))


def index_files(lake):
    return sorted(Path(lake.path(indexes.FOLDER)).rglob("*.by_key"))


def asked(monkeypatch):
    """The data files that are read from now on."""
    read, real = [], indexes._read

    def noted(lake, name, file, index):
        read.append(file.path)
        return real(lake, name, file, index)

    monkeypatch.setattr(indexes, "_read", noted)
    return read


KEYS = (3, 77, 499, 12_345, -1)


def test_a_data_file_is_read_for_its_index_and_not_again(lake, monkeypatch):
    read = asked(monkeypatch)
    assert found(lake, *KEYS) == scanned(lake, *KEYS) != []
    assert len(read) == len(index_files(lake)) == 2
    assert found(lake, 5, 9) == scanned(lake, 5, 9)
    assert (found(lake), len(read)) == ([], 2)


def test_rows_that_come_later_are_found(lake):
    found(lake, *KEYS)
    lake.append(NAME, things(range(5000, 5500)), 3)
    assert found(lake, *KEYS) == scanned(lake, *KEYS)
    assert len(index_files(lake)) == 3


def test_small_files_and_those_asked_for_much_have_no_index(lake, monkeypatch):
    monkeypatch.setattr(indexes, "SMALL", 1001)
    assert found(lake, *KEYS) == scanned(lake, *KEYS)
    monkeypatch.setattr(indexes, "SMALL", 1)
    monkeypatch.setattr(indexes, "_MANY", 4)
    assert found(lake, *range(400)) == scanned(lake, *range(400))
    assert index_files(lake) == []


@pytest.mark.parametrize(
    "harm",
    [
        lambda path, other: path.unlink(),
        lambda path, other: path.write_bytes(b""),
        lambda path, other: path.write_bytes(path.read_bytes()[:20]),
        lambda path, other: path.write_bytes(path.read_bytes()[:-1]),
        lambda path, other: path.write_bytes(path.read_bytes()[:-4096] + bytes(4096)),
        lambda path, other: path.write_bytes(bytes(path.stat().st_size)),
        lambda path, other: path.write_bytes(b"psindex0" + path.read_bytes()[8:]),
        lambda path, other: shutil.copy(other, path),
    ],
    ids=["missing", "empty", "only a start", "torn", "a hole", "zeros", "another version", "of another file"],
)
def test_a_harmed_index_is_made_again_and_gives_no_wrong_answer(lake, monkeypatch, harm):
    found(lake, *KEYS)
    path, other = index_files(lake)
    whole = path.read_bytes()
    harm(path, other)
    read = asked(monkeypatch)
    every = range(500)
    assert found(lake, *every) == scanned(lake, *every)
    assert read == [path.stem]
    assert path.read_bytes() == whole


def test_an_index_of_the_file_as_it_was_is_not_believed(lake, monkeypatch):
    """The same name, and other rows: nobody writes so, but a table may have been put back by hand."""
    found(lake, *KEYS)
    real = indexes.files_of
    monkeypatch.setattr(
        indexes, "files_of", lambda table: [indexes.DataFile(one.path, one.size + 1, one.rows) for one in real(table)]
    )
    read = asked(monkeypatch)
    assert found(lake, *KEYS) == scanned(lake, *KEYS)
    assert len(read) == 2


def test_no_disk_for_an_index_is_no_error(lake, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(index_file, "write", full)
    for _ in range(2):
        assert found(lake, *KEYS) == scanned(lake, *KEYS)
    assert index_files(lake) == []


def test_an_index_that_cannot_be_opened_is_no_error(lake):
    found(lake, *KEYS)
    for path in index_files(lake):
        path.unlink()
        path.mkdir()
    assert found(lake, *KEYS) == scanned(lake, *KEYS)


def test_upkeep_removes_the_indexes_of_files_that_are_gone(lake):
    for batch in range(3, 12):
        lake.append(NAME, things(range(batch * 1000, batch * 1000 + 50)), batch)
    before = scanned(lake, *KEYS)
    assert found(lake, *KEYS) == before
    (Path(lake.path(indexes.FOLDER)) / NAME / "_5f.tmp").write_bytes(b"left by a crash")
    assert keep_up(lake, NAME, 168) == 11
    assert list((Path(lake.path(indexes.FOLDER)) / NAME).iterdir()) == []
    assert found(lake, *KEYS) == before
    (made,) = index_files(lake)
    assert keep_up(lake, NAME, 168) == 0
    assert index_files(lake) == [made]


def test_upkeep_makes_the_indexes_of_the_files_that_it_put_together(lake, monkeypatch):
    other = Index("by_number", ["number", "key"])  # by which nobody looked
    for batch in range(3, 12):
        lake.append(NAME, things(range(batch * 1000, batch * 1000 + 50)), batch)
    before = scanned(lake, *KEYS)
    assert found(lake, *KEYS) == before
    assert keep_up(lake, NAME, 168, [BY_KEY, other]) == 11
    assert [path.suffix for path in (Path(lake.path(indexes.FOLDER)) / NAME).iterdir()] == [".by_key"]
    monkeypatch.setattr(indexes, "_read", None)
    assert found(lake, *KEYS) == before


rows = st.lists(
    st.tuples(
        st.one_of(st.integers(-3, 40), st.integers(-(2**63), 2**63 - 1)),
        st.one_of(st.none(), st.text(max_size=5)),
        st.one_of(st.none(), st.text(max_size=5)),
    ),
    max_size=5 * BLOCK,
)


@settings(max_examples=60, deadline=None)
@given(rows, st.sets(st.one_of(st.integers(-5, 45), st.integers(-(2**63), 2**63 - 1)), max_size=20))
def test_any_rows_are_found_by_any_keys(tmp_path_factory, rows, keys):
    keys = sorted(keys | {row[0] for row in rows[:3]})
    columns = zip(*rows, strict=True) if rows else [(), (), ()]
    kinds = pa.schema([("key", pa.int64()), ("text", pa.string()), ("other", pa.string())])
    made = pa.table([pa.array(column, kind) for column, kind in zip(columns, kinds.types, strict=True)], schema=kinds)
    path = tmp_path_factory.mktemp("index") / "one"
    index_file.write(path, ABOUT, made)
    one = index_file.opened(path, ABOUT)
    there = [row for row in rows if row[0] in keys]
    assert sorted(map(repr, zip(*one.find(np.array(keys, np.int64)).to_pydict().values(), strict=True))) == sorted(
        map(repr, there)
    )
    one.close()


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    path = tmp_path_factory.mktemp("index") / "one"
    index_file.write(path, ABOUT, things(range(300)).select(BY_KEY.columns))
    return path


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_a_changed_byte_anywhere_is_noticed(written, tmp_path_factory, data):
    whole = bytearray(written.read_bytes())
    at = data.draw(st.integers(0, len(whole) - 1))
    whole[at] ^= data.draw(st.integers(1, 255))
    path = tmp_path_factory.mktemp("harmed") / "one"
    path.write_bytes(whole)
    with pytest.raises(Damaged):
        index_file.opened(path, ABOUT).find(np.arange(500))


def test_a_look_up_of_one_key_reads_one_block_or_two(written, monkeypatch):
    one, read, real = index_file.opened(written, ABOUT), [], os.pread

    def noted(*asked):
        read.append(asked)
        return real(*asked)

    monkeypatch.setattr(os, "pread", noted)
    assert one.find(np.array([7])).num_rows == 1
    assert 1 <= len(read) <= 2
    one.close()
