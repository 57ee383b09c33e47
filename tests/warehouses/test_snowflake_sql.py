"""What Snowflake is told: to the letter, by the grammar of its dialect, and its names and casts one by one."""

import pyarrow as pa
import pytest

from profiles_sync.warehouses.base import Cast, Cursor
from profiles_sync.warehouses.names import physical
from profiles_sync.warehouses.snowflake.capabilities import CAPABILITIES, folded, kind, unfolded
from profiles_sync.warehouses.snowflake.dialect import DIALECT as SQL
from profiles_sync.warehouses.snowflake.inline import inline
from tests.snapshots import same
from tests.warehouses import every
from tests.warehouses.setup.grammar import parses

STAGING = SQL.staging("acme", "bought")
STAGE = SQL.stage(STAGING)
CASTS = {"n": Cast("VARCHAR", "NUMBER(9,0)"), "note": Cast("VARCHAR", "VARCHAR(80)"), "gift": Cast("BOOLEAN", "FLOAT")}
COLUMNS = ("id", "n", "note", "gift", "uuid_ts", "received_at")
PLAIN, CHANGED = SQL.values(COLUMNS, {}), SQL.values(COLUMNS, CASTS)
STANDS = {"bought": Cursor("t-1", 7, "c7"), "it's \\": Cursor("t-2", 0)}
TWO = pa.table({"id": ["m1", "m2"], "n": [1, None], "_op": ["U", "D"]})
FEW = inline(TWO, {"id": "VARCHAR", "n": "NUMBER(38,0)", "_op": "VARCHAR"}, 7).source
UNKNOWN = " NULL_IF = ()"  # without a text, it is in Snowflake's documentation and not in sqlfluff's grammar
STATEMENTS = {
    "The schema": SQL.create_schema("acme"),
    "Whether it is there": [SQL.has_schema("acme")],
    "Its columns": [SQL.catalog("acme")],
    "A table": SQL.create_table("acme", "bought", {"id": "VARCHAR", "n": "NUMBER(38,0)"}, ["id"]),
    "Further columns": SQL.add_columns("acme", "bought", {"_select": "FLOAT", "seen": "TIMESTAMP_NTZ"}),
    "Wider columns": list(every.widenings(SQL)),
    "Staging": [
        *SQL.create_stage(STAGE),
        *SQL.create_staging(STAGING, {"id": "VARCHAR", "_op": "VARCHAR"}),
        SQL.put("/tmp/it's/0.parquet", f"{STAGE}/a1/0"),
        SQL.copy(STAGING, f"{STAGE}/a1/0"),
    ],
    "Misfits": [SQL.count_misfits(STAGING, CASTS, has_deletes=True)],
    "Appended rows": SQL.append("acme", "bought", STAGING, "id", PLAIN),
    "Appended rows, cast": SQL.append("acme", "bought", STAGING, "id", CHANGED, keys_differ=True),
    "Merged rows": SQL.merge("acme", "user_traits", STAGING, ["id", "n"], PLAIN),
    "Merged rows, cast": SQL.merge("acme", "user_traits", STAGING, ["id", "n"], CHANGED),
    "Keys": [SQL.sum_keys("acme", "bought", ["id"], None), SQL.sum_keys("acme", "user_traits", ["id", "n"], STAGING)],
    "Replaced rows": SQL.delete_all("acme", "bought"),
    "Rows that are gone": SQL.delete_missing("acme", "user_traits", STAGING, ["id", "n"], PLAIN),
    "The sync record": [
        *SQL.create_cursors("acme"),
        SQL.read_cursors("acme"),
        *SQL.forget_cursors("acme", STANDS),
        *SQL.record_cursors("acme", STANDS, "17"),
    ],
    "The lock": [
        *SQL.create_lock("acme"),
        SQL.take_lock("acme", "me", 15),
        SQL.keep_lock("acme", "me", 15),
        SQL.release_lock("acme", "me"),
    ],
    "A few rows": [
        *SQL.append("acme", "bought", FEW, "id", PLAIN),
        *SQL.merge("acme", "user_traits", FEW, ["id", "n"], CHANGED),
        SQL.sum_keys("acme", "user_traits", ["id", "n"], FEW),
    ],
    "What goes": [*SQL.drop_staging(STAGING), *SQL.drop_schema("scratch")],
}


def test_the_statements_of_a_sync_are_the_reviewed_ones():
    listed = (f"-- {what}\n" + "".join(f"{one};\n" for one in told) for what, told in STATEMENTS.items())
    assert same("sync/snowflake.sql", "\n".join(listed))


@pytest.mark.parametrize("what", STATEMENTS)
def test_every_statement_is_one_of_snowflakes(what):
    for statement in STATEMENTS[what]:
        assert parses("snowflake", statement.replace(UNKNOWN, "").replace("?", "'a value'")), statement


def test_what_the_grammar_does_not_know_is_taken_out_of_one_statement_only():
    with_it = [one for told in STATEMENTS.values() for one in told if UNKNOWN in one]
    assert with_it == [SQL.copy(STAGING, f"{STAGE}/a1/0")]
    assert not parses("snowflake", with_it[0])


@pytest.mark.parametrize(
    "statement", ["ALTER TABLE a ADD COLUMNS b INT", "MERGE INTO a USING b WHEN MATCHED THEN DELETE"]
)
def test_a_statement_that_is_none_of_snowflakes_is_noticed(statement):
    assert not parses("snowflake", statement)


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("user_traits", "USER_TRAITS"),
        ("_select", "_SELECT"),
        ("acme-shop", "acme-shop"),
        ("名前", "名前"),
    ],
)
def test_a_name_is_the_one_that_people_reach_without_quotes(name, kept):
    assert folded(name) == kept
    assert unfolded(kept) == name
    assert SQL.quote("acme", name) == f'"ACME"."{kept}"'


def test_what_somebody_quoted_in_small_letters_is_another_table():
    assert unfolded("bought") is None
    assert unfolded("Bought") is None


@pytest.mark.parametrize(
    ("name", "spelled"),
    [("select", "_select"), ("3d", "_3d"), ("Name", "Name_709a2322"), ("qualify", "_qualify"), ("value", "value")],
)
def test_names_that_would_need_quotes_get_another_first_letter(name, spelled):
    assert physical(name, CAPABILITIES) == spelled


@pytest.mark.parametrize(
    ("told", "spelled"),
    [
        (("TEXT", 16777216, None, None), "VARCHAR"),
        (("TEXT", 134217728, None, None), "VARCHAR"),
        (("TEXT", 80, None, None), "VARCHAR(80)"),
        (("NUMBER", None, 38, 0), "NUMBER(38,0)"),
        (("NUMBER", None, 9, 2), "NUMBER(9,2)"),
        (("TIMESTAMP_NTZ", None, None, None), "TIMESTAMP_NTZ"),
    ],
)
def test_a_type_is_spelled_as_the_capabilities_spell_it(told, spelled):
    assert kind(*told) == spelled


@pytest.mark.parametrize(
    ("staged", "kept", "expression"),
    [
        ("VARCHAR", "NUMBER(9,0)", "TRY_CAST(TRIM(v) AS NUMBER(9,0))"),
        ("VARCHAR", "VARCHAR(3)", "LEFT(v, 3)"),
        ("NUMBER(38,0)", "VARCHAR", "TO_VARCHAR(v)"),
        ("NUMBER(38,0)", "VARCHAR(3)", "IFF(LENGTH(TO_VARCHAR(v)) <= 3, TO_VARCHAR(v), NULL)"),
        ("NUMBER(38,0)", "NUMBER(9,0)", "TRY_CAST(TO_VARCHAR(v) AS NUMBER(9,0))"),
        ("NUMBER(38,0)", "BOOLEAN", "CAST(v AS BOOLEAN)"),
        ("FLOAT", "NUMBER(38,0)", "TRY_CAST(TO_VARCHAR(v) AS NUMBER(38,0))"),
        ("BOOLEAN", "NUMBER(38,0)", "TRY_CAST(TO_VARCHAR(CAST(v AS NUMBER(38,0))) AS NUMBER(38,0))"),
        ("TIMESTAMP_NTZ", "DATE", "CAST(v AS DATE)"),
        ("TIMESTAMP_NTZ", "FLOAT", "TRY_CAST(TO_VARCHAR(v) AS FLOAT)"),
    ],
)
def test_only_texts_are_tried_for_that_is_all_that_try_cast_takes(staged, kept, expression):
    assert SQL.cast("v", Cast(staged, kept)) == expression


def test_a_text_that_is_cut_is_counted_as_one():
    assert SQL.too_long("v", Cast("VARCHAR", "VARCHAR(3)")) == "LENGTH(v) > 3"
    assert SQL.too_long("v", Cast("NUMBER(38,0)", "VARCHAR(3)")) is None


def test_a_schema_with_the_longest_name_has_a_lock_of_its_own():
    one, other = (SQL.lock("x" * 254 + letter) for letter in "ab")
    assert one != other
    assert len(one.split(".")[1]) < 255
