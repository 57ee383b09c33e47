"""`warehouse list` and `warehouse test`: what they print, and how they end."""

import io
import json

import pytest

from profiles_sync.control import history
from profiles_sync.control.history import Sync
from profiles_sync.lake.opening import lake_of
from profiles_sync.settings import load
from tests.commands import SETTINGS, in_process, warehouse, written
from tests.servers import PASSWORD, postgres

pytestmark = pytest.mark.usefixtures("no_settings_in_the_environment")
CHECKS = [
    "connect",
    "create schema",
    "create table",
    "add column",
    "load staging",
    "insert",
    "update",
    "delete",
    "drop staging",
    "lock",
]
PG = "  pg: {type: postgres, host: 127.0.0.1, port: 1, database: acme, username: segment, enabled: false}\n"


def test_a_warehouse_that_gives_every_right_ends_with_0(tmp_path):
    settings = written(tmp_path, SETTINGS)
    code, out, err = in_process("warehouse", "test", "local", "--settings", settings, "--json")
    shown = json.loads(out)
    assert (code, err, shown["warehouse"], shown["ok"]) == (0, "", "local", True)
    assert [check["check"] for check in shown["checks"]] == CHECKS
    assert all(check["ok"] is True and check["error"] is check["grant"] is None for check in shown["checks"])
    with warehouse(tmp_path) as opened:
        assert opened.execute("SELECT count(*) FROM information_schema.tables").fetchall() == [(0,)]


def test_a_warehouse_that_does_not_ends_with_1_and_says_what_to_do(tmp_path):
    (tmp_path / "acme.duckdb").write_text("something else\n" * 1000)
    code, out, err = in_process("warehouse", "test", "local", "--settings", written(tmp_path, SETTINGS))
    assert (code, err) == (1, "")
    assert "failed     connect" in out
    assert "not tried  insert" in out
    assert "see type" in out


def test_a_name_that_is_not_in_the_settings_is_wrong_usage(tmp_path):
    code, _, err = in_process("warehouse", "test", "locl", "--settings", written(tmp_path, SETTINGS))
    assert (code, err) == (2, "error: no warehouse 'locl' in the settings; declared there: local\n")


def test_a_password_is_only_for_who_has_one(tmp_path, monkeypatch):
    settings = written(tmp_path, SETTINGS, PG)
    for name, typed, says in (("local", "x\n", "which has no password"), ("pg", "\n", "nothing on the standard input")):
        monkeypatch.setattr("sys.stdin", io.StringIO(typed))
        code, _, err = in_process("warehouse", "test", name, "--settings", settings, "--password-stdin")
        assert (code, says in err) == (2, True), err


def test_a_password_typed_again_is_tried_and_never_shown(tmp_path, monkeypatch, postgres_server):
    fields = {**postgres_server.settings, "password": "wrong-one"}
    settings = written(tmp_path, SETTINGS, f"  pg: {json.dumps(fields)}\n")
    code, out, _ = in_process("warehouse", "test", "pg", "--settings", settings, "--json")
    first = json.loads(out)["checks"][0]
    assert (code, first["ok"], first["error_class"]) == (1, False, "credentials")
    assert "wrong-one" not in out
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{PASSWORD}\n"))
    code, out, err = in_process("warehouse", "test", "pg", "--settings", settings, "--json", "--password-stdin")
    assert (code, json.loads(out)["ok"], PASSWORD in out + err) == (0, True, False), out


@pytest.fixture(scope="module")
def postgres_server():
    with postgres() as server:
        yield server


def test_the_list_has_every_warehouse_also_a_disabled_one_and_connects_to_none(tmp_path):
    settings = written(tmp_path, SETTINGS, PG)
    first = json.loads(in_process("warehouse", "list", "--settings", settings, "--json")[1])["warehouses"]
    assert first == [
        {
            "name": "local",
            "type": "duckdb",
            "place": f"schema acme of the DuckDB file {tmp_path / 'acme.duckdb'}",
            "enabled": True,
            "status": "enabled",
            "last_sync": None,
        },
        {
            "name": "pg",
            "type": "postgres",
            "place": "schema acme of the Postgres database acme at 127.0.0.1:1",
            "enabled": False,
            "status": "disabled",
            "last_sync": None,
        },
    ]
    lake = lake_of(load(settings))
    for hour in (1, 3, 2):
        history.record(lake, [Sync(str(hour), "local", "Success", hour * 3_600_000_000, hour * 3_600_000_001, 0)])
    code, out, err = in_process("warehouse", "list", "--settings", settings, "--json")
    assert [one["last_sync"] for one in json.loads(out)["warehouses"]] == ["1970-01-01T03:00:00+00:00", None]
    assert (code, err) == (0, "")
    shown = in_process("warehouse", "list", "--settings", settings)[1]
    assert ("never" in shown, "duckdb" in shown) == (True, True)
