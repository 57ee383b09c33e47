"""How a warehouse that was added is connected to is changed by command: tested first, and all else stays as it is."""

import pytest
from cryptography.fernet import Fernet

from profiles_sync.control.vault import KEY
from profiles_sync.settings import load
from tests.commands import SETTINGS, write_events, written
from tests.servers import PASSWORD
from tests.test_cli_operating import LATER, command, holding, postgres_server, status

__all__ = ["command", "postgres_server"]  # fixtures
pytestmark = pytest.mark.usefixtures("no_settings_in_the_environment")


def actions(command):
    return [(one["action"], one["name"]) for one in command("audit")["changes"]]


@pytest.fixture
def pg(tmp_path, command, postgres_server, monkeypatch):
    """A warehouse with a typed password that was synced, and whose history was sent."""
    monkeypatch.setenv(KEY, Fernet.generate_key().decode())
    written(tmp_path, SETTINGS, "alerts: {ops: {to: ./alerts.jsonl}}\n")
    command("run")
    fields = [f"{name}={value}" for name, value in postgres_server.settings.items() if name != "password"]
    command("warehouse", "add", "pg", *fields, "--password-stdin", typed=PASSWORD, monkeypatch=monkeypatch)
    command("warehouse", "enable", "pg")
    write_events(tmp_path, "second.jsonl", LATER[:1])
    assert command("run")["backfills"]["pg"]["status"] == "completed"
    yield
    postgres_server.admin(f"ALTER USER segment PASSWORD '{PASSWORD}'", "postgres")
    postgres_server.admin("DROP SCHEMA acme CASCADE")
    postgres_server.admin("DROP SCHEMA _profiles_sync CASCADE")


def test_a_password_that_was_replaced_is_tested_and_kept_and_the_syncs_go_on(
    tmp_path, command, pg, postgres_server, monkeypatch
):
    typed, before = {"monkeypatch": monkeypatch}, actions(command)
    (old,) = (tmp_path / "lake/acme/_control/_credentials").iterdir()
    postgres_server.admin("ALTER USER segment PASSWORD 'hunter-3'", "postgres")
    write_events(tmp_path, "third.jsonl", LATER[1:])
    assert command("run", code=3)["warehouses"]["pg"]["status"] == "Failed"
    command("warehouse", "modify", "pg", "--password-stdin", code=1, typed="wrong", **typed)
    assert actions(command) == before
    assert [old] == [*(tmp_path / "lake/acme/_control/_credentials").iterdir()]
    shown = command("warehouse", "modify", "pg", "--password-stdin", typed="hunter-3", **typed)
    assert (shown["status"], actions(command)) == ("enabled", [("modified", "pg"), *before])
    (new,) = (tmp_path / "lake/acme/_control/_credentials").iterdir()
    assert (new.name != old.name, holding(tmp_path, b"hunter-3")) == (True, [])
    done = command("run")
    assert (done["status"], done["backfills"]) == ("Success", {})
    assert postgres_server.admin("SELECT count(*) FROM acme.pages") == [
        (len(LATER),)
    ]  # the first is older than the history that is sent
    assert len(command("backfill", "pg", "--show")["backfills"]["pg"]) == 1  # it is the same warehouse
    assert '"warehouse_modified"' in (tmp_path / "alerts.jsonl").read_text().splitlines()[-1]


def test_what_is_not_typed_is_changed_alone_and_a_reference_takes_the_place_of_what_was_typed(
    tmp_path, command, pg, postgres_server, monkeypatch
):
    assert command("warehouse", "modify", "pg", "connect_timeout=3")["status"] == "enabled"
    (kept,) = (tmp_path / "lake/acme/_control/_credentials").iterdir()
    assert command("warehouse", "show", "pg")["connection"]["connect_timeout"] == 3
    assert command("run")["warehouses"]["pg"]["status"] == "Success"
    monkeypatch.setenv("PG_PASSWORD", PASSWORD)
    command("warehouse", "modify", "pg", "password=env:PG_PASSWORD")
    assert not kept.exists()
    assert command("warehouse", "show", "pg")["connection"]["password"] == "env:PG_PASSWORD"
    assert command("run")["warehouses"]["pg"]["status"] == "Success"


def test_type_schema_and_what_the_file_declares_stay(tmp_path, command, monkeypatch):
    command("warehouse", "add", "x", "type=duckdb", f"path={tmp_path}/x.duckdb")
    assert command("warehouse", "modify", "x", f"path={tmp_path}/y.duckdb")["status"] == "requested"
    command("warehouse", "enable", "x")
    command("run")
    assert (tmp_path / "y.duckdb").exists()
    assert "type is duckdb and cannot change" in command("warehouse", "modify", "x", "type=postgres", code=2)
    assert "its schema is acme since its first sync" in command("warehouse", "modify", "x", "schema=other", code=1)
    assert "change its fields there" in command("warehouse", "modify", "local", "path=z.duckdb", code=2)
    assert "say what changes" in command("warehouse", "modify", "x", code=2)
    assert "no warehouse 'z'" in command("warehouse", "modify", "z", "path=z.duckdb", code=2)
    assert status(command, "x") == "enabled"
    load(written(tmp_path, SETTINGS, "roles: {bob: [Unify and Engage read-only]}\n"))
    monkeypatch.setenv("PROFILES_SYNC_USER", "bob")
    assert "takes the role Unify and Engage Admin" in command("warehouse", "modify", "x", "path=z.duckdb", code=1)
