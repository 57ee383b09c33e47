"""A column's type made wider by an admin: what is there stays, what comes is cast, and no column is dropped."""

import pytest

from profiles_sync.errors import ChangeRefused
from profiles_sync.sync.retyping import Asked, made_wider
from tests.sync.steps import bought
from tests.warehouses.contract.steps import sync
from tests.warehouses.contract.test_troubles import Killed, counted, killed

AT = "2026-01-01T00:00:00.123456Z"
FIRST = bought("m1", total=5, price=2.5, gift=True, seen=AT, note="x")
LATER = bought("m2", 6, total=6, price=0.1, gift=False, seen=AT, note="y")


def widened(twin, place, column, kind):
    return made_wider(place.open(), twin.lake, Asked("bought", column, kind))


def values(place, column):
    return [value for _, value in sorted(place.rows("bought", ["id", column]))]


def test_a_column_is_made_wider_and_what_comes_later_is_cast_to_its_type(twin, place):
    twin.land([FIRST])
    sync(twin, place)
    before = set(place.columns()["bought"])
    for column, kind in (("total", "float"), ("gift", "varchar"), ("seen", "varchar"), ("price", "varchar")):
        done = widened(twin, place, column, kind)
        assert place.columns()["bought"][column] == done.kind == done.columns[column]
    twin.land([LATER])
    result = sync(twin, place).tables["bought"]
    assert (result.error, result.rows, result.cast_to_null) == (None, 1, 0)
    assert values(place, "total") == [5.0, 6.0]
    assert [value.lower() for value in values(place, "gift")] == ["true", "false"]
    assert [float(value) for value in values(place, "price")] == [2.5, 0.1]
    assert {value.replace("T", " ")[:26] for value in values(place, "seen")} == {AT.replace("T", " ")[:26]}
    assert before <= set(place.columns()["bought"])  # nothing was dropped
    widened(twin, place, "total", "varchar")
    assert [float(value) for value in values(place, "total")] == [5.0, 6.0]


def test_a_type_that_holds_less_is_refused_and_nothing_is_changed(twin, place):
    twin.land([bought("m1", total=2**60, price=2.5, note="x")])
    sync(twin, place)
    before = place.columns()
    for column, kind, why in (
        ("price", "integer", "does not hold every float"),
        ("note", "timestamp", "does not hold every varchar"),
        ("note", "varchar", "already"),
        ("total", "float", "1 of its numbers have more digits than a float; make it varchar"),
        ("id", "integer", "does not hold every varchar"),
        ("received_at", "varchar", "each such table has this column"),
        ("total", "text", "expected integer, float"),
        ("nothing", "varchar", "has no column bought.nothing"),
    ):
        with pytest.raises(ChangeRefused, match=why):
            widened(twin, place, column, kind)
    assert place.columns() == before
    assert values(place, "total") == [2**60]


@pytest.mark.never("duckdb", "a text has no length there")
@pytest.mark.never("databricks", "a text that a sync makes has no length there")
@pytest.mark.notyet("snowflake", "the engine beneath the stand-in forgets the length of a VARCHAR")
@pytest.mark.notyet("bigquery", "the engine beneath the stand-in forgets the length of a STRING")
def test_a_text_gets_longer_and_not_shorter(twin, place):
    twin.land([bought("m1", note="x" * 8)])
    sync(twin, place)
    place.retype("bought", "note", place.open().capabilities.sized.format(8))
    with pytest.raises(ChangeRefused, match="holds less"):
        widened(twin, place, "note", "varchar(7)")
    widened(twin, place, "note", "varchar(12)")
    twin.land([bought("m2", 6, note="y" * 14)])
    assert sync(twin, place).tables["bought"].cut == 1
    assert values(place, "note") == ["x" * 8, "y" * 12]


@pytest.mark.slow
def test_a_retype_that_is_broken_off_anywhere_is_said_again(twin, place, monkeypatch):
    twin.land([FIRST])
    sync(twin, place)
    halves = 0
    for at in range(1, 100):
        before = place.columns()["bought"]
        with monkeypatch.context() as patched:
            seen = counted(place, patched, at=at, do=killed)
            try:
                widened(twin, place, "gift", "varchar")
            except Killed:
                pass
            else:
                break
        twin.land([bought(f"k{at}", 6, gift=False)])
        told = sync(twin, place).tables["bought"].error
        if told:
            assert "retype` ends it" in told, told
            assert "gift" not in place.columns()["bought"]
            halves += 1
        elif "gift" in before and place.columns()["bought"]["gift"] != before["gift"]:
            break  # it was killed after it was done
    else:
        raise AssertionError(seen)
    assert bool(halves) == (place.kind == "snowflake")  # the others give both names at once
    sync(twin, place)
    assert [value.lower() for value in values(place, "gift")] == ["false"] * (len(values(place, "gift")) - 1) + ["true"]
