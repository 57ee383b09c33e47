"""Lake names as a warehouse can spell them."""

import hashlib
import string
from dataclasses import replace

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiles_sync.spec.tables import FIXED_TABLES, TRACK_TABLE
from profiles_sync.warehouses.base import Capabilities
from profiles_sync.warehouses.duckdb import CAPABILITIES
from profiles_sync.warehouses.names import physical, physical_schema, record, staging
from tests.warehouses.every import ALL

#: Names as in Postgres: 63 bytes; this one takes no leading digit either.
NARROW = Capabilities(
    types={},
    reserved=frozenset({"order", "timestamp", "name"}),
    max_identifier=63,
    key_hash="",
    leading_digit=False,
)
FOLDING = replace(NARROW, folds_case=True)
LONG = "order_" + "x" * 64
DECLARED = {table.name for table in FIXED_TABLES} | {
    column.name for table in (*FIXED_TABLES, TRACK_TABLE) for column in table.columns
}


def test_an_ordinary_name_stays_as_it_is():
    assert physical("total", NARROW) == physical("total", CAPABILITIES) == "total"


def test_a_reserved_word_gets_an_underscore_in_front():
    assert physical("order", NARROW) == physical("order", CAPABILITIES) == "_order"
    assert physical("orders", NARROW) == "orders"


def test_a_leading_digit_gets_an_underscore_in_front_where_the_warehouse_takes_none():
    assert physical("2fa_enabled", NARROW) == "_2fa_enabled"
    assert physical("2fa_enabled", CAPABILITIES) == "2fa_enabled"
    assert physical("fa_2", NARROW) == "fa_2"


def test_a_name_of_70_characters_is_cut_to_63_bytes():
    assert len(LONG) == 70
    assert physical(LONG, NARROW) == LONG[:54] + "_b2c6ff78"
    assert len(physical(LONG, NARROW)) == 63


def test_a_cut_name_is_the_same_on_every_run_and_unlike_every_other():
    names = [f"{LONG[:60]}{n:010d}" for n in range(2000)]
    made = [physical(name, NARROW) for name in names]
    assert len(set(made)) == 2000
    assert {len(name) for name in made} == {63}
    assert made == [physical(name, NARROW) for name in names]


@pytest.mark.parametrize(("length", "cut"), [(63, False), (64, True)])
def test_a_name_that_just_fits_is_not_cut(length, cut):
    assert (physical("x" * length, NARROW) != "x" * length) == cut


def test_the_underscore_counts():
    name = "2" + "x" * 62
    made = physical(name, NARROW)
    assert (len(made), made[:54]) == (63, "_" + name[:53])


def test_declared_names_are_untouched_even_where_they_are_reserved():
    assert physical("timestamp", NARROW) == "timestamp"
    assert {name: physical(name, NARROW) for name in DECLARED} == {name: name for name in DECLARED}
    assert {name: physical(name, CAPABILITIES) for name in DECLARED} == {name: name for name in DECLARED}


def test_a_name_that_another_one_is_escaped_to_is_told_apart_from_it():
    assert physical("order", NARROW) == "_order"
    assert physical("_order", NARROW) == "_order_" + digest("_order")
    assert physical("_2fa", NARROW) == "_2fa_" + digest("_2fa")
    assert physical("_2fa", CAPABILITIES) == "_2fa"
    assert physical("_unnamed_0a1b2c3d", NARROW) == "_unnamed_0a1b2c3d"


def test_a_name_that_another_one_is_told_apart_as_is_told_apart_from_that():
    for name in ("_order", "2" + "x" * 70, "é" * 40, "x" + "é" * 40):
        names = [name]
        for _ in range(3):
            names.append(physical(names[-1], NARROW))
        assert len(set(names)) == 4
        assert all(len(made.encode()) <= 63 for made in names[1:])
    assert physical("total_0a1b2c3d", NARROW) == "total_0a1b2c3d"


def test_where_capitals_do_not_matter_names_that_differ_in_them_only_are_told_apart():
    assert physical("Total", FOLDING) == "Total_" + digest("Total")
    assert physical("total", FOLDING) == "total"
    assert physical("ORDER", FOLDING) == "_ORDER_" + digest("ORDER")
    assert physical("Total", NARROW) == "Total"


def digest(name):
    return hashlib.sha1(name.encode()).hexdigest()[:8]


# Names that are likely to meet: few words, put together, escaped, cut and told apart as the product does it.
WORDS = st.sampled_from(["order", "Order", "_", "2", "name", "x" * 52, "x" * 63, "é", "_0a1b2c3d", "a"])
NAMES = st.lists(WORDS, min_size=1, max_size=4).map("".join) | st.text(string.printable, min_size=1, max_size=70)


@st.composite
def _meeting(draw):
    capabilities = draw(st.sampled_from([NARROW, FOLDING, CAPABILITIES]))
    names = draw(st.lists(NAMES, max_size=8))
    names += [physical(name, capabilities) for name in names if draw(st.booleans())]
    names += [physical(name, capabilities) for name in names if draw(st.booleans())]
    return capabilities, set(names)


@given(_meeting())
def test_two_names_of_a_table_never_become_one(drawn):
    capabilities, names = drawn
    made = [physical(name, capabilities) for name in names]
    assert all(len(name.encode()) <= capabilities.max_identifier for name in made)
    assert len({name.lower() if capabilities.folds_case else name for name in made}) == len(names)


def test_a_staging_table_belongs_to_one_table_of_one_schema():
    assert staging("acme", "pages", NARROW) == "acme__pages"
    for one, other in ((("a__b", "c"), ("a", "b__c")), (("a_", "b"), ("a", "_b"))):
        assert staging(*one, NARROW) != staging(*other, NARROW)


@given(st.sets(st.tuples(*[st.text("ab_", min_size=1, max_size=6)] * 2) | st.tuples(st.just("a"), NAMES)))
def test_two_tables_never_share_a_staging_table(tables):
    made = {staging(schema, table, NARROW) for schema, table in tables}
    assert len(made) == len(tables)
    assert all(len(name.encode()) <= NARROW.max_identifier for name in made)
    assert staging("acme", "pages", NARROW) == "acme__pages"


@pytest.mark.parametrize("kind", ALL)
@given(name=NAMES)
def test_a_schema_is_called_as_the_warehouse_keeps_it_and_stays_so(kind, name):
    capabilities, made = ALL[kind], physical_schema(name, ALL[kind])
    assert physical_schema(made, capabilities) == made
    assert len(made.encode()) <= capabilities.max_identifier
    if capabilities.folds_case and capabilities.schemas_fold:
        assert made == made.lower() == physical_schema(name.lower(), capabilities)


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize("slug", ["acme", "order", "2026_acme", "select", "default"])
def test_the_schema_is_the_slug_also_where_that_is_a_reserved_word_or_begins_with_a_digit(kind, slug):
    assert physical_schema(slug, ALL[kind]) == slug
    assert physical_schema(slug.upper(), ALL[kind]) == (slug.upper() if kind in ("postgres", "bigquery") else slug)


def test_the_names_of_a_warehouses_own_schemas_are_left_to_it():
    made = {kind: physical_schema("information_schema", capabilities) for kind, capabilities in ALL.items()}
    assert set(made.values()) == {"_information_schema"}
    assert {kind for kind in ALL if physical_schema("pg_acme", ALL[kind]) != "pg_acme"} == {"postgres", "redshift"}
    assert physical_schema("sys", ALL["synapse"]) == "_sys"


@given(st.sets(st.text("ab_", min_size=1, max_size=6) | NAMES), st.tuples(NAMES, NAMES))
def test_each_schema_has_a_record_of_its_own_and_no_staging_table_is_called_like_it(schemas, staged):
    made = {record(schema, NARROW) for schema in schemas}
    assert len(made) == len(schemas)
    assert all(len(name.encode()) <= NARROW.max_identifier for name in made)
    assert staging(*staged, NARROW) not in made
    assert record("acme", NARROW) == "cursors_acme"


def test_a_staging_table_that_could_be_taken_for_a_record_is_not():
    for schema, table in (("cursors_a", "b"), ("cursors", "a"), ("cursors_", "a"), ("cursors_a_", "b")):
        name = staging(schema, table, NARROW)
        assert record(name.removeprefix("cursors_"), NARROW) != name


def test_the_reserved_words_of_duckdb_are_those_that_need_quotes():
    def is_a_column(word):
        try:
            return duckdb.sql(f'SELECT a, {word} FROM (SELECT 1 AS a, 2 AS "{word}")').fetchall() == [(1, 2)]
        except duckdb.Error:
            return False

    words = {word for (word,) in duckdb.sql("SELECT keyword_name FROM duckdb_keywords()").fetchall()}
    assert {word for word in words if not is_a_column(word)} == CAPABILITIES.reserved
