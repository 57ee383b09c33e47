"""What a form of these pages sends, and the fields by which a kind of warehouse is connected to.

Whoever logs in is not at this machine, so they name no file, variable or address of a service with which it would show
its own keys: a password that is read from any file they like would be sent to any server they like.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, get_args, get_origin

from fastapi import Depends, Request
from pydantic_core import PydanticUndefined
from starlette.datastructures import FormData

from profiles_sync.console.frame import Here
from profiles_sync.control.credentials import secret_fields
from profiles_sync.errors import SettingsError
from profiles_sync.warehouses import WarehouseSettings

MODELS: Mapping[str, Any] = {
    get_args(one.model_fields["type"].annotation)[0]: one for one in get_args(get_args(WarehouseSettings)[0])
}
TITLES = {
    "duckdb": ("DuckDB", "A file on this machine"),
    "postgres": ("Postgres", "Version 15 or newer"),
    "snowflake": ("Snowflake", "A virtual warehouse and a database"),
    "bigquery": ("BigQuery", "A project of Google Cloud"),
    "redshift": ("Redshift", "A cluster or Serverless, with a bucket"),
    "synapse": ("Azure Synapse", "A dedicated SQL pool, with a container"),
    "databricks": ("Databricks", "A SQL warehouse or a Spark session"),
}
_NOT_ASKED = {"type", "enabled", "selective", "labels"}
#: Of this machine, or where it would show keys of its own.
_OWN = {"path", "sslrootcert", "private_key_path", "credentials", "endpoint", "storage_endpoint", "volume"}

#: Kinds whose driver takes a password of this machine by itself, such as PGPASSWORD, where it is given none.
_FINDS_ONE = {"postgres"}


async def _sent(request: Request) -> FormData:
    return await request.form()


Sent = Annotated[FormData, Depends(_sent)]


@dataclass(frozen=True)
class Field:
    """One field of a connection: its name in a settings file, whether it is needed, its default, what it may be."""

    name: str
    is_needed: bool
    default: str
    choices: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """For a person."""
        return self.name.replace("_", " ").capitalize()


def kinds(here: Here) -> dict[str, tuple[str, str]]:
    """The kinds of warehouses that can be added here: name and what it is."""
    return {kind: told for kind, told in TITLES.items() if here.is_own or kind != "duckdb"}


def fields(here: Here, kind: str) -> list[Field]:
    """Those of a kind, but for its secrets, the needed ones first."""
    return sorted(_fields(here, kind), key=lambda one: not one.is_needed)


def _fields(here: Here, kind: str) -> Iterator[Field]:
    secret = secret_fields(kind)
    for key, field in MODELS[kind].model_fields.items():
        name = field.alias or key
        if name in _NOT_ASKED or key in secret or (name in _OWN and not here.is_own):
            continue
        default = "" if field.default in (None, PydanticUndefined) else str(field.default)
        is_choice = get_origin(field.annotation) is Literal
        choices = get_args(field.annotation) if is_choice else ("True", "False") if field.annotation is bool else ()
        yield Field(name, field.is_required(), default, tuple(map(str, choices)))


def secret_of(kind: str) -> str | None:
    """The secret that somebody types for a kind; None where it has none."""
    return next(iter(secret_fields(kind)), None)


def given(here: Here, kind: str, form: Mapping[str, Any]) -> tuple[dict[str, str], str | None]:
    """The fields of a form that are filled in, as a settings file has them, and what was typed as the secret.

    Raises:
        SettingsError: There is no such kind of warehouse here.
    """
    if kind not in kinds(here):
        raise SettingsError(f"there is no kind of warehouse {kind!r} to add here; there are {', '.join(kinds(here))}")
    known = [one.name for one in fields(here, kind)]
    found = {name: text for name in known if (text := str(form.get(name) or "").strip())}
    where = str(form.get("where") or "").strip()
    secret = secret_of(kind)
    if secret and where and here.is_own:
        found[secret] = where
    return found, str(form.get("password") or "") or None


def check_typed(here: Here, kind: str, secrets: Collection[str], found: Mapping[str, str], typed: str | None) -> None:
    """What is kept, or lies about here, goes nowhere else: whoever logs in could have it sent to a server of theirs.

    Args:
        here: Who asks.
        kind: Of the warehouse.
        secrets: That are kept of it.
        found: The fields that are filled in.
        typed: As its secret.

    Raises:
        SettingsError: It has to be typed.
    """
    if found and not typed and not here.is_own and (secrets or kind in _FINDS_ONE):
        what = " and ".join(secrets or secret_fields(kind)).replace("_", " ")
        raise SettingsError(f"type its {what} too: none of this server's own is sent where a form says")
