"""Where the passwords and keys of a warehouse that was added by command are: kept in the vault, or only referred to."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import get_args

from pydantic import SecretStr

from profiles_sync.control import vault
from profiles_sync.control.elsewhere import is_reference, look_up
from profiles_sync.control.warehouses import Managed
from profiles_sync.errors import ChangedMeanwhile, ChangeRefused, CredentialsMissing, SettingsError
from profiles_sync.lake.base import Lake
from profiles_sync.warehouses import WarehouseSettings

KEPT = "kept"
_FILE = f"{KEPT}:"


def secret_fields(kind: str | None) -> list[str]:
    """The fields of a kind of warehouse that hold a secret, the password first."""
    for one in get_args(get_args(WarehouseSettings)[0]):
        if kind in get_args(one.model_fields["type"].annotation):
            found = [name for name, field in one.model_fields.items() if _is_secret(field.annotation)]
            return sorted(found, key=lambda name: name != "password")
    return []


def typed_field(name: str, kind: str | None) -> str:
    """The field that somebody types: the password, or what a kind has in its place.

    Raises:
        SettingsError: It has none.
    """
    fields = secret_fields(kind)
    if not fields:
        raise SettingsError(f"--password-stdin: warehouse {name} is of type {kind}, which has no password")
    return fields[0]


def references(name: str, fields: Mapping[str, str]) -> dict[str, str]:
    """Where the secrets among some fields are, such as `env:NAME`; the path of `file:PATH` is made absolute.

    Raises:
        SettingsError: A secret itself is given, which others on this machine could read.
    """
    found = {field: value for field, value in fields.items() if field in secret_fields(fields.get("type"))}
    for field, value in found.items():
        if not is_reference(value):
            raise SettingsError(
                f"warehouse {name}: {field} cannot stand in a command; say where it is, {field}=env:NAME, "
                f"{field}=file:PATH, {field}=aws:NAME or {field}=databricks:SCOPE/KEY, or type it with --password-stdin"
            )
        if value.startswith("file:"):
            found[field] = f"file:{Path(value.removeprefix('file:')).expanduser().absolute()}"
    return found


def complete(one: Managed, lake: Lake, environ: Mapping[str, str] = os.environ) -> Managed:
    """The warehouse with its secrets.

    Raises:
        CredentialsMissing: One of them cannot be read.
    """
    if not one.secrets or one.settings is None:
        return one
    files = [file for where in one.secrets.values() if (file := file_of(one.name, where))]
    kept = vault.read(lake, one.name, files[0], environ) if files else {}
    found = {
        field: SecretStr(kept[field] if is_kept(where) else _looked_up(one.name, field, where, environ))
        for field, where in one.secrets.items()
        if not is_kept(where) or field in kept
    }
    return one.with_settings(one.settings.model_copy(update=found))


@contextmanager
def new_file(lake: Lake, name: str, kind: str | None, typed: str | None) -> Iterator[dict[str, str]]:
    """Around the change that makes use of what was typed: kept before it, and not kept where it is not made.

    Gives the field and where it is, for the change; nothing where nothing was typed.
    """
    if typed is None:
        yield {}
        return
    field = typed_field(name, kind)
    file = vault.keep(lake, name, {field: typed})
    try:
        yield {field: kept_in(file)}
    except (ChangeRefused, ChangedMeanwhile):
        vault.erase(lake, [file])
        raise


def is_kept(where: str) -> bool:
    """Whether a secret is in the vault."""
    return where == KEPT or where.startswith(_FILE)


def kept_in(file: str) -> str:
    """Where a secret is that the vault keeps in a file, as the log has it."""
    return f"{_FILE}{file}"


def file_of(name: str, where: str) -> str | None:
    """The vault's file of a secret of a warehouse; None where it is elsewhere. Once each had one, by its name."""
    return name if where == KEPT else where.removeprefix(_FILE) if is_kept(where) else None


def _looked_up(name: str, field: str, where: str, environ: Mapping[str, str]) -> str:
    try:
        return look_up(where, environ)
    except CredentialsMissing as error:
        raise CredentialsMissing(f"warehouse {name}: its {field} is in {where}, and {error}") from None


def _is_secret(annotation: object) -> bool:
    return SecretStr in (annotation, *get_args(annotation))
