"""Where a step's tasks run: one after the other in the driver, or spread over Spark.

Small input is done sooner in the driver than a Spark job is scheduled; the answer is the same.
"""

import base64
import pickle
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, TypeVar

import pyarrow as pa

from profiles_sync.errors import ProfilesSyncError
from profiles_sync.lake.storage import in_tasks

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

Task = TypeVar("Task")
_COLUMNS = "number bigint, result string, error binary"
_RESULT = pa.schema([("number", pa.int64()), ("result", pa.string()), ("error", pa.binary())])


def in_driver(tasks: Sequence[Task], work: Callable[[Task], str]) -> list[str]:
    """Do the tasks here, in order."""
    return [work(task) for task in tasks]


def on_spark(spark: "SparkSession", tasks: Sequence[Task], work: Callable[[Task], str], slots: int) -> list[str]:
    """Do the tasks on the executors, dealt out to at most `slots` partitions; the results in the order of the tasks.

    A partition pays for a Python worker's imports once, however many tasks it gets. `work` and the tasks are pickled,
    so `work` is a module's function; a result is short text, bulk data is staged.

    Raises:
        ProfilesSyncError: What the first task that failed raised, as it would here.
    """
    if not tasks:
        return []
    slots = min(slots, len(tasks))
    rows = [
        (number % slots, number, base64.b64encode(pickle.dumps(task)).decode()) for number, task in enumerate(tasks)
    ]
    frame = spark.createDataFrame(rows, "slot bigint, number bigint, task string")
    frame = frame.repartitionByRange(slots, "slot").select("number", "task")

    def run(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for number, task in zip(batch.column(0).to_pylist(), batch.column(1).to_pylist(), strict=True):
                yield _tried(work, pickle.loads(base64.b64decode(task)), number)

    return _results(frame.mapInArrow(in_tasks(run), _COLUMNS))


def each_on_spark(spark: "SparkSession", tasks: Sequence[Task], work: Callable[[Task], str]) -> list[str]:
    """The same with a partition for each task, in one Spark job: all tasks go along with each, so they are little."""

    def run(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for number in batch.column(0).to_pylist():
                yield _tried(work, tasks[number], number)

    return _results(spark.range(0, len(tasks), 1, max(1, len(tasks))).mapInArrow(in_tasks(run), _COLUMNS))


def _tried(work: Callable[[Task], str], task: Task, number: int) -> pa.RecordBatch:
    """The result, or a deliberate error as bytes: Spark would hide it in a Java one. Others fail the job as ever."""
    try:
        row = {"number": number, "result": work(task)}
    except ProfilesSyncError as error:
        row = {"number": number, "error": pickle.dumps(error)}
    return pa.RecordBatch.from_pylist([row], _RESULT)


def _results(rows: "DataFrame") -> list[str]:
    """In the order of the tasks, or what the first one that failed raised."""
    done = sorted(rows.collect(), key=lambda row: row["number"])
    for row in done:
        if row["error"] is not None:
            raise pickle.loads(row["error"])
    return [row["result"] for row in done]
