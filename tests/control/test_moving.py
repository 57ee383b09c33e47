"""A lake that takes the place of another has its control log, its history and its credentials."""

import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr

from profiles_sync.control import backfills, history
from profiles_sync.control.backfills import Backfill, Step
from profiles_sync.control.credentials import KEPT, complete, kept_in
from profiles_sync.control.history import Sync
from profiles_sync.control.log import Log
from profiles_sync.control.moving import carry_over
from profiles_sync.control.vault import KEY, files_of, keep
from profiles_sync.control.warehouses import Managed, Status
from profiles_sync.errors import ChangedMeanwhile
from profiles_sync.lake.paths import PathLake
from profiles_sync.spec.backfill import Window
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


def test_credentials_go_along_as_they_are_kept_and_those_that_were_deleted_do_not_stay(lakes):
    first, second = lakes
    key = {KEY: Fernet.generate_key().decode()}
    file = keep(first, "pg", {"password": "of-the-test"}, key)
    where = {"password": kept_in(file)}
    log = Log.read(first).add("ann", "created", "warehouse", "pg", {"fields": {"type": "postgres"}, "secrets": where})
    carry_over(second, first)
    settings = PostgresSettings(type="postgres", host="h", database="d", username="u", password=SecretStr(KEPT))
    one = complete(Managed("pg", Status.ENABLED, settings, secrets=where), second, key)
    assert one.settings.password.get_secret_value() == "of-the-test"
    log.add("ann", "deleted", "warehouse", "pg")  # and killed before the file was erased
    carry_over(second, first)
    assert (files_of(first, "pg"), files_of(second, "pg")) == ([file], [])


def test_backfills_go_along_and_one_that_is_open_begins_again(lakes):
    first, second = lakes
    done, waiting = (Backfill(str(at), "pg", 0, None, ("pages",), Window(None, None), at) for at in (1, 2))
    for one in (done, waiting):
        backfills.request(first, one)
        backfills.note(first, one, Step.STAGED, {"tables": {"pages": [5, 100]}})
    backfills.note(first, done, Step.SENT, {"tables": {"pages": 5}, "errors": {}, "seconds": 1})
    backfills.note(first, done, Step.COMPLETED)
    for _ in range(2):
        carry_over(second, first)
        assert backfills.backfills(second) == [backfills.backfills(first)[0], waiting]


def test_where_there_is_nothing_nothing_is_made(lakes):
    first, second = lakes
    carry_over(second, first)
    assert second.control_tables() == []
