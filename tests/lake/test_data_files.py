"""Data files: what a table's log then names."""

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import fs

from profiles_sync.lake.files import put


def encodings(rows, tmp_path):
    """Of each column, whether the file has a dictionary of its values."""
    path = str(tmp_path / "table" / "part.parquet")
    assert put(fs.LocalFileSystem(), path, rows) == (tmp_path / "table" / "part.parquet").stat().st_size
    assert pq.read_table(path) == rows
    group = pq.read_metadata(path).row_group(0)
    columns = map(group.column, range(group.num_columns))
    return {one.path_in_schema: "RLE_DICTIONARY" in one.encodings for one in columns}


def table(rows):
    return pa.table(
        {
            "id": [f"{place:032x}" for place in range(rows)],
            "type": [("user_id", "email", None)[place % 3] for place in range(rows)],
            "nothing": pa.nulls(rows, pa.string()),
        }
    )


def test_of_many_rows_only_values_that_repeat_have_a_dictionary(tmp_path):
    assert encodings(table(10_001), tmp_path) == {"id": False, "type": True, "nothing": True}


def test_of_few_rows_nobody_looks(tmp_path):
    assert all(encodings(table(10_000), tmp_path).values())


def test_a_large_table_may_have_no_value_that_repeats(tmp_path):
    assert encodings(table(10_001).select(["id"]), tmp_path) == {"id": False}
