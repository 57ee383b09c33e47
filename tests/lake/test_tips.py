"""A table's newest entries tell what a commit needs, whoever wrote them; and what is committed so is plain Delta."""

import datetime as dt
import json

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, Field, TableFeatures, write_deltalake
from deltalake.schema import PrimitiveType
from deltalake.transaction import AddAction

from profiles_sync.errors import LakeError
from profiles_sync.lake import log, tips
from profiles_sync.lake.changes import changes
from profiles_sync.lake.tables import Lake, scan
from profiles_sync.lake.upkeep import keep_up
from profiles_sync.spec.tables import BY_NAME, Type
from profiles_sync.warehouses.base import Cursor

NAME = "order_completed"
ID, WITH_PRICE = {"id": Type.STRING}, {"id": Type.STRING, "price": Type.DOUBLE}


@pytest.fixture
def lake(tmp_path):
    return Lake(str(tmp_path / "lake"), "acme")


def land(lake, batch, types=ID, **columns):
    """A batch with one row, whose id is the batch's number."""
    rows = pa.table({"id": [str(batch)]} | {name: [value] for name, value in columns.items()})
    file = lake.path(f"{NAME}/part-{batch}.parquet")
    pa.fs.LocalFileSystem().create_dir(lake.path(NAME))
    pq.write_table(rows, file)
    size = pa.fs.LocalFileSystem().get_file_info(file).size
    lake.append_files(NAME, [AddAction(f"part-{batch}.parquet", size, {}, 0, True, '{"numRecords":1}')], batch, types)


def ids(lake):
    return sorted(scan(lake.open(NAME))["id"].to_pylist(), key=int)


def agrees(lake):
    """The tip says what a replay of the log says."""
    tip, table = tips.read(lake, NAME), lake.open(NAME)
    assert (tip.version, tip.id) == (table.version(), str(table.metadata().id))
    assert tip.batch == (table.transaction_version(lake.app()) or 0)
    assert list(tip.types) == [field.name for field in table.schema().fields]
    return tip


def test_the_first_commit_brings_the_table_and_a_later_one_its_columns(lake):
    land(lake, 1)
    land(lake, 2, WITH_PRICE, price=2.5)
    assert agrees(lake).types == WITH_PRICE
    assert scan(lake.open(NAME)).sort_by("id").to_pylist() == [{"id": "1", "price": None}, {"id": "2", "price": 2.5}]


def test_a_batch_is_committed_once(lake):
    land(lake, 1)
    land(lake, 1)
    land(lake, 3)
    land(lake, 2)
    assert (ids(lake), agrees(lake).version) == (["1", "3"], 1)


def test_a_column_keeps_the_type_that_somebody_gave_it(lake):
    land(lake, 1)
    lake.open(NAME).alter.add_columns([Field("price", PrimitiveType("long"))])
    land(lake, 2, WITH_PRICE, price=2)
    assert agrees(lake).types == {"id": Type.STRING, "price": Type.BIGINT}


@pytest.mark.parametrize("others", [1, 5, 70])
def test_what_others_wrote_since_is_seen(lake, others):
    land(lake, 1)
    for number in range(others):
        write_deltalake(lake.open(NAME), pa.table({"id": [f"{100 + number}"]}), mode="append")
    assert agrees(lake).batch == 1
    land(lake, 2)
    assert len(ids(lake)) == 2 + others
    assert agrees(lake).batch == 2


def test_what_deltalake_put_together_goes_on_and_no_row_is_sent_again(lake):
    for batch in range(1, 12):
        land(lake, batch)
    tip = agrees(lake)
    assert keep_up(lake, NAME, 0) == 11
    agrees(lake)
    assert changes(lake, NAME, Cursor(tip.id, tip.version, tip.digest)).is_empty
    land(lake, 12)
    assert (len(ids(lake)), agrees(lake).batch) == (12, 12)
    sent = changes(lake, NAME, Cursor(tip.id, tip.version, tip.digest))
    assert sent.arrow().read_all()["id"].to_pylist() == ["12"]
    assert changes(lake, NAME, None).arrow().read_all().num_rows == 12


def test_a_log_that_was_cleaned_is_replayed_from_its_checkpoint(lake):
    for batch in range(1, 4):
        land(lake, batch)
    write_deltalake(lake.open(NAME), pa.table({"id": ["100"]}), mode="append")
    lake.open(NAME).create_checkpoint()
    for version in range(4):
        (pa.fs.LocalFileSystem()).delete_file(f"{lake.path(NAME)}/_delta_log/{version:020d}.json")
    assert (agrees(lake).batch, agrees(lake).digest) == (3, "")
    land(lake, 4)
    assert (ids(lake), agrees(lake).batch) == (["1", "2", "3", "4", "100"], 4)


def test_a_change_feed_takes_appended_files_as_they_are(lake):
    lake.create(BY_NAME["user_traits"])
    lake.append("user_traits", pa.table({"name": ["plan"], "seq": ["1"]}), 1)
    lake.append("user_traits", pa.table({"name": ["age"], "seq": ["2"]}), 1)
    lake.append("user_traits", pa.table({"name": ["age"], "seq": ["2"]}), 2)
    feed = pa.table(lake.open("user_traits").load_cdf(starting_version=1))
    found = zip(feed["name"].to_pylist(), feed["_change_type"].to_pylist(), strict=True)
    assert sorted(found) == [("age", "insert"), ("plan", "insert")]
    assert "clientVersion" not in info_of_the_newest(lake, "user_traits")


@pytest.mark.parametrize("feature", ["constraint", "protocol"])
def test_a_table_with_features_is_written_by_deltalake(lake, feature):
    land(lake, 1)
    if feature == "constraint":
        lake.open(NAME).alter.add_constraint({"known": "id is not null"})
    else:
        lake.open(NAME).alter.add_feature(TableFeatures.DeletionVectors, allow_protocol_versions_increase=True)
    assert not tips.read(lake, NAME).is_plain
    land(lake, 2, WITH_PRICE, price=1.0)
    land(lake, 3, WITH_PRICE, price=1.0)
    lake.append(NAME, pa.table({"id": ["4"], "price": [1.0]}), 4)
    lake.append(NAME, pa.table({"id": ["4"], "price": [1.0]}), 4)
    assert agrees(lake).types == WITH_PRICE
    assert agrees(lake).batch == 4
    assert "clientVersion" in info_of_the_newest(lake, NAME)


def info_of_the_newest(lake, name):
    newest = log.Entries.of(lake.path(name)).actions(lake.open(name).version())
    return next(action["commitInfo"] for action in newest if "commitInfo" in action)


def test_rows_outside_of_a_range_of_numbers_are_left_out_by_the_log(lake):
    for batch in range(1, 4):
        lake.append("_control/messages", pa.table({"batch": [batch, batch], "high": [batch, None]}), batch)
    assert scan(lake.open("_control/messages"), where=[("batch", "==", 2)])["high"].to_pylist() == [2, None]
    files = lake.open("_control/messages").to_pyarrow_dataset().get_fragments(filter=pc.field("batch") == 2)
    assert len(list(files)) == 1


def test_a_column_that_the_table_has_not_is_refused(lake):
    lake.append("_control/messages", pa.table({"batch": [1]}), 1)
    with pytest.raises(LakeError, match="no column other"):
        lake.append("_control/messages", pa.table({"batch": [2], "other": ["x"]}), 2)


def test_of_two_commits_of_one_version_the_second_is_done_again(lake, monkeypatch):
    land(lake, 1)
    stale, read, asked = tips.read(lake, NAME), tips.read, []
    write_deltalake(lake.open(NAME), pa.table({"id": ["100"]}), mode="append")
    monkeypatch.setattr(tips, "read", lambda *given: read(*given) if asked else asked.append(1) or stale)
    land(lake, 2)
    assert ids(lake) == ["1", "2", "100"]


def test_who_is_never_first_is_told_so(lake, monkeypatch):
    land(lake, 1)
    stale = tips.read(lake, NAME)
    land(lake, 2)
    monkeypatch.setattr(tips, "read", lambda *given: stale)
    with pytest.raises(LakeError, match="others write to it"):
        land(lake, 3)


def test_where_nobody_keeps_it_up_checkpoints_are_written_all_the_same(lake, monkeypatch):
    monkeypatch.setattr(tips, "_CHECKPOINT", 3)
    for batch in range(1, 6):
        land(lake, batch)
    last = json.loads(
        pa.fs.LocalFileSystem().open_input_stream(f"{lake.path(NAME)}/_delta_log/_last_checkpoint").read()
    )
    assert (last["version"], len(ids(lake)), agrees(lake).batch) == (3, 5, 5)
    assert sorted(changes(lake, NAME, None).arrow().read_all()["id"].to_pylist()) == ["1", "2", "3", "4", "5"]


def test_a_folder_without_a_log_is_no_table(lake):
    pa.fs.LocalFileSystem().create_dir(lake.path(f"{NAME}/_delta_log"))
    assert tips.read(lake, NAME) is None
    assert changes(lake, NAME, None) is None
    assert keep_up(lake, NAME, 0) == 0


def test_rows_that_somebody_deleted_are_not_sent_to_a_new_warehouse(lake):
    land(lake, 1)
    land(lake, 2)
    lake.open(NAME).delete("id = '1'")
    assert changes(lake, NAME, None).arrow().read_all()["id"].to_pylist() == ["2"]


def test_spark_reads_and_appends_to_what_was_committed(lake, spark):
    land(lake, 1)
    land(lake, 2, WITH_PRICE, price=2.5)
    path = lake.path(NAME)
    spark.createDataFrame([("3", 1.5)], "id string, price double").write.format("delta").mode("append").save(path)
    land(lake, 4, WITH_PRICE, price=1.0)
    rows = spark.read.format("delta").load(path).collect()
    assert sorted((row["id"], row["price"]) for row in rows) == [("1", None), ("2", 2.5), ("3", 1.5), ("4", 1.0)]
    assert DeltaTable(path).version() == 3
    assert spark.sql(f"DESCRIBE HISTORY delta.`{path}`").count() == 4
    assert agrees(lake).batch == 4


def test_who_filters_by_a_time_or_a_text_with_deltalake_is_shown_every_row(lake):
    name, day = "id_graph_updates", dt.datetime(2026, 1, 5, tzinfo=dt.UTC)
    kinds = {"segment_id": pa.string(), "received_at": pa.timestamp("us", "UTC"), "visits": pa.int64()}
    for batch in (1, 2):
        row = {"segment_id": f"use_{batch}", "received_at": day, "visits": batch}
        lake.append(name, pa.Table.from_pylist([row], pa.schema(list(kinds.items()))), batch)
    table = lake.open(name)
    for column, value in (("received_at", day), ("segment_id", "use_"), ("visits", 0)):
        assert table.to_pyarrow_table(filters=[(column, ">=", value)]).num_rows == 2, column
