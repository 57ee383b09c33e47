"""Credentials are kept encrypted and nowhere else, read back with the key only, and gone when they are erased."""

import stat

import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr

from profiles_sync.control import vault
from profiles_sync.control.credentials import KEPT, complete, references, secret_fields, typed_field
from profiles_sync.control.vault import KEY, erase, keep
from profiles_sync.control.warehouses import Managed, Status
from profiles_sync.errors import CredentialsMissing, SettingsError
from profiles_sync.lake.paths import PathLake
from profiles_sync.warehouses import PostgresSettings

SECRET = "hunter2-of-the-test"
SETTINGS = PostgresSettings(type="postgres", host="h", database="d", username="u", password=SecretStr(KEPT))


@pytest.fixture
def lake(tmp_path):
    return PathLake(str(tmp_path / "lake"), "acme")


@pytest.fixture
def key():
    return {KEY: Fernet.generate_key().decode()}


def kept(where=KEPT, name="pg"):
    return Managed(name, Status.ENABLED, SETTINGS, secrets={"password": where})


def password(one):
    return one.settings.password.get_secret_value()


def test_what_was_typed_is_read_back_and_stands_nowhere(lake, key, tmp_path):
    keep(lake, "pg", {"password": SECRET}, key)
    assert password(complete(kept(), lake, key)) == SECRET
    (file,) = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert SECRET.encode() not in file.read_bytes()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert lake.control_tables() == []


def test_keeping_again_replaces_and_erasing_removes(lake, key, tmp_path):
    for secret in ("first", SECRET):
        keep(lake, "pg", {"password": secret}, key)
    assert password(complete(kept(), lake, key)) == SECRET
    folder = tmp_path / "lake" / "acme" / "_control" / "_credentials"
    (folder / "pg.new").write_bytes(b"of a run that was killed")
    for _ in range(2):
        erase(lake, "pg")
        assert list(folder.iterdir()) == []
    with pytest.raises(CredentialsMissing, match="warehouse pg: no credentials are kept for it; add it again"):
        complete(kept(), lake, key)


def test_what_cannot_be_read_concerns_its_warehouse_alone(lake, key, tmp_path):
    (tmp_path / "lake" / "acme" / "_control" / "_credentials" / "pg").mkdir(parents=True)
    with pytest.raises(CredentialsMissing, match="warehouse pg: what is kept for it cannot be read by this user: "):
        complete(kept(), lake, key)


def test_without_the_key_or_with_another_one_nothing_is_read(lake, key):
    keep(lake, "pg", {"password": SECRET}, key)
    with pytest.raises(CredentialsMissing, match=f"{KEY} is not set; make one with: python -c"):
        complete(kept(), lake, {})
    with pytest.raises(CredentialsMissing, match=f"was not written with the key in {KEY}"):
        complete(kept(), lake, {KEY: Fernet.generate_key().decode()})
    with pytest.raises(SettingsError, match=f"environment {KEY}: no key of Fernet"):
        complete(kept(), lake, {KEY: SECRET})


def test_a_new_key_goes_before_the_old_one(lake, key):
    keep(lake, "pg", {"password": SECRET}, key)
    both = {KEY: f"{Fernet.generate_key().decode()}, {key[KEY]}"}
    assert password(complete(kept(), lake, both)) == SECRET


def test_what_is_kept_for_one_warehouse_is_not_taken_for_another(lake, key):
    keep(lake, "pg", {"password": SECRET}, key)
    folder = vault._place(lake, "pg")[1].rpartition("/")[0]
    with open(f"{folder}/pg", "rb") as one, open(f"{folder}/other", "wb") as other:
        other.write(one.read())
    with pytest.raises(CredentialsMissing, match="was not written with"):
        complete(kept(name="other"), lake, key)


def test_a_secret_may_be_in_a_variable_or_in_a_file(lake, tmp_path):
    (tmp_path / "secret").write_text(f"{SECRET}\n")
    assert password(complete(kept("env:PG"), lake, {"PG": SECRET})) == SECRET
    assert password(complete(kept(f"file:{tmp_path / 'secret'}"), lake, {})) == SECRET
    with pytest.raises(CredentialsMissing, match="its password is in env:PG, and no such variable is set"):
        complete(kept("env:PG"), lake, {})
    with pytest.raises(CredentialsMissing, match="its password is in file:/nowhere, and no such file can be read"):
        complete(kept("file:/nowhere"), lake, {})


def test_a_secret_on_the_command_line_is_refused_and_not_repeated(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    fields = {"type": "postgres", "host": "h"}
    assert references("pg", fields) == {}
    assert references("pg", fields | {"password": "env:PG"}) == {"password": "env:PG"}
    assert references("pg", fields | {"password": "file:pw"}) == {"password": f"file:{tmp_path / 'pw'}"}
    for wrong in (SECRET, "env:", "http://x"):
        with pytest.raises(SettingsError, match="password cannot stand in a command") as refused:
            references("pg", fields | {"password": wrong})
        assert wrong not in str(refused.value).replace("env:NAME", "")


def test_what_is_typed_is_the_password_of_the_kind():
    assert secret_fields("postgres") == ["password"]
    assert typed_field("pg", "postgres") == "password"
    for kind in ("duckdb", "mysql", None):
        with pytest.raises(SettingsError, match="which has no password"):
            typed_field("x", kind)
