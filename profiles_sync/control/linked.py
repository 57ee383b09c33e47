"""The Data Graph's own connection to a warehouse, as its linked user: apart from the sync's.

Source: Segment, "Data Graph", section "Connect your warehouse".
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from profiles_sync.control import credentials, vault
from profiles_sync.control.credentials import KEPT, is_kept, new_file
from profiles_sync.control.log import Log
from profiles_sync.control.warehouses import ABOUT as WAREHOUSE
from profiles_sync.control.warehouses import Managed, Status
from profiles_sync.errors import ChangeRefused, SettingsError
from profiles_sync.lake.base import Lake
from profiles_sync.settings import declared
from profiles_sync.warehouses.setup import fields_of

ABOUT = "data graph"
_CONNECTED = "connected"
_READ = ("profiles_database", "profiles_schema")
#: Who the sync is, and what is not of a connection: never taken over.
_OF_THE_SYNC = {"username", "role", "private_key_path", "credentials", "client_id", "schema", "enabled", "selective"}


@dataclass(frozen=True)
class Linked:
    """A connection of the Data Graph's.

    Attributes:
        fields: As a settings file has them, `type` among them; no secret.
        secrets: Field to where its value is, see `credentials`.
        profiles_database: The database (project, catalog) of the profiles.
        profiles_schema: Their schema there.
    """

    fields: Mapping[str, Any]
    secrets: Mapping[str, str]
    profiles_database: str
    profiles_schema: str

    def opened_by(self, name: str, typed: str | None = None) -> Managed:
        """The connection as a warehouse; `typed` stands in for what is kept, where it is not kept yet."""
        secrets = {field: where for field, where in self.secrets.items() if typed is None or not is_kept(where)}
        given = {field: typed if is_kept(where) and typed else where for field, where in self.secrets.items()}
        return Managed(
            kept_as(name), Status.CREATED, declared(name, {**self.fields, **given}, Path.cwd()), None, secrets
        )


def kept_as(name: str) -> str:
    """What the vault calls it; no warehouse has such a name."""
    return f"{name}.data-graph"


def asked_for(sync: Managed, schema: str, given: Mapping[str, str], is_typed: bool) -> Linked:
    """The connection that somebody asks for: the fields given, over those of the sync's warehouse.

    Args:
        sync: The warehouse; what says who the sync is, is not taken over.
        schema: The space's.
        given: Fields, and `profiles_database` and `profiles_schema`; a secret only as a reference.
        is_typed: Whether the password is typed.

    Raises:
        SettingsError: A field is wrong or missing.
        ChangeRefused: The warehouse is deleted.
    """
    if sync.settings is None:
        raise ChangeRefused(f"warehouse {sync.name} is deleted; add it again first")
    kind = sync.settings.type
    if given.get("type", kind) != kind:
        raise SettingsError(f"warehouse {sync.name}: type is {kind}, the Data Graph's connection has the same")
    own = {"type": kind} | {field: value for field, value in given.items() if field not in _READ}
    secrets = credentials.references(sync.name, own)
    if is_typed:
        secrets[credentials.typed_field(sync.name, kind)] = KEPT
    left = _OF_THE_SYNC | set(credentials.secret_fields(kind))
    known = sync.settings.model_dump(mode="json", by_alias=True, exclude_unset=True, exclude_none=True)
    fields = {field: value for field, value in (known | own).items() if field in own or field not in left}
    checked = declared(sync.name, fields | secrets, Path.cwd())
    told = checked.model_dump(mode="json", by_alias=True, exclude_unset=True, exclude=set(secrets))
    database = given.get("profiles_database") or fields_of(known).get("database", "")
    return Linked(told, secrets, database, given.get("profiles_schema") or sync.opened(schema).schema)


def linked(log: Log, name: str) -> Linked | None:
    """The connection that is kept; None where there is none, or its warehouse was deleted since."""
    found = None
    for change in log.changes:
        if change.name != name:
            continue
        if change.about == WAREHOUSE and change.action == Status.DELETED:
            found = None
        if change.about == ABOUT and change.action == _CONNECTED:
            found = Linked(**change.details)
    return found


def keep(lake: Lake, log: Log, name: str, one: Linked, who: str, typed: str | None) -> None:
    """Keep a connection in place of the one before.

    Raises:
        CredentialsMissing: There is no key to keep what was typed.
        ChangedMeanwhile: Somebody made another change first.
    """
    before = vault.files_of(lake, kept_as(name))
    with new_file(lake, kept_as(name), one.fields["type"], typed) as kept:
        log.add(who, _CONNECTED, ABOUT, name, vars(replace(one, secrets={**one.secrets, **kept})))
    vault.erase(lake, before)
