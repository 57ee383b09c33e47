"""A lake in S3, with credentials from the usual chain: the same tables as in a folder."""

import pytest

from profiles_sync.lake import indexes, merging
from profiles_sync.lake.listing import folders, public_tables
from profiles_sync.lake.opening import lake_of
from profiles_sync.sync.preview import preview
from profiles_sync.sync.status import status_of
from profiles_sync.sync.upkeep import upkeep
from tests.lakes import Twin, rows_of
from tests.stores import make_bucket, s3_server
from tests.sync.steps import assert_same, job, stream


@pytest.fixture(scope="module")
def store():
    with s3_server() as variables:
        yield variables


@pytest.fixture
def bucket(store, monkeypatch):
    for name, value in store.items():
        monkeypatch.setenv(name, value)
    make_bucket(store, "lake-of-acme")
    return "s3://lake-of-acme/spaces/lake"


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
