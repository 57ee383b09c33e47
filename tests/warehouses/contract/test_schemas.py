"""A schema may be called as its owner likes, and two in one place do not meet."""

import pytest

from tests.sync.steps import bought, call
from tests.warehouses.contract.steps import sync

SMALL = [bought("m1", total=5), call("identify", "i1", userId="u1", traits={"plan": "pro"})]


@pytest.mark.parametrize("schema", ["Acme", "2026_acme", "order"])
def test_a_schema_in_capitals_a_reserved_word_or_with_a_digit_in_front_is_found_again(twin, place, schema):
    twin.land(SMALL)
    assert sync(twin, place, schema=schema).status == "Success"
    again = sync(twin, place, schema=schema)
    assert (again.status, again.tables) == ("Success", {})
    twin.land([bought("m2", 6, total=6, coupon="x")])
    assert {name: done.error for name, done in sync(twin, place, schema=schema).tables.items() if done.error} == {}
    rows = place.rows("bought", ["id", "coupon"], place.open(schema=schema).schema)
    assert sorted(rows) == [("m1", None), ("m2", "x")]
    assert place.open(schema=schema).schema.lower() == schema.lower()


def test_two_schemas_in_one_place_have_a_record_each(twin, place):
    twin.land(SMALL)
    for schema in ("acme", "2026_acme"):
        assert sync(twin, place, schema=schema).status == "Success"
    named = [place.open(schema=schema).schema for schema in ("acme", "2026_acme")]
    for schema in named:
        record = place.open().dialect.cursors(schema)
        assert place.run(f"SELECT DISTINCT schema_name FROM {record}") == [(schema,)]
    assert sync(twin, place, schema="2026_acme").tables == sync(twin, place).tables == {}
