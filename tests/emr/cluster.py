"""A standalone cluster of a lane's Spark: a master and two workers with a core each, which may be killed."""

import os
import signal
import subprocess
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from profiles_sync.session import _find_java
from tests.servers import free_port

LOOPBACK = "127.0.0.1"


@dataclass
class Cluster:
    """`workers` are the processes that have executors below them, of one process group each."""

    master: str
    work: Path
    workers: list

    def kill_a_worker(self):
        """With its executors, at once, as when a node goes away."""
        os.killpg(self.workers.pop().pid, signal.SIGKILL)

    def executors(self):
        """The folders in which executors work."""
        return sorted(self.work.glob("*/app-*/*"))


def home(venv):
    """Where Spark is in an environment."""
    return next(venv.glob("lib/python3*/site-packages/pyspark"))


@contextmanager
def cluster(folder, spark_home, variables):
    """Started, and gone afterwards; `variables` are in the environment of its workers, as a node's own would be."""
    _find_java()
    with ExitStack() as stack:
        master = f"spark://{LOOPBACK}:{free_port()}"
        given = ("--port", master.rpartition(":")[2])
        start = stack.enter_context
        first = start(_daemon(folder, spark_home, variables, "master", "master.Master", *given))
        workers = []
        for number in range(2):
            given = ("--cores", "1", "--memory", "1500m", "--work-dir", str(folder / f"work/{number}"), master)
            workers.append(start(_daemon(folder, spark_home, variables, f"worker-{number}", "worker.Worker", *given)))
        log = folder / "master.log"
        until(lambda: log.read_text().count("Registering worker") == len(workers), log, first)
        yield Cluster(master, folder / "work", workers)


def until(is_so, log, of, seconds=300):
    """Wait for something that is to be seen soon, while a process goes on."""
    deadline = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > deadline or of.poll() is not None:
            raise AssertionError(log.read_text()[-3000:])
        time.sleep(0.1)


@contextmanager
def _daemon(folder, spark_home, variables, name, kind, *given):
    command = [f"{spark_home}/bin/spark-class", f"org.apache.spark.deploy.{kind}", "--host", LOOPBACK]
    added = {"SPARK_LOCAL_IP": LOOPBACK, "SPARK_DAEMON_MEMORY": "256m", "SPARK_HOME": str(spark_home), **variables}
    with (folder / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "--webui-port", "0", *given],
            env=os.environ | added,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait()
