"""A Spark Connect server with Delta, in a process of its own, such as Databricks serverless is one."""

import os
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pyspark


@contextmanager
def connect_server(folder):
    """Its URL; what it writes goes to the folder."""
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
        "spark.sql.warehouse.dir": str(folder / "warehouse"),
        "spark.sql.session.timeZone": "UTC",
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
    with open(folder / "server.log", "wb") as log:
        running = subprocess.Popen([*submit, "spark-internal"], stdout=log, stderr=log, env=env, cwd=folder)
    try:
        _wait_for(port, running, folder / "server.log")
        yield f"sc://127.0.0.1:{port}"
    finally:
        running.terminate()
        running.wait(60)


def without_a_jvm(**added):
    """An environment whose processes find no Java: what they do with Spark, the server does."""
    env = {name: value for name, value in os.environ.items() if name != "JAVA_HOME"}
    return (
        env
        | {"PATH": "/nowhere", "PYTHONPATH": os.pathsep.join([os.getcwd(), os.environ.get("PYTHONPATH", "")])}
        | added
    )


def _wait_for(port, running, log):
    until = time.monotonic() + 900
    while time.monotonic() < until and running.poll() is None:
        with socket.socket() as tried:
            if tried.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.5)
    raise AssertionError(f"the server did not come up, exit code {running.poll()}: {log.read_text()[-2000:]}")
