"""The main job as a client of a Spark Connect server, such as Databricks serverless is: its own process has no JVM."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pyspark
import pytest

pytestmark = [pytest.mark.spark, pytest.mark.slow]

CLIENT = """
import sys
from pathlib import Path
from pyspark.sql.connect.session import SparkSession
from profiles_sync.control.warehouses import enabled
from profiles_sync.session import get_session
from profiles_sync.sync.connected import connect
from tests.lakes import Twin
from tests.sync.steps import assert_same, job, stream

spark = get_session(sys.argv[2])
assert isinstance(spark, SparkSession)
lake = "{catalog: spark_catalog, schema: acme, staging: ./staging}"
twin = Twin(Path(sys.argv[1]), identity_path="distributed", executor="spark", spark=spark, lake=lake)
connect(twin.lake, enabled(twin.settings, twin.lake))  # what comes now is no history
for day in (0, 3):
    twin.land(stream(day, 150, day))
    twin.assert_equal()
    done = job(twin)
    assert done.status == "Success", done.shown()
    assert_same(twin)
"""


@pytest.fixture
def server(tmp_path):
    """The URL of a server with Delta, in a process of its own."""
    from delta import configure_spark_with_delta_pip
    from pyspark.sql import SparkSession

    from profiles_sync.session import _find_java

    _find_java()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = {
        "spark.jars.packages": configure_spark_with_delta_pip(SparkSession.builder)._options["spark.jars.packages"],
        "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
        "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
        "spark.sql.warehouse.dir": str(tmp_path / "warehouse"),
        "spark.sql.shuffle.partitions": "2",
        "spark.databricks.delta.snapshotPartitions": "2",
        "spark.connect.grpc.binding.address": "127.0.0.1",
        "spark.connect.grpc.binding.port": str(port),
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.ui.enabled": "false",
    }
    submit = [str(Path(pyspark.__file__).parent / "bin" / "spark-submit"), "--master", "local[2]"]
    submit += ["--class", "org.apache.spark.sql.connect.service.SparkConnectServer"]
    submit += [part for name, value in settings.items() for part in ("--conf", f"{name}={value}")]
    env = os.environ | {"PYSPARK_PYTHON": sys.executable}
    with open(tmp_path / "server.log", "wb") as log:
        running = subprocess.Popen([*submit, "spark-internal"], stdout=log, stderr=log, env=env, cwd=tmp_path)
    try:
        wait_for(port, running)
        yield f"sc://127.0.0.1:{port}"
    finally:
        running.terminate()
        running.wait(60)


def wait_for(port, running):
    until = time.monotonic() + 300
    while time.monotonic() < until and running.poll() is None:
        with socket.socket() as tried:
            if tried.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.5)
    raise AssertionError("the server did not come up")


@pytest.mark.skipif(pyspark.__version__ < "4", reason="its package has no Connect server")
@pytest.mark.timeout(1800)
def test_the_whole_main_job_runs_on_a_connect_server(tmp_path, server):
    env = {name: value for name, value in os.environ.items() if name != "JAVA_HOME"}
    env |= {"PATH": "/nowhere", "PYTHONPATH": os.pathsep.join([os.getcwd(), os.environ.get("PYTHONPATH", "")])}
    client = [sys.executable, "-c", CLIENT, str(tmp_path / "space"), server]
    done = subprocess.run(client, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
