"""Runs every test of the contract on every kind of warehouse.

What a kind does not pass is marked where it is: `notimpl(kind, reason)` is our own gap, `notyet(kind, reason)` is the
stand-in's, in its own words, `never(kind, reason)` makes no sense there. A mark that is not needed any more fails.
"""

import pytest

from tests.lakes import Twin
from tests.warehouses.contract.places import DuckDBPlace, PostgresPlace, RedshiftPlace, SynapsePlace

KINDS = ("duckdb", "postgres", "redshift", "synapse")
GAPS = ("notimpl", "notyet", "never")
STAND_INS = ("redshift", "synapse")  # what takes them longer than ten seconds belongs to `make test-all`
LONG = ("test_a_generated_space", "test_a_sync_that_is_broken_off_between_any_two_statements_is_simply_repeated")


def pytest_generate_tests(metafunc):
    if "place" in metafunc.fixturenames:
        metafunc.parametrize("place", KINDS, indirect=True)


def pytest_collection_modifyitems(items):
    for item in items:
        kind = getattr(item, "callspec", None) and item.callspec.params.get("place")
        if kind in STAND_INS and (item.originalname in LONG or item.path.stem == "test_many_rows"):
            item.add_marker(pytest.mark.slow)
        for gap in GAPS:
            for mark in item.iter_markers(gap):
                if kind == mark.args[0]:
                    item.add_marker(pytest.mark.xfail(reason=f"{gap}: {mark.args[1]}", strict=True))


@pytest.fixture
def place(request, tmp_path):
    """An empty warehouse of one kind."""
    match request.param:
        case "duckdb":
            made = DuckDBPlace(tmp_path)
        case "postgres":
            made = PostgresPlace(request.getfixturevalue("postgres_server"))
        case "redshift":
            made = RedshiftPlace(request.getfixturevalue("redshift_cluster"))
        case "synapse":
            made = SynapsePlace(request.getfixturevalue("postgres_server"), tmp_path)
    yield made
    made.close()


@pytest.fixture
def twin(tmp_path, place):
    """A space that is synced there."""
    made = Twin(tmp_path)
    made.settings = made.settings.model_copy(update={"warehouses": {"local": place.settings}})
    return made
