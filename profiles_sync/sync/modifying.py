"""Change how a warehouse that was added by command is connected to, such as a password that was replaced there.

What is new is tested first, and kept only where that goes well. The warehouse stays the one that it is: its status, its
selection, how far it is synced, and its schema. Source: Segment, "Profiles Sync Setup", section "Connection settings".
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from profiles_sync.control import alerts, credentials, vault
from profiles_sync.control.alerts import Event
from profiles_sync.control.credentials import KEPT, file_of
from profiles_sync.control.log import Log
from profiles_sync.control.policy import Right, ask
from profiles_sync.control.warehouses import ABOUT, MODIFIED, Managed, known, there
from profiles_sync.errors import SettingsError
from profiles_sync.lake.opening import lake_of
from profiles_sync.settings import Settings, declared
from profiles_sync.settings.alerts import Occasion
from profiles_sync.sync.connecting import Connected, check_schema, requested_after, trial_of


def modify(
    settings: Settings, name: str, fields: Mapping[str, str], typed: str | None = None, who: str | None = None
) -> Connected:
    """Test a warehouse with other connection settings, and where that goes well keep them.

    Args:
        settings: Of the space.
        name: Of the warehouse.
        fields: Those that change, as a settings file has them; a secret only as `env:NAME` or `file:PATH`.
        typed: Its new password or key, which is kept encrypted.
        who: Changes it; else whoever runs this.

    Raises:
        SettingsError: There is no such warehouse, it stands in the settings file, or a field is wrong.
        ChangeRefused: It is deleted, or its schema cannot become that.
        ChangedMeanwhile: Somebody made another change first.
        CredentialsMissing: There is no key to keep what was typed.
    """
    lake = lake_of(settings)
    who = ask(settings, lake, Right.CHANGE, f"warehouse modify {name}", who)
    log = Log.read(lake)
    before = there(settings, log, name)
    new, details = _modified(before, fields, typed)
    check_schema(settings, lake, new)
    if typed is not None:
        vault.check_key()
    trial = trial_of(settings, _with_typed(credentials.complete(_without_typed(new, typed), lake), typed))
    if not trial.ok:
        return Connected(trial, before.status)
    former = vault.files_of(lake, name)
    with credentials.new_file(lake, name, details["fields"]["type"], typed) as kept:
        details["secrets"] |= kept
        log = log.add(who, MODIFIED, ABOUT, name, details)
    used = {file_of(name, where) for where in details["secrets"].values()}
    vault.erase(lake, [file for file in former if file not in used])
    alerts.warn(settings, [Event(Occasion.WAREHOUSE_MODIFIED, f"its connection, by {who}", name)])
    return Connected(trial, requested_after(settings, log, known(settings, log, name), who).status)


def _modified(before: Managed, fields: Mapping[str, str], typed: str | None) -> tuple[Managed, dict[str, Any]]:
    """The warehouse as it is asked for, and what the log is told of it: no secret."""
    name, now = before.name, before.settings
    assert now is not None, name
    if before.in_file is not None:
        raise SettingsError(f"warehouse {name} stands in the settings file; change its fields there")
    if not fields and typed is None:
        raise SettingsError(f"warehouse modify {name}: say what changes, by FIELD=VALUE or --password-stdin")
    if fields.get("type", now.type) != now.type:
        raise SettingsError(f"warehouse {name}: its type is {now.type} and cannot change; add another warehouse")
    given = {**fields, "type": now.type}
    secrets = {**before.secrets, **credentials.references(name, given)}
    if typed is not None:
        secrets[credentials.typed_field(name, now.type)] = KEPT
    known = now.model_dump(mode="json", by_alias=True, exclude_unset=True, exclude=set(before.secrets))
    made = declared(name, {**known, **given, **secrets}, Path.cwd())
    told = made.model_dump(mode="json", by_alias=True, exclude_unset=True, exclude=set(secrets))
    one = Managed(name, before.status, made, None, secrets)
    return one, {"in_file": None, "fields": told, "secrets": secrets}


def _without_typed(one: Managed, typed: str | None) -> Managed:
    """What is typed is not kept yet."""
    assert one.settings is not None, one.name
    field = None if typed is None else credentials.typed_field(one.name, one.settings.type)
    return Managed(
        one.name, one.status, one.settings, None, {key: at for key, at in one.secrets.items() if key != field}
    )


def _with_typed(one: Managed, typed: str | None) -> Managed:
    assert one.settings is not None, one.name
    if typed is None:
        return one
    field = credentials.typed_field(one.name, one.settings.type)
    return one.with_settings(one.settings.model_copy(update={field: SecretStr(typed)}))
