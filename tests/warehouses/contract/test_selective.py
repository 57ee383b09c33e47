"""Selective Sync: what is off sends nothing and deletes nothing, what is on again sends only what is new."""

from profiles_sync.spec.selection import EVERYTHING
from profiles_sync.sync.run import Bounds, sync_warehouse
from tests.sync.steps import bought, call


def sync(twin, place, *off):
    """A sync with some items off."""
    chosen = EVERYTHING.switched(dict.fromkeys(off, False))
    result = sync_warehouse(place.open(), twin.lake, "1", bounds=Bounds(selection=chosen))
    assert result.status == "Success", (result.error, result.tables)
    return result


def ids(place, table="bought"):
    return sorted(row[0] for row in place.rows(table, ["id"]))


def test_a_table_that_is_off_gets_no_rows_and_on_again_what_is_new(twin, place):
    twin.land([bought("before")])
    sync(twin, place)
    twin.land([bought("gap")])
    result = sync(twin, place, "bought")
    assert "bought" not in result.tables and result.tables["tracks"].rows == 1
    assert ids(place) == ["before"]
    twin.land([bought("later")])
    assert sync(twin, place).tables["bought"].rows == 1
    assert (ids(place), ids(place, "tracks")) == (["before", "later"], ["before", "gap", "later"])


def test_a_table_that_is_off_from_the_first_sync_on_is_made_when_it_is_on(twin, place):
    twin.land([bought("gap"), call("page", "p1", userId="u1")])
    sync(twin, place, "track-tables", "pages")
    assert not {"bought", "pages"} & place.columns().keys()
    assert sync(twin, place, "track-tables", "pages").rows == 0  # a missing table is not taken for a dropped one
    twin.land([bought("later", total=5), bought("first", event="Opened")])
    result = sync(twin, place)
    assert (result.tables["bought"].rows, result.tables["opened"].rows, result.tables["pages"].rows) == (1, 1, 0)
    assert (ids(place), ids(place, "opened"), ids(place, "pages")) == (["later"], ["first"], [])
    assert sync(twin, place).rows == 0


def test_a_column_that_is_off_is_not_made_and_one_that_is_there_is_empty_in_new_rows(twin, place):
    twin.land([bought("m1", total=5, note="a")])
    sync(twin, place, "bought.note")
    assert "note" not in place.columns()["bought"]
    twin.land([bought("m2", total=6, note="b")])
    sync(twin, place, "bought.total")
    twin.land([bought("m3", total=7, note="c")])
    sync(twin, place)
    rows = place.rows("bought", ["id", "total", "note"])
    assert sorted(tuple(row) for row in rows) == [("m1", 5, None), ("m2", None, "b"), ("m3", 7, "c")]


def test_a_row_that_is_updated_keeps_what_it_has_in_a_column_that_is_off(twin, place):
    def say(number, user, tier):
        return call("identify", f"m{number}", userId=user, traits={"tier": tier, "age": number})

    def profiles():
        return sorted(tuple(row) for row in place.rows("profile_traits", ["age", "tier"]))

    twin.land([say(1, "u1", "free")])
    sync(twin, place)
    twin.land([say(2, "u1", "pro"), say(3, "u2", "pro")])
    sync(twin, place, "profile_traits.tier")
    assert profiles() == [(2, "free"), (3, None)]
    twin.land([say(4, "u1", "basic")])
    sync(twin, place)
    assert profiles() == [(3, None), (4, "basic")]


def test_all_rows_that_are_sent_again_leave_what_a_column_has_that_is_off(twin, place):
    def say(number, user, tier):
        return call("identify", f"i{number}", userId=user, traits={"tier": tier, "age": number})

    twin.land([bought("m1", total=5), say(1, "u1", "free")])
    sync(twin, place)
    twin.land([bought("m2", total=6), say(2, "u1", "pro"), say(3, "u2", "pro")])
    off = EVERYTHING.switched(dict.fromkeys(("bought.total", "profile_traits.tier"), False))
    bounds = Bounds(selection=off, whole=("bought", "profile_traits"))
    result = sync_warehouse(place.open(), twin.lake, "2", bounds=bounds)
    assert result.status == "Success", (result.error, result.tables)
    assert sorted(map(tuple, place.rows("bought", ["id", "total"]))) == [("m1", 5), ("m2", None)]
    assert sorted(map(tuple, place.rows("profile_traits", ["age", "tier"]))) == [(2, "free"), (3, None)]
