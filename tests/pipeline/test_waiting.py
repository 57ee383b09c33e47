"""Files that wait are dealt out to batches: by when they landed, whole, and Delta tables to their end."""

import pytest

from profiles_sync.pipeline.batches import SourceFile, open_batch, remember_files
from profiles_sync.pipeline.run import prepare
from profiles_sync.pipeline.waiting import in_batches, without_gaps
from tests.lakes import Twin

MARK = SourceFile("table", "/t/_delta_log/id@7", 0, 0)


def file(name, size, at, source="website"):
    return SourceFile(source, f"/e/{name}", size, at)


def names(several):
    return [[one.path.rpartition("/")[2] for one in files] for files in several]


def test_what_fits_is_one_batch_in_the_order_in_which_it_was_found():
    files = (file("b", 5, 9), file("a", 5, 1))
    assert in_batches(files, 10) == [files]
    assert in_batches((), 10) == []


def test_more_is_several_in_the_order_in_which_it_landed_whatever_the_source():
    files = [file("b", 5, 2), file("a", 5, 1, "app"), file("c", 5, 3, "app"), file("d", 1, 4)]
    assert names(in_batches(files, 10)) == [["a", "b"], ["c", "d"]]


def test_a_file_is_never_cut_and_a_compressed_one_weighs_what_it_holds():
    assert names(in_batches([file("a", 50, 1), file("b", 1, 2), file("c", 1, 3)], 10)) == [["a"], ["b", "c"]]
    assert names(in_batches([file("a.gz", 2, 1), file("b.gz", 2, 2)], 16)) == [["a.gz"], ["b.gz"]]


@pytest.mark.parametrize("later", [0, 1])
def test_the_version_of_a_delta_table_goes_along_with_its_last_file(later):
    table = [file("x", 6, 1, "table"), file("y", 6, 2, "table"), MARK]
    others = [file("z", 6, 3 * later)] * later
    assert names(in_batches([*table, *others], 10)) == [["x"], ["y", "id@7"]] + [["z"]] * later


def test_a_delta_table_of_which_a_file_was_left_is_not_read_to_that_version(tmp_path):
    lake = Twin(tmp_path).lake
    prepare(lake)
    first, second = in_batches([file("x", 6, 1, "table"), file("y", 6, 2, "table"), MARK], 10)
    assert without_gaps(lake, second, first) == tuple(one for one in second if one != MARK)
    remember_files(lake, open_batch(lake, first))
    assert without_gaps(lake, second, first) == second
