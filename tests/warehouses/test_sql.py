"""The SQL of a sync as text, and what it does in a real DuckDB."""

import duckdb
import pytest

from profiles_sync.warehouses import sql
from profiles_sync.warehouses.base import INTERNAL, Cursor

VALUES = {"id": 's."id"', "n": 's."n"'}
ODD = 'or"der'


@pytest.fixture
def opened():
    with duckdb.connect() as opened:
        for statement in (sql.create_schema("acme"), sql.create_schema(INTERNAL), sql.create_cursors()):
            opened.execute(statement)
        yield opened


def test_names_and_texts_are_quoted(opened):
    assert sql.quote("a", ODD) == '"a"."or""der"'
    assert sql.text("it's") == "'it''s'"
    opened.execute(f"CREATE TABLE acme.{sql.quote(ODD)} AS SELECT {sql.text(ODD + chr(39))} AS {sql.quote(ODD)}")
    assert opened.execute(f"SELECT {sql.quote(ODD)} FROM {sql.quote('acme', ODD)}").fetchall() == [(ODD + "'",)]


def test_a_table_is_staged_in_our_own_schema_under_its_schemas_name():
    assert sql.staging("acme", "pages") == '"_profiles_sync"."acme__pages"'


def test_the_statements_of_one_table_as_text():
    assert sql.create_table("acme", "pages", {"id": "VARCHAR", "n": "BIGINT"}) == (
        'CREATE TABLE IF NOT EXISTS "acme"."pages" ("id" VARCHAR, "n" BIGINT)'
    )
    assert sql.add_column("acme", "pages", "n", "BIGINT") == (
        'ALTER TABLE "acme"."pages" ADD COLUMN IF NOT EXISTS "n" BIGINT'
    )
    assert sql.append("acme", "pages", "id", VALUES) == (
        'INSERT INTO "acme"."pages" ("id", "n") SELECT s."id", s."n" FROM (SELECT *, row_number() OVER '
        '(PARTITION BY "id" ORDER BY "uuid_ts", "received_at") AS _place FROM "_profiles_sync"."acme__pages") AS s '
        'WHERE s._place = 1 AND NOT EXISTS (SELECT 1 FROM "acme"."pages" AS t WHERE t."id" = s."id")'
    )
    assert sql.merge("acme", "pages", ["id"], VALUES) == (
        'MERGE INTO "acme"."pages" AS t USING "_profiles_sync"."acme__pages" AS s ON t."id" = s."id" '
        "WHEN MATCHED AND s.\"_op\" = 'D' THEN DELETE "
        'WHEN MATCHED THEN UPDATE SET "id" = s."id", "n" = s."n" '
        'WHEN NOT MATCHED AND s."_op" = \'U\' THEN INSERT ("id", "n") VALUES (s."id", s."n")'
    )
    assert sql.delete_all("acme", "pages") == 'DELETE FROM "acme"."pages"'
    assert sql.drop_table(sql.staging("acme", "pages")) == 'DROP TABLE IF EXISTS "_profiles_sync"."acme__pages"'


def test_creating_twice_changes_nothing(opened):
    for statement in (
        sql.create_schema("acme"),
        sql.create_cursors(),
        *[sql.create_table("acme", "t", {"id": "VARCHAR"})] * 2,
        *[sql.add_column("acme", "t", "n", "BIGINT")] * 2,
    ):
        opened.execute(statement)
    assert [row[:2] for row in opened.execute("DESCRIBE acme.t").fetchall()] == [("id", "VARCHAR"), ("n", "BIGINT")]


def test_append_takes_the_row_of_each_new_key_that_landed_first(opened):
    opened.execute("CREATE TABLE acme.t AS SELECT 'old' AS id, 0 AS n")
    opened.execute(
        f"CREATE TABLE {sql.staging('acme', 't')} AS FROM (VALUES "
        "('old', 9, 1, 1), ('a', 2, 20, 1), ('a', 1, 10, 1), ('b', 4, 10, 2), ('b', 3, 30, 1)) "
        "AS v(id, n, received_at, uuid_ts)"
    )
    assert opened.execute(sql.append("acme", "t", "id", VALUES)).fetchall() == [(2,)]
    assert opened.execute("FROM acme.t ORDER BY n").fetchall() == [("old", 0), ("a", 1), ("b", 3)]
    assert opened.execute(sql.append("acme", "t", "id", VALUES)).fetchall() == [(0,)]


def test_merge_deletes_updates_and_inserts_by_all_its_keys(opened):
    opened.execute("CREATE TABLE acme.t AS FROM (VALUES ('a', 'x', 1), ('a', 'y', 2), ('b', 'x', 3)) AS v(id, k, n)")
    opened.execute(
        f"CREATE TABLE {sql.staging('acme', 't')} AS FROM (VALUES "
        "('a', 'x', 10, 'U'), ('a', 'y', 2, 'D'), ('c', 'x', 4, 'U'), ('c', 'y', 5, 'D')) AS v(id, k, n, _op)"
    )
    values = {name: f's."{name}"' for name in ("id", "k", "n")}
    opened.execute(sql.merge("acme", "t", ["id", "k"], values))
    assert opened.execute("FROM acme.t ORDER BY ALL").fetchall() == [("a", "x", 10), ("b", "x", 3), ("c", "x", 4)]


def test_a_cursor_is_forgotten_and_recorded_for_one_table_of_one_schema(opened):
    for schema, table, version in (("acme", "pages", 1), ("acme", "it's", 2), ("other", "pages", 3)):
        opened.execute(sql.record_cursor(schema, table, Cursor("t-1", version, f"c{version}"), "17"))
    opened.execute(sql.forget_cursor("acme", "pages"))
    assert opened.execute(sql.read_cursors("acme")).fetchall() == [("it's", "t-1", 2, "c2")]
    assert opened.execute(sql.read_cursors("other")).fetchall() == [("pages", "t-1", 3, "c3")]
    opened.execute(sql.record_cursor("acme", "pages", Cursor("t-2", 4), "18"))
    found = sorted(opened.execute(sql.read_cursors("acme")).fetchall())
    assert found == [("it's", "t-1", 2, "c2"), ("pages", "t-2", 4, "")]
