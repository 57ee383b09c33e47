"""A lake in S3, with credentials from the usual chain: the same tables as in a folder."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import fs

from profiles_sync.lake import files, indexes, merging
from profiles_sync.lake.catalog import CatalogLake
from profiles_sync.lake.listing import folders, public_tables
from profiles_sync.lake.opening import lake_of
from profiles_sync.pipeline import components, staging
from profiles_sync.pipeline.run import take_new_events
from profiles_sync.pipeline.storage import resolve
from profiles_sync.settings import CatalogSettings
from profiles_sync.sync.preview import preview
from profiles_sync.sync.status import status_of
from profiles_sync.sync.upkeep import upkeep
from tests.intake import settled
from tests.lakes import Twin, random_events, rows_of
from tests.stores import make_bucket, s3_server
from tests.sync.steps import assert_same, job, stream


@pytest.fixture(scope="module")
def store():
    with s3_server() as variables:
        yield variables


@pytest.fixture(scope="module")
def made():
    return []


@pytest.fixture
def bucket(store, made, monkeypatch):
    for name, value in store.items():
        monkeypatch.setenv(name, value)
    name = f"lake-of-acme-{len(made)}"
    make_bucket(store, name)
    made.append(name)
    return f"s3://{name}/spaces/lake"


def rows(twin):
    return {name: rows_of(twin.lake, name) for name in public_tables(twin.lake)}


@pytest.mark.slow
def test_some_hours_upkeep_and_large_tables(tmp_path, bucket, monkeypatch):
    for owner, name in ((merging, "LARGE"), (indexes, "SMALL"), (indexes, "_MANY")):
        monkeypatch.setattr(owner, name, 0)
    local, remote = Twin(tmp_path / "local"), Twin(tmp_path / "remote")
    remote.settings = remote.settings.model_copy(update={"lake": bucket})
    remote.lake = lake_of(remote.settings)
    for hour in range(3):
        for twin in (local, remote):
            twin.write(stream(hour, 40, day=hour))
            result = job(twin)
            assert (result.status, result.error) == ("Success", None)
    assert rows(remote) == rows(local)
    upkeep(remote.settings)
    assert rows(remote) == rows(local)
    assert_same(remote)
    assert preview(remote.settings)["warehouses"]["local"] == {"error": None, "tables": {}}
    assert [one["status"] for one in status_of(remote.settings)["syncs"]] == ["Success"] * 3
    assert not (tmp_path / "remote" / "lake").exists()
    assert ["_index" in folders(one.lake, "_control") for one in (local, remote)] == [True, False]


@pytest.mark.standin
def test_tasks_and_the_distributed_path_read_and_write_it(tmp_path, bucket, store, spark, monkeypatch):
    """Files, what is staged, portions, edges, links and data files are all in the store, and tasks reach it alone."""
    for name, value in store.items():  # of workers, which were not started by this process
        monkeypatch.setitem(spark.sparkContext.environment, name, value)
    links, by_links = [], components._by_links
    monkeypatch.setattr(components, "_by_links", lambda *given: links.append(given[2]) or by_links(*given))
    twin = Twin(
        tmp_path,
        identity_path="distributed, events_per_task: 30, edges_per_task: 30",
        executor="spark, slots: 2",
        spark=spark,
        lake=bucket,
    )
    settled(twin, {"website": f"{bucket.rpartition('/')[0]}/events"})
    filesystem, events = resolve(twin.settings.sources["website"].path)
    for hour in range(2):
        lines = twin.write(random_events(hour, 80, day=hour * 3), files=3)
        fs.copy_files(str(twin.folder / "events"), events, destination_filesystem=filesystem)
        twin.reference.land(list(twin._taken(lines)))
        assert take_new_events(twin.engine).events
        twin.assert_equal()
    assert links and all(one.startswith(bucket) for one in links)
    left = filesystem.get_file_info(fs.FileSelector(resolve(bucket)[1], recursive=True))
    assert not [one.path for one in left if "/_staging/" in one.path and one.is_file]


def test_what_is_staged_for_a_catalog_is_written_there_and_removed(bucket):
    settings = CatalogSettings(catalog="main", schema="acme", staging=bucket)
    lake = CatalogLake(settings, "acme", lambda: pytest.fail("Spark is not needed"))
    rows = pa.table({"n": [1, 2]})
    with lake.staged(rows, "7/") as path:
        filesystem, inner = resolve(path)
        assert path.startswith(f"{bucket}/acme/_staging/7/rows/")
        assert pq.read_table(inner, filesystem=filesystem) == rows
    assert filesystem.get_file_info(inner).type is fs.FileType.NotFound
    added = files.write_to(lake.files("pages", 7), lake.options, "part.parquet", rows)
    filesystem, inner = resolve(f"{lake.files('pages', 7)}/{added.path}")
    assert pq.read_table(inner, filesystem=filesystem) == rows
    assert lake.lock_folder is None
    staging.clear(lake.path("_staging/7"))
    assert filesystem.get_file_info(inner).type is fs.FileType.NotFound
