"""The control log and credentials in an object store: refused and erased as in a folder."""

from concurrent.futures import ThreadPoolExecutor

import boto3
import pytest
from cryptography.fernet import Fernet

from profiles_sync.control.log import Log
from profiles_sync.control.vault import KEY, erase, keep
from profiles_sync.errors import ChangedMeanwhile
from profiles_sync.lake.paths import PathLake
from tests.stores import s3_server


@pytest.fixture
def lake(monkeypatch):
    with s3_server() as variables:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        where = {"CreateBucketConfiguration": {"LocationConstraint": variables["AWS_REGION"]}}
        boto3.client("s3", region_name=variables["AWS_REGION"]).create_bucket(Bucket="control-of-acme", **where)
        yield PathLake("s3://control-of-acme/lake", "acme")


@pytest.mark.slow
def test_of_two_changes_at_once_one_is_refused_and_erased_credentials_are_gone(lake):
    log = Log.read(lake).add("ann", "created", "warehouse", "pg")

    def attempt(who):
        try:
            return bool(log.add(who, "disabled", "warehouse", "pg"))
        except ChangedMeanwhile:
            return False

    with ThreadPoolExecutor(2) as operators:
        assert sorted(operators.map(attempt, ("ann", "bob"))) == [False, True]
    assert [one.number for one in Log.read(lake).changes] == [1, 2]
    keep(lake, "pg", {"password": "x"}, {KEY: Fernet.generate_key().decode()})
    assert [key for key in keys() if "_credentials" in key] == ["lake/acme/_control/_credentials/pg"]
    for _ in range(2):
        erase(lake, "pg")
        assert [key for key in keys() if key.endswith("/pg")] == []


def keys():
    """Of every object in the bucket."""
    listed = boto3.client("s3").list_objects_v2(Bucket="control-of-acme")
    return [one["Key"] for one in listed["Contents"]]
