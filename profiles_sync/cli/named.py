"""What is named and typed on the command line: a warehouse of the settings file or a kind, fields, a password."""

import getpass
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from profiles_sync.errors import SettingsError
from profiles_sync.settings import Settings, load
from profiles_sync.warehouses import open_warehouse, setup

MaybeFile = Annotated[
    Path | None, typer.Option("--settings", help="The space's settings file.", envvar="PROFILES_SYNC_SETTINGS")
]


@dataclass(frozen=True)
class Named:
    """The kind, what the settings say of that warehouse, the settings, if there are any, and the schema by them."""

    kind: str
    fields: Mapping[str, str]
    settings: Settings | None
    schema: str | None

    @property
    def egress(self) -> list[str]:
        """The addresses to allowlist."""
        return self.settings.egress_addresses if self.settings else []


def named(word: str, file: Path | None, kinds: Mapping[str, object]) -> Named:
    """What the word stands for; a warehouse of the settings goes before a kind of that name."""
    settings = load(file) if file else None
    declared = settings.warehouses.get(word) if settings else None
    if settings is None or declared is None:
        return Named(setup.kind_of(word, kinds), {}, settings, settings.schema_name if settings else None)
    fields, schema = setup.fields_of(declared.model_dump(by_alias=True)), settings.schema_name
    schema = open_warehouse(word, declared, schema).schema
    if "schema" in fields:
        fields["schema"] = schema
    return Named(setup.kind_of(declared.type, kinds), fields, settings, schema)


def field(text: str, example: str = "type=postgres") -> tuple[str, str]:
    """A field and its value out of `FIELD=VALUE`; the example is for who gives something else."""
    name, is_given, value = text.partition("=")
    if not is_given:
        raise SettingsError(f"expected FIELD=VALUE, such as {example}, and not {name!r}")
    return name, value


def typed() -> str:
    """The password on the standard input, which a terminal is asked for."""
    said = getpass.getpass() if sys.stdin.isatty() else sys.stdin.readline().rstrip("\r\n")
    if not said:
        raise SettingsError("--password-stdin: nothing on the standard input; write the password there")
    return said
