"""`load: connector` for Snowflake: the connector's own files, by a stage and COPY, and the sync's statements then."""

import pytest

from tests.connectors.steps import MANY, ROWS, brought, whole_sync
from tests.warehouses.contract.places import SnowflakePlace


@pytest.fixture
def place(snowflake_server, session):
    made = SnowflakePlace(snowflake_server)
    made.session = session
    made.settings = made.settings.model_copy(update={"load": "connector"})
    yield made
    made.close()


def test_the_connector_brings_rows_of_every_type_and_leaves_no_table(place):
    assert brought(place) == ROWS
    assert brought(place, []) == []


def test_the_connector_brings_many_rows_once(place):
    assert brought(place, MANY) == MANY


@pytest.mark.slow
def test_the_connector_feeds_a_whole_sync(twin, place):
    whole_sync(twin, place)
