"""A sync with something in the way: what fails is told, held up alone, and made up for later."""

import json
import shutil

import pytest

from profiles_sync.control import history
from profiles_sync.lake.listing import public_tables
from profiles_sync.lake.opening import lake_of
from profiles_sync.lake.tables import scan
from profiles_sync.sync.hourly import run
from profiles_sync.sync.preview import preview
from profiles_sync.sync.rebuild import rebuild_into
from profiles_sync.warehouses.duckdb import DuckDBSettings
from tests.commands import columns, query, warehouse
from tests.lakes import Twin
from tests.sync.steps import assert_same, bought, call, in_lake, in_warehouse, job, stream, synced


def broken_pages(opened):
    """The user put a view in the table's place."""
    opened.execute("ALTER TABLE acme.pages RENAME TO pages_kept")
    opened.execute("CREATE VIEW acme.pages AS SELECT * FROM acme.pages_kept")


def mended_pages(opened):
    opened.execute("DROP VIEW acme.pages")
    opened.execute("ALTER TABLE acme.pages_kept RENAME TO pages")


def broken_traits(opened):
    """The user made a key column one that no key fits."""
    opened.execute("ALTER TABLE acme.user_traits RENAME TO kept")
    opened.execute("CREATE TABLE acme.user_traits AS SELECT * REPLACE (1 AS canonical_segment_id) FROM acme.kept")


def mended_traits(opened):
    opened.execute("DROP TABLE acme.user_traits")
    opened.execute("ALTER TABLE acme.kept RENAME TO user_traits")


FAILING = [
    ("pages", broken_pages, mended_pages),
    pytest.param("user_traits", broken_traits, mended_traits, marks=pytest.mark.slow),
]


@pytest.mark.parametrize(("name", "broken", "mended"), FAILING)
def test_a_table_that_fails_is_made_up_for_and_the_others_are_not_held_back(tmp_path, name, broken, mended):
    twin = Twin(tmp_path)
    twin.write(stream(1, 40))
    job(twin)
    with warehouse(tmp_path) as opened:
        broken(opened)
    for batch in (2, 3):  # it fails twice
        twin.write(stream(batch, 40, day=batch))
        result = job(twin)
        assert result.status == "Partial success"
        assert [table for table, done in result.warehouses["local"].tables.items() if done.error] == [name]
        assert_same(twin, but=[name])
        assert set(columns(tmp_path, "_profiles_sync")) == {"cursors_acme"}  # nothing of the failed table is left
    with warehouse(tmp_path) as opened:
        mended(opened)
    had = len(in_warehouse(twin, name))
    result = job(twin)
    assert (result.status, result.report.read) == ("Success", 0)
    assert result.warehouses["local"].tables.keys() == {name}
    assert result.warehouses["local"].rows > 0
    if name == "pages":
        assert result.warehouses["local"].rows == len(in_lake(twin, name)) - had
    assert_same(twin)
    assert job(twin).warehouses["local"].rows == 0
    assert [sync.status for sync in history.syncs(twin.lake)] == ["Success"] * 2 + ["Partial success"] * 2 + ["Success"]


def test_a_partial_success_still_splits_its_rows_into_the_groups(tmp_path):
    twin = Twin(tmp_path)
    twin.write([bought("m1"), call("page", "p1", userId="u1")])
    job(twin)
    with warehouse(tmp_path) as opened:
        broken_pages(opened)
    twin.write([bought("m2", user="u2"), call("page", "p2", userId="u2")])
    job(twin)
    newest = history.syncs(twin.lake)[0]
    # the new profile in three tables, its identifier in three and its traits in one; the call in tracks and in bought
    assert newest.groups == {"identity graph tables": 7, "event type tables": 1, "event tables": 1}
    assert (newest.rows, list(newest.errors)) == (9, ["pages"])
    assert "pages" not in newest.tables


def test_tables_that_were_only_created_are_no_success_beside_rows_that_failed(tmp_path):
    twin = Twin(tmp_path)
    twin.land([call("page", "p1")])  # nobody's: no other table has a row
    with warehouse(tmp_path) as opened:
        opened.execute("CREATE SCHEMA acme; CREATE TABLE acme.pages (id INTEGER)")
    result = synced(twin)
    assert [name for name, done in result.tables.items() if done.error] == ["pages"]
    assert {"screens", "id_graph"} <= result.tables.keys()
    assert (result.status, result.rows) == ("Failed", 0)


def test_a_key_that_does_not_fit_its_column_is_refused_and_never_left_empty(tmp_path):
    twin = Twin(tmp_path)
    twin.land([bought("1"), bought("m2")])
    with warehouse(tmp_path) as opened:
        opened.execute("CREATE SCHEMA acme; CREATE TABLE acme.bought (id INTEGER)")
    error = "bought.id is INTEGER in the warehouse and 1 keys do not fit; give the column its type back, "
    assert synced(twin).tables["bought"].error.startswith(error)
    assert query(tmp_path, "FROM acme.bought") == []
    with warehouse(tmp_path) as opened:
        opened.execute("DROP TABLE acme.bought")
    synced(twin)
    assert_same(twin)


def test_a_key_that_fits_its_column_is_compared_there(tmp_path):
    twin = Twin(tmp_path)
    twin.land([bought("2")])
    synced(twin)
    with warehouse(tmp_path) as opened:
        opened.execute("ALTER TABLE acme.bought ALTER id TYPE INTEGER")
        opened.execute("UPDATE _profiles_sync.cursors_acme SET version = -1, commit_digest = ''")  # as if all were new
    twin.land([bought("1")])
    done = synced(twin).tables["bought"]
    assert (done.rows, done.duplicates) == (1, 1)
    assert query(tmp_path, "SELECT id FROM acme.bought ORDER BY id") == [(1,), (2,)]


def test_when_the_only_table_with_news_fails_the_sync_has_failed(tmp_path):
    twin = Twin(tmp_path)
    twin.write([call("page", "p1", userId="u1")])
    job(twin)
    with warehouse(tmp_path) as opened:
        broken_pages(opened)
    twin.write([call("page", "p2", userId="u1")])
    assert [job(twin).status, job(twin).status] == ["Failed", "Failed"]
    with warehouse(tmp_path) as opened:
        mended_pages(opened)
    assert job(twin).status == "Success"
    assert_same(twin)


def test_a_table_that_the_user_dropped_comes_back_whole(tmp_path):
    twin = Twin(tmp_path)
    for message in ("m1", "m2"):
        twin.land([bought(message), call("identify", f"i{message}", userId=message)])
        synced(twin)
    with warehouse(tmp_path) as opened:
        opened.execute("DROP TABLE acme.bought; DROP TABLE acme.id_graph; DROP TABLE acme.screens")
    assert synced(twin).tables.keys() == {"bought", "id_graph", "screens"}
    assert_same(twin)


def test_a_schema_that_the_user_dropped_comes_back_whole(tmp_path):
    twin = Twin(tmp_path)
    twin.land(stream(1, 40))
    synced(twin)
    with warehouse(tmp_path) as opened:
        opened.execute("DROP SCHEMA acme CASCADE")
    assert synced(twin).status == "Success"
    assert_same(twin)


@pytest.fixture
def moved(tmp_path):
    """A synced space whose lake is another one now: the first was lost, and there are other events."""
    twin = Twin(tmp_path / "space")
    twin.land([bought("m1"), bought("m2"), call("identify", "i1", userId="u1", traits={"plan": "pro"})])
    synced(twin)
    (tmp_path / "space" / "lake").rename(tmp_path / "old")
    for path in (tmp_path / "space" / "events").iterdir():
        path.unlink()
    twin.land([bought("m2", user="u2"), bought("m3", user="u2")])
    return twin


def test_another_lake_does_not_replace_what_a_warehouse_has(moved):
    before = {name: in_warehouse(moved, name) for name in public_tables(moved.lake)}
    result = job(moved)
    assert result.status == "Failed"
    told = result.shown()["warehouses"]["local"]["error"]
    assert told.startswith("the warehouse follows a table that is not the one in ")
    assert "set lake: to the lake that was synced, or give this one a schema of its own" in told
    assert {name: in_warehouse(moved, name) for name in public_tables(moved.lake)} == before
    planned = preview(moved.settings)["warehouses"]["local"]
    assert planned["error"] and not planned["tables"]


def test_another_lake_is_loaded_where_the_tables_were_dropped(moved):
    with warehouse(moved.folder) as opened:
        opened.execute("DROP SCHEMA acme CASCADE")
    assert job(moved).status == "Success"
    assert_same(moved)


def test_a_table_that_was_lost_in_the_lake_keeps_its_rows_in_the_warehouse(tmp_path):
    twin = Twin(tmp_path)
    twin.write([call("page", "p1", userId="u1"), bought("m1")])
    job(twin)
    shutil.rmtree(twin.lake.path("pages"))
    twin.write([call("page", "p2", userId="u1"), bought("m2")])
    result = job(twin)
    assert (result.status, result.warehouses["local"].tables) == ("Failed", {})
    assert query(tmp_path, "SELECT id FROM acme.pages") == [("p1",)]
    assert query(tmp_path, "SELECT id FROM acme.bought") == [("m1",)]
    with warehouse(tmp_path) as opened:
        opened.execute("DROP TABLE acme.pages")
    assert job(twin).status == "Success"
    assert_same(twin)


def test_a_lake_that_lacks_a_table_of_the_warehouse_is_another_one(tmp_path):
    twin = Twin(tmp_path)
    twin.write([bought("m1"), bought("n1", event="New")])
    job(twin)
    shutil.rmtree(twin.lake.path("new"))
    twin.write([bought("m2")])
    result = job(twin)
    assert (result.status, result.warehouses["local"].tables) == ("Failed", {})
    assert result.warehouses["local"].error.startswith("the warehouse has new of a lake that was synced, and ")
    assert query(tmp_path, "SELECT id FROM acme.bought") == [("m1",)]


def test_a_lake_that_was_put_back_to_an_earlier_state_is_refused_and_not_passed_by(tmp_path):
    twin = Twin(tmp_path / "space")
    twin.write([bought("m1")])
    job(twin)
    lake = tmp_path / "space" / "lake"
    shutil.copytree(lake, tmp_path / "backup")
    twin.write([bought("m2")])
    job(twin)
    shutil.rmtree(lake)
    (tmp_path / "backup").rename(lake)
    assert job(twin).status == "Failed"  # the file of m2 is taken again, and every version is there once more
    (tmp_path / "space" / "events" / "more.jsonl").write_text(json.dumps(bought("m3")))
    result = job(twin)
    assert result.warehouses["local"].error.startswith("the warehouse follows a table that is not")
    assert query(twin.folder, "SELECT id FROM acme.bought ORDER BY id") == [("m1",), ("m2",)]
    with warehouse(twin.folder) as opened:
        opened.execute("DROP SCHEMA acme CASCADE")
    assert job(twin).status == "Success"
    assert_same(twin)


@pytest.mark.parametrize("is_filled", [False, True])
def test_rows_that_no_record_stands_for_are_left_alone(tmp_path, is_filled):
    twin = Twin(tmp_path)
    twin.write([bought("m1"), call("identify", "i1", userId="u1")])
    job(twin)
    with warehouse(tmp_path) as opened:
        opened.execute("DELETE FROM _profiles_sync.cursors_acme")
        if not is_filled:
            opened.execute("DELETE FROM acme.bought")
    twin.write([bought("m2")])
    result = job(twin).warehouses["local"]
    assert ("bought" in {name for name, done in result.tables.items() if done.error}) == is_filled
    assert len(query(tmp_path, "FROM acme.bought")) == (1 if is_filled else 2)
    assert result.tables["user_identifiers"].error.startswith("the table holds rows, and no record in _profiles_sync")


def test_a_rebuilt_lake_stands_in_place_of_the_one_it_was_built_from(tmp_path):
    twin = Twin(tmp_path / "space")
    for batch in (1, 2):
        twin.write(stream(batch, 40, day=batch))
        job(twin)
    for name in ("second", "third"):  # the third stands for the first as well
        rebuild_into(twin.settings, str(tmp_path / name), lambda: None)
        twin.settings = twin.settings.model_copy(update={"lake": str(tmp_path / name)})
    twin.lake = lake_of(twin.settings)
    assert job(twin).status == "Success"
    assert_same(twin)
    assert query(
        twin.folder, "SELECT DISTINCT table_id FROM _profiles_sync.cursors_acme WHERE table_name = 'pages'"
    ) == [(str(twin.lake.open("pages").metadata().id),)]


def test_a_schema_that_was_changed_is_refused_by_plan_as_by_run(tmp_path):
    twin = Twin(tmp_path)
    twin.write([call("page", "p1", userId="u1")])
    job(twin)
    twin.settings = twin.settings.model_copy(
        update={"warehouses": {"local": DuckDBSettings(type="duckdb", path=str(tmp_path / "acme.duckdb"), schema="b")}}
    )
    result, planned = job(twin), preview(twin.settings)["warehouses"]["local"]
    assert result.warehouses["local"].error == planned["error"]
    assert "its schema is acme since its first sync and cannot become b" in planned["error"]
    assert planned["tables"] == {}


def test_an_error_of_the_warehouse_does_not_quote_peoples_data(tmp_path):
    twin = Twin(tmp_path)
    twin.land([call("identify", "i1", userId="u1", traits={"email": "jane@example.com"})])
    synced(twin)
    with warehouse(tmp_path) as opened:
        opened.execute("CREATE UNIQUE INDEX one ON acme.identifies (email)")
    twin.land([call("identify", "i2", userId="u1", traits={"email": "jane@example.com"})])
    error = synced(twin).tables["identifies"].error
    assert error.startswith('duckdb refused INSERT INTO "acme"."identifies": ConstraintException: ')
    assert "jane" not in error


@pytest.mark.parametrize("path", ["acme.yml/acme.duckdb", "acme.yml", "events"])
def test_a_warehouse_that_cannot_be_opened_is_refused(tmp_path, path):
    twin = Twin(tmp_path)
    twin.write([bought("m1")])
    local = DuckDBSettings(type="duckdb", path=str(tmp_path / path))
    twin.settings = twin.settings.model_copy(update={"warehouses": {"local": local}})
    result = job(twin)
    assert (result.status, result.warehouses["local"].status, result.report.events) == ("Failed", "Failed", 1)
    assert result.warehouses["local"].error.startswith(f"warehouse local: cannot open {tmp_path / path}: ")
    assert scan(twin.lake.open("bought"))["id"].to_pylist() == ["m1"]
    (sync,) = history.syncs(twin.lake)
    assert (sync.status, sync.error) == ("Failed", result.warehouses["local"].error)


def test_one_warehouse_of_two_that_cannot_be_opened_makes_a_partial_success(tmp_path):
    twin = Twin(tmp_path)
    twin.write([bought("m1")])
    wrong = DuckDBSettings(type="duckdb", path=str(tmp_path / "acme.yml"))
    both = {"wrong": wrong, "local": twin.settings.warehouses["local"]}
    twin.settings = twin.settings.model_copy(update={"warehouses": both})
    result = job(twin)
    assert result.status == "Partial success"
    assert {name: one.status for name, one in result.warehouses.items()} == {"wrong": "Failed", "local": "Success"}
    assert_same(twin)


def test_disabled_and_enabled_again_everything_since_arrives(tmp_path):
    twin = Twin(tmp_path)
    twin.write(stream(1, 40))
    job(twin)
    on = twin.settings
    off = on.warehouses["local"].model_copy(update={"enabled": False})
    twin.settings = on.model_copy(update={"warehouses": {"local": off}})
    before = columns(tmp_path)
    for batch in (2, 3):
        twin.write(stream(batch, 40, day=batch))
        result = job(twin)
        assert (result.status, result.warehouses) == ("Success", {})
    assert columns(tmp_path) == before
    twin.settings = on
    assert job(twin).status == "Success"
    assert_same(twin)


def test_the_schema_never_changes_after_the_first_sync(tmp_path):
    twin = Twin(tmp_path)
    twin.write([call("page", "p1", userId="u1")])
    assert job(twin).status == "Success"
    other = twin.settings.warehouses["local"].model_copy(update={"schema_name": "elsewhere"})
    moved = twin.settings.model_copy(update={"warehouses": {"local": other}})
    result = run(moved, lambda: None)
    assert result.status == "Failed"
    assert "its schema is acme since its first sync" in (result.warehouses["local"].error or "")
    assert query(tmp_path, "SELECT count(*) FROM information_schema.schemata WHERE schema_name = 'elsewhere'") == [(0,)]
    assert job(twin).status == "Success"
