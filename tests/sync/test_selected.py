"""Selective Sync in a real warehouse: off sends nothing and deletes nothing, on again sends only what is new."""

import pyarrow as pa
import pytest

from profiles_sync.spec.selection import EVERYTHING
from profiles_sync.spec.tables import FIXED_TABLES, Type, table
from profiles_sync.sync.plan import LeaveOut
from profiles_sync.sync.run import Bounds, pending, sync_warehouse
from profiles_sync.sync.selected import followed, later, plan_selected, unmade
from profiles_sync.warehouses import open_warehouse
from profiles_sync.warehouses.base import OPERATION, Cursor, Transactions
from profiles_sync.warehouses.duckdb import CAPABILITIES
from tests.commands import query
from tests.lakes import Twin
from tests.sync.steps import assert_same, bought, call
from tests.sync.test_apply import local
from tests.sync.test_plan import EVERY_TYPE, IN_DUCKDB, batch
from tests.warehouses.contract.places import DuckDBPlace

OFF, ON = False, True


def off(*items):
    return EVERYTHING.switched(dict.fromkeys(items, OFF))


# The plan


def test_a_table_that_is_off_is_left_out_and_its_cursor_moves():
    made, steps = plan_selected(batch("bought", EVERY_TYPE), IN_DUCKDB, CAPABILITIES, off("bought"))
    assert (steps, [str(one) for one in steps]) == ([LeaveOut("bought")], ["leave out bought"])
    assert (made.is_empty, made.full, made.cursor) == (True, False, Cursor("t", 3))


def test_a_table_that_was_never_made_is_recorded_as_that():
    (made, _) = plan_selected(batch("bought", EVERY_TYPE, full=True), None, CAPABILITIES, off("track-tables"))
    recorded = {"bought": made.cursor, "pages": Cursor("p", 1, "c"), "screens": Cursor("s", 2, "c")}
    assert unmade(recorded) == {"bought"}
    assert followed(recorded, ["pages"]) == {"bought": Cursor("t", 3), "pages": Cursor("p", 1, "c")}


def test_a_column_that_is_off_is_in_no_step_but_the_one_that_says_so():
    made, steps = plan_selected(batch("bought", EVERY_TYPE), {"id": "VARCHAR"}, CAPABILITIES, off("bought.total"))
    assert list(made.types) == ["id", "price", "gift", "seen"]
    assert [str(step) for step in steps] == [
        "add to bought: price, gift, seen",
        "stage the changed rows of bought",
        "append new rows to bought by id",
        "leave out total of bought",
    ]
    assert "total" not in steps[2].columns and "total" not in steps[1].names


def test_a_column_that_is_off_is_not_among_the_rows():
    class Rows:
        table, cursor, full, is_empty, bytes = table("user_traits"), Cursor("t", 3), False, False, 0
        types = table.types

        def arrow(self):
            names = [*self.types, OPERATION]
            return pa.table({name: [name] for name in names}).to_reader()

    (made, _) = plan_selected(Rows(), None, CAPABILITIES, off("user_traits.value", "user_traits.timestamp"))
    kept = [name for name in Rows.types if name not in ("value", "timestamp")]
    assert list(made.types) == kept
    assert made.arrow().read_all().to_pylist() == [{name: name for name in [*kept, OPERATION]}]


def test_what_is_off_is_called_as_the_warehouse_calls_it():
    types = {"id": Type.STRING, "order": Type.STRING}
    (_, steps) = plan_selected(batch("select", types), None, CAPABILITIES, off("select.order"))
    assert steps[-1] == LeaveOut("_select", ("_order",))
    assert plan_selected(batch("select", types), None, CAPABILITIES, off("select"))[1] == [LeaveOut("_select")]


@pytest.mark.parametrize(
    ("cursor", "switched_on", "begins"),
    [
        (Cursor("t", 3), None, Cursor("t", 3)),
        (Cursor("t", 3), Cursor("t", 5), Cursor("t", 5)),
        (Cursor("t", 7), Cursor("t", 5), Cursor("t", 7)),
        (Cursor("u", 3), Cursor("t", 5), Cursor("u", 3)),  # another lake has taken its place
        (None, Cursor("t", 5), None),  # somebody dropped the table
    ],
)
def test_a_table_is_followed_from_where_it_was_switched_on(cursor, switched_on, begins):
    assert later(cursor, switched_on) == begins


# In a warehouse


@pytest.fixture
def place(tmp_path):
    return DuckDBPlace(tmp_path)


@pytest.fixture
def twin(tmp_path):
    return Twin(tmp_path)


def sync(twin, place, selection=EVERYTHING):
    result = sync_warehouse(place.open(), twin.lake, "1", bounds=Bounds(selection=selection))
    assert result.status == "Success", (result.error, result.tables)
    return result


def ids(place, table="bought"):
    return sorted(row[0] for row in place.rows(table, ["id"]))


@pytest.mark.parametrize("holds", list(Transactions))
def test_whatever_a_transaction_holds_the_cursor_of_what_is_off_moves(twin, holds):
    def sync(*items):
        return sync_warehouse(local(twin, transactions=holds), twin.lake, "1", bounds=Bounds(selection=off(*items)))

    twin.land([bought("m1"), call("page", "p1", userId="u1")])
    assert sync("bought").status == "Success"
    twin.land([bought("m2"), call("page", "p2", userId="u1")])
    assert sync("bought", "pages").status == "Success"
    twin.land([bought("m3"), call("page", "p3", userId="u1")])
    assert sync().status == "Success"
    assert query(twin.folder, "SELECT id FROM acme.bought") == [("m3",)]
    assert query(twin.folder, "SELECT id FROM acme.pages ORDER BY id") == [("p1",), ("p3",)]


def test_tables_to_come_are_off_with_their_group_and_single_ones_may_be_on(twin, place):
    chosen = off("track-tables").switched({"bought": ON})
    twin.land([bought("m1")])
    sync(twin, place, chosen)
    twin.land([bought("m2"), bought("n1", event="New")])
    sync(twin, place, chosen)
    assert ids(place) == ["m1", "m2"]
    assert "new" not in place.columns()


@pytest.mark.parametrize("word", ["raw-tables", "materialized-tables", "event-type-tables"])
def test_a_group_that_is_off_is_not_there(twin, place, word):
    twin.land([bought("m1"), call("identify", "i1", userId="u1", traits={"plan": "pro"})])
    chosen = off(word)
    sync(twin, place, chosen)
    fixed = {one.name for one in FIXED_TABLES}
    assert place.columns().keys() == {name for name in (*fixed, "bought") if chosen.has(name)}
    assert_same(twin, but={name for name in fixed if not chosen.has(name)})


def test_a_dropped_table_comes_back_whole_only_where_it_is_on(twin, place):
    twin.land([bought("m1"), call("page", "p1", userId="u1")])
    sync(twin, place)
    place.drop("bought")
    place.drop("pages")
    twin.land([bought("m2")])
    sync(twin, place, off("bought"))
    assert "bought" not in place.columns() and ids(place, "pages") == ["p1"]
    twin.land([bought("m3")])
    sync(twin, place)
    assert ids(place) == ["m3"]


def test_a_merged_table_that_is_on_again_gets_what_changes_from_then_on(twin, place):
    def say(message, user):
        return call("identify", message, userId=user, traits={"seen": message})

    twin.land([say("1", "u1"), say("2", "u2")])
    sync(twin, place)
    twin.land([say("3", "u1")])
    sync(twin, place, off("user_traits"))
    twin.land([say("4", "u2")])
    sync(twin, place)
    assert sorted(row[0] for row in place.rows("user_traits", ["value"])) == ["1", "4"]


def test_the_plan_shows_what_is_left_out(twin):
    twin.land([bought("m1", total=5, note="a")])
    opened = open_warehouse("local", twin.settings.warehouses["local"], "acme")
    shown = pending(opened, twin.lake, Bounds(selection=off("materialized-tables", "bought.total", "bought.note")))
    assert [str(step) for step in shown["user_traits"]] == ["leave out user_traits"]
    assert str(shown["bought"][-1]) == "leave out note, total of bought"
    assert not any("leave out" in str(step) for step in shown["tracks"])
