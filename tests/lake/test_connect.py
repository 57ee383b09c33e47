"""The main job as a client of a Spark Connect server, such as Databricks serverless is: its own process has no JVM."""

import subprocess
import sys

import pyspark
import pytest

from tests.connect_server import connect_server, without_a_jvm

pytestmark = [
    pytest.mark.spark,
    pytest.mark.slow,
    pytest.mark.skipif(pyspark.__version__ < "4", reason="its package has no Connect server"),
]

CLIENT = """
import json, sys
from pathlib import Path
from pyspark.sql.connect.session import SparkSession
from profiles_sync.control.warehouses import enabled
from profiles_sync.session import get_session
from profiles_sync.sync.connected import connect
from tests.lakes import Twin, rows_of
from profiles_sync.watching import tags
from profiles_sync.watching.here import at
from profiles_sync.watching.tally import counting
from tests.sync.steps import assert_same, job, stream

spark = get_session(sys.argv[2])
assert isinstance(spark, SparkSession)
lake = "{catalog: spark_catalog, schema: acme, staging: ./staging}"
twin = Twin(Path(sys.argv[1], "catalog"), identity_path="distributed", executor="spark", spark=spark, lake=lake)
paths = Twin(Path(sys.argv[1], "paths"))
connect(twin.lake, enabled(twin.settings, twin.lake))  # what comes now is no history

def quarantined(one):  # but for the file: its folder and its time are not the other's
    of_both = ("reason", "source_id", "source_slug", "line_number", "raw", "batch")
    return sorted([json.loads(row)[name] for name in of_both] for row in rows_of(one.lake, "quarantine"))

for day in (0, 3):
    for one in (twin, paths):
        one.land([*stream(day, 150, day), b"{broken"])
    twin.assert_equal()
    assert [] != quarantined(twin) == quarantined(paths)
    assert twin.lake.public_tables() == paths.lake.public_tables()
    for name in (*twin.lake.public_tables(), "quarantine"):
        assert list(twin.lake.types(name).items()) == list(paths.lake.types(name).items()), name
    done = job(twin)
    assert done.status == "Success", done.shown()
    assert_same(twin)
assert spark.getTags() == set()  # the run's are gone
with counting(), at(space="acme", table="a,b"):
    assert tags.named(spark).range(3).count() == 3
    assert spark.getTags() == {"profiles-sync acme a%2Cb"}
    tags.unnamed()
assert spark.getTags() == set()
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """The URL of a server with Delta."""
    with connect_server(tmp_path_factory.mktemp("server")) as url:
        yield url


def as_a_client(*arguments, **added):
    """A program that finds no Java: what it does with Spark, the server does."""
    done = subprocess.run(
        [sys.executable, *arguments], env=without_a_jvm(**added), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


@pytest.mark.timeout(1800)
def test_the_whole_main_job_runs_on_a_connect_server_to_the_tables_of_a_lake_at_paths(tmp_path, server):
    as_a_client("-c", CLIENT, str(tmp_path / "space"), server)


STORY = "case_study: An anonymous visitor identifies twice and two profiles become one"


@pytest.mark.timeout(1800)
@pytest.mark.parametrize(
    "tested",
    [
        f"test_cases.py::test_case_on_spark[{STORY}]",
        "test_equals_the_reference.py::test_the_distributed_path_on_spark[0]",
    ],
)
def test_what_is_tested_with_spark_passes_with_a_connect_server_in_its_place(server, tested):
    run = ("-m", "pytest", "-q", "-p", "no:cacheprovider", f"tests/pipeline/{tested}")
    assert "1 passed" in as_a_client(*run, SPARK_REMOTE=server)
