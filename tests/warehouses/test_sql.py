"""The SQL of a sync as text, and what it does in a real DuckDB."""

import duckdb
import pytest

from profiles_sync.warehouses.base import INTERNAL, Cast, Cursor
from profiles_sync.warehouses.duckdb import CAPABILITIES
from profiles_sync.warehouses.sql import Dialect

SQL = Dialect(CAPABILITIES)
VALUES = {"id": 's."id"', "n": 's."n"'}
ODD = 'or"der'
STAGED = '"_profiles_sync"."acme__t"'


def run(opened, statements):
    """Run them; returns what the last one answers."""
    for statement in statements:
        found = opened.execute(statement)
    return found.fetchall()


@pytest.fixture
def opened():
    with duckdb.connect() as opened:
        run(opened, [*SQL.create_schema("acme"), *SQL.create_schema(INTERNAL), *SQL.create_cursors("acme")])
        yield opened


def test_names_and_texts_are_quoted(opened):
    assert SQL.quote("a", ODD) == '"a"."or""der"'
    assert SQL.text("it's") == "'it''s'"
    opened.execute(f"CREATE TABLE acme.{SQL.quote(ODD)} AS SELECT {SQL.text(ODD + chr(39))} AS {SQL.quote(ODD)}")
    assert opened.execute(f"SELECT {SQL.quote(ODD)} FROM {SQL.quote('acme', ODD)}").fetchall() == [(ODD + "'",)]


def test_a_table_is_staged_in_our_own_schema_under_its_schemas_name():
    assert SQL.staging("acme", "pages") == '"_profiles_sync"."acme__pages"'


def test_the_statements_of_one_table_as_text():
    assert SQL.create_table("acme", "t", {"id": "VARCHAR", "n": "BIGINT"}, ["id"]) == [
        'CREATE TABLE IF NOT EXISTS "acme"."t" ("id" VARCHAR, "n" BIGINT)'
    ]
    assert SQL.add_columns("acme", "t", {"n": "BIGINT", "m": "DOUBLE"}) == [
        'ALTER TABLE "acme"."t" ADD COLUMN IF NOT EXISTS "n" BIGINT',
        'ALTER TABLE "acme"."t" ADD COLUMN IF NOT EXISTS "m" DOUBLE',
    ]
    assert SQL.append("acme", "t", STAGED, "id", VALUES) == [
        'INSERT INTO "acme"."t" ("id", "n") SELECT s."id", s."n" FROM (SELECT *, row_number() OVER '
        '(PARTITION BY "id" ORDER BY "uuid_ts", "received_at") AS _place FROM "_profiles_sync"."acme__t") AS s '
        'WHERE s._place = 1 AND NOT EXISTS (SELECT 1 FROM "acme"."t" AS t WHERE t."id" = s."id")'
    ]
    assert SQL.append("acme", "t", STAGED, "id", VALUES, keys_differ=True) == [
        'INSERT INTO "acme"."t" ("id", "n") SELECT s."id", s."n" FROM "_profiles_sync"."acme__t" AS s '
        'WHERE NOT EXISTS (SELECT 1 FROM "acme"."t" AS t WHERE t."id" = s."id")'
    ]
    assert SQL.merge("acme", "t", STAGED, ["id"], VALUES) == [
        'MERGE INTO "acme"."t" AS t USING "_profiles_sync"."acme__t" AS s ON t."id" = s."id" '
        "WHEN MATCHED AND s.\"_op\" = 'D' THEN DELETE "
        'WHEN MATCHED THEN UPDATE SET "n" = s."n" '
        'WHEN NOT MATCHED AND s."_op" = \'U\' THEN INSERT ("id", "n") VALUES (s."id", s."n")'
    ]
    assert SQL.sum_keys("acme", "t", ["id", "n"], STAGED) == (
        'SELECT count(*), COALESCE(SUM(CAST(\'0x\' || substr(md5(t."id" || chr(31) || t."n"), 1, 8) AS BIGINT)), 0) '
        'FROM "acme"."t" AS t '
        'WHERE EXISTS (SELECT 1 FROM "_profiles_sync"."acme__t" AS s WHERE t."id" = s."id" AND t."n" = s."n")'
    )
    assert SQL.delete_all("acme", "t") == ['DELETE FROM "acme"."t"']
    assert SQL.drop_staging(STAGED) == ['DROP TABLE IF EXISTS "_profiles_sync"."acme__t"']


def test_the_statements_of_the_sync_record_as_text():
    stands = {"pages": Cursor("t-1", 7, "c7"), "it's": Cursor("t-2", 0)}
    assert SQL.read_cursors("acme") == (
        'SELECT table_name, table_id, version, commit_digest FROM "_profiles_sync"."cursors_acme" '
        "WHERE schema_name = 'acme'"
    )
    assert SQL.forget_cursors("acme", stands) == [
        'DELETE FROM "_profiles_sync"."cursors_acme" WHERE schema_name = \'acme\' AND '
        "(table_name = 'pages' AND table_id = 't-1' AND version = 7 "
        "OR table_name = 'it''s' AND table_id = 't-2' AND version = 0)"
    ]
    assert SQL.record_cursors("acme", stands, "17") == [
        'INSERT INTO "_profiles_sync"."cursors_acme" '
        "(schema_name, table_name, table_id, version, commit_digest, sync_id) "
        "VALUES ('acme', 'pages', 't-1', 7, 'c7', '17'), ('acme', 'it''s', 't-2', 0, '', '17')"
    ]


def test_a_column_of_another_type_is_cast_and_what_does_not_fit_is_counted():
    casts = {"n": Cast("BIGINT", "INTEGER")}
    assert SQL.values(["id", "n"], casts) == {"id": 's."id"', "n": 'TRY_CAST(s."n" AS INTEGER)'}
    assert SQL.count_misfits(STAGED, casts, has_deletes=False) == (
        'SELECT count(CASE WHEN s."n" IS NOT NULL AND TRY_CAST(s."n" AS INTEGER) IS NULL THEN 1 END), 0 '
        'FROM "_profiles_sync"."acme__t" AS s'
    )
    assert SQL.count_misfits(STAGED, casts, has_deletes=True).endswith(" WHERE s.\"_op\" <> 'D'")


class Narrow(Dialect):
    """One whose texts have a width."""

    def cast(self, value, cast):
        return f"left({value}, {cast.kept})"

    def too_long(self, value, cast):
        return f"length({value}) > {cast.kept}"


def test_a_dialect_whose_texts_have_a_width_cuts_them_and_counts_those(opened):
    narrow, casts = Narrow(CAPABILITIES), {"id": Cast("9", "2"), "n": Cast("9", "4")}
    source = "(VALUES ('abc', 'abcd'), ('ab', 'abcde'), ('abcd', NULL)) AS v(id, n)"
    opened.execute(f"CREATE TABLE acme.s AS FROM {source}")
    assert opened.execute(narrow.count_misfits("acme.s", casts, has_deletes=False)).fetchall() == [(0, 2, 0, 1)]
    chosen = ", ".join(narrow.values(["id", "n"], casts).values())
    assert opened.execute(f"SELECT {chosen} FROM acme.s AS s").fetchall()[1] == ("ab", "abcd")


def test_creating_twice_changes_nothing(opened):
    for statements in (
        SQL.create_schema("acme"),
        SQL.create_cursors("acme"),
        *[SQL.create_table("acme", "t", {"id": "VARCHAR"}, ["id"])] * 2,
        *[SQL.add_columns("acme", "t", {"n": "BIGINT"})] * 2,
    ):
        run(opened, statements)
    assert [row[:2] for row in opened.execute("DESCRIBE acme.t").fetchall()] == [("id", "VARCHAR"), ("n", "BIGINT")]


def test_append_takes_the_row_of_each_new_key_that_landed_first(opened):
    opened.execute("CREATE TABLE acme.t AS SELECT 'old' AS id, 0 AS n")
    opened.execute(
        f"CREATE TABLE {STAGED} AS FROM (VALUES "
        "('old', 9, 1, 1), ('a', 2, 20, 1), ('a', 1, 10, 1), ('b', 4, 10, 2), ('b', 3, 30, 1)) "
        "AS v(id, n, received_at, uuid_ts)"
    )
    assert run(opened, SQL.append("acme", "t", STAGED, "id", VALUES)) == [(2,)]
    assert opened.execute("FROM acme.t ORDER BY n").fetchall() == [("old", 0), ("a", 1), ("b", 3)]
    assert run(opened, SQL.append("acme", "t", STAGED, "id", VALUES)) == [(0,)]


def test_merge_deletes_updates_and_inserts_by_all_its_keys(opened):
    opened.execute("CREATE TABLE acme.t AS FROM (VALUES ('a', 'x', 1), ('a', 'y', 2), ('b', 'x', 3)) AS v(id, k, n)")
    opened.execute(
        f"CREATE TABLE {STAGED} AS FROM (VALUES "
        "('a', 'x', 10, 'U'), ('a', 'y', 2, 'D'), ('c', 'x', 4, 'U'), ('c', 'y', 5, 'D')) AS v(id, k, n, _op)"
    )
    values = {name: f's."{name}"' for name in ("id", "k", "n")}
    run(opened, SQL.merge("acme", "t", STAGED, ["id", "k"], values))
    assert opened.execute("FROM acme.t ORDER BY ALL").fetchall() == [("a", "x", 10), ("b", "x", 3), ("c", "x", 4)]


def test_cursors_are_forgotten_and_recorded_for_some_tables_of_one_schema(opened):
    first = {"pages": Cursor("t-1", 1, "c1"), "it's": Cursor("t-2", 2, "c2")}
    run(opened, SQL.record_cursors("acme", first, "17"))
    run(opened, SQL.create_cursors("other"))
    run(opened, SQL.record_cursors("other", {"pages": Cursor("t-3", 3, "c3")}, "17"))
    assert run(opened, SQL.forget_cursors("acme", {"pages": Cursor("t-1", 1)})) == [(1,)]
    assert opened.execute(SQL.read_cursors("acme")).fetchall() == [("it's", "t-2", 2, "c2")]
    assert opened.execute(SQL.read_cursors("other")).fetchall() == [("pages", "t-3", 3, "c3")]


def test_a_cursor_that_is_another_one_by_now_is_not_forgotten(opened):
    stands = {"pages": Cursor("t-1", 2), "tracks": Cursor("t-2", 2)}
    run(opened, SQL.record_cursors("acme", stands, "17"))
    before = {"pages": Cursor("t-1", 1), "tracks": Cursor("t-9", 2)}
    assert run(opened, SQL.forget_cursors("acme", before)) == [(0,)]
    assert run(opened, SQL.forget_cursors("acme", before | {"pages": Cursor("t-1", 2)})) == [(1,)]
