"""A batch of rows of every type, and what a connector brings of it."""

import datetime as dt

import pyarrow as pa

from profiles_sync.lake.tables import ARROW
from profiles_sync.spec.tables import Type, table
from profiles_sync.sync.given import Given
from profiles_sync.warehouses.base import OPERATION, Cursor
from tests.sync.steps import bought, call
from tests.warehouses.contract.steps import in_lake, in_warehouse, sync

TYPES = {"id": Type.STRING, "n": Type.BIGINT, "price": Type.DOUBLE, "gift": Type.BOOLEAN, "at": Type.TIMESTAMP}
AT = dt.datetime(2026, 1, 1, 12, 30, 0, 123456, tzinfo=dt.UTC)
ROWS = [("ü | \"x\"\n'y' 🎈", 2**62 + 1, 0.1, True, AT, "U"), ("", None, None, None, None, "D")]
# 24 MB, and a request of BigQuery's streams takes 10.
MANY = [(f"{n:03d}" + "x" * 300_000, n, n / 8, n % 2 == 0, AT + dt.timedelta(days=n), "U") for n in range(80)]
NAMES = {"id": "id", "n": "_n", "price": "price", "gift": "gift", "at": "at"}


def batch(rows=ROWS):
    schema = pa.schema([(name, ARROW[kind]) for name, kind in TYPES.items()] + [(OPERATION, pa.string())])
    made = pa.Table.from_pylist([dict(zip(schema.names, row, strict=True)) for row in rows], schema)
    return Given(table("user_traits"), TYPES, Cursor("t", 1), made.to_reader)


def brought(place, rows=ROWS):
    """The rows of the staging table, and that it is gone afterwards; times are UTC's, without a zone."""
    dialect = place.open().dialect
    with place.open().connect() as connection:
        connection.execute(*dialect.create_schema("_profiles_sync"))
        staged = connection.load(batch(rows), dialect.staging("acme", "user_traits"), NAMES)
        wanted = ", ".join(dialect.quote(name) for name in (*NAMES.values(), OPERATION))
        found = connection.query(f"SELECT {wanted} FROM {staged.source} ORDER BY 6 DESC, 1") if staged.rows else []
        connection.unload(staged)
        assert not connection.columns("_profiles_sync")
    assert staged.rows == len(rows)
    return [tuple(one.replace(tzinfo=dt.UTC) if isinstance(one, dt.datetime) else one for one in row) for row in found]


def whole_sync(twin, place):
    """Two syncs bring every table of a space, the second one what is new, and leave no staging table."""
    told = {"total": 5, "price": 2.5, "gift": True, "seen": "2026-01-01T00:00:00.123456Z", "note": "Grüße 🎈"}
    for calls in ([bought("m1", **told), bought("m2"), call("page", "m3", userId="u1")], [bought("m4", 6, total=7)]):
        twin.land(calls)
        result = sync(twin, place)
        assert (result.status, result.error) == ("Success", None), result.tables
        for name in ("bought", "tracks", "user_traits", "id_graph"):
            assert in_warehouse(twin, place, name) == in_lake(twin, name), name
    assert set(place.columns("_profiles_sync")) == place.internal
