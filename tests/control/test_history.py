"""The Syncs table of a space."""

import datetime as dt
import shutil

import orjson
import pyarrow as pa
import pytest

from profiles_sync.control.history import SCHEMAS, SYNCS, Sync, in_a_row, last_of, record, schemas, syncs, table_of
from profiles_sync.lake.tables import Lake, scan
from profiles_sync.problems import ErrorClass, Problem

START = dt.datetime(2026, 1, 5, 14, 0, tzinfo=dt.UTC)
MINUTE = 60_000_000


@pytest.fixture
def lake(tmp_path):
    return Lake(str(tmp_path), "acme")


def sync(minute, warehouse="local", status="Success", took=1.0, **more):
    """A sync that began so many minutes after START."""
    started = int(START.timestamp() * 1e6) + minute * MINUTE
    return Sync(str(started), warehouse, status, started, started + int(took * MINUTE), more.pop("rows", 0), **more)


def test_a_space_that_never_synced_has_no_syncs(lake):
    assert syncs(lake) == []


def test_syncs_come_newest_first_however_they_were_recorded(lake):
    for minute in (60, 0, 120):
        record(lake, [sync(minute)])
    assert [one.started_at for one in syncs(lake)] == [sync(minute).started_at for minute in (120, 60, 0)]


def test_a_sync_comes_back_as_it_was_recorded(lake):
    one = sync(0, None, "Failed", error='it\'s "odd"\n✓', tables={"pages": 3}, errors={"tracks": "no"}, rows=3)
    two = sync(0, "pg", rows=2**40)
    record(lake, [one, two])
    assert sorted(syncs(lake), key=lambda sync: sync.rows) == [one, two]


def test_a_warehouse_s_schema_is_that_of_its_first_sync_which_did_not_fail(lake):
    assert schemas(lake) == {}
    record(lake, [sync(0, None)])
    record(lake, [sync(60, "pg", "Failed", schema="wrong")])
    record(lake, [sync(120, "pg", schema="acme"), sync(120, "duck", "Partial success", schema="acme_1")])
    record(lake, [sync(180, "pg", schema="later"), sync(180, "new", schema="acme_2")])
    assert schemas(lake) == {"pg": "acme", "duck": "acme_1", "new": "acme_2"}


@pytest.mark.parametrize(
    ("newest_first", "of_local", "of_the_run"),
    [
        ([("local", "Success")], 0, 0),
        ([("local", "Failed"), ("local", "Partial success"), ("local", "Success"), ("local", "Failed")], 2, 0),
        ([("pg", "Success"), ("local", "Failed"), ("pg", "Failed")], 1, 0),
        ([("local", "Failed"), (None, "Failed"), ("pg", "Success"), ("local", "Success")], 2, 0),
        ([(None, "Failed"), (None, "Failed"), ("local", "Success"), (None, "Failed")], 2, 2),
        ([(None, "Failed"), ("local", "Failed"), (None, "Failed")], 3, 1),
    ],
)
def test_in_a_row_are_those_since_the_last_success(newest_first, of_local, of_the_run):
    done = [sync(-minute, *one) for minute, one in enumerate(newest_first)]
    assert (in_a_row("local", done), in_a_row(None, done)) == (of_local, of_the_run)


def test_the_last_sync_of_a_warehouse_may_be_a_run_that_came_to_none():
    of_the_lake, failed = sync(0, None), sync(60, None, "Failed")
    own, other = sync(30, "local"), sync(90, "pg")
    assert last_of("local", [failed, own, of_the_lake]) == failed
    assert last_of("local", [other, own, failed, of_the_lake]) == own
    assert last_of("local", [own, of_the_lake]) == own
    assert last_of("new", [failed, own, of_the_lake]) is None


def test_schemas_are_known_in_a_lake_that_is_older_than_their_record(lake):
    record(lake, [sync(0, "pg", schema="acme")])
    record(lake, [sync(60, "duck", schema="acme_1")])
    shutil.rmtree(lake.path(SCHEMAS))
    assert schemas(lake) == {"pg": "acme", "duck": "acme_1"}
    record(lake, [sync(120, "pg", schema="later")])
    assert lake.open(SCHEMAS) is not None
    assert schemas(lake) == {"pg": "acme", "duck": "acme_1"}


@pytest.mark.parametrize(("took", "minutes"), [(0, 0), (1, 1), (2.5, 2.5), (1 / 3, 0.33), (0.001, 0), (90, 90)])
def test_the_duration_is_in_minutes(took, minutes):
    assert sync(0, took=took).minutes == minutes
    assert sync(0, took=took).shown()["duration_minutes"] == minutes


def test_rows_are_split_into_the_three_groups():
    graph = ["id_graph_updates", "external_id_mapping_updates", "profile_traits_updates", "profile_merges"]
    graph += ["user_identifiers", "user_traits", "id_graph", "external_id_mapping", "profile_traits"]
    types = ["identifies", "pages", "screens", "groups", "aliases", "tracks"]
    tables = {name: 10**place for place, name in enumerate([*graph, *types, "order_completed", "_tracks"])}
    assert sync(0, tables=tables).groups == {
        "identity graph tables": 111_111_111,
        "event type tables": 111_111 * 10**9,
        "event tables": 11 * 10**15,
    }
    assert sync(0).groups == {"identity graph tables": 0, "event type tables": 0, "event tables": 0}
    assert sync(0, tables={"pages": 3, "id_graph": 1, "bought": 2}).grouped == {
        "identity graph tables": {"id_graph": 1},
        "event type tables": {"pages": 3},
        "event tables": {"bought": 2},
    }


BROKEN = Problem(ErrorClass.CONNECTIVITY, "see the firewall")
DENIED = Problem(ErrorClass.PERMISSION, "grant it")


def test_an_error_is_recorded_with_its_class_and_what_to_do(lake):
    one = sync(0, "pg", "Failed", error="gone", problem=BROKEN, errors={"pages": "no"}, problems={"pages": DENIED})
    record(lake, [one])
    assert syncs(lake) == [one]
    shown = syncs(lake)[0].shown()
    assert shown["problem"] == {"class": "connectivity", "advice": "see the firewall"}
    assert shown["problems"] == {"pages": {"class": "permission", "advice": "grant it"}}
    assert (sync(0).shown()["problem"], sync(0).shown()["problems"]) == (None, {})


def test_a_record_of_an_older_version_is_still_read(lake):
    known = ["sync_id", "warehouse", "status", "started_at", "finished_at", "rows", "tables", "errors", "error"]
    record(lake, [sync(0, "pg", rows=3)])
    row = scan(lake.open(SYNCS)).to_pylist()[0]
    older = {name: orjson.loads(row["record"])[name] for name in known}
    shutil.rmtree(lake.path(SYNCS))
    lake.add(SYNCS, pa.Table.from_pylist([row | {"record": orjson.dumps(older).decode()}]))
    assert syncs(lake) == [sync(0, "pg", rows=3)]


def test_the_syncs_are_a_table_for_notebooks():
    rows = table_of(
        [
            sync(60, "pg", "Failed", errors={"pages": "no"}, problems={"pages": DENIED}, error="gone", problem=BROKEN),
            sync(0, None, rows=3, tables={"pages": 3}),
        ]
    ).to_pylist()
    assert [row["start_time"] for row in rows] == [START + dt.timedelta(hours=1), START]
    assert [(row["error"], row["error_class"]) for row in rows] == [("gone; pages: no", "connectivity"), (None, None)]
    assert [row["event_type_tables"] for row in rows] == [0, 3]
    assert table_of([]).num_rows == 0


def test_a_sync_is_shown_with_its_status_start_duration_and_rows():
    shown = sync(5, status="Partial success", rows=3, tables={"pages": 3}, errors={"tracks": "no"}).shown()
    assert (
        shown.items()
        >= {
            "sync_id": str(sync(5).started_at),
            "warehouse": "local",
            "status": "Partial success",
            "start_time": "2026-01-05T14:05:00+00:00",
            "duration_minutes": 1.0,
            "synced_rows": 3,
            "tables": {"pages": 3},
            "errors": {"tracks": "no"},
            "error": None,
        }.items()
    )


def test_the_syncs_are_no_table_of_the_space(lake, tmp_path):
    record(lake, [sync(0)])
    assert (tmp_path / "acme" / "_control" / "syncs" / "_delta_log").is_dir()
