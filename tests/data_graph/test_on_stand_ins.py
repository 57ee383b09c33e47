"""The Data Graph's checks, run on the stand-ins for Snowflake, BigQuery and Databricks as far as these go."""

import pytest

from profiles_sync.data_graph.prerequisite import NEEDED
from profiles_sync.sync.linking import connect
from profiles_sync.warehouses.setup.rights import Right
from tests.lakes import Twin
from tests.sync.steps import bought
from tests.warehouses.contract.places import BigQueryPlace, DatabricksPlace, SnowflakePlace
from tests.warehouses.contract.steps import sync
from tests.warehouses.setup.grammar import parses

pytestmark = [pytest.mark.standin, pytest.mark.timeout(900)]


def tried(tmp_path, place, fields, session=None):
    """What `data-graph connect` finds, of a warehouse that has been synced."""
    twin = Twin(tmp_path, spark=session)
    twin.land([bought("m1")])
    assert sync(twin, place).status == "Success"
    settings = twin.settings.model_copy(update={"warehouses": {"local": place.settings}})
    return connect(settings, "local", fields)


def assert_as_far_as_it_goes(trial, dialect):
    """All is answered; what has to be refused is done, for the stand-in has no rights. Each query is of its dialect."""
    answered = [check for check in trial.checks if "this is refused" not in check.check]
    refused = [check for check in trial.checks if "this is refused" in check.check]
    assert [(check.check, check.error) for check in answered if not check.ok] == []
    assert len(answered) == 2 + len(NEEDED)
    assert {check.error for check in refused} == {
        "it was done, so the linked user may do more than read; take that right away"
    }
    for check in trial.checks:
        assert parses(dialect, check.check.partition(": ")[2]), check.check
    assert Right.CONNECT not in {check.check for check in trial.checks}


def test_on_snowflake(tmp_path, snowflake_server, monkeypatch):
    place = SnowflakePlace(snowflake_server)
    monkeypatch.setenv("LINKED", "hunter2")
    place.run("CREATE DATABASE IF NOT EXISTS LINKED_DB")
    own = {"username": "LINKED", "database": "LINKED_DB", "password": "env:LINKED"}
    read = {"profiles_database": place.settings.database, "profiles_schema": "acme"}
    assert_as_far_as_it_goes(tried(tmp_path, place, own | read), "snowflake")


def test_on_bigquery(tmp_path, bigquery_server):
    place = BigQueryPlace(bigquery_server)
    place.run("CREATE SCHEMA IF NOT EXISTS __segment_reverse_etl")
    read = {"profiles_database": place.settings.project, "profiles_schema": "acme"}
    assert_as_far_as_it_goes(tried(tmp_path, place, {"project": place.settings.project} | read), "bigquery")


@pytest.mark.spark
def test_on_databricks(tmp_path, spark):
    place = DatabricksPlace(tmp_path, spark)
    try:
        read = {"profiles_database": "spark_catalog", "profiles_schema": "acme"}
        own = {"catalog": "spark_catalog", "via": "spark", "volume": place.settings.volume}
        assert_as_far_as_it_goes(tried(tmp_path, place, own | read, spark), "databricks")
    finally:
        spark.sql("DROP SCHEMA IF EXISTS spark_catalog.__segment_reverse_etl CASCADE")
        place.close()
