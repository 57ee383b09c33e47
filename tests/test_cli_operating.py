"""Warehouses are added, enabled, disabled and deleted by command, and `run`, `plan` and `status` keep to it."""

import io
import json

import pytest
from cryptography.fernet import Fernet

from profiles_sync.control.log import Log
from profiles_sync.control.vault import KEY
from profiles_sync.lake.opening import lake_of
from profiles_sync.lake.tables import scan
from profiles_sync.problems import ErrorClass
from profiles_sync.settings import load
from tests.commands import SETTINGS, a_space, in_process, query, warehouse, write_events, written
from tests.servers import PASSWORD, postgres

pytestmark = pytest.mark.usefixtures("no_settings_in_the_environment")
LATER = [
    {"type": "page", "anonymousId": f"b{n}", "messageId": f"n{n}", "receivedAt": f"2026-01-0{5 + n}T00:00:00Z"}
    for n in (1, 2)
]


@pytest.fixture(scope="module")
def postgres_server():
    with postgres() as server:
        yield server


@pytest.fixture
def command(tmp_path):
    """A command on the space; what it prints as JSON."""
    settings = a_space(tmp_path)

    def run(*words, code=0, typed=None, monkeypatch=None):
        if typed is not None:
            monkeypatch.setattr("sys.stdin", io.StringIO(f"{typed}\n"))
        ended, out, err = in_process(*words, "--settings", settings, "--json")
        assert ended == code, (out, err)
        return json.loads(out) if out else err

    return run


def pages(folder, file="acme.duckdb"):
    return [row[0] for row in query(folder, "SELECT id FROM acme.pages ORDER BY id", file)]


def status(command, name):
    return {one["name"]: one["status"] for one in command("warehouse", "list")["warehouses"]}[name]


def test_a_disabled_warehouse_is_passed_by_and_gets_all_it_missed_when_it_is_enabled_again(tmp_path, command):
    assert command("run")["warehouses"].keys() == {"local"}
    assert command("warehouse", "disable", "local") == {"warehouse": "local", "status": "disabled"}
    write_events(tmp_path, "second.jsonl", LATER)
    shown = command("run")
    assert (shown["status"], shown["warehouses"], shown["lines"]["events"]) == ("Success", {}, 2)
    assert command("plan")["warehouses"] == {}
    overview = command("status")["warehouses"]["local"]
    assert (overview["enabled"], overview["status"], overview["next_sync"]) == (False, "disabled", None)
    assert overview["last_sync"] and overview["last_status"] == "Success"
    assert pages(tmp_path) == ["m1"]
    command("warehouse", "enable", "local")
    assert command("plan")["warehouses"]["local"]["tables"]
    assert command("run")["warehouses"]["local"]["status"] == "Success"
    assert pages(tmp_path) == ["m1", "n1", "n2"]
    assert command("status")["warehouses"]["local"]["enabled"] is True


def test_only_a_disabled_warehouse_is_deleted_and_only_on_request(tmp_path, command):
    error = "error: warehouse local is enabled and cannot become deleted; disable it first\n"
    assert command("warehouse", "delete", "local", "--yes", code=1) == error
    command("warehouse", "disable", "local")
    error = "error: warehouse delete local: say --yes to do it\n"
    assert command("warehouse", "delete", "local", code=2) == error
    assert command("warehouse", "delete", "local", "--yes")["status"] == "deleted"
    assert command("run")["warehouses"] == {}
    assert command("warehouse", "enable", "local", code=1).endswith("add it again first\n")
    assert "is deleted; add it again first" in command("warehouse", "test", "local", code=1)
    assert not (tmp_path / "acme.duckdb").exists()
    shown = command("warehouse", "add", "local")
    assert (shown["ok"], shown["status"]) == (True, "requested")
    assert command("run")["warehouses"] == {}
    command("warehouse", "enable", "local")
    assert command("run")["warehouses"]["local"]["status"] == "Success"
    assert pages(tmp_path) == []  # m1 is history
    write_events(tmp_path, "second.jsonl", LATER)
    command("run")
    assert pages(tmp_path) == ["n1", "n2"]
    command("backfill", "local", "--from", "2026-01-01")
    assert pages(tmp_path) == ["m1", "n1", "n2"]


def test_a_warehouse_is_created_tested_requested_and_only_then_enabled(tmp_path, command):
    second = tmp_path / "second.duckdb"
    second.write_text("something else\n" * 1000)
    shown = command("warehouse", "add", "second", "type=duckdb", f"path={second}", code=1)
    assert (shown["ok"], shown["status"]) == (False, "created")
    assert "let `profiles-sync warehouse test` go well first" in command("warehouse", "enable", "second", code=1)
    second.unlink()
    assert command("warehouse", "test", "second")["status"] == "requested"
    assert "second" not in command("run")["warehouses"]
    command("warehouse", "enable", "second")
    write_events(tmp_path, "second.jsonl", LATER)
    assert command("run")["warehouses"]["second"]["status"] == "Success"
    assert pages(tmp_path, "second.duckdb") == ["n1", "n2"]
    actions = [one["action"] for one in reversed(command("audit")["changes"]) if one["name"] == "second"]
    assert actions == ["created", "tested", "requested", "enabled", "backfill requested"]
    assert "disable it first" in command("warehouse", "add", "second", "type=duckdb", f"path={second}", code=1)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["x", "path=a"], "warehouses.x.type: required and missing"),
        (["x", "type=duckdb"], "warehouses.x.path: required and missing"),
        (["x", "type"], "expected FIELD=VALUE, such as type=postgres"),
        (["X Y", "type=duckdb", "path=a"], "warehouses.X Y"),
        (["local", "type=duckdb", "path=a"], "warehouse local stands in the settings file; change its fields there"),
    ],
)
def test_a_warehouse_that_is_added_wrongly_is_told_and_not_written_down(command, tmp_path, words, said):
    assert said in command("warehouse", "add", *words, code=2)
    assert command("audit") == {"changes": []}


def test_a_schema_that_is_called_like_a_source_is_refused(tmp_path, command):
    error = command("warehouse", "add", "x", "type=duckdb", f"path={tmp_path / 'x'}", "schema=Website", code=1)
    assert "its schema website is called like the source website" in error
    settings = written(tmp_path, SETTINGS.replace("acme.duckdb}", "acme.duckdb, schema: website}"))
    for subcommand in ("run", "plan"):
        shown = json.loads(in_process(subcommand, "--settings", settings, "--json")[1])
        assert "is called like the source website" in shown["warehouses"]["local"]["error"]
    assert not (tmp_path / "acme.duckdb").exists()


def test_a_schema_never_changes_also_not_by_adding_the_warehouse_again(tmp_path, command):
    fields = ["type=duckdb", f"path={tmp_path / 'x.duckdb'}"]
    command("warehouse", "add", "x", *fields)
    command("warehouse", "enable", "x")
    command("run")
    command("warehouse", "disable", "x")
    command("warehouse", "delete", "x", "--yes")
    error = command("warehouse", "add", "x", *fields, "schema=other", code=1)
    assert "its schema is acme since its first sync and cannot become other" in error
    assert command("warehouse", "add", "x", *fields)["status"] == "requested"


def test_a_typed_password_is_in_no_file_no_output_and_no_log_and_gone_with_its_warehouse(
    tmp_path, command, postgres_server, monkeypatch, caplog
):
    key = Fernet.generate_key().decode()
    settings = load(written(tmp_path, SETTINGS, "alerts: {ops: {to: ./alerts.jsonl}}\n"))
    fields = [f"{name}={value}" for name, value in postgres_server.settings.items() if name != "password"]
    secret = {"typed": PASSWORD, "monkeypatch": monkeypatch}
    caplog.set_level("DEBUG")
    said = [command("warehouse", "add", "pg", *fields, "--password-stdin", code=1, **secret)]
    assert f"{KEY} is not set" in said[0]
    monkeypatch.setenv(KEY, key)
    said += [command("warehouse", "add", "pg", *fields, "--password-stdin", **secret)]
    assert said[-1]["status"] == "requested"
    said += [command("warehouse", "enable", "pg"), command("run"), command("plan"), command("status")]
    assert said[3]["warehouses"]["pg"]["status"] == "Success"
    said += [command("check"), command("audit"), command("warehouse", "list"), command("warehouse", "test", "pg")]
    postgres_server.admin("ALTER USER segment PASSWORD 'another'", "postgres")
    try:
        failed = command("run", code=3)
    finally:
        postgres_server.admin(f"ALTER USER segment PASSWORD '{PASSWORD}'", "postgres")
    assert failed["warehouses"]["pg"]["status"] == "Failed"
    shown = command("warehouse", "show", "pg")
    assert (shown["status"], shown["connection"]["username"]) == ("enabled", "segment")
    assert (shown["connection"]["password"], shown["egress_addresses"]) == ("kept", [])
    said.append(shown)
    said += [failed, command("status")]
    assert said[-1]["syncs"][0]["problem"] or said[-1]["syncs"][1]["problem"]
    assert PASSWORD not in repr(said) + caplog.text
    (file,) = (tmp_path / "lake" / "acme" / "_control" / "_credentials").iterdir()
    token = file.read_bytes()
    assert holding(tmp_path, token) == [file.name]
    assert holding(tmp_path, PASSWORD.encode()) == holding(tmp_path, key.encode()) == []
    told = [json.loads(line)["occasion"] for line in (tmp_path / "alerts.jsonl").read_text().splitlines()]
    assert told == ["warehouse_created", "warehouse_modified", "sync_failed"]
    lake = lake_of(settings)
    rows = {name: repr(scan(lake.open(name)).to_pylist()) for name in lake.control_tables()}  # files are compressed
    assert "_control/changes" in rows and "_control/syncs" in rows
    assert [name for name, text in rows.items() if PASSWORD in text or key in text] == []
    command("warehouse", "disable", "pg")
    assert holding(tmp_path, token) == [file.name]
    command("warehouse", "delete", "pg", "--yes")
    assert holding(tmp_path, token) == holding(tmp_path, PASSWORD.encode()) == []
    assert status(command, "pg") == "deleted"


def holding(folder, text):
    """The names of the files below a folder that hold some bytes."""
    return [path.name for path in folder.rglob("*") if path.is_file() and text in path.read_bytes()]


def test_a_warehouse_whose_key_is_missing_fails_alone_and_says_so(tmp_path, command, postgres_server, monkeypatch):
    monkeypatch.setenv("PG_PASSWORD", PASSWORD)
    fields = [f"{name}={value}" for name, value in postgres_server.settings.items() if name != "password"]
    fields += ["password=env:PG_PASSWORD", "schema=by_reference"]
    assert command("warehouse", "add", "pg", *fields)["status"] == "requested"
    command("warehouse", "enable", "pg")
    monkeypatch.delenv("PG_PASSWORD")
    shown = command("run", code=3)
    assert shown["warehouses"]["local"]["status"] == "Success"
    assert "its password is in env:PG_PASSWORD, and no such variable" in shown["warehouses"]["pg"]["error"]
    newest = {one["warehouse"]: one for one in command("status")["syncs"]}["pg"]
    assert newest["problem"]["class"] == "credentials"
    monkeypatch.setenv("PG_PASSWORD", PASSWORD)
    assert command("run")["warehouses"]["pg"]["status"] == "Success"


def test_one_sync_is_shown_by_groups_with_the_class_of_each_error_and_what_to_do(tmp_path, command):
    command("run")
    with warehouse(tmp_path) as opened:
        opened.execute("ALTER TABLE acme.pages RENAME TO kept")
        opened.execute("CREATE VIEW acme.pages AS FROM acme.kept")
    write_events(tmp_path, "second.jsonl", LATER)
    assert command("run", code=3)["status"] == "Partial success"
    newest = command("status")["syncs"][0]
    (one,) = command("status", "--sync", newest["sync_id"])["syncs"]
    assert one == newest
    assert one["status"] == "Partial success"
    assert one["grouped"]["event type tables"] == {}
    assert one["groups"] == {group: sum(rows.values()) for group, rows in one["grouped"].items()}
    assert sum(one["groups"].values()) == one["synced_rows"] > 0
    assert one["problems"]["pages"]["class"] in list(ErrorClass)
    _, out, _ = in_process("status", "--sync", one["sync_id"], "--settings", tmp_path / "acme.yml")
    assert f"local: {one['groups']['identity graph tables']} rows in identity graph tables" in out
    assert "local: 0 rows in event type tables" in out
    assert f"  {one['problems']['pages']['class']}: {one['problems']['pages']['advice']}" in out
    overview = command("status")["warehouses"]["local"]
    assert (overview["last_status"], overview["frequency"]) == ("Partial success", None)


def test_connection_settings_are_shown_without_secrets(tmp_path):
    pg = "  pg: {type: postgres, host: h, database: d, username: u, password: hunter2}\n"
    settings = written(tmp_path, SETTINGS, pg, "egress_addresses: [203.0.113.7]\n")
    code, out, _ = in_process("warehouse", "show", "pg", "--settings", settings, "--json")
    shown = json.loads(out)
    assert (code, shown["status"], shown["egress_addresses"]) == (0, "enabled", ["203.0.113.7/32"])
    assert {"host": "h", "port": 5432, "password": "********"}.items() <= shown["connection"].items()
    text = in_process("warehouse", "show", "pg", "--settings", settings)[1]
    assert "let in: 203.0.113.7/32" in text
    assert "hunter2" not in out + text
    assert in_process("warehouse", "show", "x", "--settings", settings)[0] == 2


def test_who_was_first_is_in_the_log_and_who_was_second_is_told(tmp_path, command, monkeypatch):
    settings = load(a_space(tmp_path, events=()))
    seen = Log.read(lake_of(settings))
    command("warehouse", "disable", "local")
    monkeypatch.setattr(Log, "read", classmethod(lambda cls, lake: seen))
    error = command("warehouse", "disable", "local", code=1)
    assert error.startswith("error: warehouse local: somebody made another change at the same time")
    monkeypatch.undo()
    assert [one["action"] for one in command("audit")["changes"]] == ["disabled"]
