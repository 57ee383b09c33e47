"""`load: connector` for BigQuery: the connector's own write over the wire, and the sync's statements after it."""

import pytest

from tests.connectors.conftest import BUCKET
from tests.connectors.steps import ROWS, brought
from tests.sync.steps import bought, call
from tests.warehouses.contract.places import BigQueryPlace
from tests.warehouses.contract.steps import in_lake, in_warehouse, sync


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


def test_files_in_a_bucket_bring_rows_of_every_type_and_leave_no_file(place, bigquery_by_tls):
    indirect = {"write_method": "indirect", "temporary_bucket": BUCKET}
    place.settings = place.settings.model_copy(update=indirect)
    assert brought(place) == ROWS
    assert brought(place, []) == []
    assert [one for one in bigquery_by_tls.bucket(BUCKET).rglob("*") if one.is_file()] == []


@pytest.mark.slow
def test_the_write_api_feeds_a_whole_sync(twin, place):
    told = {"total": 5, "price": 2.5, "gift": True, "seen": "2026-01-01T00:00:00.123456Z", "note": "Grüße 🎈"}
    twin.land([bought("m1", **told), bought("m2"), call("page", "m3", userId="u1")])
    result = sync(twin, place)
    assert (result.status, result.error) == ("Success", None), result.tables
    for name in ("bought", "tracks", "user_traits", "id_graph"):
        assert in_warehouse(twin, place, name) == in_lake(twin, name), name
    assert set(place.columns("_profiles_sync")) == place.internal  # no staging table stays
