"""The acceptance checks of the sync by their numbers, each on a DuckDB file and on a Postgres server."""

import json

import pytest
from pydantic import SecretStr

from profiles_sync.control import backfills, history
from profiles_sync.control.lock import only_run
from profiles_sync.control.operating import delete, disable, enable
from profiles_sync.control.policy import Right, may
from profiles_sync.control.selecting import select
from profiles_sync.errors import ChangeRefused, Denied, LakeBusy, OverLimit
from profiles_sync.settings import load
from profiles_sync.spec.tables import RAW_TABLES
from profiles_sync.sync.backfill import backfill
from profiles_sync.sync.status import status_of
from tests.lakes import Twin
from tests.sync.steps import added_late, bought, call, declared_at, job, new, people, recent
from tests.warehouses.contract.steps import assert_same

RAW = [table.name for table in RAW_TABLES]
ROLES = """\
roles:
  ann: Unify and Engage Admin
  bob: Unify and Engage read-only
  di: [Workspace Owner, Unify and Engage Admin]
"""


@pytest.fixture
def twin(tmp_path, place):
    """A space whose warehouse is synced from the first run on."""
    made = Twin(tmp_path / "space")
    made.settings = declared_at(tmp_path / "space", place)
    return made


def late(tmp_path, place, *batches, more=""):
    """A space that had events before its warehouse was there."""
    made = added_late(tmp_path / "space", *batches)
    made.settings = declared_at(tmp_path / "space", place, more)
    return made


def ids(place, table="bought"):
    return sorted(row[0] for row in place.rows(table, ["id"]))


def test_53_a_backfill_waits_for_a_sync_with_rows(tmp_path, place):
    twin = late(tmp_path, place, people())
    with pytest.raises(ChangeRefused, match="first successful sync with more than 0 rows"):
        backfill(twin.settings, "local")
    job(twin)  # it is a success and has no rows
    with pytest.raises(ChangeRefused, match="first successful sync with more than 0 rows"):
        backfill(twin.settings, "local")
    twin.write(new())
    assert job(twin).backfills["local"]["status"] == "completed"


def test_53_backfilled_raw_rows_have_no_time_and_events_those_of_two_months(tmp_path, place):
    old = bought("old") | {"receivedAt": "2020-03-01T10:00:00Z"}
    twin = late(tmp_path, place, [old, *people()])
    select(twin.settings, "local", off=["pages"])
    twin.write(new())
    job(twin)
    for name in RAW:
        rows = place.rows(name, ["timestamp", "received_at", "uuid_ts"])
        history_rows = [row for row in rows if row[0] is None]
        assert history_rows and all(None not in row[1:] for row in rows), name
    assert ids(place) == ["h4", "n1"]  # "old" is older than that
    assert "pages" not in place.columns()  # what is not selected is not touched
    assert_same(twin, place, but=[*RAW, "bought", "tracks", "pages"])


def test_53_the_event_table_beyond_the_limit_is_refused(tmp_path, place):
    events = [bought(f"e{n}", event=f"Event {n}") | {"receivedAt": recent()} for n in range(3)]
    twin = late(tmp_path, place, events, more="limits: {backfill_event_tables: 2}\n")
    twin.write([call("page", "p1", userId="u5") | {"receivedAt": recent(0)}])
    job(twin)
    with pytest.raises(OverLimit, match="event_2 is one event table more than the 2"):
        backfill(twin.settings, "local")
    assert backfills.backfills(twin.lake) == []


def test_54_off_and_on_again_leaves_a_gap_and_keeps_what_was_there(twin, place):
    twin.write([bought("m1", total=1)])
    job(twin)
    select(twin.settings, "local", off=["bought"])
    twin.write([bought("gap", total=2)])
    job(twin)
    assert (ids(place), ids(place, "tracks")) == (["m1"], ["gap", "m1"])
    select(twin.settings, "local", on=["bought"], off=["bought.total"])
    twin.write([bought("m3", total=3)])
    job(twin)
    assert sorted(place.rows("bought", ["id", "total"])) == [("m1", 1), ("m3", None)]
    with pytest.raises(ChangeRefused, match="received_at cannot be left out"):
        select(twin.settings, "local", off=["bought.received_at"])


def test_55_after_a_failed_run_nothing_lacks_and_nothing_is_there_twice(twin, place):
    twin.write([bought("m1")])
    job(twin)
    twin.write([bought("m2"), call("identify", "i2", userId="u1", traits={"plan": "pro"})])
    broken = place.settings.model_copy(
        update={"path": str(twin.folder / "acme.yml")} if place.kind == "duckdb" else {"password": SecretStr("wrong")}
    )
    known, twin.settings = twin.settings, twin.settings.model_copy(update={"warehouses": {"local": broken}})
    assert job(twin).status == "Failed"
    twin.settings = known
    result = job(twin)
    assert (result.status, result.warehouses["local"].odd_rows["duplicates"]) == ("Success", 0)
    assert_same(twin, place)
    assert [one.status for one in history.syncs(twin.lake)] == ["Success", "Failed", "Success"]


def test_56_one_table_of_many_that_fails_makes_a_partial_success(twin, place):
    twin.write([bought("m1"), call("page", "p1", userId="u1")])
    job(twin)
    place.run("ALTER TABLE acme.pages RENAME TO kept; CREATE VIEW acme.pages AS SELECT 1 AS id")
    twin.write([bought("m2", user="u2"), call("page", "p2", userId="u2")])
    assert job(twin).status == "Partial success"
    newest = history.syncs(twin.lake)[0]
    assert newest.groups == {"identity graph tables": 7, "event type tables": 1, "event tables": 1}
    assert (newest.status, newest.rows, list(newest.errors)) == ("Partial success", 9, ["pages"])
    place.run("DROP VIEW acme.pages; ALTER TABLE acme.kept RENAME TO pages")
    assert job(twin).status == "Success"
    assert (job(twin).status, history.syncs(twin.lake)[0].rows) == ("Success", 0)
    assert_same(twin, place)


def test_57_a_run_that_is_due_while_another_one_goes_is_skipped_and_reported_once(twin, place):
    twin.write([bought("m1")])
    job(twin)
    with only_run(twin.lake), pytest.raises(LakeBusy, match="another run is under way"):
        job(twin)
    (skipped,) = status_of(twin.settings)["skipped"]
    assert "another run is under way" in skipped["reason"]
    assert len(history.syncs(twin.lake)) == 1
    twin.write([bought("m2")])
    assert job(twin).status == "Success"
    assert (ids(place), len(status_of(twin.settings)["skipped"])) == (["m1", "m2"], 1)


def test_58_off_keeps_the_credentials_and_only_what_is_off_is_deleted(twin, place):
    twin.write([bought("m1")])
    job(twin)
    with pytest.raises(ChangeRefused, match="disable it first"):
        delete(twin.settings, "local")
    disable(twin.settings, "local")
    twin.write([bought("m2")])
    assert (job(twin).warehouses, ids(place)) == ({}, ["m1"])
    enable(twin.settings, "local")  # nothing is asked for again
    assert (job(twin).status, ids(place)) == ("Success", ["m1", "m2"])
    disable(twin.settings, "local")
    assert delete(twin.settings, "local").status == "deleted"


@pytest.mark.parametrize(
    ("schema", "was_synced", "told"),
    [
        ("other", True, "its schema is acme since its first sync"),
        ("website", False, "is called like the source website"),
    ],
)
def test_58_a_schema_is_not_changed_and_not_that_of_a_source(twin, place, schema, was_synced, told):
    if was_synced:
        twin.write([bought("m1")])
        job(twin)
    moved = place.settings.model_copy(update={"schema_name": schema})
    twin.settings = twin.settings.model_copy(update={"warehouses": {"local": moved}})
    twin.write([bought("m2")])
    result = job(twin)
    assert result.status == "Failed" and told in result.warehouses["local"].error
    if was_synced:
        assert (place.columns(schema), ids(place)) == ({}, ["m1"])


def test_59_who_only_reads_changes_nothing_and_only_an_owner_edits_selective_sync(twin, place):
    twin.write([bought("m1")])
    job(twin)
    path = twin.folder / "acme.yml"
    path.write_text(path.read_text() + ROLES)
    twin.settings = load(path)
    assert not may(twin.settings, "bob", Right.SEE_PEOPLE)
    for change in (
        lambda who: disable(twin.settings, "local", who),
        lambda who: backfill(twin.settings, "local", who=who),
    ):
        with pytest.raises(Denied, match="Unify and Engage Admin"):
            change("bob")
    for who in ("bob", "ann"):
        with pytest.raises(Denied, match="Workspace Owner"):
            select(twin.settings, "local", off=["bought"], who=who)
    assert json.dumps(status_of(twin.settings, who="bob"))
    assert not select(twin.settings, "local", off=["bought"], who="di").has("bought")
