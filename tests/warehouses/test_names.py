"""Lake names as a warehouse can spell them."""

import string

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiles_sync.spec.tables import FIXED_TABLES, TRACK_TABLE
from profiles_sync.warehouses.base import Capabilities
from profiles_sync.warehouses.duckdb import CAPABILITIES
from profiles_sync.warehouses.names import physical

#: Names as in Postgres: 63 bytes; this one takes no leading digit either.
NARROW = Capabilities(
    types={}, reserved=frozenset({"order", "timestamp", "name"}), max_identifier=63, leading_digit=False
)
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


@given(st.lists(st.text(string.ascii_lowercase + string.digits + "_", min_size=1, max_size=90), unique=True))
def test_names_that_are_snake_case_never_meet(names):
    # A lake name begins with `_` only where it is taken from a declared one, and no reserved word is such a one.
    names = [name for name in names if not name.startswith("_")]
    for capabilities in (NARROW, CAPABILITIES):
        made = [physical(name, capabilities) for name in names]
        assert len(set(made)) == len(names)
        assert all(len(name.encode()) <= capabilities.max_identifier for name in made)


def test_the_reserved_words_of_duckdb_are_those_that_need_quotes():
    def is_a_column(word):
        try:
            return duckdb.sql(f'SELECT a, {word} FROM (SELECT 1 AS a, 2 AS "{word}")').fetchall() == [(1, 2)]
        except duckdb.Error:
            return False

    words = {word for (word,) in duckdb.sql("SELECT keyword_name FROM duckdb_keywords()").fetchall()}
    assert {word for word in words if not is_a_column(word)} == CAPABILITIES.reserved
