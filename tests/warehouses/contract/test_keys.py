"""After a load a warehouse is asked for the keys that it brought: what is missing, or there twice, is an error."""

import pytest

from profiles_sync.problems import ErrorClass
from profiles_sync.quality.gate import Quality
from profiles_sync.quality.graph import Graph
from profiles_sync.sync.run import Bounds, sync_warehouse
from tests.sync.steps import bought, call
from tests.warehouses.contract.steps import assert_same, sync


def checked(twin, place):
    """Only the sync, with its checks."""
    return sync_warehouse(place.open(), twin.lake, "1", bounds=Bounds(gate=Quality(Graph(twin.lake)).gate("local")))


def test_of_tables_old_and_new_the_keys_that_were_brought_are_those_of_the_lake(twin, place):
    twin.land([bought("m1"), call("identify", "i1", userId="u1", traits={"plan": "pro"})])
    assert checked(twin, place).said is None
    twin.land([bought("m2 "), bought("m2"), call("identify", "i2", 6, userId="u1", traits={"plan": "free"})])
    result = checked(twin, place)
    assert (result.said, result.tables["bought"].rows) == (None, 2)
    assert_same(twin, place)


@pytest.mark.never("postgres", "its index keeps a second row out")
def test_a_row_that_is_there_twice_is_an_error_of_its_table_and_the_others_go(twin, place):
    twin.land([bought("m1"), call("identify", "i1", userId="u1", traits={"plan": "pro"})])
    sync(twin, place)
    there = place.quote("acme", "profile_traits")
    place.run(f"INSERT INTO {there} SELECT * FROM {there}")
    twin.land([bought("m2", 6), call("identify", "i2", 6, userId="u1", traits={"plan": "free"})])
    result = checked(twin, place)
    failed = {name: one for name, one in result.tables.items() if one.error}
    assert failed.keys() == {"profile_traits"}
    assert failed["profile_traits"].problem.error_class is ErrorClass.INTERNAL
    assert failed["profile_traits"].error.startswith("acme.profile_traits has 2 rows of 1 that this sync brought")
    assert_same(twin, place, but=("profile_traits",))
