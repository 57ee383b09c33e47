"""`warehouse selection`, `warehouse materialize` and `data-graph prerequisites`, as one types them."""

import json

import pytest

from profiles_sync.control import history
from profiles_sync.lake.opening import lake_of
from profiles_sync.settings import load
from tests.commands import EVENTS, SETTINGS, a_space, columns, in_process, query, warehouse, write_events

pytestmark = pytest.mark.usefixtures("no_settings_in_the_environment")
LATER = [
    {"type": "page", "anonymousId": "a1", "messageId": "m4", "receivedAt": "2026-01-06T00:00:00Z"},
    {
        "type": "identify",
        "userId": "u9",
        "messageId": "m5",
        "receivedAt": "2026-01-06T00:00:01Z",
        "traits": {"plan": "free"},
    },
]


def profiles_sync(settings, *arguments):
    """The exit code, and what was printed as JSON."""
    code, out, err = in_process(*arguments, "--settings", settings, "--json")
    return code, json.loads(out) if out else err


def test_what_is_switched_off_is_in_the_plan_and_not_in_the_warehouse(tmp_path):
    settings = a_space(tmp_path)
    assert profiles_sync(settings, "run")[0] == 0
    code, shown = profiles_sync(
        settings, "warehouse", "selection", "local", "--off", "pages", "--off", "identifies.plan"
    )
    assert (code, shown["groups"]["event-type-tables"]["tables"]["pages"]) == (0, False)
    assert shown["columns_off"] == ["identifies.plan"]
    write_events(tmp_path, "second.jsonl", LATER)
    assert profiles_sync(settings, "run")[0] == 0
    assert query(tmp_path, "SELECT id FROM acme.pages") == [("m1",)]
    assert query(tmp_path, "SELECT id, plan FROM acme.identifies ORDER BY id") == [("m2", "pro"), ("m5", None)]
    code, shown = profiles_sync(settings, "warehouse", "selection", "local", "--on", "pages")
    assert (code, shown["groups"]["event-type-tables"]["tables"]["pages"]) == (0, True)
    write_events(tmp_path, "third.jsonl", [EVENTS[0] | {"messageId": "m6", "receivedAt": "2026-01-07T00:00:00Z"}])
    assert profiles_sync(settings, "run")[0] == 0
    assert query(tmp_path, "SELECT id FROM acme.pages ORDER BY id") == [("m1",), ("m6",)]


def test_what_the_file_says_holds_from_the_first_sync_on(tmp_path):
    declared = SETTINGS.replace(
        "path: ./acme.duckdb}", "path: ./acme.duckdb, selective: {track-tables: off, pages: no}}"
    )
    settings = a_space(tmp_path, declared)
    lake_of(load(settings))
    assert profiles_sync(settings, "run")[0] == 0
    assert not {"pages", "order_completed"} & columns(tmp_path).keys()
    assert "tracks" in columns(tmp_path)
    shown = profiles_sync(settings, "warehouse", "selection", "local")[1]
    assert (shown["all_track_tables"], shown["groups"]["track-tables"]["on"]) == (False, False)


def test_a_person_sees_the_four_groups_and_what_differs(tmp_path):
    settings = a_space(tmp_path)
    assert in_process("run", "--settings", settings)[0] == 0
    items = ("--off", "track-tables", "--on", "order_completed", "--off", "pages", "--off", "screens.name")
    code, out, err = in_process("warehouse", "selection", "local", *items, "--settings", settings)
    assert (code, err) == (0, "")
    lines = {line.split("│")[1].strip(): line for line in out.splitlines() if "│" in line}
    assert "off" in lines["track-tables"] and "order_completed" in lines["track-tables"]
    assert "on " in lines["event-type-tables"] and "pages" in lines["event-type-tables"]
    assert "columns that are off: screens.name" in out


def test_a_refusal_is_one_line(tmp_path):
    settings = a_space(tmp_path, events=())
    assert in_process("run", "--settings", settings)[0] == 0
    code, _, err = in_process("warehouse", "selection", "local", "--off", "pages.received_at", "--settings", settings)
    assert (code, err.count("\n")) == (1, 1)
    assert err.startswith("error: warehouse local: pages.received_at cannot be left out: every sync needs id")


def a_page(number):
    return EVENTS[0] | {"messageId": f"p{number}", "receivedAt": f"2026-02-0{number}T00:00:00Z"}


def test_what_came_while_a_table_was_off_and_its_warehouse_was_not_synced_does_not_come_later(tmp_path):
    settings = a_space(tmp_path)
    assert in_process("run", "--settings", settings)[0] == 0
    profiles_sync(settings, "warehouse", "selection", "local", "--off", "pages")
    profiles_sync(settings, "warehouse", "disable", "local")
    write_events(tmp_path, "second.jsonl", [a_page(1), EVENTS[2] | {"messageId": "m9", "receivedAt": "2026-02-01"}])
    assert in_process("run", "--settings", settings)[0] == 0
    profiles_sync(settings, "warehouse", "selection", "local", "--on", "pages")
    profiles_sync(settings, "warehouse", "enable", "local")
    write_events(tmp_path, "third.jsonl", [a_page(2)])
    assert profiles_sync(settings, "run")[0] == 0
    assert query(tmp_path, "SELECT id FROM acme.pages ORDER BY id") == [("m1",), ("p2",)]
    assert query(tmp_path, "SELECT id FROM acme.order_completed ORDER BY id") == [("m3",), ("m9",)]
    write_events(tmp_path, "fourth.jsonl", [a_page(3)])
    assert profiles_sync(settings, "run")[0] == 0
    assert query(tmp_path, "SELECT id FROM acme.pages ORDER BY id") == [("m1",), ("p2",), ("p3",)]


# Switching to materialized views


@pytest.fixture
def without_views(tmp_path):
    """A space whose materialized tables were off while profiles came and merged."""
    declared = SETTINGS.replace("path: ./acme.duckdb}", "path: ./acme.duckdb, selective: {materialized-tables: off}}")
    settings = a_space(tmp_path, declared)
    assert in_process("run", "--settings", settings)[0] == 0
    return settings


VIEWS = ("profile_merges", "user_identifiers", "user_traits")


def test_the_command_selects_loads_and_counts(tmp_path, without_views):
    assert not set(VIEWS) & columns(tmp_path).keys()
    code, shown = profiles_sync(without_views, "warehouse", "materialize", "local")
    assert (code, shown["verified"], shown["status"]) == (0, True, "Success")
    assert {name: one["warehouse"] for name, one in shown["tables"].items()} == dict(zip(VIEWS, (1, 2, 2), strict=True))
    assert "id_graph" not in columns(tmp_path)
    lake = lake_of(load(without_views))
    newest = history.syncs(lake)[0]
    assert (newest.status, newest.rows, set(newest.tables)) == ("Success", 5, set(VIEWS))
    write_events(tmp_path, "second.jsonl", LATER)
    assert profiles_sync(without_views, "run")[0] == 0
    assert query(tmp_path, "SELECT name, value FROM acme.user_traits ORDER BY ALL") == [
        ("email", "jane@example.com"),
        ("plan", "free"),
        ("plan", "pro"),
    ]


def test_rows_that_went_while_it_was_off_go_from_the_warehouse_too(tmp_path):
    settings = a_space(tmp_path)
    assert in_process("run", "--settings", settings)[0] == 0
    profiles_sync(settings, "warehouse", "selection", "local", "--off", "materialized-tables")
    merge = {
        "type": "identify",
        "userId": "u9",
        "traits": {"email": "jane@example.com", "plan": "free"},
        "receivedAt": "2026-01-08T00:00:00Z",
    }
    write_events(tmp_path, "second.jsonl", [*LATER, merge])
    assert profiles_sync(settings, "run")[0] == 0
    with warehouse(tmp_path) as opened:
        opened.execute("INSERT INTO acme.user_traits BY NAME SELECT 'gone' AS canonical_segment_id, 'x' AS name")
    shown = profiles_sync(settings, "warehouse", "materialize", "local")[1]
    assert shown["verified"], shown
    assert query(tmp_path, "SELECT count(*) FROM acme.user_traits WHERE canonical_segment_id = 'gone'") == [(0,)]
    assert query(tmp_path, "SELECT value FROM acme.user_traits WHERE name = 'plan'") == [("free",)]


def test_it_is_refused_before_the_first_sync_and_of_a_disabled_warehouse(tmp_path):
    settings = a_space(tmp_path)
    code, told = profiles_sync(settings, "warehouse", "materialize", "local")
    assert (code, told) == (1, "error: warehouse local had no sync yet; let a run go well first\n")
    assert in_process("run", "--settings", settings)[0] == 0
    profiles_sync(settings, "warehouse", "disable", "local")
    code, told = profiles_sync(settings, "warehouse", "materialize", "local")
    assert (code, told) == (1, "error: warehouse local is disabled; enable it first\n")


def test_a_table_that_fails_is_told_and_the_command_ends_with_1(tmp_path, without_views):
    with warehouse(tmp_path) as opened:
        opened.execute("CREATE VIEW acme.user_traits AS SELECT 1 AS canonical_segment_id")
    code, shown = profiles_sync(without_views, "warehouse", "materialize", "local")
    assert (code, shown["verified"], shown["status"]) == (1, False, "Partial success")
    assert list(shown["errors"]) == ["user_traits"]
    with warehouse(tmp_path) as opened:
        opened.execute("DROP VIEW acme.user_traits")
    assert profiles_sync(without_views, "warehouse", "materialize", "local")[0] == 0


def test_another_table_that_fails_does_not_matter_and_a_warehouse_that_does_not_open_does(tmp_path, without_views):
    with warehouse(tmp_path) as opened:
        opened.execute("ALTER TABLE acme.pages RENAME TO kept; CREATE VIEW acme.pages AS SELECT * FROM acme.kept")
    write_events(tmp_path, "second.jsonl", LATER)
    assert profiles_sync(without_views, "run")[0] == 3
    code, shown = profiles_sync(without_views, "warehouse", "materialize", "local")
    assert (code, shown["verified"], shown["status"], list(shown["errors"])) == (0, True, "Partial success", ["pages"])
    (tmp_path / "acme.duckdb").write_text("something else\n" * 1000)
    code, shown = profiles_sync(without_views, "warehouse", "materialize", "local")
    assert (code, shown["verified"], shown["tables"]) == (1, False, {})
    assert "cannot open" in shown["error"]


# The Data Graph


def test_the_data_graph_is_told_what_it_lacks(tmp_path, without_views):
    profiles_sync(without_views, "warehouse", "selection", "local", "--off", "track-tables")
    code, shown = profiles_sync(without_views, "data-graph", "prerequisites", "local")
    assert (code, shown["ok"]) == (1, False)
    assert shown["lacking"] == [
        f"select in Selective Sync: {', '.join(VIEWS)}, order_completed",
        "select all track event tables in Selective Sync, so that tables to come are synced too",
    ]
    profiles_sync(without_views, "warehouse", "selection", "local", "--on", "track-tables")
    assert profiles_sync(without_views, "warehouse", "materialize", "local")[0] == 0
    assert profiles_sync(without_views, "data-graph", "prerequisites", "local") == (
        0,
        {"warehouse": "local", "ok": True, "lacking": []},
    )
    with warehouse(tmp_path) as opened:
        opened.execute("DROP TABLE acme.profile_merges")
    assert profiles_sync(without_views, "data-graph", "prerequisites", "local")[1]["lacking"] == [
        "wait for the sync of: profile_merges"
    ]
