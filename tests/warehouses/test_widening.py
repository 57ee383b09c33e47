"""Which types are wider, and how each warehouse makes a column so."""

import itertools
import re

import pytest

from profiles_sync import warehouses
from profiles_sync.errors import WarehouseRefused
from profiles_sync.spec.tables import Type, table
from profiles_sync.sync.given import Given
from profiles_sync.sync.plan import plan_table
from profiles_sync.warehouses.base import Cursor
from profiles_sync.warehouses.bigquery import BigQueryDialect
from profiles_sync.warehouses.databricks import DatabricksDialect
from profiles_sync.warehouses.names import beside
from profiles_sync.warehouses.widening import FILLED, family_of, may_round, narrower, wanted
from tests.warehouses import every
from tests.warehouses.every import ALL

DIALECTS = (
    warehouses.DuckDBWarehouse.dialect,
    warehouses.PostgresWarehouse.dialect,
    warehouses.SnowflakeWarehouse.dialect,
    BigQueryDialect(),
    warehouses.RedshiftWarehouse.dialect,
    warehouses.SynapseWarehouse.dialect,
    DatabricksDialect("main"),
)
WIDER = {
    (Type.BIGINT, Type.DOUBLE),
    (Type.BIGINT, Type.STRING),
    (Type.DOUBLE, Type.STRING),
    (Type.BOOLEAN, Type.STRING),
    (Type.TIMESTAMP, Type.STRING),
}


@pytest.mark.parametrize("kind", ALL)
def test_of_the_types_that_a_sync_makes_these_and_no_others_are_wider(kind):
    able = ALL[kind]
    found = {
        (was, to)
        for was, to in itertools.permutations(Type, 2)
        if narrower(able.types[was], able.types[to], able) is None
    }
    assert found == WIDER
    assert all("already" in narrower(one, one, able) for one in able.types.values())


@pytest.mark.parametrize("kind", ALL)
def test_a_date_becomes_a_time_and_a_time_no_date(kind):
    able = ALL[kind]
    (date,) = [name for name, family in able.families.items() if family == "date"]
    time = able.types[Type.TIMESTAMP]
    assert narrower(date, time, able) is None
    assert "does not hold every timestamp" in narrower(time, date, able)


@pytest.mark.parametrize("kind", [kind for kind in ALL if ALL[kind].sized])
def test_a_text_may_get_longer(kind):
    able = ALL[kind]
    short, long = able.sized.format(8), able.sized.format(100)
    assert narrower(short, long, able) is None
    assert "holds less" in narrower(long, short, able)
    assert narrower(short, able.types[Type.STRING], able) is None
    assert "that takes 40 letters" in narrower(able.types[Type.BIGINT], short, able)
    assert narrower(able.types[Type.BIGINT], long, able) is None
    assert wanted("varchar(100)", able) == long
    assert wanted(f"varchar({able.longest + 1})", able) is None


def test_whole_numbers_get_longer_and_not_shorter():
    assert narrower("integer", "bigint", ALL["postgres"]) is None
    assert "holds less" in narrower("bigint", "integer", ALL["postgres"])
    assert narrower("real", "double precision", ALL["redshift"]) is None
    assert narrower("NUMBER(9,0)", "NUMBER(38,0)", ALL["snowflake"]) is None
    assert "holds less" in narrower("NUMBER(38,0)", "NUMBER(9,0)", ALL["snowflake"])


def test_what_nobody_knows_is_not_made_wider():
    assert family_of("NUMBER(10,2)", ALL["snowflake"]) is None
    assert "none of the types" in narrower("NUMBER(10,2)", "VARCHAR", ALL["snowflake"])
    assert "none of the types" in narrower("jsonb", "text", ALL["postgres"])
    assert wanted("text", ALL["postgres"]) is None
    assert wanted("integer(4)", ALL["postgres"]) is None
    assert wanted("varchar(9)", ALL["duckdb"]) is None


def test_only_from_integer_to_float_may_a_value_be_rounded():
    able = ALL["postgres"]
    assert may_round("bigint", "double precision", able)
    assert not may_round("bigint", "text", able)
    assert not may_round("real", "double precision", able)


def test_a_sync_leaves_a_table_alone_whose_column_was_left_between_two_types():
    able, types = ALL["snowflake"], {"id": Type.STRING, "total": Type.BIGINT}
    batch = Given(table("bought"), types, Cursor("t", 1), None)
    existing = {"id": "VARCHAR", beside("total", FILLED, able): "FLOAT"}
    with pytest.raises(WarehouseRefused, match=r"bought\.total was being made wider, .* retype` ends it"):
        plan_table(batch, existing, able)
    assert plan_table(batch, {"id": "VARCHAR"}, able)


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: type(dialect).__name__)
def test_no_statement_of_it_drops_anything(dialect):
    found = list(every.widenings(dialect, not isinstance(dialect, DatabricksDialect)))
    assert len(found) >= 3
    assert not any(re.search(r"(?i)\bDROP\b|\bDELETE\b|\bTRUNCATE\b", statement) for statement in found)


@pytest.mark.parametrize("kind", ALL)
def test_the_names_beside_a_column_fit(kind):
    able = ALL[kind]
    for what in (FILLED, *(f"was {one}" for one in able.types.values())):
        made = beside("é" * 200, what, able)
        assert len(made.encode()) <= able.max_identifier
        assert beside("total", what, able).startswith("total__")
