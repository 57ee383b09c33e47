"""A sync into a real DuckDB file: what arrives, once each, and in which columns."""

import datetime as dt

import pytest

from profiles_sync.lake.listing import public_tables
from profiles_sync.lake.tables import scan
from profiles_sync.settings import load
from profiles_sync.sync.hourly import run
from tests.commands import columns, query, warehouse
from tests.lakes import Twin
from tests.sync.steps import assert_same, bought, call, job, stream, synced

# What arrives


def test_after_each_run_the_warehouse_holds_what_the_lake_holds(tmp_path):
    twin = Twin(tmp_path)
    for batch in range(3):
        twin.write(stream(10 + batch, 80, day=batch * 2))
        assert job(twin).status == "Success"
        assert_same(twin)
    assert job(twin).warehouses["local"].rows == 0


def test_several_batches_arrive_in_one_sync(tmp_path):
    twin = Twin(tmp_path)
    twin.land(stream(1, 40))
    assert synced(twin).status == "Success"
    for batch in range(2, 5):
        twin.land(stream(batch, 40, day=batch))
    assert synced(twin).status == "Success"
    assert_same(twin)


def test_the_schema_holds_the_tables_of_the_space_and_nothing_else(tmp_path):
    twin = Twin(tmp_path)
    twin.write([bought("m1"), b"not json"])
    job(twin)
    assert set(columns(tmp_path)) == set(public_tables(twin.lake))
    assert len(columns(tmp_path)) == 16
    assert not {"quarantine", "_control", "_staging"} & columns(tmp_path).keys()


def test_the_sync_record_and_nothing_else_stays_in_a_schema_of_its_own(tmp_path):
    twin = Twin(tmp_path)
    for message in ("m1", "m2"):
        twin.write([bought(message, total=5)])
        job(twin)
    assert set(columns(tmp_path, "_profiles_sync")) == {"cursors_acme"}
    rows = query(tmp_path, "SELECT schema_name, table_name, version FROM _profiles_sync.cursors_acme ORDER BY 2")
    versions = {name: twin.lake.open(name).version() for name in public_tables(twin.lake)}
    assert rows == [("acme", name, version) for name, version in sorted(versions.items())]
    schemas = query(tmp_path, "SELECT schema_name FROM duckdb_schemas() WHERE database_name = 'w' AND NOT internal")
    assert {name for (name,) in schemas} == {"acme", "_profiles_sync"}


def test_columns_have_the_types_of_duckdb(tmp_path):
    twin = Twin(tmp_path)
    twin.land([bought("m1", total=5, price=2.5, gift=True, seen="2026-01-01T00:00:00Z", note="x", tags=[1, "b"])])
    synced(twin)
    types = columns(tmp_path)["bought"]
    expected = {"total": "BIGINT", "price": "DOUBLE", "gift": "BOOLEAN", "seen": "TIMESTAMP"}
    assert {name: types[name] for name in expected} == expected
    assert (types["note"], types["tags"], types["id"], types["received_at"]) == (*["VARCHAR"] * 3, "TIMESTAMP")
    assert {kind for table in columns(tmp_path).values() for kind in table.values()} <= {"VARCHAR", *expected.values()}
    assert query(tmp_path, "SELECT tags, seen FROM acme.bought") == [('[1,"b"]', dt.datetime(2026, 1, 1))]


def test_names_that_duckdb_reserves_arrive_with_an_underscore(tmp_path):
    twin = Twin(tmp_path)
    twin.land([bought("m1", event="Select", order=1, Group="g"), bought("m2", event="2FA Enabled", **{"3d": True})])
    assert synced(twin).status == "Success"
    assert query(tmp_path, "SELECT id, _order, _group FROM acme._select") == [("m1", 1, "g")]
    assert query(tmp_path, 'SELECT id, "3d" FROM acme."2fa_enabled"') == [("m2", True)]
    assert_same_again(twin)


def assert_same_again(twin):
    """A name comes out the same on the next sync: nothing is created and nothing fails."""
    before = columns(twin.folder)
    twin.land([bought("m8", event="Select", order=2), bought("m9", event="2FA Enabled")])
    assert synced(twin).status == "Success"
    assert columns(twin.folder) == before


@pytest.mark.parametrize(("slug", "schema", "named"), [("acme-eu", "acme_eu", ""), ("acme", "crm", ", schema: crm")])
def test_the_schema_is_the_slug_with_underscores_or_what_the_settings_say(tmp_path, slug, schema, named):
    (tmp_path / "events").mkdir()
    (tmp_path / "events" / "a.jsonl").write_text('{"type": "page", "anonymousId": "a"}\n')
    (tmp_path / "acme.yml").write_text(
        f"space: {{name: Acme, slug: {slug}}}\nsources: {{web: {{id: s, name: W, path: ./events}}}}\n"
        f"warehouses: {{local: {{type: duckdb, path: ./acme.duckdb{named}}}}}\n"
    )
    assert run(load(tmp_path / "acme.yml"), lambda: None).status == "Success"
    assert query(tmp_path, f"SELECT anonymous_id FROM {schema}.pages") == [("a",)]
    assert (tmp_path / "lake" / slug / "pages").is_dir()
    assert query(tmp_path, f"SELECT DISTINCT schema_name FROM _profiles_sync.cursors_{schema}") == [(schema,)]


def test_two_spaces_share_a_file_and_do_not_meet(tmp_path):
    twin = Twin(tmp_path)
    twin.land([bought("m1")])
    synced(twin)
    twin.land([bought("m2")])
    synced(twin, schema_name="second")
    assert query(tmp_path, "SELECT id FROM acme.bought") == [("m1",)]
    assert query(tmp_path, "SELECT id FROM second.bought ORDER BY id") == [("m1",), ("m2",)]
    synced(twin)
    assert_same(twin)


# Once


def test_rows_are_appended_once_by_id_however_often_they_are_sent(tmp_path):
    twin = Twin(tmp_path)
    twin.land(stream(1, 40))
    synced(twin)
    sent = query(tmp_path, "SELECT count(*) FROM acme.identifies")[0][0]
    with warehouse(tmp_path) as opened:
        opened.execute("UPDATE _profiles_sync.cursors_acme SET version = -1, commit_digest = ''")  # as if all were new
        opened.execute("DELETE FROM acme.identifies WHERE id = (SELECT min(id) FROM acme.identifies)")
    again = synced(twin)
    assert again.status == "Success"
    assert (again.tables["identifies"].rows, again.tables["identifies"].duplicates) == (1, sent - 1)
    assert again.tables["id_graph_updates"].rows == 0
    assert_same(twin)


def test_a_merge_deletes_the_rows_of_the_profile_that_is_no_more(tmp_path):
    twin = Twin(tmp_path)
    twin.land([call("page", "m1", anonymousId="a1"), call("identify", "m2", userId="u1", traits={"plan": "pro"})])
    synced(twin)
    first, second = (row[0] for row in query(tmp_path, "SELECT segment_id FROM acme.id_graph ORDER BY seq"))
    twin.land([call("identify", "m3", day=6, anonymousId="a1", userId="u1", traits={"plan": "free"})])
    assert synced(twin).status == "Success"
    assert query(tmp_path, "SELECT DISTINCT canonical_segment_id FROM acme.user_identifiers") == [(first,)]
    assert query(tmp_path, "SELECT canonical_segment_id, name, value FROM acme.user_traits") == [
        (first, "plan", "free")
    ]
    assert query(tmp_path, f"SELECT canonical_segment_id FROM acme.id_graph WHERE segment_id = '{second}'") == [
        (first,)
    ]
    assert_same(twin)


@pytest.mark.parametrize("in_batches", [1, 2])
def test_of_a_repeat_after_seven_days_the_warehouse_keeps_the_first_and_counts_it(tmp_path, in_batches):
    twin = Twin(tmp_path)
    repeats = [bought("m1", day=20, total=2), bought("m1", day=5, total=1)]
    twin.land([*repeats[in_batches - 1 :], bought("m2", total=3)])
    first = synced(twin)
    if in_batches == 2:
        twin.land(repeats[:1])
        first = synced(twin)
    assert (first.status, first.tables["bought"].duplicates, first.tables["tracks"].duplicates) == ("Success", 1, 1)
    assert sorted(scan(twin.lake.open("bought"))["id"].to_pylist()) == ["m1", "m1", "m2"]
    assert query(tmp_path, "SELECT id, total FROM acme.bought ORDER BY id") == [("m1", 1), ("m2", 3)]
    assert query(tmp_path, "SELECT count(*) FROM acme.tracks") == [(2,)]


# Columns


def test_a_new_column_is_added_and_older_rows_are_empty_there(tmp_path):
    twin = Twin(tmp_path)
    twin.land([bought("m1", total=5), call("identify", "i1", userId="u1", traits={"plan": "pro"})])
    synced(twin)
    before = columns(tmp_path)
    twin.land([bought("m2", day=6, total=6, coupon="x"), call("identify", "i2", 6, userId="u1", traits={"age": 30})])
    synced(twin)
    after = columns(tmp_path)
    grown = {"bought": "coupon", "identifies": "age", "profile_traits_updates": "age", "profile_traits": "age"}
    assert {name: list(after[name]) for name in after} == {
        name: [*before[name], *([grown[name]] if name in grown else [])] for name in before
    }
    assert query(tmp_path, "SELECT id, coupon FROM acme.bought ORDER BY id") == [("m1", None), ("m2", "x")]
    assert query(tmp_path, "SELECT plan, age FROM acme.profile_traits") == [("pro", 30)]
    assert_same(twin)


def test_a_value_is_cast_to_the_type_that_the_user_gave_the_column(tmp_path):
    twin = Twin(tmp_path)
    twin.land([bought("m1", total=5, note="7")])
    synced(twin)
    with warehouse(tmp_path) as opened:
        opened.execute("ALTER TABLE acme.bought ALTER total TYPE VARCHAR")
        opened.execute("ALTER TABLE acme.bought ALTER note TYPE INTEGER")
    twin.land([bought("m2", total=6, note="8"), bought("m3", note="x"), bought("m4", note="99999999999")])
    done = synced(twin).tables["bought"]
    assert (done.error, done.rows, done.cast_to_null) == (None, 3, 2)
    rows = [("m1", "5", 7), ("m2", "6", 8), ("m3", None, None), ("m4", None, None)]
    assert query(tmp_path, "SELECT id, total, note FROM acme.bought ORDER BY id") == rows
    assert {name: columns(tmp_path)["bought"][name] for name in ("total", "note")} == {
        "total": "VARCHAR",
        "note": "INTEGER",
    }


def test_a_cast_in_a_merged_table_counts_what_does_not_fit(tmp_path):
    twin = Twin(tmp_path)
    twin.land([call("identify", "i1", userId="u1", traits={"age": 30})])
    synced(twin)
    with warehouse(tmp_path) as opened:
        opened.execute("ALTER TABLE acme.user_traits ALTER value TYPE INTEGER")
    twin.land([call("identify", "i2", day=6, userId="u1", traits={"age": 31, "plan": "pro"})])
    assert synced(twin).tables["user_traits"].cast_to_null == 1
    assert query(tmp_path, "SELECT name, value FROM acme.user_traits ORDER BY name") == [("age", 31), ("plan", None)]


def test_a_time_keeps_its_instant_in_a_column_with_a_zone(tmp_path, monkeypatch):
    monkeypatch.setenv("TZ", "America/New_York")
    twin = Twin(tmp_path)
    twin.land([bought("m1")])
    synced(twin)
    with warehouse(tmp_path) as opened:
        opened.execute("SET TimeZone = 'UTC'; ALTER TABLE acme.bought ALTER received_at TYPE TIMESTAMPTZ")
    twin.land([bought("m2", day=6)])
    synced(twin)
    found = query(tmp_path, "SELECT id, epoch_us(received_at) FROM acme.bought ORDER BY id")
    assert found == [(f"m{n}", dt.datetime(2026, 1, 4 + n, tzinfo=dt.UTC).timestamp() * 1e6) for n in (1, 2)]


def test_a_column_of_the_users_own_is_left_alone(tmp_path):
    twin = Twin(tmp_path)
    twin.land([bought("m1")])
    synced(twin)
    with warehouse(tmp_path) as opened:
        opened.execute("ALTER TABLE acme.bought ADD COLUMN mine VARCHAR DEFAULT 'yes'")
    twin.land([bought("m2", day=6)])
    assert synced(twin).status == "Success"
    assert query(tmp_path, "SELECT id, mine FROM acme.bought ORDER BY id") == [("m1", "yes"), ("m2", "yes")]
