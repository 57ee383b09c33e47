"""The job on two workers that have Spark and nothing else of ours: packed environment, lake and events in S3."""

import json
import os
import subprocess
import sys
from pathlib import Path

import boto3
import pytest

from profiles_sync.lake.listing import public_tables
from profiles_sync.lake.opening import lake_of
from profiles_sync.settings import load
from profiles_sync.sync.hourly import run
from tests.emr.cluster import cluster, home, until
from tests.lakes import random_events, rows_of
from tests.stores import s3_server

pytestmark = [pytest.mark.standin, pytest.mark.timeout(2400)]
ROOT = Path(__file__).parents[2]
BUCKET = "profiles-of-acme"
SETTINGS = """\
space: {{name: Acme, slug: acme}}
lake: {lake}
sources:
  website: {{id: source_1, name: Website, path: "{events}"}}
identity: {{path: {identity}}}
engine: {{executor: {executor}, slots: 8}}
"""
LANES = {"Spark 3.5": ROOT / ".venv-spark-3", "Spark 4": ROOT / ".venv"}


@pytest.fixture(scope="module")
def files():
    """Names and contents of the event files, as many as keep two workers busy for a while."""
    return {
        f"{number:02}.jsonl": "\n".join(map(json.dumps, random_events(number, 200))).encode() for number in range(16)
    }


@pytest.fixture(scope="module")
def expected(tmp_path_factory, files):
    """Every table, from a run of the same files in one process without Spark."""
    folder = tmp_path_factory.mktemp("local")
    (folder / "events").mkdir()
    for name, content in files.items():
        (folder / "events" / name).write_bytes(content)
    settings = folder / "acme.yml"
    settings.write_text(SETTINGS.format(lake="./lake", events="./events", identity="driver", executor="driver"))
    assert run(load(settings), lambda: None).status == "Success"
    return tables(load(settings))


def tables(settings):
    lake = lake_of(settings)
    return {name: rows_of(lake, name) for name in public_tables(lake)}


@pytest.fixture(scope="module")
def packed(tmp_path_factory):
    """The archive with the settings in it, as `make pack` makes it, for this machine's Python."""
    folder = tmp_path_factory.mktemp("packed")
    settings, archive = folder / "acme.yml", folder / "environment.tar.gz"
    where = {"lake": f"s3://{BUCKET}/lake", "events": f"s3://{BUCKET}/events/"}
    settings.write_text(SETTINGS.format(**where, identity="distributed", executor="spark"))
    prefix = Path(sys.executable).resolve().parents[1]
    command = [ROOT / "scripts/pack.sh", archive, settings]
    subprocess.run(command, check=True, env=os.environ | {"PYTHON_PREFIX": str(prefix)})
    return archive


@pytest.mark.parametrize("lane", LANES)
def test_a_worker_that_dies_in_the_middle_changes_nothing(tmp_path, packed, files, expected, lane, monkeypatch):
    with s3_server() as store:
        for name, value in store.items():
            monkeypatch.setenv(name, value)
        _filled(store, files)
        with cluster(tmp_path, home(LANES[lane]), store) as nodes:
            job = _submitted(tmp_path, packed, nodes, home(LANES[lane]))
            log = tmp_path / "job.err"
            until(lambda: "Starting task" in log.read_text(), log, job, 900)
            until(lambda: log.read_text().count("Finished task") >= 4, log, job, 900)
            nodes.kill_a_worker()
            assert job.wait(900) == 0, log.read_text()[-3000:]
        said = log.read_text()
        assert "Lost executor" in said
        unpacked = [folder for folder in nodes.executors() if (folder / "environment/bin/python").exists()]
        assert len(unpacked) >= 2
        assert not list(unpacked[0].glob("environment/lib/python3*/site-packages/pyspark"))
        assert json.loads((tmp_path / "job.out").read_text())["status"] == "Success"
        assert tables(load(_settings(tmp_path))) == expected


def _filled(store, files):
    s3 = boto3.client("s3", region_name=store["AWS_REGION"])
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": store["AWS_REGION"]})
    for name, content in files.items():
        s3.put_object(Bucket=BUCKET, Key=f"events/{name}", Body=content)


def _submitted(folder, packed, nodes, spark_home):
    """The driver works in a folder in which the archive is unpacked, as in a container of YARN."""
    (folder / "environment").mkdir()
    subprocess.run(["tar", "-xzf", packed, "-C", folder / "environment"], check=True)
    options = ["--master", nodes.master, "--conf", "spark.executor.memory=900m", "--conf", "spark.ui.enabled=false"]
    options += ["--conf", "spark.driver.host=127.0.0.1", "--conf", "spark.driver.bindAddress=127.0.0.1"]
    options += ["--conf", f"spark.executorEnv.NUMBA_CACHE_DIR={folder / 'numba'}"]
    job = [ROOT / "jobs/run_hourly.py", "--settings", "environment/settings/acme.yml", "--json"]
    command = [ROOT / "conf/emr/submit.sh", packed, "spark.conf", "--", *options, *job]
    bare = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    variables = {"SPARK_SUBMIT": f"{spark_home}/bin/spark-submit", "SPARK_HOME": str(spark_home)}
    variables |= {"SPARK_LOCAL_IP": "127.0.0.1", "NUMBA_CACHE_DIR": str(folder / "numba")}
    with (folder / "job.out").open("wb") as out, (folder / "job.err").open("wb") as err:
        return subprocess.Popen(
            list(map(str, command)), cwd=folder, env=bare | variables, stdin=subprocess.DEVNULL, stdout=out, stderr=err
        )


def _settings(folder):
    return folder / "environment/settings/acme.yml"
