"""BigQuery's SQL, to the letter, and whether BigQuery takes it: by sqlfluff's grammar, and rules for the rest."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiles_sync.spec.tables import BY_NAME
from profiles_sync.warehouses.base import Cast, Cursor
from profiles_sync.warehouses.bigquery import CAPABILITIES, BigQueryDialect
from profiles_sync.warehouses.names import physical
from tests import snapshots
from tests.warehouses import every
from tests.warehouses.setup.grammar import parses

SQL = BigQueryDialect("EU", {"team": "data"})
STAGED = SQL.staging("acme", "pages")
CURSORS = {"pages": Cursor("t-1", 7, "c7"), "it's": Cursor("t-2", 0)}
KEPT = ("STRING(9)", "INT64", "FLOAT64", "NUMERIC", "BIGNUMERIC(40, 2)", "BOOL", "TIMESTAMP", "DATE", "BYTES", "JSON")
CASTS = {
    f"{staged}_{n}".lower(): Cast(staged, kept)
    for staged in CAPABILITIES.types.values()
    for n, kept in enumerate((*KEPT, "STRING"))
    if staged != kept
}


def kinds(table):
    return {name: CAPABILITIES.types[kind] for name, kind in BY_NAME[table].types.items()}


def appended(casts, **options):
    return SQL.append("acme", "pages", STAGED, "id", SQL.values(["id", "url", *casts], casts), **options)


def statements():
    """Every kind of statement that a sync runs."""
    merged = BY_NAME["user_traits"]
    yield from SQL.create_schema("acme")
    yield from SQL.create_table("acme", "pages", kinds("pages"), ["id"])
    yield from SQL.create_table("acme", "page_view", kinds("tracks"), ["id"])
    yield from SQL.create_table("acme", "user_traits", kinds("user_traits"), merged.key)
    yield from SQL.create_cursors("acme")
    yield from SQL.add_columns("acme", "pages", {"order": "STRING", "a": "INT64"})
    yield from every.widenings(SQL)
    yield from SQL.drop_staging(STAGED)
    yield from SQL.drop_schema("acme")
    yield SQL.any_row("acme", "pages")
    yield SQL.sum_keys("acme", "pages", ["id"], None)
    yield SQL.sum_keys("acme", "user_traits", merged.key, STAGED)
    yield from SQL.delete_all("acme", "pages")
    yield from SQL.delete_missing("acme", "user_traits", STAGED, merged.key, SQL.values(list(merged.types), {}))
    yield from appended({})
    yield from appended({}, keys_differ=True)
    yield from SQL.merge("acme", "user_traits", STAGED, merged.key, SQL.values(list(merged.types), {}))
    yield SQL.count_misfits(STAGED, {"note": Cast("STRING", "STRING(9)"), "n": Cast("INT64", "BOOL")}, True)
    yield from appended(CASTS)
    yield SQL.read_cursors("acme")
    yield from SQL.forget_cursors("acme", CURSORS)
    yield from SQL.record_cursors("acme", CURSORS, "17")


def test_every_statement_is_that_of_the_snapshot():
    assert snapshots.same("warehouses/bigquery.sql", "".join(f"{one};\n\n" for one in statements()))


# What the stand-in and sqlfluff take and BigQuery does not.
RULES = {
    "a change of rows without a condition": r"^(DELETE FROM|UPDATE) (?!.* WHERE )",
    "a name in double quotes": r'"',
    "types of other warehouses": r"(?i)\b(varchar|text|bigint|double precision|boolean|timestamptz)\b",
    "another warehouse's cast": r"::|TRY_CAST",
    "what follows a conflict": r"(?i)ON CONFLICT",
    "a column's default": r"(?i)ADD COLUMN .* DEFAULT",
    "a table without a dataset": r"(FROM|INTO|(TABLE|VIEW)( IF( NOT)? EXISTS)?) `[^`]*`(?!\.)(?= )",
}


def broken(statement):
    """The rules that a statement breaks; what stands in texts is none of their matter."""
    bare = re.sub(r"'(\\.|[^'\\])*'", "''", statement)
    schemas = bare.startswith(("CREATE SCHEMA", "DROP SCHEMA"))
    return [rule for rule, pattern in RULES.items() if re.search(pattern, bare) and not (schemas and "dataset" in rule)]


def test_every_statement_is_bigquerys():
    for statement in statements():
        assert parses("bigquery", statement), statement
        assert broken(statement) == []


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM `acme`.`t`",
        "UPDATE `acme`.`t` SET a = 1",
        'SELECT "a" FROM `acme`.`t`',
        "CREATE TABLE `acme`.`t` (`a` varchar(10))",
        "SELECT a::INT64 FROM `acme`.`t`",
        "INSERT INTO `acme`.`t` (`a`) VALUES (1) ON CONFLICT DO NOTHING",
        "INSERT INTO `t` (`a`) VALUES (1)",
    ],
)
def test_the_rules_find_what_they_are_for(statement):
    assert broken(statement)


def test_one_statement_adds_all_columns():
    assert SQL.add_columns("acme", "t", {"a": "STRING", "b": "INT64"}) == [
        "ALTER TABLE `acme`.`t` ADD COLUMN IF NOT EXISTS `a` STRING, ADD COLUMN IF NOT EXISTS `b` INT64"
    ]


def test_only_tables_with_an_id_have_a_view_and_a_tables_name_is_free_for_it():
    assert len(SQL.create_table("acme", "user_traits", kinds("user_traits"), BY_NAME["user_traits"].key)) == 1
    assert len(SQL.create_table("acme", "pages", kinds("pages"), ["id"])) == 2
    drop, _, view = SQL.create_table("acme", "page_view", kinds("tracks"), ["id"])
    assert drop == "DROP VIEW IF EXISTS `acme`.`page_view`"
    assert view.startswith("CREATE VIEW IF NOT EXISTS `acme`.`page_view_view` AS ")


def test_beginnings_that_bigquery_keeps_for_itself_get_an_underscore():
    for name in ("_partitiontime", "_table_suffix", "_FILE_name", "__root__x"):
        assert physical(name, CAPABILITIES).lower().startswith(f"_{name.lower()}")
    assert physical("partition", CAPABILITIES) == "partition"
    assert physical("order", CAPABILITIES) == "_order"
    assert physical("2fa", CAPABILITIES) == "_2fa"


@given(st.sets(st.from_regex(r"_{0,3}(partition|table_|root__|order|2)_{0,2}[a-z0-9]{0,3}", fullmatch=True)))
def test_no_two_names_become_one_and_none_is_refused(names):
    made = [physical(name, CAPABILITIES) for name in names]
    assert len({name.lower() for name in made}) == len(names)
    assert not [name for name in made if name.lower().startswith(CAPABILITIES.reserved_prefixes)]
    assert not [name for name in made if not re.fullmatch("[a-zA-Z_][a-zA-Z0-9_]{0,299}", name)]


@given(st.text())
def test_a_text_is_one_literal(text):
    made = SQL.text(text)
    assert re.fullmatch(r"'([^'\\\n\r]|\\.)*'", made)
    back = re.sub(r"\\(.)", lambda found: {"n": "\n", "r": "\r"}.get(found[1], found[1]), made[1:-1])
    assert back == text
