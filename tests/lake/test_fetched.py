"""Rows between Arrow and Spark, by the words of either Spark."""

import datetime as dt

import pyarrow as pa

from profiles_sync.lake.fetched import fetched, fetched_in_parts, handed
from profiles_sync.lake.tables import ARROW
from profiles_sync.spec.tables import Type


def test_rows_of_every_type_come_back_from_spark_as_they_went(spark):
    at = dt.datetime(2026, 1, 1, 12, 30, 0, 123456, tzinfo=dt.UTC)
    columns = {f"a {kind}": kind for kind in Type}
    values = {Type.STRING: "ü\n🎈", Type.BIGINT: 2**62 + 1, Type.DOUBLE: 0.1, Type.BOOLEAN: True, Type.TIMESTAMP: at}
    schema = pa.schema([(name, ARROW[kind]) for name, kind in columns.items()])
    rows = pa.Table.from_pylist([{name: values[kind] for name, kind in columns.items()}, {}], schema)
    assert fetched(handed(spark, rows), columns).sort_by("a bigint") == rows
    assert handed(spark, rows.slice(0, 0)).columns == schema.names
    assert fetched(handed(spark, rows.slice(0, 0)), columns).num_rows == 0
    in_parts = fetched_in_parts(handed(spark, rows).repartition(2), columns)
    assert pa.Table.from_batches(in_parts, schema).sort_by("a bigint") == rows
