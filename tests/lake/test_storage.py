"""The options of a lake's store reach everything that is in its bucket or container, and nothing else."""

import pytest
from pyarrow import fs

from profiles_sync.lake.storage import in_tasks, options_for, storage_of, use
from profiles_sync.pipeline.storage import resolve

S3 = {"aws_access_key_id": "a", "aws_secret_access_key": "b", "aws_region": "eu-west-1"}


@pytest.mark.parametrize(
    ("url", "options", "path"),
    [
        ("abfss://events@acme.dfs.core.windows.net/lake/x", {"azure_storage_account_key": "a2V5"}, "events/lake/x"),
        ("abfs://events/lake", {"account_name": "acme", "azure_storage_sas_token": "sv=1&sig=x"}, "events/lake"),
        (
            "abfs://events@acme.dfs.core.windows.net",
            {"azure_client_id": "i", "azure_client_secret": "s", "azure_tenant_id": "t"},
            "events",
        ),
    ],
)
def test_azure_is_opened_by_the_options(url, options, path):
    filesystem, place = storage_of(url, options)
    assert isinstance(filesystem, fs.AzureFileSystem)
    assert place == path
    use(url, options)
    opened, place = resolve(f"{url}/a%20b")
    assert (isinstance(opened, fs.AzureFileSystem), place) == (True, f"{path}/a b")


def test_only_what_is_in_the_lake_s_bucket_has_its_options():
    use("s3://acme-lake/spaces/lake", S3)
    assert options_for("s3://acme-lake/events/x.json") == S3
    for other in ("s3://acme-lake-2/events", "gs://acme-lake/events", "/acme-lake", "file:///acme-lake"):
        assert options_for(other) == {}
    assert resolve("s3://acme-lake/events")[0].region == "eu-west-1"
    use("s3://acme-lake/another/lake", {**S3, "aws_region": "us-west-2"})
    assert resolve("s3://acme-lake/events")[0].region == "us-west-2"


def test_a_task_gets_the_options_of_its_driver(monkeypatch):
    use("s3://of-the-driver/lake", S3)
    carried = in_tasks(lambda batches: iter([options_for("s3://of-the-driver/x"), *batches]))
    monkeypatch.setattr("profiles_sync.lake.storage._in_use", {})  # a task's process has seen no settings
    assert options_for("s3://of-the-driver/x") == {}
    assert list(carried(iter([1]))) == [S3, 1]
