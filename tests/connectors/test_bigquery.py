"""`load: connector` for BigQuery: the connector's own write over the wire, and the sync's statements after it."""

import pytest

from tests.connectors.conftest import BUCKET
from tests.connectors.steps import MANY, ROWS, brought, whole_sync
from tests.warehouses.contract.places import BigQueryPlace


@pytest.fixture
def place(bigquery_by_tls, session):
    made = BigQueryPlace(bigquery_by_tls)
    made.session = session
    direct = {"load": "connector", "storage_endpoint": f"localhost:{bigquery_by_tls.grpc}"}
    made.settings = made.settings.model_copy(update=direct)
    yield made
    made.close()


def test_the_write_api_brings_rows_of_every_type_and_leaves_no_table(place):
    assert brought(place) == ROWS
    assert brought(place, []) == []


def test_the_write_api_brings_once_what_takes_a_stream_many_requests(place):
    assert brought(place, MANY) == MANY


def test_files_in_a_bucket_bring_rows_of_every_type_and_leave_no_file(place, bigquery_by_tls):
    indirect = {"write_method": "indirect", "temporary_bucket": BUCKET}
    place.settings = place.settings.model_copy(update=indirect)
    assert brought(place) == ROWS
    assert brought(place, []) == []
    assert [one for one in bigquery_by_tls.bucket(BUCKET).rglob("*") if one.is_file()] == []


@pytest.mark.slow
def test_the_write_api_feeds_a_whole_sync(twin, place):
    whole_sync(twin, place)
