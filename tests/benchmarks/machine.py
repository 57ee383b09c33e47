"""Where the measures ran: processor, memory, system, and the versions of what counts."""

import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

from profiles_sync.session import _find_java

_PACKAGES = (
    "pyspark",
    "delta-spark",
    "deltalake",
    "pyarrow",
    "duckdb",
    "numba",
    "numpy",
    "scipy",
    "splink",
    "adbc-driver-postgresql",
)


def machine() -> dict[str, Any]:
    """Where it ran, and how busy that was before."""
    described = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.partition(":")[2].strip() for line in described if line.startswith("model name")), "unknown")
    packages = {name: version(name) for name in _PACKAGES}
    return {
        "cpu": model,
        "cores": len(os.sched_getaffinity(0)),
        "memory": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "load": os.getloadavg()[0],
        "system": platform.platform(),
        "versions": {"python": platform.python_version(), "java": _java()} | packages,
    }


def _java() -> str:
    """As the JVM that Spark starts says it."""
    _find_java()
    java = Path(os.environ["JAVA_HOME"], "bin", "java") if "JAVA_HOME" in os.environ else "java"
    said = subprocess.run([java, "-version"], capture_output=True, text=True, check=True).stderr
    return " ".join(line for line in said.splitlines() if not line.startswith("Picked up"))
