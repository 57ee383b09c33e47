"""A standalone Spark cluster on this machine: a master and two workers with a core each, processes of their own."""

import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pyspark

from profiles_sync.session import _find_java, get_session

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_LOOPBACK = "127.0.0.1"
_EXECUTOR = "2g"


@contextmanager
def session_on_cluster(folder: Path, workers: int = 2) -> Iterator["SparkSession"]:
    """A session with a driver of 4 GB and executors of 2 GB, of a process that has none yet."""
    _find_java()
    with ExitStack() as stack:
        master = f"spark://{_LOOPBACK}:{_free_port()}"
        port = master.rpartition(":")[2]
        stack.enter_context(_daemon(folder, "master", "org.apache.spark.deploy.master.Master", "--port", port))
        for number in range(workers):
            given = ("--cores", "1", "--memory", _EXECUTOR, "--work-dir", str(folder / "work"), master)
            stack.enter_context(_daemon(folder, f"worker-{number}", "org.apache.spark.deploy.worker.Worker", *given))
        os.environ["PYSPARK_SUBMIT_ARGS"] = f"--conf spark.executor.memory={_EXECUTOR} pyspark-shell"
        session = get_session(master, driver_memory="4g", log_file=str(folder / "spark.log"))
        stack.callback(session.stop)
        yield session


@contextmanager
def _daemon(folder: Path, name: str, kind: str, *given: str) -> Iterator[None]:
    command = [f"{pyspark.__path__[0]}/bin/spark-class", kind, "--host", _LOOPBACK, "--webui-port", "0", *given]
    environment = os.environ | {"SPARK_LOCAL_IP": _LOOPBACK, "SPARK_DAEMON_MEMORY": "256m", "SPARK_NO_DAEMONIZE": "1"}
    with (folder / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def _free_port() -> int:
    with socket.socket() as found:
        found.bind((_LOOPBACK, 0))
        return int(found.getsockname()[1])
