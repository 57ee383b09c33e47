"""`warehouse retype`, as an Admin types it: who may, what is written down, what it says."""

import json

import pytest

from profiles_sync.control.log import Log
from profiles_sync.lake.opening import lake_of
from profiles_sync.settings import load
from tests.commands import EVENTS, SETTINGS, a_space, columns, in_process, query, write_events, written

pytestmark = pytest.mark.usefixtures("no_settings_in_the_environment")
ROLES = "roles: {ann: [Unify and Engage Admin], joe: [Unify and Engage read-only]}\n"


def retype(settings, *asked):
    code, out, err = in_process("warehouse", "retype", "local", *asked, "--settings", settings, "--json")
    return code, json.loads(out) if code == 0 else err


def changes(settings):
    return [
        (one.who, one.action, one.details)
        for one in Log.read(lake_of(load(settings))).changes
        if one.action in ("retype", "retyped", "denied")
    ]


def test_a_column_gets_a_wider_type_and_later_values_are_cast_to_it(tmp_path, monkeypatch):
    monkeypatch.setenv("PROFILES_SYNC_USER", "ann")
    settings = a_space(tmp_path)
    code, err = retype(settings, "order_completed", "total", "float")
    assert (code, "had no sync yet" in err) == (1, True)
    assert in_process("run", "--settings", settings)[0] == 0
    code, shown = retype(settings, "order_completed", "total", "float")
    assert (code, shown) == (
        0,
        {
            "warehouse": "local",
            "table": "order_completed",
            "column": "total",
            "was": "BIGINT",
            "type": "DOUBLE",
            "kept_as": None,
        },
    )
    told = {"table": "order_completed", "column": "total", "was": "BIGINT", "type": "DOUBLE"}
    assert changes(settings) == [("ann", "retype", told), ("ann", "retyped", told)]
    write_events(tmp_path, "second.jsonl", [EVENTS[2] | {"messageId": "m4", "receivedAt": "2026-01-06T00:00:00Z"}])
    assert in_process("run", "--settings", settings)[0] == 0
    assert query(tmp_path, "SELECT total FROM acme.order_completed ORDER BY id") == [(5.0,), (5.0,)]
    assert columns(tmp_path)["order_completed"]["total"] == "DOUBLE"


def test_it_takes_an_admin_and_a_refusal_is_written_down(tmp_path, monkeypatch):
    settings = a_space(tmp_path)
    assert in_process("run", "--settings", settings)[0] == 0
    written(tmp_path, SETTINGS, ROLES)
    monkeypatch.setenv("PROFILES_SYNC_USER", "joe")
    code, err = retype(settings, "order_completed", "total", "float")
    assert (code, "joe may not change the settings" in err) == (1, True)
    assert changes(settings) == [("joe", "denied", {"right": "CHANGE"})]
    assert columns(tmp_path)["order_completed"]["total"] == "BIGINT"
    monkeypatch.setenv("PROFILES_SYNC_USER", "ann")
    assert retype(settings, "order_completed", "total", "varchar")[0] == 0
    assert query(tmp_path, "SELECT total FROM acme.order_completed") == [("5",)]


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        (("order_completed", "total", "boolean"), "does not hold every integer"),
        (("order_completed", "total", "text"), "expected integer, float"),
        (("order_completed", "nothing", "varchar"), "has no column order_completed.nothing"),
        (("nothing", "total", "varchar"), "has no column nothing.total"),
        (("user_traits", "seq", "integer"), "does not hold every varchar"),
    ],
)
def test_what_cannot_be_done_is_refused_with_the_reason_and_not_written_down(tmp_path, asked, why):
    settings = a_space(tmp_path)
    assert in_process("run", "--settings", settings)[0] == 0
    code, err = retype(settings, *asked)
    assert (code, why in err) == (1, True), err
    assert changes(settings) == []
