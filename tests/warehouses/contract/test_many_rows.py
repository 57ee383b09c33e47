"""100,000 rows, and 100,000 changes to them, without a lake in between; and 2,000 event tables in one sync."""

import datetime as dt

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from profiles_sync.lake.tables import ARROW
from profiles_sync.pipeline.run import take_new_events
from profiles_sync.spec.tables import BY_NAME, Change, Type, table
from profiles_sync.sync.apply import Work
from profiles_sync.sync.group import apply_group
from profiles_sync.sync.plan import plan_table
from profiles_sync.warehouses.base import INTERNAL, OPERATION, Cursor
from tests.at_hand import Rows
from tests.sync.steps import bought
from tests.warehouses.contract.steps import synced_same

MANY = 100_000
START = dt.datetime(2026, 1, 5, tzinfo=dt.UTC)


def made(name, first, count, **added):
    """Rows with a key of their own each; every seventh value is empty."""
    declared = table(name)
    columns = {}
    for column, kind in declared.types.items():
        numbers = pa.array(range(first, first + count))
        match kind:
            case Type.TIMESTAMP:
                columns[column] = pc.add(pa.scalar(START), numbers.cast(pa.duration("s"))).cast(ARROW[kind])
            case Type.STRING:
                columns[column] = pc.binary_join_element_wise(column, numbers.cast(pa.string()), "é ")
            case _:
                columns[column] = numbers.cast(ARROW[kind])
        if column not in (*declared.key, "seq", "uuid_ts", "received_at"):
            columns[column] = pc.if_else(pc.equal(pc.bit_wise_and(numbers, 7), 0), None, columns[column])
    return pa.table(columns | added)


def sent(place, name, rows, cursor, recorded=None):
    warehouse = place.open()
    batch = Rows(rows, BY_NAME.get(name) or table(name), cursor, at_once=20_000)
    with warehouse.connect() as connection:
        dialect = warehouse.dialect
        connection.execute(
            *dialect.create_schema("acme"), *dialect.create_schema(INTERNAL), *dialect.create_cursors("acme")
        )
        steps = plan_table(batch, connection.columns("acme").get(name), warehouse.capabilities)
        return apply_group(connection, warehouse, [Work(batch, steps, recorded)], "1")[name]


def compared(name):
    """Enough columns to tell each row and what became of it; other tests look at all of them."""
    return (
        [*table(name).key, "seq", "timestamp", "uuid_ts"] if name != "pages" else ["id", "name", "timestamp", "uuid_ts"]
    )


def kept(place, name):
    return sorted(place.rows(name, compared(name)), key=str)


def expected(name, rows):
    naive = [
        column.cast(pa.timestamp("us")) if pa.types.is_timestamp(column.type) else column
        for column in rows.select(compared(name)).columns
    ]
    return sorted(zip(*(column.to_pylist() for column in naive), strict=True), key=str)


def test_a_hundred_thousand_events_are_appended_once(place):
    first = made("pages", 0, MANY)
    assert sent(place, "pages", first, Cursor("t", 1)).rows == MANY
    again = made("pages", MANY // 2, MANY)
    done = sent(place, "pages", again, Cursor("t", 2), Cursor("t", 1))
    assert (done.rows, done.duplicates) == (MANY // 2, MANY // 2)
    assert kept(place, "pages") == expected("pages", pa.concat_tables([first, again.slice(MANY // 2)]))


def test_a_hundred_thousand_changes_are_merged(place):
    assert BY_NAME["user_traits"].change is Change.MERGE
    first = made("user_traits", 0, MANY)
    inserts = pa.array(["U"] * MANY)
    sent(place, "user_traits", first.append_column(OPERATION, inserts), Cursor("t", 1))
    changed = made("user_traits", 40_000, MANY)
    later = pc.add(changed["uuid_ts"], pa.scalar(dt.timedelta(days=1)))
    changed = changed.set_column(changed.schema.get_field_index("uuid_ts"), "uuid_ts", later)
    deletes = pa.array(["D" if n < 10_000 else "U" for n in range(MANY)])
    done = sent(place, "user_traits", changed.append_column(OPERATION, deletes), Cursor("t", 2), Cursor("t", 1))
    assert (done.rows, done.error) == (MANY, None)
    assert kept(place, "user_traits") == expected(
        "user_traits", pa.concat_tables([first.slice(0, 40_000), changed.slice(10_000)])
    )


@pytest.mark.notyet("bigquery", "the stand-in takes a second for each table, which makes an hour", run=False)
@pytest.mark.notyet("databricks", "one machine's Spark merges a table in seconds, 2,000 in hours", run=False)
@pytest.mark.slow
def test_two_thousand_event_tables_in_one_sync(twin, place):
    """A stand-in that takes a while gets fewer."""
    many = place.many_tables
    place.few = None
    for day in (5, 6):
        twin.write([bought(f"{day}-{n}", day, event=f"Event {n}", **{f"size_{n}": n}) for n in range(many)])
        take_new_events(twin.engine)
        assert synced_same(twin, place).rows >= 2 * many
