"""A lake that takes the place of another has its control log, its history and its credentials."""

import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr

from profiles_sync.control import history
from profiles_sync.control.credentials import KEPT, complete
from profiles_sync.control.history import Sync
from profiles_sync.control.log import Log
from profiles_sync.control.moving import carry_over
from profiles_sync.control.vault import KEY, keep
from profiles_sync.control.warehouses import Managed, Status
from profiles_sync.errors import ChangedMeanwhile
from profiles_sync.lake.paths import PathLake
from profiles_sync.warehouses import PostgresSettings


@pytest.fixture
def lakes(tmp_path):
    return PathLake(str(tmp_path / "first"), "acme"), PathLake(str(tmp_path / "second"), "acme")


def test_what_operators_did_goes_along_and_goes_on(lakes):
    first, second = lakes
    log = Log.read(first).add("ann", "disabled", "warehouse", "pg", {"in_file": True})
    carry_over(second, first)
    log.add("ann", "deleted", "warehouse", "pg")
    for _ in range(2):
        carry_over(second, first)
        assert Log.read(second).changes == Log.read(first).changes
    seen_by_both = Log.read(second)
    assert seen_by_both.add("ann", "created", "warehouse", "pg").last == 3
    with pytest.raises(ChangedMeanwhile):
        seen_by_both.add("bob", "created", "warehouse", "pg")


def test_the_history_goes_along_and_with_it_the_schemas(lakes):
    first, second = lakes
    for hour in (1, 2):
        history.record(first, [Sync(str(hour), "pg", "Success", hour, hour, 0, schema="acme")])
        for _ in range(2):
            carry_over(second, first)
        assert history.syncs(second) == history.syncs(first)
    assert history.schemas(second) == {"pg": "acme"}


def test_credentials_go_along_as_they_are_kept(lakes):
    first, second = lakes
    key = {KEY: Fernet.generate_key().decode()}
    keep(first, "pg", {"password": "of-the-test"}, key)
    carry_over(second, first)
    settings = PostgresSettings(type="postgres", host="h", database="d", username="u", password=SecretStr(KEPT))
    one = complete(Managed("pg", Status.ENABLED, settings, secrets={"password": KEPT}), second, key)
    assert one.settings.password.get_secret_value() == "of-the-test"


def test_where_there_is_nothing_nothing_is_made(lakes):
    first, second = lakes
    carry_over(second, first)
    assert second.control_tables() == []
