"""`python -m tests.benchmarks.one_table SCHEMA TARGET SOURCE...`: Spark reads JSON and writes one Delta table."""

import json
import sys
from pathlib import Path

from pyspark.sql.types import StructType

from profiles_sync.session import get_session


def write(schema: str, target: str, sources: list[str]) -> None:
    """The schema is a file, as Spark's own JSON."""
    session = get_session(log_file=f"{target}.log")
    declared = StructType.fromJson(json.loads(Path(schema).read_text()))
    session.read.schema(declared).json(sources).write.format("delta").save(target)


if __name__ == "__main__":
    write(sys.argv[1], sys.argv[2], sys.argv[3:])
