"""Runs every test of the contract on every kind of warehouse.

What a kind does not pass is marked where it is: `notimpl(kind, reason)` is our own gap, `notyet(kind, reason)` is the
stand-in's, in its own words, `never(kind, reason)` makes no sense there. A mark that is not needed any more fails; one
with `run=False` is not tried, for that would take hours.
"""

import pytest

from tests.lakes import Twin
from tests.warehouses.contract.places import (
    BigQueryPlace,
    DatabricksPlace,
    DuckDBPlace,
    PostgresPlace,
    RedshiftPlace,
    SnowflakePlace,
    SynapsePlace,
)

KINDS = ("duckdb", "postgres", "snowflake", "bigquery", "redshift", "synapse", "databricks")
GAPS = ("notimpl", "notyet", "never")
REAL = ("duckdb", "postgres")
# A stand-in takes many times as long as the real thing: on it `make test` runs these, `make test-standins` the others.
QUICK = (
    "test_segments_case_study",
    "test_texts_of_every_kind_arrive_as_they_are",
    "test_a_cast_in_a_merged_table_counts_what_does_not_fit",
    "test_two_syncs_at_once_write_each_row_once",
)


def pytest_generate_tests(metafunc):
    if "place" in metafunc.fixturenames:
        kinds = [pytest.param(kind, marks=[pytest.mark.spark] if kind == "databricks" else ()) for kind in KINDS]
        metafunc.parametrize("place", kinds, indirect=True)


def pytest_collection_modifyitems(items):
    for item in items:
        kind = getattr(item, "callspec", None) and item.callspec.params.get("place")
        quick = QUICK[:1] if kind == "databricks" else QUICK  # by Spark a test takes half a minute
        if kind in KINDS and kind not in REAL and item.originalname not in quick:
            item.add_marker(pytest.mark.standin)
            item.add_marker(pytest.mark.timeout(1800))
        for gap in GAPS:
            for mark in item.iter_markers(gap):
                if kind == mark.args[0]:
                    runs = mark.kwargs.get("run", True)
                    item.add_marker(pytest.mark.xfail(reason=f"{gap}: {mark.args[1]}", strict=True, run=runs))


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
        case "snowflake":
            made = SnowflakePlace(request.getfixturevalue("snowflake_server"))
        case "bigquery":
            made = BigQueryPlace(request.getfixturevalue("bigquery_server"))
        case "databricks":
            made = DatabricksPlace(tmp_path, request.getfixturevalue("spark"))
    yield made
    made.close()


@pytest.fixture
def twin(tmp_path, place):
    """A space that is synced there."""
    made = Twin(tmp_path, spark=place.session)
    made.settings = made.settings.model_copy(update={"warehouses": {"local": place.settings}})
    return made
