"""What the rounds of the connected components write and shuffle, as Spark counts it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from pyspark.sql import DataFrameWriter, SparkSession


@contextmanager
def rounds(spark: SparkSession) -> Iterator[dict[str, dict[str, int]]]:
    """By round, which ends with a folder of Parquet files, as giving labels does: shuffles, their bytes, edges left."""
    found: dict[str, dict[str, int]] = {}
    write = DataFrameWriter.parquet

    def counted(writer: DataFrameWriter, path: str, *given: Any, **named: Any) -> None:
        before = shuffled_by_stage(spark)
        write(writer, path, *given, **named)
        after = shuffled_by_stage(spark)
        edges = spark.read.parquet(path).count()
        counts = {"shuffles": len(after) - len(before), "bytes": sum(after.values()) - sum(before.values())}
        name = path.rpartition("/")[2]
        found[f"round {name}" if name.isdecimal() else name] = counts | {"edges left": edges}

    with patch.object(DataFrameWriter, "parquet", counted):
        yield found


def shuffled_by_stage(spark: SparkSession) -> dict[int, int]:
    """Bytes by stage that wrote a shuffle."""
    context = spark.sparkContext._jsc.sc()
    context.listenerBus().waitUntilEmpty()
    gateway = spark.sparkContext._gateway
    nothing = gateway.jvm.java.util.ArrayList()
    stages = context.statusStore().stageList(None, False, False, gateway.new_array(gateway.jvm.double, 0), nothing)
    counted = (stages.apply(place) for place in range(stages.size()))
    return {one.stageId(): one.shuffleWriteBytes() for one in counted if one.shuffleWriteBytes()}
