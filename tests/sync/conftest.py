"""The two kinds of warehouse that are what they are in production: a DuckDB file and a Postgres server."""

import pytest

from tests.servers import postgres
from tests.warehouses.contract.places import DuckDBPlace, PostgresPlace


@pytest.fixture(scope="session")
def server():
    with postgres() as started:
        yield started


@pytest.fixture(params=["duckdb", "postgres"])
def place(request, tmp_path):
    made = DuckDBPlace(tmp_path) if request.param == "duckdb" else PostgresPlace(request.getfixturevalue("server"))
    yield made
    made.close()
