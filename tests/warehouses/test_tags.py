"""What a warehouse's history shows beside a statement of a sync: space, sync, warehouse, step and table."""

import json

import pytest

from profiles_sync.warehouses.snowflake import connection as snowflake
from profiles_sync.warehouses.synapse.dialect import DIALECT
from profiles_sync.watching.here import at
from tests.warehouses.contract.places import PostgresPlace, RedshiftPlace, SnowflakePlace, SynapsePlace

THERE = {"space": "acme", "sync": "17", "warehouse": "pg", "table": "pages", "step": "sync"}
TAG = {"application": "profiles-sync"} | THERE
COMMENT = "/*" + ",".join(f"{name}='{value}'" for name, value in TAG.items()) + "*/"
MINE = "SELECT application_name, query FROM pg_stat_activity WHERE pid = pg_backend_pid()"


@pytest.fixture
def placed(request):
    """Makes a place; it is closed afterwards."""
    made = []

    def make(kind, *given):
        made.append(kind(*given))
        return made[-1]

    yield make
    for one in made:
        one.close()


def test_postgres_has_the_run_in_its_sessions_and_the_table_in_its_statements(placed, postgres_server):
    place = placed(PostgresPlace, postgres_server)
    with at(**THERE | {"table": None}), place.open().connect() as connection, at(**THERE):
        ((application, statement),) = connection.query(MINE)  # the driver has it within a COPY
        assert (application, f"{MINE} {COMMENT}" in statement) == ("profiles-sync acme 17 pg sync", True)
        connection.execute("CREATE TEMPORARY TABLE t (a int)", "CREATE TEMPORARY TABLE u (a int)")
        assert connection.execute("INSERT INTO t SELECT 1", "UPDATE t SET a = 2") == 2


def test_redshift_has_them_too_and_keeps_its_query_group(placed, redshift_cluster):
    place = placed(RedshiftPlace, redshift_cluster)
    with at(**THERE), place.open().connect() as connection:
        ((application, statement),) = connection.query(MINE)
        assert (application[:27], statement.endswith(COMMENT)) == ("profiles-sync acme 17 pg pa", True)
        assert connection.query("SELECT current_setting('redshift.query_group')") == [("segment",)]


def test_synapse_has_a_label_for_each_statement_that_takes_one(placed, tmp_path, postgres_server):
    place = placed(SynapsePlace, postgres_server, tmp_path)
    with at(**THERE), place.open().connect() as connection:
        connection.execute(*DIALECT.create_schema("acme"), *DIALECT.create_staged("[acme].[t]", {"a": "int"}))
        connection.execute("INSERT INTO [acme].[t] SELECT 1", "UPDATE [acme].[t] SET [a] = 2")
        assert connection.query("SELECT [a] FROM [acme].[t]") == [(2,)]
    assert [json.loads(label) for label in place.pool.labels] == [TAG] * 2


def test_snowflake_takes_a_tag_for_each_statement(placed, snowflake_server):
    place = placed(SnowflakePlace, snowflake_server)
    with at(**THERE), place.open().connect() as connection:
        assert json.loads(snowflake._tag()["QUERY_TAG"]) == TAG
        assert connection.query("SELECT 1") == [(1,)]
    assert snowflake._tag() is None
