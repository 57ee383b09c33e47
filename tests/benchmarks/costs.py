"""What a batch costs beside time: bytes staged and written, shuffles, commits, Spark jobs, whose processor it took."""

import resource
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from profiles_sync.lake.tables import Lake
from profiles_sync.pipeline import staging
from profiles_sync.spec import tables
from profiles_sync.spec.tables import Group
from tests.benchmarks.shuffles import shuffled_by_stage

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


@contextmanager
def costs(lake: Lake, spark: "SparkSession") -> Iterator[dict[str, Any]]:
    """Filled when the block ends; the lake takes its first batch in it."""
    found: dict[str, Any] = {}
    staged: list[int] = []
    tracker = spark.sparkContext.statusTracker()
    jobs, shuffled = len(tracker.getJobIdsForGroup(None)), sum(shuffled_by_stage(spark).values())
    own = _own_seconds()
    with patch.object(staging, "clear", _measured(staging.clear, staged)):
        yield found
    found["cpu seconds of the driver's process"] = _own_seconds() - own
    found["Spark jobs"] = len(tracker.getJobIdsForGroup(None)) - jobs
    found["bytes shuffled"] = sum(shuffled_by_stage(spark).values()) - shuffled
    found["bytes staged"] = sum(staged)
    found["bytes written"], found["commits"] = _written(Path(lake.path("")))


def _own_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _measured(clear: Callable[[str], None], staged: list[int]) -> Callable[[str], None]:
    def measured(folder: str) -> None:
        staged.append(sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file()))
        clear(folder)

    return measured


def _written(root: Path) -> tuple[dict[str, int], dict[str, int]]:
    """Bytes of data files and number of commits, by kind of table."""
    sizes: Counter[str] = Counter()
    commits: Counter[str] = Counter()
    for path in root.rglob("*"):
        table, inner = path.relative_to(root).parts[0], path.relative_to(root).parts
        if table == "_staging" or not path.is_file():
            continue
        if "_delta_log" in inner:
            commits[kind_of(table)] += path.suffix == ".json"
        else:
            sizes[kind_of(table)] += path.stat().st_size
    return dict(sizes), dict(commits)


def kind_of(table: str) -> str:
    """What a table of a lake is there for."""
    if table == "_control":
        return "logs for later batches"
    known = tables.BY_NAME.get(table)
    if known is None or known.group in {Group.EVENT_TYPE, Group.TRACK}:
        return "events"
    return "profile raw tables" if known.group is Group.RAW else "merged tables"
