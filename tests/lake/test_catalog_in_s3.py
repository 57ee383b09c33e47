"""A lake in a catalog whose staging folder is in S3, which Spark reads by Hadoop's own client, fetched by its name."""

import os
import subprocess
import sys

import pyspark
import pytest

from tests.stores import make_bucket, s3_server

pytestmark = [
    pytest.mark.standin,
    pytest.mark.timeout(900),
    pytest.mark.skipif(pyspark.__version__ < "4", reason="the client is that of its Hadoop"),
]

PROGRAM = """
import os
import sys
from pathlib import Path
from delta import configure_spark_with_delta_pip
from pyspark.sql import SparkSession
from profiles_sync.control.warehouses import enabled
from profiles_sync.sync.connected import connect
from tests.lakes import Twin
from tests.sync.steps import assert_same, job, stream

SDK = [f"software.amazon.awssdk:{name}:2.29.52" for name in ("s3", "s3-transfer-manager", "sts", "kms")]
builder = SparkSession.builder.master("local[2]")
for name, value in {
    "spark.jars.excludes": "software.amazon.awssdk:bundle",  # half a gigabyte; these parts do
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    "spark.sql.warehouse.dir": f"{sys.argv[1]}/warehouse",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.shuffle.partitions": "4",
    "spark.ui.enabled": "false",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.hadoop.fs.s3.impl": "org.apache.hadoop.fs.s3a.S3AFileSystem",
    "spark.hadoop.fs.s3a.endpoint": os.environ["AWS_ENDPOINT_URL"],
    "spark.hadoop.fs.s3a.endpoint.region": os.environ["AWS_REGION"],
    "spark.hadoop.fs.s3a.path.style.access": "true",
}.items():
    builder = builder.config(name, value)
spark = configure_spark_with_delta_pip(builder, ["org.apache.hadoop:hadoop-aws:3.4.2", *SDK]).getOrCreate()
lake = f"{{catalog: spark_catalog, schema: acme, staging: '{sys.argv[2]}'}}"
twin = Twin(Path(sys.argv[1]) / "space", identity_path="distributed", executor="spark", spark=spark, lake=lake)
connect(twin.lake, enabled(twin.settings, twin.lake))  # what comes now is no history
for day in (0, 3):
    twin.land(stream(day, 100, day))
    twin.assert_equal()
    done = job(twin)
    assert done.status == "Success", done.shown()
    assert_same(twin)
print("the same")
"""


def test_the_main_job_stages_there_and_gives_the_tables_of_the_reference(tmp_path):
    with s3_server() as variables:
        make_bucket(variables, "staging-of-acme")
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, str(tmp_path), "s3://staging-of-acme/lake"],
            env=os.environ | variables | {"PYTHONPATH": os.getcwd()},
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.stdout.endswith("the same\n"), done.stdout[-3000:] + done.stderr[-3000:]
