"""A lake in a Spark catalog: the tables, the state and what a warehouse gets are those of a lake at paths."""

import numpy as np
import pyarrow as pa
import pytest

from profiles_sync.control.warehouses import enabled
from profiles_sync.errors import AnotherLake, LakeBusy
from profiles_sync.generator.case_study import case_study_events
from profiles_sync.lake import catalog, catalog_changes
from profiles_sync.lake.catalog import CatalogLake
from profiles_sync.lake.indexes import Index
from profiles_sync.pipeline import batches, messages
from profiles_sync.pipeline.run import take_new_events
from profiles_sync.settings import CatalogSettings
from profiles_sync.spec.tables import BY_NAME
from profiles_sync.sync.connected import connect
from profiles_sync.warehouses.base import Cursor
from tests.lakes import Twin, random_events, rows_of
from tests.sync.steps import assert_same, job, stream

TABLE = BY_NAME["id_graph"]


@pytest.fixture
def schema(spark, tmp_path):
    """Two schemas of Spark's own catalog, in a folder of the test."""
    for name in ("acme", "acme_control"):
        spark.sql(f"CREATE SCHEMA spark_catalog.{name} LOCATION '{tmp_path / 'warehouse' / name}'")
    yield "acme"
    for name in ("acme", "acme_control"):
        spark.sql(f"DROP SCHEMA spark_catalog.{name} CASCADE")


@pytest.fixture
def lake(tmp_path, schema, spark):
    return CatalogLake(
        CatalogSettings(catalog="spark_catalog", schema=schema, staging=str(tmp_path)), "acme", lambda: spark
    )


def in_catalog(folder, schema, spark, **options):
    return Twin(
        folder, spark=spark, lake=f"{{catalog: spark_catalog, schema: {schema}, staging: ./staging}}", **options
    )


def graph(*rows):
    """Changes of `id_graph`: operation, profile, where it maps."""
    ops, profiles, canonical = zip(*rows, strict=True)
    types = {
        name: pa.array([None] * len(rows), pa.timestamp("us", "UTC"))
        for name in ("received_at", "timestamp", "uuid_ts")
    }
    made = {"segment_id": profiles, "canonical_segment_id": canonical, "seq": ["1"] * len(rows)} | types
    return pa.table({name: made[name] for name in TABLE.types} | {"_op": ops})


def held(lake):
    rows = lake.open(TABLE.name).scan(["segment_id", "canonical_segment_id"]).to_pylist()
    return sorted(tuple(row.values()) for row in rows)


def test_rows_are_appended_once_and_merged_to_the_same_end(lake):
    lake.create(TABLE)
    for changes, number in (
        (graph(("I", "a", "a"), ("I", "b", "b"), ("I", "c", "c")), 1),
        (graph(("U", "a", "b"), ("D", "c", "c"), ("I", "d", "d")), 2),
    ):
        lake.merge(TABLE, changes, number)
        before = held(lake)
        lake.merge(TABLE, changes, number)
        assert held(lake) == before
    assert before == [("a", "b"), ("b", "b"), ("d", "d")]


@pytest.mark.parametrize("large", [1 << 40, pytest.param(0, marks=pytest.mark.slow)])
def test_a_warehouse_gets_the_last_change_of_each_key_and_nothing_from_upkeep(lake, spark, monkeypatch, large):
    monkeypatch.setattr(catalog_changes, "_LARGE", large)  # bytes: many rows come in parts
    lake.create(TABLE)
    lake.merge(TABLE, graph(("I", "a", "a"), ("I", "b", "b")), 1)
    first = lake.changes(TABLE.name, None)
    assert sorted(first.arrow().read_all()["segment_id"].to_pylist()) == ["a", "b"]
    lake.merge(TABLE, graph(("U", "a", "b"), ("D", "b", "b")), 2)
    lake.merge(TABLE, graph(("U", "a", "c"), ("I", "c", "c")), 3)
    then = lake.changes(TABLE.name, first.cursor)
    rows = then.arrow().read_all().select(["segment_id", "canonical_segment_id", "_op"]).to_pydict()
    assert sorted(zip(*rows.values(), strict=True)) == [("a", "c", "U"), ("b", "b", "D"), ("c", "c", "U")]
    in_spark = then.spark(spark).select("segment_id", "canonical_segment_id", "_op").collect()
    assert sorted(map(tuple, in_spark)) == sorted(zip(*rows.values(), strict=True))
    assert lake.changes(TABLE.name, then.cursor) is None
    assert (lake.cursor(TABLE.name), lake.cursor("none")) == (then.cursor, None)
    assert 0 < first.bytes < then.bytes  # two commits after one of the same size
    lake.keep_up(TABLE.name, 168)
    assert lake.changes(TABLE.name, then.cursor).is_empty
    monkeypatch.setattr(catalog_changes, "KEPT_HOURS", -1)  # as if VACUUM had been there since
    whole = lake.changes(TABLE.name, first.cursor)
    assert (whole.full, sorted(whole.arrow().read_all()["segment_id"].to_pylist())) == (True, ["a", "c"])


def test_a_table_that_was_made_anew_or_put_back_is_refused(lake):
    lake.create(TABLE)
    lake.merge(TABLE, graph(("I", "a", "a")), 1)
    now = lake.changes(TABLE.name, None).cursor
    for other in (
        Cursor("other", now.version),
        Cursor(now.table_id, now.version + 1),
        Cursor(now.table_id, now.version, "x"),
    ):
        with pytest.raises(AnotherLake, match=r"is not spark_catalog\.acme\.id_graph"):
            lake.changes(TABLE.name, other)


def test_columns_are_found_and_conditions_hold_in_spark(lake):
    rows = pa.table({"batch": pa.array([1, 2, 3]), "profile": pa.array([7, 8, None], pa.int64())})
    lake.append("_control/some", rows, 3)
    found = lake.open("_control/some").scan(["profile"], [("profile", "in", pa.array([8, 8, 9])), ("batch", "<=", 2)])
    assert found == pa.table({"profile": pa.array([8])})
    assert (lake.has("_control/some", 2), lake.has("_control/some", 4), lake.has("_control/none", 1)) == (
        True,
        False,
        False,
    )
    assert (lake.control_tables(), lake.public_tables()) == (["_control/some"], [])


def test_no_more_is_fetched_than_some_keys_have(lake, monkeypatch):
    monkeypatch.setattr(catalog, "_KEYS", 2)
    fetch, sizes = catalog.fetched, []

    def counting(*given):
        sizes.append((rows := fetch(*given)).num_rows)
        return rows

    monkeypatch.setattr(catalog, "fetched", counting)
    kept = np.arange(1_000)
    messages.remember(lake, kept, kept, kept, 1)
    again = np.array([3, 5_000, 3, 7, 999])
    stays = messages.kept(lake, again, np.where(again == 7, 8, again), np.zeros(5, np.int64), 2)
    assert stays.tolist() == [False, True, False, True, False]  # one has but half of a digest that was kept
    keys, index = np.array([1, 2, 2, 3, 1, 4_000]), Index("any", ["high", "batch"])
    found = lake.look_up(messages.MESSAGES, lake.open(messages.MESSAGES), index, keys)
    assert sorted(found["high"].to_pylist()) == [1, 2, 3]
    assert lake.look_up(messages.MESSAGES, lake.open(messages.MESSAGES), index, keys[:0]).num_rows == 0
    fetched_rows = sizes.copy()
    assert (lake.has(messages.MESSAGES, 1), lake.has(messages.MESSAGES, 2)) == (True, False)
    assert (max(sizes), sizes) == (2, fetched_rows)


def test_of_two_runs_that_open_a_batch_at_once_one_gives_way(tmp_path, schema, spark):
    """Where there is no lock: a volume, or the URL of an object store."""
    settings = CatalogSettings(catalog="spark_catalog", schema=schema, staging=f"file://{tmp_path}/staging")
    lake = CatalogLake(settings, "acme", lambda: spark)
    first = batches.open_batch(lake, ())
    with pytest.raises(LakeBusy, match="another run opened batch 1 at the same time"):
        batches.reopen(lake, batches.Batch(1, first.uuid_ts + 1, ()))


@pytest.mark.slow
@pytest.mark.parametrize("path", ["driver", "distributed"])
def test_a_space_gives_the_tables_of_the_reference_and_so_does_its_warehouse(tmp_path, schema, spark, path):
    twin = in_catalog(
        tmp_path, schema, spark, executor="spark" if path == "distributed" else "driver", identity_path=path
    )
    connect(twin.lake, enabled(twin.settings, twin.lake))  # what comes now is no history
    for events in (case_study_events(), stream(0, 150)):
        twin.land(events)
        twin.assert_equal()
        assert job(twin).status == "Success"
        assert_same(twin)


@pytest.mark.slow
@pytest.mark.parametrize("step", [3, 15])
def test_a_run_that_breaks_off_before_a_write_and_is_run_again(tmp_path, schema, spark, monkeypatch, step):
    twin, left = in_catalog(tmp_path, schema, spark), [step]

    def counted(do):
        def write(*arguments):
            left[0] -= 1
            if not left[0]:
                raise KeyboardInterrupt
            return do(*arguments)

        return write

    twin.land(random_events(1, 60))
    for name in ("append", "append_files", "merge", "add_columns"):
        monkeypatch.setattr(CatalogLake, name, counted(getattr(CatalogLake, name)))
    with pytest.raises(KeyboardInterrupt):
        twin.land(random_events(2, 60, day=3))
    take_new_events(twin.engine)
    twin.assert_equal()
    assert left[0] < 0
    assert rows_of(twin.lake, "_control/batches")
