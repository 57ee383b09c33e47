"""Steps carried out on warehouses that can hold together more or less, that are left in the middle, and that break."""

from contextlib import contextmanager
from dataclasses import replace

import pytest

from profiles_sync.errors import LockLost, WarehouseBusy, WarehouseUnreachable
from profiles_sync.lake.changes import changes
from profiles_sync.spec.selection import EVERYTHING
from profiles_sync.spec.tables import Type
from profiles_sync.sync import group
from profiles_sync.sync.apply import Work, apply
from profiles_sync.sync.group import apply_group
from profiles_sync.sync.plan import plan_table
from profiles_sync.sync.run import Bounds, known_of, sync_warehouse
from profiles_sync.warehouses import open_warehouse
from profiles_sync.warehouses.base import Cast, Cursor, Transactions
from profiles_sync.warehouses.duckdb import CAPABILITIES, DIALECT, DuckDBConnection
from profiles_sync.warehouses.sql import Dialect
from tests.commands import columns, query, warehouse
from tests.lakes import Twin
from tests.sync.steps import assert_same, bought, call, stream, synced


def local(twin, dialect=DIALECT, **can):
    """The space's DuckDB, as one that can do other things."""
    opened = open_warehouse("local", twin.settings.warehouses["local"], twin.settings.schema_name)
    opened.capabilities, opened.dialect = replace(CAPABILITIES, **can), dialect
    return opened


def sync(twin, *given, **can):
    return sync_warehouse(local(twin, *given, **can), twin.lake, "1")


@pytest.fixture
def statements(monkeypatch):
    """What the warehouse was told, in order; each word of `broken` breaks the statement that contains it."""
    told, query = [], DuckDBConnection.query

    def watched(self, statement):
        told.append(statement)
        if any(word in statement for word in told.broken):
            raise told.error
        return query(self, statement)

    class Told(list):
        broken: tuple = ()
        error = WarehouseUnreachable("the warehouse is gone")

    told = Told()
    monkeypatch.setattr(DuckDBConnection, "query", watched)
    return told


@pytest.fixture
def each_alone(monkeypatch):
    """Every table is a group."""
    monkeypatch.setattr(group, "_TABLES", 1)


@pytest.mark.parametrize("holds", list(Transactions))
def test_whatever_a_transaction_holds_the_rows_arrive_and_nothing_else_is_left(tmp_path, holds):
    twin = Twin(tmp_path)
    for batch in (1, 2):
        twin.land(stream(batch, 40, day=batch))
        assert sync(twin, transactions=holds).status == "Success"
        assert_same(twin)
    assert set(columns(tmp_path, "_profiles_sync")) == {"cursors_acme"}


@pytest.mark.parametrize(
    ("holds", "between"),
    [
        (Transactions.ALL, ["BEGIN", "CREATE", "INSERT", "INSERT", "COMMIT"]),
        (Transactions.ROWS, ["CREATE", "BEGIN", "INSERT", "INSERT", "COMMIT"]),
        (Transactions.NONE, ["MERGE", "CREATE", "INSERT", "MERGE"]),
    ],
)
def test_tables_are_made_before_a_transaction_that_cannot_hold_them(tmp_path, each_alone, statements, holds, between):
    twin = Twin(tmp_path)
    twin.land([bought("m1")])
    sync(twin, transactions=holds)
    (made,) = (place for place, one in enumerate(statements) if one.startswith("CREATE") and '"bought"' in one)
    first = made - between.index("CREATE")
    told = [one.split()[0] for one in statements[first : first + len(between)]]
    assert told == between
    assert '"cursors_acme"' in statements[first + len(between) - (1 if holds is Transactions.NONE else 2)]


@pytest.mark.parametrize("holds", list(Transactions))
@pytest.mark.parametrize("word", ['INTO "_profiles_sync"', 'INTO "acme"."bought"', 'MERGE INTO "acme"."user_'])
def test_a_sync_that_breaks_off_is_repeated_without_a_gap_or_a_row_too_many(tmp_path, statements, holds, word):
    twin = Twin(tmp_path)
    twin.land([bought("m1"), call("identify", "i1", userId="u1", traits={"plan": "pro"})])
    statements.broken = (word,)
    result = sync(twin, transactions=holds)
    assert result.error == "the warehouse is gone"
    statements.broken = ()
    assert sync(twin, transactions=holds).status == "Success"
    assert_same(twin)


def test_a_warehouse_that_goes_away_meanwhile_ends_the_sync_and_what_is_there_stays(tmp_path, each_alone, statements):
    twin = Twin(tmp_path)
    twin.land([bought("m1"), bought("n1", event="New")])
    statements.broken = ('INTO "acme"."bought"',)
    result = sync(twin)
    assert (result.status, result.error) == ("Partial success", "the warehouse is gone")
    assert "new" not in result.tables and not any('"acme"."new"' in one for one in statements)
    assert query(tmp_path, "SELECT id FROM acme.tracks ORDER BY id") == [("m1",), ("n1",)]


def test_a_table_that_another_sync_moved_on_meanwhile_is_left_as_that_one_left_it(tmp_path):
    twin = Twin(tmp_path)
    twin.land([bought("m1")])
    synced(twin)
    twin.land([bought("m2")])
    opened = local(twin)
    with warehouse(tmp_path) as file:
        cursor = file.execute(DIALECT.read_cursors("acme") + " AND table_name = 'bought'").fetchone()
    synced(twin)
    with opened.connect() as connection:
        known = Cursor(*cursor[1:])
        batch = changes(twin.lake, "bought", known)
        work = Work(batch, plan_table(batch, connection.columns("acme")["bought"], CAPABILITIES), known)
        with pytest.raises(WarehouseBusy, match="another sync of schema acme is under way: it has moved on bought"):
            apply(connection, opened, [work], "2")
    assert query(tmp_path, "SELECT DISTINCT sync_id FROM _profiles_sync.cursors_acme") == [("1",)]
    assert_same(twin)


def test_a_schema_that_another_sync_holds_is_not_touched(tmp_path, monkeypatch):
    @contextmanager
    def held(self, schema):
        raise WarehouseBusy(f"another sync of schema {schema} is under way")
        yield

    twin = Twin(tmp_path)
    twin.land([bought("m1")])
    monkeypatch.setattr(DuckDBConnection, "only_sync", held)
    result = synced(twin)
    assert (result.status, result.error) == ("Failed", "another sync of schema acme is under way")
    assert columns(tmp_path) == {}


# Groups


def begun(statements):
    return sum(one.startswith("BEGIN") for one in statements)


def test_many_small_tables_share_a_transaction_and_a_record(tmp_path, statements):
    twin = Twin(tmp_path)
    twin.land([bought(f"m{n}", event=f"Event {n}") for n in range(40)])
    assert sync(twin).status == "Success"
    assert begun(statements) == 2  # the second one finds nothing left
    recorded = [one for one in statements if one.startswith('INSERT INTO "_profiles_sync"."cursors_acme"')]
    assert len(recorded) == 1
    assert_same(twin)


@pytest.mark.parametrize(("limit", "most"), [("_TABLES", 10), ("_ROWS", 30)])
def test_a_group_is_bounded_by_tables_and_by_rows(tmp_path, monkeypatch, statements, limit, most):
    monkeypatch.setattr(group, limit, most)
    twin = Twin(tmp_path)
    twin.land([bought(f"m{n}", user=f"u{n % 2}", event=f"Event {n}") for n in range(40)])
    assert sync(twin).status == "Success"
    tables = len(columns(tmp_path))
    rows = sum(query(tmp_path, f'SELECT count(*) FROM acme."{name}"')[0][0] for name in columns(tmp_path))
    expected = -(-tables // most) if limit == "_TABLES" else 3
    assert expected <= begun(statements) <= expected + 2 and rows > 80
    assert_same(twin)


@pytest.mark.parametrize("word", ['CREATE TABLE IF NOT EXISTS "acme"."bought"', 'INTO "acme"."bought"'])
def test_a_table_that_is_being_made_when_nothing_holds_it_is_made_anew(tmp_path, statements, word):
    twin = Twin(tmp_path)
    twin.land([bought("m1"), bought("m2")])
    sync(twin, transactions=Transactions.NONE)
    with warehouse(tmp_path) as opened:
        opened.execute("DROP TABLE acme.bought")
    twin.land([bought("m3")])
    statements.broken = (word,)
    assert sync(twin, transactions=Transactions.NONE).error == "the warehouse is gone"
    statements.broken = ()
    assert sync(twin, transactions=Transactions.NONE).status == "Success"
    assert_same(twin)


@pytest.mark.parametrize("word", ['CREATE TABLE IF NOT EXISTS "acme"."bought"', 'INTO "acme"."bought"'])
@pytest.mark.parametrize("why", ["it was off", "the rest is for the backfill"])
def test_a_table_that_is_being_made_from_somewhere_on_is_made_anew_from_there(tmp_path, statements, word, why):
    twin, is_new = Twin(tmp_path), why == "the rest is for the backfill"
    twin.land([bought("m1"), call("page", "p1", userId="u1")])
    opened = local(twin, transactions=Transactions.NONE)
    since = {"bought": twin.lake.cursor("bought")} if is_new else {}
    if not is_new:
        sync_warehouse(opened, twin.lake, "1", bounds=Bounds(selection=EVERYTHING.switched({"bought": False})))
    twin.land([bought("m2")])
    statements.broken = (word,)
    assert sync_warehouse(opened, twin.lake, "2", bounds=Bounds(since)).error == "the warehouse is gone"
    statements.broken = ()
    twin.land([bought("m3")])
    assert sync_warehouse(opened, twin.lake, "3", bounds=Bounds(since)).status == "Success"
    assert query(tmp_path, "SELECT id FROM acme.bought ORDER BY id") == [("m2",), ("m3",)]


def test_a_table_without_news_that_is_being_made_is_made_by_the_next_sync(tmp_path, statements):
    twin = Twin(tmp_path)
    twin.land([bought("m1")])
    opened, bounds = local(twin, transactions=Transactions.NONE), Bounds({"bought": twin.lake.cursor("bought")})
    statements.broken = ('CREATE TABLE IF NOT EXISTS "acme"."bought"',)
    assert sync_warehouse(opened, twin.lake, "1", bounds=bounds).error == "the warehouse is gone"
    statements.broken = ()
    assert sync_warehouse(opened, twin.lake, "2", bounds=bounds).status == "Success"
    assert query(tmp_path, "SELECT id FROM acme.bought") == []
    with opened.connect() as connection:
        assert known_of(connection, opened).cursors["bought"] == twin.lake.cursor("bought")


def test_nothing_is_recorded_by_a_run_that_lost_the_lake(tmp_path):
    def lost():
        raise LockLost("another run has the lake")

    twin = Twin(tmp_path)
    twin.land([bought("m1")])
    opened = local(twin, transactions=Transactions.NONE)
    sync_warehouse(opened, twin.lake, "1")
    batch = changes(twin.lake, "bought", None)
    with opened.connect() as connection:
        steps = plan_table(batch, connection.columns("acme")["bought"], opened.capabilities)
        work = Work(batch, steps, twin.lake.cursor("bought"))
        with pytest.raises(LockLost):
            apply_group(connection, opened, [work], "2", guard=lost)
    assert query(tmp_path, "SELECT DISTINCT sync_id FROM _profiles_sync.cursors_acme") == [("1",)]


@pytest.mark.parametrize("holds", list(Transactions))
def test_a_table_that_fails_takes_the_others_of_its_group_back_and_they_are_sent_without_it(tmp_path, holds):
    twin = Twin(tmp_path)
    twin.land([bought(f"m{n}", event=f"Event {n}") for n in range(5)])
    assert sync(twin, transactions=holds).status == "Success"
    with warehouse(tmp_path) as opened:
        opened.execute("ALTER TABLE acme.event_2 ADD COLUMN must INTEGER; UPDATE acme.event_2 SET must = 1")
        opened.execute("ALTER TABLE acme.event_2 ALTER must SET NOT NULL")
    twin.land([bought(f"n{n}", day=6, event=f"Event {n}") for n in range(5)])
    result = sync(twin, transactions=holds)
    assert (result.status, result.odd_rows["duplicates"]) == ("Partial success", 0)
    assert [name for name, done in result.tables.items() if done.error] == ["event_2"]
    assert {result.tables[f"event_{n}"].rows for n in (0, 1, 3, 4)} == {1}
    assert_same(twin, but=["event_2"])
    with warehouse(tmp_path) as opened:
        opened.execute("ALTER TABLE acme.event_2 ALTER must DROP NOT NULL")
    again = sync(twin, transactions=holds)
    assert (again.status, again.tables.keys(), again.rows) == ("Success", {"event_2"}, 1)
    assert_same(twin)


def test_a_key_twice_in_a_batch_is_sent_once_as_it_landed_first(tmp_path):
    twin = Twin(tmp_path)
    for message, day in (("m1", 1), ("m1", 20), ("m2", 20)):  # the second m1 is too late to be a repeat
        twin.land([bought(message, day=day, total=day)])
    done = sync(twin).tables["bought"]
    assert (done.rows, done.duplicates) == (2, 1)
    assert query(tmp_path, "SELECT id, total FROM acme.bought ORDER BY id") == [("m1", 1), ("m2", 20)]


class Short(Dialect):
    """Texts of four letters."""

    def cast(self, value, cast):
        return f"left({value}, 4)" if cast.staged == "LONG" else super().cast(value, cast)

    def too_long(self, value, cast):
        return f"length({value}) > 4" if cast.staged == "LONG" else None


def test_texts_that_are_longer_than_their_column_are_cut_and_counted(tmp_path):
    twin = Twin(tmp_path)
    twin.land([bought("m1", note="abcde"), bought("m2", note="abcd", other="vwxyz")])
    opened = local(twin, Short(CAPABILITIES), wider={Type.STRING: "LONG"})
    batch = changes(twin.lake, "bought", None)
    (create, load, append) = plan_table(batch, None, opened.capabilities)
    assert append.casts["note"] == Cast("LONG", "VARCHAR")
    only = replace(append, casts={name: append.casts[name] for name in ("note", "other")})
    with opened.connect() as connection:
        connection.execute(*DIALECT.create_schema("acme"), *DIALECT.create_schema("_profiles_sync"))
        connection.execute(*DIALECT.create_cursors("acme"))
        done = apply(connection, opened, [Work(batch, [create, load, only], None)], "1")["bought"]
    assert (done.rows, done.cut, done.cast_to_null) == (2, 2, 0)
    assert query(tmp_path, "SELECT note, other FROM acme.bought ORDER BY id") == [("abcd", None), ("abcd", "vwxy")]


def test_a_key_that_would_be_cut_is_refused(tmp_path):
    twin = Twin(tmp_path)
    twin.land([bought("m1"), bought("m1234")])
    result = sync(twin, Short(CAPABILITIES), wider={Type.STRING: "LONG"})
    error = "bought.id is VARCHAR in the warehouse and 1 keys do not fit; give the column its type back, "
    assert result.tables["bought"].error.startswith(error)
    assert "bought" not in columns(tmp_path)
