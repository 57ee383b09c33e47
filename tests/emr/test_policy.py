"""The policy of the job's role: the jobs get by with it, and there is nothing in it that none of them needs."""

import json
import runpy
import sys
from pathlib import Path

import boto3
import numpy as np
import pyarrow as pa
import pytest
from botocore.exceptions import ClientError
from deltalake import write_deltalake
from deltalake.exceptions import DeltaError

from profiles_sync.lake import indexes, merging
from tests.commands import SETTINGS, written
from tests.emr.access import granted, listed, needed
from tests.emr.gated_server import JOB
from tests.stores import make_bucket, s3_server
from tests.sync.steps import stream

ROOT = Path(__file__).parents[2]
POLICY = json.loads((ROOT / "conf" / "emr" / "policy.json").read_text())
BUCKET = "profiles-of-acme"
SPACE = SETTINGS.replace("./lake", f"s3://{BUCKET}/lake").replace("./events/website/", f"s3://{BUCKET}/events/website/")
STEPS = ("ingest_events", "resolve_identities", "build_tables", "sync_warehouses", "backfill", "check_health")


@pytest.fixture
def guarded(tmp_path, monkeypatch):
    """A space in a bucket that asks the policy, the client of the bucket's owner, and what the policy was asked."""
    policy, log = tmp_path / "policy.json", tmp_path / "asked.tsv"
    policy.write_text(json.dumps(POLICY).replace("BUCKET", BUCKET))
    with s3_server(("-m", "tests.emr.gated_server", policy, log)) as store:
        for name, value in store.items():
            monkeypatch.setenv(name, value)
        make_bucket(store, BUCKET)
        owner = boto3.client("s3", region_name=store["AWS_REGION"])
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", JOB)
        yield written(tmp_path, SPACE), owner, lambda: [line.split("\t") for line in log.read_text().splitlines()]


ASKED = [
    ("GET", "/b/lake/x", "", "s3:GetObject", "b/lake/x"),
    ("HEAD", "/b/lake/x%20y", "", "s3:GetObject", "b/lake/x y"),
    ("PUT", "/b/lake/x", "partNumber=1&uploadId=2", "s3:PutObject", "b/lake/x"),
    ("POST", "/b/lake/x", "uploads", "s3:PutObject", "b/lake/x"),
    ("DELETE", "/b/lake/x", "uploadId=2", "s3:AbortMultipartUpload", "b/lake/x"),
    ("DELETE", "/b/lake/x", "", "s3:DeleteObject", "b/lake/x"),
    ("GET", "/b", "list-type=2&prefix=lake", "s3:ListBucket", "b"),
    ("HEAD", "/b/", "", "s3:ListBucket", "b"),
    ("GET", "/b", "location", "s3:GetBucketLocation", "b"),
    ("GET", "/b/lake/x", "tagging", "s3:GetObjectTagging", "b/lake/x"),
    ("PUT", "/b", "", "s3:PutBucket", "b"),
]


@pytest.mark.parametrize(("method", "path", "query", "action", "resource"), ASKED)
def test_what_a_request_needs(method, path, query, action, resource):
    assert list(needed(method, path, query, {})) == [(action, f"arn:aws:s3:::{resource}")]


def test_a_copy_needs_to_read_and_a_deletion_of_many_each_of_them():
    (_, copied) = needed("PUT", "/b/lake/x", "", {"x-amz-copy-source": "/b/events/y"})
    assert copied == ("s3:GetObject", "arn:aws:s3:::b/events/y")
    many = needed("POST", "/b", "delete", {}, b"<Delete><Key>lake/x</Key><Key>lake/y</Key></Delete>")
    assert [resource for _, resource in many] == ["arn:aws:s3:::b/lake/x", "arn:aws:s3:::b/lake/y"]


@pytest.mark.parametrize(
    ("action", "key", "grant"),
    [
        ("s3:GetObject", "/events/website/1.jsonl", "ReadEventsAndTheJob s3:GetObject"),
        ("s3:PutObject", "/events/website/1.jsonl", None),
        ("s3:DeleteObject", "/lake/acme/pages/1.parquet", "KeepTheLake s3:DeleteObject"),
        ("s3:DeleteObject", "/lakes/acme", None),
        ("s3:GetObject", "/elsewhere", None),
        ("s3:ListBucket", "", "FindFiles s3:ListBucket"),
        ("s3:DeleteBucket", "", None),
    ],
)
def test_what_the_policy_grants(action, key, grant):
    assert granted(POLICY, action, f"arn:aws:s3:::BUCKET{key}") == grant


def put(owner, number):
    lines = "\n".join(map(json.dumps, stream(number, 60, day=number)))
    owner.put_object(Bucket=BUCKET, Key=f"events/website/{number}.jsonl", Body=lines.encode())


def run(job, settings, monkeypatch):
    """Raises where the exit code is not 0."""
    monkeypatch.setattr(sys, "argv", [f"{job}.py", "--settings", str(settings), "--json"])
    runpy.run_path(str(ROOT / "jobs" / f"{job}.py"), run_name="__main__")


def break_off_an_upload():
    """As a task does whose rows end in an error after some parts were sent; what was sent is taken back."""
    schema = pa.schema([("x", pa.float64())])

    def rows():
        for number in range(8):
            if number == 7:
                raise ValueError
            yield pa.record_batch([np.random.default_rng(number).random(1_500_000)], schema=schema)

    with pytest.raises(DeltaError):
        write_deltalake(f"s3://{BUCKET}/lake/acme/new", pa.RecordBatchReader.from_batches(schema, rows()))


@pytest.mark.slow
def test_the_jobs_get_by_with_the_policy_and_nothing_in_it_is_more_than_they_need(guarded, monkeypatch):
    settings, owner, asked = guarded
    for module, name in ((merging, "LARGE"), (indexes, "SMALL"), (indexes, "_MANY")):
        monkeypatch.setattr(module, name, 0)  # what else only large tables come to
    for number, jobs in enumerate((["run_hourly"], STEPS, ["upkeep", "run_hourly"])):
        put(owner, number)
        for job in jobs:
            run(job, settings, monkeypatch)
    break_off_an_upload()
    assert not [one for one in asked() if one[0] == "DENIED"]
    used = {tuple(grant.split(" ")) for grant, *_ in asked()}
    allowed = {(one["Sid"], action) for one in POLICY["Statement"] for action in listed(one["Action"])}
    assert allowed - used == {("WriteLogs", "s3:PutObject")}  # EMR's own


@pytest.mark.slow
def test_what_no_grant_allows_is_denied(guarded):
    _, owner, asked = guarded
    put(owner, 0)
    job = boto3.client("s3", aws_access_key_id=JOB, aws_secret_access_key=JOB)
    assert job.get_object(Bucket=BUCKET, Key="events/website/0.jsonl")["Body"].read()
    with pytest.raises(ClientError, match="AccessDenied"):
        job.delete_object(Bucket=BUCKET, Key="events/website/0.jsonl")
    read, denied = asked()
    assert read[0] == "ReadEventsAndTheJob s3:GetObject"
    assert denied == ["DENIED", "s3:DeleteObject", f"arn:aws:s3:::{BUCKET}/events/website/0.jsonl"]
