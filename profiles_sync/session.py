"""The only place where a SparkSession is made, or found."""

import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from profiles_sync.errors import MissingExtra

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from profiles_sync.settings import Settings


_making = threading.Lock()  # warehouses that are synced beside each other ask for it at once
# spark-submit has started the JVM, with settings and a log of its own; a Connect server; Databricks, also serverless.
_MADE_ELSEWHERE = ("PYSPARK_GATEWAY_PORT", "SPARK_REMOTE", "DATABRICKS_RUNTIME_VERSION")


def session_of(settings: "Settings") -> "Callable[[], SparkSession]":
    """The session is made when a run first needs it: small hours are done before one would be up."""

    def make() -> "SparkSession":
        beside = settings.lake if isinstance(settings.lake, str) else settings.lake.staging
        log = str(Path(beside) / "spark.log") if Path(beside).is_dir() else None
        return get_session(settings.engine.master, settings.engine.driver_memory, log)

    return make


def in_threads(spark: "Callable[[], SparkSession]") -> "Callable[[], SparkSession]":
    """The same for other threads, where Spark does not find the session that is this one's."""
    found = active_session()
    return lambda: found or spark()


def active_session() -> "SparkSession | None":
    """The session that somebody has made already, if one has."""
    if "pyspark" not in sys.modules:
        return None
    from pyspark.sql import SparkSession

    return SparkSession.getActiveSession()


def get_session(master: str = "local[2]", driver_memory: str = "2g", log_file: str | None = None) -> "SparkSession":
    """The session that is there (Databricks, spark-submit, a notebook), that of a server, or a local one with Delta.

    Args:
        master: Of a local session, or the `sc://` URL of a Spark Connect server.
        driver_memory: Of a local session.
        log_file: Where Spark's own log goes instead of the terminal.

    Raises:
        MissingExtra: There is neither a session nor pyspark.
    """
    try:
        from pyspark.sql import SparkSession
    except ImportError:
        raise MissingExtra(
            "Spark is needed here and pyspark is not installed; pip install 'profiles-sync[local]'"
        ) from None
    with _making:
        return SparkSession.getActiveSession() or _made(master, driver_memory, log_file)


def _made(master: str, driver_memory: str, log_file: str | None) -> "SparkSession":
    from pyspark.sql import SparkSession

    if any(name in os.environ for name in _MADE_ELSEWHERE):
        return SparkSession.builder.getOrCreate()
    if master.startswith("sc://"):
        return SparkSession.builder.remote(master).getOrCreate()
    return _local(master, driver_memory, log_file)


def _local(master: str, driver_memory: str, log_file: str | None) -> "SparkSession":
    from delta import configure_spark_with_delta_pip
    from pyspark.sql import SparkSession

    _find_java()
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)  # else tasks run whatever python3 is on the PATH
    java = [f"-Dlog4j2.configurationFile={_log4j(log_file)}"] if log_file else []
    builder = SparkSession.builder.appName("profiles-sync").master(master)
    settings = {
        "spark.driver.memory": driver_memory,
        "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
        "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.shuffle.partitions": "4",  # adaptive execution coalesces; a local run needs no 200
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.extraJavaOptions": " ".join(java),
        "spark.databricks.delta.snapshotPartitions": "2",
    }
    for name, value in settings.items():
        builder = builder.config(name, value)
    with _stderr_in(log_file):
        return configure_spark_with_delta_pip(builder).getOrCreate()


@contextmanager
def _stderr_in(log_file: str | None) -> Iterator[None]:
    """Send this process's standard error to the log meanwhile: the JVM inherits it and keeps it."""
    if log_file is None:
        yield
        return
    terminal = os.dup(2)
    with open(log_file, "ab") as log:
        os.dup2(log.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(terminal, 2)
        os.close(terminal)


def _find_java() -> None:
    """Set JAVA_HOME where there is a JVM that is not on the PATH: the usual folders of Linux distributions."""
    at_hand = Path(os.environ["JAVA_HOME"]) / "bin/java" if os.environ.get("JAVA_HOME") else shutil.which("java")
    if at_hand and _is_fit(at_hand):
        return
    homes = sorted(Path("/usr/lib/jvm").glob("*/bin/java"), key=lambda java: "17" not in java.parts[4])
    if found := next(filter(_is_fit, homes), None):
        os.environ["JAVA_HOME"] = str(found.parent.parent)


def _is_fit(java: str | Path) -> bool:
    """Whether this is Java 17 or newer, as Spark 4 needs."""
    try:
        said = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr
    except OSError:
        return False
    version = re.search(r'version "(\d+)', said)
    return version is not None and int(version[1]) >= 17


def _log4j(log_file: str) -> str:
    """A log4j2 configuration beside the log that sends everything there."""
    path = re.sub(r"(\.log)?$", ".log4j2.properties", log_file, count=1)
    with open(path, "w") as out:
        out.write(
            "rootLogger.level=warn\nrootLogger.appenderRef.file.ref=file\n"
            "appender.file.type=File\nappender.file.name=file\n"
            f"appender.file.fileName={log_file}\n"
            "appender.file.layout.type=PatternLayout\n"
            "appender.file.layout.pattern=%d{ISO8601} %p %c{1}: %m%n%ex\n"
        )
    return path
