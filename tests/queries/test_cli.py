"""`profiles-sync queries` as a person uses it."""

import json
import re

import pytest

from profiles_sync.queries import library
from tests.commands import SETTINGS, a_space, in_process

pytestmark = [pytest.mark.usefixtures("no_settings_in_the_environment"), pytest.mark.lake]
ROLES = "roles: {jane: [Unify and Engage Admin], bob: [Unify and Engage read-only]}\n"


@pytest.fixture(scope="module")
def acme(tmp_path_factory):
    path = a_space(tmp_path_factory.mktemp("queries"), SETTINGS)
    assert in_process("run", "--settings", path)[0] == 0
    return path


def test_the_list_has_every_query():
    code, out, _ = in_process("queries", "list", "--json")
    assert code == 0
    assert {one["name"] for one in json.loads(out)["queries"]} == library().keys()
    shown = in_process("queries", "list")[1]
    assert "profile_of_an_external_id" in shown and "type=email, value" in shown


def test_show_prints_the_file_or_what_a_warehouse_reads(acme):
    assert "{table pages} AS p" in in_process("queries", "show", "pages_of_a_profile")[1]
    assert "_PARTITIONTIME" in in_process("queries", "show", "rows_of_a_day", "--warehouse", "bigquery")[1]
    code, out, _ = in_process("queries", "show", "pages_of_a_profile", "profile=p'1", "--settings", acme)
    assert code == 0
    assert 'FROM "acme"."pages" AS p' in out and "'p''1'" in out


def test_run_prints_rows_for_a_person_and_for_a_program(acme):
    code, out, _ = in_process("queries", "run", "track_events", "--settings", acme)
    assert code == 0 and "order_completed" in out and "1 row" in out
    code, out, _ = in_process("queries", "run", "track_events", "--settings", acme, "--json")
    (row,) = json.loads(out)["rows"]
    assert row == {
        "event_name": "order_completed",
        "event_text": "Order Completed",
        "events": 1,
        "first_at": "2026-01-05T00:00:02",
        "last_at": "2026-01-05T00:00:02",
    }


def test_of_many_columns_each_has_a_line(acme):
    out = in_process("queries", "run", "latest_row_per_id", "--settings", acme)[1]
    assert re.search(r"^│ event_text +│ Order Completed +│$", out, re.M)
    assert "original_timestamp" not in out  # it is empty
    assert out.endswith("1 row\n")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (
            ("subscription_statuses",),
            "there is no table channel_subscription_updated in schema acme of the DuckDB file",
        ),
        (("history_of_a_trait", "trait=size"), "identifies has no column size"),
        (("track_events", "--warehouse", "pg"), "no warehouse 'pg'"),
        (("everything",), "no query 'everything'"),
        (("sessions", "minutes"), "expected FIELD=VALUE, such as event=order_completed"),
    ],
)
def test_what_cannot_be_asked_is_wrong_usage(acme, words, told):
    code, out, err = in_process("queries", "run", *words, "--settings", acme)
    assert (code, out) == (2, "")
    assert told in err.replace("\n", "")


def test_several_warehouses_have_to_be_told_apart(tmp_path):
    path = a_space(tmp_path, SETTINGS + "  other: {type: duckdb, path: ./other.duckdb}\n")
    code, _, err = in_process("queries", "run", "track_events", "--settings", path)
    assert code == 2 and "enabled here: local, other" in err


def test_only_who_may_see_people_may_run_a_query(tmp_path, monkeypatch):
    path = a_space(tmp_path, SETTINGS + ROLES)
    monkeypatch.setenv("PROFILES_SYNC_USER", "jane")
    assert in_process("run", "--settings", path)[0] == 0
    asked = ("queries", "run", "profile_of_an_external_id", "value=jane@example.com", "--settings", path)
    assert "jane@example.com" in in_process(*asked)[1]
    monkeypatch.setenv("PROFILES_SYNC_USER", "bob")
    code, out, err = in_process(*asked)
    assert (code, out) == (1, "")
    assert "bob may not see or export people's data" in err and "jane@example.com" not in err
    assert in_process("queries", "show", "track_events", "--settings", path)[0] == 0
    denied = in_process("audit", "--settings", path)[1]
    assert "denied" in denied


def test_a_query_changes_nothing(acme):
    file = acme.parent / "acme.duckdb"
    before = file.read_bytes()
    assert in_process("queries", "run", "traits_per_profile", "--settings", acme)[0] == 0
    assert file.read_bytes() == before
