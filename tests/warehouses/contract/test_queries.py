"""Every sample query on every kind of warehouse: the rows that DuckDB gives, which tests/queries checks."""

import datetime as dt
from decimal import Decimal

import pytest

from profiles_sync.errors import WarehouseRefused
from profiles_sync.queries import Place, library, written
from profiles_sync.warehouses import DuckDBSettings, open_warehouse
from tests.queries.subscriptions import subscriptions
from tests.sync.steps import call, job, stream

EVENT = {"event": "channel_subscription_updated"}
GIVEN = {
    "count_of_an_event": {"event": "order_completed"},
    "events_with_a_value": {**EVENT, "property": "channel", "value": "SMS"},
    "external_id_hashes": {},
    "history_of_a_trait": {"trait": "age"},
    "profile_of_an_external_id": {"type": "user_id", "value": "user-1"},
    "profiles_at_a_limit": {"limit": "1"},
    "profiles_per_trait_value": {"trait": "plan"},
    "rows_of_a_day": {"table": "screens", "day": dt.datetime.now(dt.UTC).date().isoformat()},
    "sum_per_day": {"event": "order_completed", "property": "v"},
    "values_side_by_side": {**EVENT, "property": "channel", "first": "EMAIL", "second": "SMS"},
}
#: Kind to what its stand-in does not know: LISTAGG and DATEDIFF; partitions by the day of loading; T-SQL's own.
NOT_YET = {
    "redshift": {"sessions", "segment_ids_per_profile", "external_ids_per_profile", "profiles_at_a_limit"},
    "bigquery": {"rows_of_a_day"},
    "synapse": {
        *("profile_changes_per_hour", "external_id_hashes", "sessions"),
        *("segment_ids_per_profile", "external_ids_per_profile", "profiles_at_a_limit"),
    },
}
#: What Postgres has to be given to compute SHA-1, and where it stands in for Redshift the function of that.
SHA1 = {
    "postgres": "",
    "redshift": "CREATE FUNCTION sha1(text) RETURNS text RETURN encode(digest(convert_to($1, 'UTF8'), 'sha1'), 'hex')",
}
#: Their types and order are the warehouse's own.
OWN = {"columns_of_a_table"}


def values(query, profile):
    given = GIVEN.get(query.name, {}) | ({"profile": profile} if "profile" in query.parameters else {})
    return query.values(given | ({"trait": "plan"} if "trait" in query.parameters and "trait" not in given else {}))


def answers(warehouse, profile):
    """Query to its rows, in any order, or to what the warehouse said instead."""
    with warehouse.connect(read_only=True) as connection:
        place = Place(warehouse, connection.columns(warehouse.schema))
    return {name: answer(place, written(query, place, values(query, profile))[0]) for name, query in library().items()}


def answer(place, text):
    try:
        with place.warehouse.connect(read_only=True) as connection:  # one that refused a query may refuse others too
            return sorted(repr([plain(cell) for cell in row]) for row in connection.query(text))
    except WarehouseRefused as error:
        return str(error)


def plain(cell):
    if isinstance(cell, dt.datetime):
        return cell.replace(tzinfo=None).isoformat()
    if isinstance(cell, float | Decimal | int) and not isinstance(cell, bool):
        return round(float(cell), 6)
    return cell


@pytest.mark.notyet("databricks", "was started once and not waited for; nothing is known", run=False)
def test_every_sample_query_gives_the_rows_that_it_gives_on_duckdb(twin, place, tmp_path):
    reference = DuckDBSettings(type="duckdb", path=str(tmp_path / "reference.duckdb"))
    twin.settings = twin.settings.model_copy(update={"warehouses": {"local": place.settings, "reference": reference}})
    more = [call("group", "g1", userId="u1", groupId="one"), call("group", "g2", userId="u1", groupId="one")]
    twin.write([*stream(1, 120), *subscriptions(), *more])
    for _ in range(5):  # Snowflake's stand-in refuses a table when two are written at once; the next run sends it
        if not (refused := errors(job(twin))):
            break
    assert refused == {}
    (merged, *_) = (row for row in twin.lake.open("id_graph").to_pyarrow_table().to_pylist() if is_merged(row))
    if place.kind in SHA1:
        place.run(f"CREATE EXTENSION pgcrypto; {SHA1[place.kind]}")
    wanted = answers(open_warehouse("reference", reference, "acme"), merged["segment_id"])
    assert all(isinstance(rows, list) and rows for rows in wanted.values()), wanted
    found = answers(place.open(), merged["segment_id"])
    differ = {name: rows for name, rows in found.items() if rows != wanted[name] and name not in OWN}
    assert differ.keys() == NOT_YET.get(place.kind, set()), differ
    assert all(isinstance(found[name], list) for name in OWN)


def errors(run):
    every = [item for one in run.warehouses.values() for item in one.tables.items()]
    return {name: table.error for name, table in every if table.error}


def is_merged(row):
    return row["segment_id"] != row["canonical_segment_id"]
