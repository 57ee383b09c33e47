"""Delta tables as sources: each row is read once, whatever becomes of the files of the table."""

import shutil

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from profiles_sync.pipeline import batches
from profiles_sync.pipeline.discover import new_files
from profiles_sync.pipeline.run import take_new_events
from tests.intake import NOON, ids, rows, settled, take
from tests.lakes import Twin


class Source:
    """A space that reads a Delta table."""

    def __init__(self, folder):
        self.twin = Twin(folder / "space")
        self.path = folder / "a table, +100 % é"
        settled(self.twin, {"website": self.path})

    def append(self, *message_ids, **options):
        columns = {"type": "page", "userId": "u1"}
        made = [columns | {"messageId": one} for one in message_ids]
        write_deltalake(self.path, pa.Table.from_pylist(made), mode="append", **options)

    def append_untimed(self, user):
        """An event without messageId and time: nothing but its file tells it from its copy eight days later."""
        write_deltalake(self.path, pa.table({"type": ["page"], "userId": [user]}), mode="append")

    @property
    def table(self):
        return DeltaTable(self.path)

    def vacuum(self):
        assert self.table.vacuum(0, enforce_retention_duration=False, dry_run=False)

    def take(self):
        """Events, duplicates, and the beginnings of warnings."""
        report = take(self.twin)
        assert not report.quarantined
        return report.events, report.duplicates, [one.partition(str(self.path))[0] for one in report.warnings]


@pytest.fixture
def source(tmp_path):
    return Source(tmp_path)


COMPACTED = "source website: files of "
REWRITTEN = "source website: UPDATE, DELETE, MERGE or RESTORE wrote rows of "
CLEANED = "source website: the log of "


def test_what_is_appended_is_read_once(source):
    source.append("m1", "m2")
    source.append("m3")
    assert source.take() == (3, 0, [])
    assert source.take() == (0, 0, [])
    source.append("m4")
    assert source.take() == (1, 0, [])
    assert ids(source.twin) == ["m1", "m2", "m3", "m4"]
    files = [path for path in batches.taken_files(source.twin.lake) if path.endswith(".parquet")]
    assert len(files) == 3
    assert all(path.startswith(str(source.path)) for path in files)


def test_compacted_files_are_not_read_again(source):
    source.append("m1")
    source.append("m2")
    assert source.take() == (2, 0, [])
    source.table.optimize.compact()
    source.table.create_checkpoint()
    source.vacuum()
    assert source.take() == (0, 0, [])
    source.append("m3")
    source.table.optimize.compact()
    source.table.optimize.compact()
    assert source.take() == (1, 0, [])


def test_a_file_that_was_compacted_before_it_was_read_is_read_itself(source):
    source.append("m1")
    assert source.take() == (1, 0, [])
    source.append("m2")
    source.append("m3")
    source.table.optimize.compact()
    source.append("m4")
    source.table.optimize.compact()
    assert source.take() == (3, 0, [])
    assert source.take() == (0, 0, [])


def test_a_file_that_was_vacuumed_before_it_was_read_is_read_through_the_compacted_one(source):
    source.append("m1")
    assert source.take() == (1, 0, [])
    source.append("m2")
    source.table.optimize.compact()
    source.append("m3")
    source.table.optimize.compact()
    source.vacuum()
    assert source.take() == (2, 1, [COMPACTED])
    assert source.take() == (0, 0, [])
    source.append("m4")
    source.table.optimize.compact()
    assert source.take() == (1, 0, [])


def test_a_batch_whose_files_were_all_vacuumed_hands_the_table_back(source):
    source.append("m1")
    source.append("m2")
    found = new_files({"website": str(source.path)}, {})
    batches.open_batch(source.twin.lake, found.files)  # and killed
    source.table.optimize.compact()
    source.vacuum()
    first = source.take()
    assert (first[0], len(first[2])) == (2, 2)  # the batch without files, and at once one with the compacted file
    source.append("m3")
    assert source.take() == (1, 0, [])
    assert ids(source.twin) == ["m1", "m2", "m3"]


def test_files_that_were_compacted_together_may_be_compacted_further_one_by_one(source):
    def append(kind, *message_ids):
        columns = {"type": kind, "userId": "u1"}
        made = pa.Table.from_pylist([columns | {"messageId": one} for one in message_ids])
        write_deltalake(source.path, made, mode="append", partition_by=["type"])

    append("page", "m1")
    assert source.take() == (1, 0, [])
    for number in range(2, 5):
        append("page", f"m{number}")
        append("screen", f"n{number}")
    source.table.optimize.compact()
    append("page", "m5")
    source.table.optimize.compact(partition_filters=[("type", "=", "page")])
    source.vacuum()
    assert source.take() == (7, 1, [COMPACTED])
    assert ids(source.twin, "screens") == ["n2", "n3", "n4"]


def test_the_first_run_reads_the_table_as_it_is(source):
    source.append("m1")
    source.append("m2")
    source.append("m3")
    source.table.delete("messageId = 'm2'")
    source.table.optimize.compact()
    assert source.take() == (2, 0, [])
    assert ids(source.twin) == ["m1", "m3"]


def test_a_row_that_was_deleted_before_a_run_saw_it_is_not_read(source):
    source.append("m1")
    assert source.take() == (1, 0, [])
    source.append("m2")
    source.table.delete("messageId = 'm2'")
    source.append("m3")
    assert source.take() == (1, 0, [])
    assert ids(source.twin) == ["m1", "m3"]


def test_a_row_that_was_compacted_and_then_deleted_is_not_read(source):
    source.append("m1")
    assert source.take() == (1, 0, [])
    source.append("m2", "m3")
    source.table.optimize.compact()
    source.table.delete("messageId = 'm2'")
    assert source.take() == (1, 1, [REWRITTEN])
    assert ids(source.twin) == ["m1", "m3"]


def test_rows_that_are_written_anew_are_repeats(source):
    source.append("m1", "m2")
    assert source.take() == (2, 0, [])
    source.table.delete("messageId = 'm1'")
    assert source.take() == (0, 1, [REWRITTEN])
    source.table.restore(0)
    source.append("m3")
    assert source.take() == (1, 0, [])
    assert ids(source.twin) == ["m1", "m2", "m3"]


def test_where_the_log_was_cleaned_every_file_that_was_not_read_is_read(source):
    source.append("m1")
    source.append("m2")
    assert source.take() == (2, 0, [])
    source.append("m3")
    source.table.optimize.compact()
    source.append("m4")
    source.table.create_checkpoint()
    source.append("m5")
    for version in range(4):
        (source.path / "_delta_log" / f"{version:020d}.json").unlink()
    assert source.take() == (3, 2, [CLEANED])
    source.append("m6")
    assert source.take() == (1, 0, [])


def test_a_table_that_is_only_kept_up_is_not_read_again_when_its_log_is_cleaned(source):
    source.append_untimed("u1")
    source.append_untimed("u2")
    assert source.take() == (2, 0, [])
    source.table.optimize.compact()
    for _ in range(20):
        source.table.alter.set_table_properties({"delta.logRetentionDuration": "interval 1 days"})
    assert source.take() == (0, 0, [])
    source.table.create_checkpoint()
    for path in sorted((source.path / "_delta_log").glob("*.json"))[:-1]:
        path.unlink()
    source.append_untimed("u3")
    assert source.take() == (1, 0, [])
    assert len(rows(source.twin, "pages")) == 3


def test_a_table_that_was_made_anew_is_read_from_its_beginning(source):
    for number in range(3):
        source.append(f"m{number}")
    assert source.take() == (3, 0, [])
    shutil.rmtree(source.path)
    source.append("n0")
    source.append("n1")
    source.append("n2")
    assert source.take() == (3, 0, [])


def test_a_table_without_rows_is_not_an_error(source):
    assert source.take() == (0, 0, ["source website: no files at "])
    DeltaTable.create(source.path, pa.schema([("type", pa.string())]))
    assert source.take() == (0, 0, [])
    (source.path / "not of the table.jsonl").write_text('{"type": "page"}')
    assert source.take() == (0, 0, [])


def test_columns_that_partition_the_table_are_columns_of_the_rows(source):
    columns = {
        "type": ["track", "track", "page"],
        "event": ["Signed Up", "50% off/é=", None],
        "receivedAt": [NOON, NOON, NOON],
        "userId": ["u1", "u2", "u3"],
    }
    write_deltalake(source.path, pa.table(columns), partition_by=["type", "event", "receivedAt"])
    assert source.take() == (3, 0, [])
    found = rows(source.twin, "tracks") + rows(source.twin, "pages")
    assert sorted((row["user_id"], row.get("event_text"), row["received_at"]) for row in found) == [
        ("u1", "Signed Up", NOON),
        ("u2", "50% off/é=", NOON),
        ("u3", None, NOON),
    ]


def test_a_change_of_columns_is_no_change_of_events(source):
    source.append_untimed("u1")
    source.append("m2", schema_mode="merge")
    source.table.optimize.compact()
    assert source.take() == (2, 0, [])


# Delta as Spark writes it


@pytest.fixture
def by_spark(spark, tmp_path):
    source = Source(tmp_path)
    source.path = tmp_path / "by_spark"
    source.twin = Twin(tmp_path / "other")
    settled(source.twin, {"website": source.path})
    return source, lambda text: spark.sql(text.replace("SOURCE", f"delta.`{source.path}`")).collect()


EVENTS = "SELECT 'page' AS type, concat('u', id) AS userId, concat('m', id) AS messageId FROM range(0, 10, 1, 1)"
WAIT = "source website: 1 file(s) of "


@pytest.mark.slow
def test_rows_deleted_by_a_vector_are_never_read(by_spark):
    source, sql = by_spark
    sql(f"CREATE TABLE SOURCE USING delta TBLPROPERTIES ('delta.enableDeletionVectors' = true) AS {EVENTS}")
    sql("DELETE FROM SOURCE WHERE userId = 'u3'")
    sql("INSERT INTO SOURCE VALUES ('page', 'u10', 'm10')")
    assert source.take() == (1, 0, [WAIT])
    assert source.take() == (0, 0, [WAIT])
    sql("REORG TABLE SOURCE APPLY (PURGE)")
    assert source.take() == (9, 0, [])
    assert "m3" not in ids(source.twin)

    sql("INSERT INTO SOURCE SELECT 'page', concat('u', id), concat('m', id) FROM range(20, 30, 1, 1)")
    sql("DELETE FROM SOURCE WHERE userId = 'u5'")  # was read: the event stays, and so does its file
    sql("DELETE FROM SOURCE WHERE userId = 'u25'")
    assert source.take() == (0, 0, [WAIT])
    sql("REORG TABLE SOURCE APPLY (PURGE)")
    events, _, warnings = source.take()
    assert (events, warnings) == (9, [COMPACTED])
    assert source.take() == (0, 0, [])


@pytest.mark.slow
def test_a_table_whose_files_name_columns_otherwise_is_refused(by_spark):
    source, sql = by_spark
    sql(f"CREATE TABLE SOURCE USING delta TBLPROPERTIES ('delta.columnMapping.mode' = 'name') AS {EVENTS}")
    (refused,) = take_new_events(source.twin.engine).unread
    assert refused.startswith("source website: the Delta table ")
    assert "maps its columns to other names" in refused


@pytest.mark.slow
def test_a_shallow_clone_is_refused(by_spark, tmp_path):
    source, sql = by_spark
    sql(f"CREATE TABLE delta.`{tmp_path}/original` USING delta AS {EVENTS}")
    sql(f"CREATE TABLE SOURCE SHALLOW CLONE delta.`{tmp_path}/original`")
    (refused,) = new_files({"website": str(source.path)}, {}).errors
    assert "is a shallow clone" in refused


@pytest.mark.slow
def test_partitions_and_optimize_as_spark_writes_them(by_spark):
    source, sql = by_spark
    sql(f"CREATE TABLE SOURCE USING delta PARTITIONED BY (type) AS {EVENTS}")
    assert source.take() == (10, 0, [])
    sql("INSERT INTO SOURCE VALUES ('page', 'u10', 'm10'), (NULL, 'u11', 'm11'), ('Screen', 'u12', 'm12')")
    sql("OPTIMIZE SOURCE")
    report = take(source.twin)
    assert (report.events, report.quarantined) == (2, {"missing type": 1})
    assert ids(source.twin, "screens") == ["m12"]
