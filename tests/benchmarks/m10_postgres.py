"""Measure 10: a merged table in Postgres.

Staging a million rows, against ADBC ingesting the same Arrow data with nothing around it: at least 0.8 x its speed. And
a hundred thousand changes to a million rows, staged, merged and recorded, against a MERGE written by hand of rows that
lie ready, into a table with a primary key: at most 1.5 x. Both targets are analysed before.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from adbc_driver_postgresql import dbapi

from profiles_sync.lake.tables import ARROW
from profiles_sync.spec.tables import BY_NAME, Type
from profiles_sync.sync.apply import Work, apply
from profiles_sync.sync.plan import plan_table
from profiles_sync.warehouses import PostgresSettings, open_warehouse
from profiles_sync.warehouses.base import INTERNAL, OPERATION, Cursor
from profiles_sync.warehouses.protocol import Connection, Warehouse
from tests.at_hand import Rows
from tests.benchmarks.measure import Answer, Bench, Goal, Result, Way, race
from tests.servers import postgres

FULL, QUICK = (1_000_000, 100_000), (20_000, 2_000)  # rows, and changes to them
_TABLE = BY_NAME["user_traits"]
_COLUMNS = ", ".join(_TABLE.types)
_BY_HAND = """
MERGE INTO acme.by_hand AS t USING acme.ready AS s
ON t.canonical_segment_id = s.canonical_segment_id AND t.name = s.name
WHEN MATCHED AND s._op = 'D' THEN DELETE
WHEN MATCHED THEN UPDATE SET value = s.value, seq = s.seq, received_at = s.received_at, timestamp = s.timestamp,
uuid_ts = s.uuid_ts
WHEN NOT MATCHED AND s._op = 'U' THEN INSERT (canonical_segment_id, name, value, seq, received_at, timestamp, uuid_ts)
VALUES (s.canonical_segment_id, s.name, s.value, s.seq, s.received_at, s.timestamp, s.uuid_ts)"""


def measure(bench: Bench) -> Iterator[Result]:
    count, changes = bench.sizes
    inputs = {"rows": count, "changes": changes, "seed": bench.seed}
    with postgres() as server:
        warehouse = open_warehouse("pg", PostgresSettings(**server.settings), "acme")
        with warehouse.connect() as connection, dbapi.connect(warehouse.settings.conninfo) as plain:
            batches = (traits(0, count), changed(count, changes, bench.seed))
            rows, changed_rows = (Rows(one, _TABLE, Cursor("t", 1)) for one in batches)
            there = Schema(warehouse, connection, plain, rows, changed_rows)
            yield race(10, there.staging(), there.bare_ingest(), Goal(1 / 0.8), inputs, bench.repeats)
            connection.execute("ROLLBACK")
            yield race(10, there.syncing(), there.by_hand(), Goal(1.5), inputs, bench.repeats)


@dataclass
class Schema:
    """Our table, one by hand, the rows that both have before, and the changes lying ready for the one by hand."""

    warehouse: Warehouse
    connection: Connection
    plain: dbapi.Connection
    rows: Rows
    changes: Rows
    staged: str = ""

    def __post_init__(self) -> None:
        execute, dialect = self.connection.execute, self.warehouse.dialect
        columns = {name: self.warehouse.capabilities.types[kind] for name, kind in _TABLE.types.items()}
        execute(*dialect.create_schema("acme"), *dialect.create_schema(INTERNAL), *dialect.create_cursors("acme"))
        execute(*dialect.create_table("acme", "user_traits", columns, _TABLE.key))
        execute(f"CREATE TABLE acme.by_hand (LIKE acme.user_traits, PRIMARY KEY ({', '.join(_TABLE.key)}))")
        for name, batch in (("before", self.rows), ("ready", self.changes)):
            with self.connection.transaction():
                source = self._load(batch)
                execute(f"CREATE UNLOGGED TABLE acme.{name} AS SELECT * FROM {source}")

    def _load(self, batch: Rows) -> str:
        return self.connection.load(batch, "", {name: name for name in batch.types}).source

    def staging(self) -> Way:
        return Way("rows staged for a sync", self.stage, lambda: self.read(self.staged), self.begin)

    def begin(self) -> None:
        self.connection.execute("ROLLBACK")  # what was staged is gone
        self.connection.execute("BEGIN")

    def stage(self) -> None:
        self.staged = self._load(self.rows)

    def bare_ingest(self) -> Way:
        return Way("a bare ADBC ingest", self.ingest, self.ingested, self.plain.rollback)

    def ingest(self) -> None:
        with self.plain.cursor() as cursor:
            cursor.adbc_ingest("ingested", self.rows.arrow(), mode="create", db_schema_name="acme")

    def ingested(self) -> Answer:
        with self.plain.cursor() as cursor:
            cursor.execute(checksum("acme.ingested"))
            return Answer(*cursor.fetchall()[0])

    def syncing(self) -> Way:
        name = "changes staged, merged and recorded"
        return Way(name, self.sync, lambda: self.read("acme.user_traits"), lambda: self.fill("user_traits"))

    def by_hand(self) -> Way:
        name = "a MERGE by hand of staged changes"
        return Way(name, self.merge, lambda: self.read("acme.by_hand"), lambda: self.fill("by_hand"))

    def fill(self, table: str) -> None:
        self.connection.execute(f"TRUNCATE acme.{table}, {INTERNAL}.cursors_acme")
        self.connection.execute(f"INSERT INTO acme.{table} ({_COLUMNS}) SELECT {_COLUMNS} FROM acme.before")
        self.connection.execute(f"ANALYZE acme.{table}")

    def sync(self) -> None:
        there = self.connection.columns("acme")["user_traits"]
        steps = plan_table(self.changes, there, self.warehouse.capabilities)
        apply(self.connection, self.warehouse, [Work(self.changes, steps, None)], "1")

    def merge(self) -> None:
        self.connection.execute(_BY_HAND)

    def read(self, source: str) -> Answer:
        return Answer(*self.connection.query(checksum(source))[0])


def checksum(source: str) -> str:
    """The rows, and the sum of their hashes, worked out where they are; a time with a zone is one without."""
    columns = [f"{name}::timestamp" if kind is Type.TIMESTAMP else name for name, kind in _TABLE.types.items()]
    hashed = "coalesce(sum(hashtextextended(t::text, 0)), 0)::text"
    return f"SELECT count(*), {hashed} FROM (SELECT {', '.join(columns)} FROM {source}) AS t"


def traits(first: int, count: int, hours: int = 0) -> pa.Table:
    """Ten traits for each profile."""
    numbers = pa.array(np.arange(first, first + count))
    text = numbers.cast(pa.string())
    times = pa.array(1_767_571_200_000_000 + hours * 3_600_000_000 + np.arange(first, first + count)).cast(
        ARROW[Type.TIMESTAMP]
    )
    profile = pc.utf8_lpad(pc.divide(numbers, 10).cast(pa.string()), 27, "0")
    columns = {
        "canonical_segment_id": pc.binary_join_element_wise("use", profile, "_"),
        "name": pc.binary_join_element_wise(
            "trait", pc.subtract(numbers, pc.multiply(pc.divide(numbers, 10), 10)).cast(pa.string()), "_"
        ),
        "value": pc.binary_join_element_wise("value", text, str(hours), " "),
        "seq": pc.utf8_lpad(text, 20, "0"),
    }
    made = pa.table({name: columns.get(name, times) for name in _TABLE.types})
    return made.append_column(OPERATION, pa.array(["U"] * count))


def changed(count: int, changes: int, seed: int) -> pa.Table:
    """Six in ten are updates of rows from everywhere, one is a delete, three are new."""
    new = changes * 3 // 10
    there = np.sort(np.random.default_rng(seed).choice(count, changes - new, replace=False))
    updates = traits(0, count, hours=1).take(pa.array(there))
    deleted = pa.array(np.where(np.arange(len(there)) % 7 == 0, "D", "U"))
    updates = updates.set_column(updates.schema.get_field_index(OPERATION), OPERATION, deleted)
    return pa.concat_tables([updates, traits(count, new, hours=1)])
