"""Credentials are kept encrypted and nowhere else, read back with the key only, and gone when they are erased."""

import os
import stat

import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr

from profiles_sync.control.credentials import KEPT, complete, kept_in, references, secret_fields, typed_field
from profiles_sync.control.vault import KEY, clear, erase, files_of, keep
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
    name = keep(lake, "pg", {"password": SECRET}, key)
    assert password(complete(kept(kept_in(name)), lake, key)) == SECRET
    (file,) = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert SECRET.encode() not in file.read_bytes()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert lake.control_tables() == []


def test_each_is_kept_beside_the_others_and_erasing_removes_all(lake, key, tmp_path):
    first, second = [keep(lake, "pg", {"password": secret}, key) for secret in ("first", SECRET)]
    assert [password(complete(kept(kept_in(one)), lake, key)) for one in (first, second)] == ["first", SECRET]
    folder = tmp_path / "lake" / "acme" / "_control" / "_credentials"
    (folder / f"{first}.new").write_bytes(b"of a command that was killed")
    other = keep(lake, "pg.data-graph", {"password": "x"}, key)
    files = files_of(lake, "pg")
    assert sorted(files) == sorted([first, f"{first}.new", second])
    for _ in range(2):
        erase(lake, files)
        assert [one.name for one in folder.iterdir()] == [other]
    with pytest.raises(CredentialsMissing, match="warehouse pg: no credentials are kept for it; add it again"):
        complete(kept(kept_in(first)), lake, key)


def test_what_an_older_version_kept_under_the_warehouses_name_is_still_read(lake, key, tmp_path):
    folder = tmp_path / "lake" / "acme" / "_control" / "_credentials"
    (folder / keep(lake, "pg", {"password": SECRET}, key)).rename(folder / "pg")
    assert password(complete(kept(), lake, key)) == SECRET
    assert files_of(lake, "pg") == ["pg"]


def test_what_no_change_uses_is_cleared_when_it_is_too_old_to_be_of_a_command_at_work(lake, key, tmp_path):
    used, old, young = [keep(lake, "pg", {"password": "x"}, key) for _ in range(3)]
    folder = tmp_path / "lake" / "acme" / "_control" / "_credentials"
    for name in (used, old):
        os.utime(folder / name, (0, 0))
    clear(lake, {used})
    assert {one.name for one in folder.iterdir()} == {used, young}


def test_what_cannot_be_read_concerns_its_warehouse_alone(lake, key, tmp_path):
    (tmp_path / "lake" / "acme" / "_control" / "_credentials" / "pg").mkdir(parents=True)
    with pytest.raises(CredentialsMissing, match="warehouse pg: what is kept for it cannot be read by this user: "):
        complete(kept(), lake, key)


def test_without_the_key_or_with_another_one_nothing_is_read(lake, key):
    where = kept_in(keep(lake, "pg", {"password": SECRET}, key))
    with pytest.raises(CredentialsMissing, match=f"{KEY} is not set; make one with: python -c"):
        complete(kept(where), lake, {})
    with pytest.raises(CredentialsMissing, match=f"was not written with the key in {KEY}"):
        complete(kept(where), lake, {KEY: Fernet.generate_key().decode()})
    with pytest.raises(SettingsError, match=f"environment {KEY}: no key of Fernet"):
        complete(kept(where), lake, {KEY: SECRET})


def test_a_new_key_goes_before_the_old_one(lake, key):
    where = kept_in(keep(lake, "pg", {"password": SECRET}, key))
    both = {KEY: f"{Fernet.generate_key().decode()}, {key[KEY]}"}
    assert password(complete(kept(where), lake, both)) == SECRET


def test_what_is_kept_for_one_warehouse_is_not_taken_for_another(lake, key):
    file = keep(lake, "pg", {"password": SECRET}, key)
    with pytest.raises(CredentialsMissing, match="was not written with"):
        complete(kept(kept_in(file), name="other"), lake, key)


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
