"""The queries there are: what each is for, the columns it gives, and what it asks for."""

import re
from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict

from profiles_sync.errors import SettingsError

_HEAD = re.compile(r"/\*\n(.*?)\*/\n(.*)", re.S)
_NAME = re.compile(r"\w+")


class ParameterKind(StrEnum):
    """What a parameter stands for."""

    TEXT = "text"
    NUMBER = "number"
    DATE = "date"
    TABLE = "table"
    COLUMN = "column"


class Parameter(BaseModel):
    """What a query asks for; without a default it has to be given."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    kind: ParameterKind
    about: str
    default: str | int | None = None

    def read(self, given: str) -> str:
        """The value as it is written into a query, not yet quoted.

        Raises:
            ValueError: It is not of that kind.
        """
        if self.kind is ParameterKind.NUMBER:
            return str(int(given))
        if self.kind is ParameterKind.DATE:
            return date.fromisoformat(given).isoformat()
        if self.kind in (ParameterKind.TABLE, ParameterKind.COLUMN) and not _NAME.fullmatch(given):
            raise ValueError
        return given


class Query(BaseModel):
    """A sample query.

    Attributes:
        name: As its file is called.
        purpose: What it answers.
        columns: Those of the result, in order; `pages.*` are all of a table's, `:event.*` of the one that is given.
        parameters: What it asks for.
        notes: Kind of warehouse to what is different there.
        source: The page of Segment's that has the like.
        body: The text that serves most kinds of warehouse.
        bodies: Kind of warehouse to the text that serves it instead.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    name: str
    purpose: str
    columns: tuple[str, ...]
    parameters: Mapping[str, Parameter] = {}
    notes: Mapping[str, str] = {}
    source: str
    body: str
    bodies: Mapping[str, str] = {}

    def body_for(self, kind: str | None) -> str:
        """The text for a kind of warehouse."""
        return self.bodies.get(kind or "", self.body)

    def values(self, given: Mapping[str, str]) -> dict[str, str]:
        """A value for every parameter, of those that are given and the defaults.

        Raises:
            SettingsError: One is missing, unknown, or not what it should be.
        """
        if unknown := given.keys() - self.parameters.keys():
            asked = ", ".join(self.parameters) or "none"
            raise SettingsError(f"query {self.name}: unknown parameters {', '.join(sorted(unknown))}; it takes {asked}")
        return {name: self._value(name, one, given.get(name)) for name, one in self.parameters.items()}

    def _value(self, name: str, one: Parameter, given: str | None) -> str:
        if given is None and one.default is None:
            raise SettingsError(f"query {self.name}: {name} is missing, give {name}=…; {one.about}")
        try:
            return one.read(str(one.default) if given is None else given)
        except ValueError:
            raise SettingsError(f"query {self.name}: {name} has to be a {one.kind}; {one.about}") from None


def named(name: str) -> Query:
    """One of the queries.

    Raises:
        SettingsError: There is none of that name.
    """
    try:
        return library()[name]
    except KeyError:
        raise SettingsError(f"no query {name!r}; `profiles-sync queries list` shows those there are") from None


@cache
def library() -> dict[str, Query]:
    """Every query by name."""
    texts = {
        file.name.removesuffix(".sql"): file.read_text(encoding="utf-8")
        for file in files(__package__).iterdir()
        if file.name.endswith(".sql")
    }
    return {name: _read(name, texts) for name in sorted(texts) if "." not in name}


def _read(name: str, texts: Mapping[str, str]) -> Query:
    found = _HEAD.fullmatch(texts[name])
    assert found, f"{name}.sql has no head"
    head: dict[str, Any] = yaml.safe_load(found[1])
    others = {other.partition(".")[2]: text for other, text in texts.items() if other.startswith(f"{name}.")}
    return Query.model_validate(head | {"body": found[2], "bodies": others})
