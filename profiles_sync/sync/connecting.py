"""Connect a warehouse by command: created, tested, and only then requested; an Admin enables it.

Source: Segment, "Profiles Sync Setup", "Step 2: Connect the warehouse and enable Profiles Sync".
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from profiles_sync.control import credentials, history, vault
from profiles_sync.control.credentials import KEPT
from profiles_sync.control.log import Log
from profiles_sync.control.operating import changed
from profiles_sync.control.policy import Right, ask
from profiles_sync.control.warehouses import Managed, Status, known, managed, there
from profiles_sync.errors import ChangeRefused, SettingsError
from profiles_sync.lake.base import Lake
from profiles_sync.lake.opening import lake_of
from profiles_sync.session import session_of
from profiles_sync.settings import Settings, declared
from profiles_sync.sync.schemas import refused
from profiles_sync.sync.trial import Trial, try_out
from profiles_sync.warehouses import setup

#: Where a warehouse stands to what a good test makes of it; between the two somebody may end the command.
_NEXT = {Status.CREATED: (Status.TESTED, Status.REQUESTED), Status.TESTED: (Status.REQUESTED,)}


@dataclass(frozen=True)
class Connected:
    """What Test Connection found, and where the warehouse stands after it."""

    trial: Trial
    status: Status

    def shown(self) -> dict[str, Any]:
        """As `--json` prints it."""
        return self.trial.shown() | {"status": self.status}


def add(
    settings: Settings, name: str, fields: Mapping[str, str], typed: str | None = None, who: str | None = None
) -> Connected:
    """Create a warehouse, test it, and where that goes well request it.

    Args:
        settings: Of the space.
        name: Of the warehouse. One that the settings file declares and that was deleted is taken up again.
        fields: As a settings file has them, `type` among them; a secret only as `env:NAME` or `file:PATH`.
        typed: Its password or key, which is kept encrypted.
        who: Adds it; else whoever runs this.

    Raises:
        SettingsError: A field is wrong.
        ChangeRefused: A warehouse of that name is enabled or disabled, or its schema cannot be that.
        CredentialsMissing: There is no key to keep what was typed.
    """
    lake = lake_of(settings)
    who = ask(settings, lake, Right.CHANGE, f"warehouse add {name}", who)
    log = Log.read(lake)
    before = managed(settings, log).get(name, Managed(name, Status.DELETED, None))
    one, details = _given(before, fields, typed)
    before.may_become(Status.CREATED)
    check_schema(settings, lake, one)
    former = vault.files_of(lake, name)
    with credentials.new_file(lake, name, fields.get("type"), typed) as kept:
        if kept:
            details["secrets"] |= kept
        log, one = changed(settings, log, before, Status.CREATED, who, details)
    vault.erase(lake, former)
    return _try_and_request(settings, lake, log, one, who)


def test(settings: Settings, name: str, typed: str | None = None, who: str | None = None) -> Connected:
    """Test Connection; one that was created or tested and is well is requested. `typed` is tried and not kept.

    Raises:
        SettingsError: There is no such warehouse, or nothing to type for its kind.
    """
    lake = lake_of(settings)
    who = ask(settings, lake, Right.CHANGE, f"warehouse test {name}", who)
    log = Log.read(lake)
    one = there(settings, log, name)
    if typed is None:
        return _try_and_request(settings, lake, log, one, who)
    assert one.settings is not None, name
    field = credentials.typed_field(name, one.settings.type)
    tried = one.with_settings(one.settings.model_copy(update={field: SecretStr(typed)}))
    return Connected(trial_of(settings, tried), one.status)


def check_name(settings: Settings, name: str, is_typed: bool) -> None:
    """See that there is such a warehouse, and a password to type, before anybody has to type it.

    Raises:
        SettingsError: There is not.
    """
    one = known(settings, Log.read(lake_of(settings)), name)
    if is_typed and one.settings is not None:
        credentials.typed_field(name, one.settings.type)


def _given(before: Managed, fields: Mapping[str, str], typed: str | None) -> tuple[Managed, dict[str, Any]]:
    """The warehouse as it is asked for, and what the log is told of it: no secret."""
    name = before.name
    if before.in_file is not None:
        if fields or typed is not None:
            raise SettingsError(f"warehouse {name} stands in the settings file; change its fields there")
        return before, {}
    secrets = credentials.references(name, fields)
    if typed is not None:
        secrets[credentials.typed_field(name, fields.get("type"))] = KEPT
    one = declared(name, {**fields, **secrets}, Path.cwd())
    told = one.model_dump(mode="json", by_alias=True, exclude_unset=True, exclude=set(secrets))
    return replace(before, settings=one, secrets=secrets), {"fields": told, "secrets": secrets}


def _try_and_request(settings: Settings, lake: Lake, log: Log, one: Managed, who: str) -> Connected:
    trial = trial_of(settings, credentials.complete(one, lake))
    return Connected(trial, requested_after(settings, log, one, who).status if trial.ok else one.status)


def requested_after(settings: Settings, log: Log, one: Managed, who: str) -> Managed:
    """A warehouse after a test that went well."""
    for status in _NEXT.get(one.status, ()):
        log, one = changed(settings, log, one, status, who)
    return one


def trial_of(settings: Settings, one: Managed) -> Trial:
    """Test Connection, with the credentials that the warehouse has."""
    assert one.settings is not None, one.name
    warehouse = one.opened(settings.schema_name, session_of(settings))
    return try_out(warehouse, setup.fields_of(one.settings.model_dump(by_alias=True)))


def check_schema(settings: Settings, lake: Lake, one: Managed) -> None:
    """See that a warehouse may have the schema that it is declared with.

    Raises:
        ChangeRefused: It may not.
    """
    if error := refused(one.opened(settings.schema_name), history.schemas(lake), settings):
        raise ChangeRefused(error)
