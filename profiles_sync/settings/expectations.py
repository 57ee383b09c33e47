"""A person's own expectations: a folder of YAML files, each about some tables.

table: order_completed
expectations:
  - {expect: not_null, column: total}
  - {expect: between, column: total, min: 0, max: 100000, mostly: 0.99, severity: warning}
"""

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from profiles_sync.errors import SettingsError
from profiles_sync.spec.expectations import Expectation, Kind, Severity

_STRICT = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)
Word = Literal["not_null", "unique", "length", "matches", "in", "between"]
Scalar = bool | int | float | str
Bound = int | float | dt.datetime | dt.date
#: What each word needs, and of that at least one.
_NEEDS: Mapping[str, tuple[str, ...]] = {
    "length": ("min", "max"),
    "matches": ("regex",),
    "in": ("values",),
    "between": ("min", "max"),
}


class Expected(BaseModel):
    """One expectation, as it stands in a file."""

    model_config = _STRICT
    expect: Word
    column: str | None = None
    columns: tuple[str, ...] = ()
    severity: Severity = Severity.CRITICAL
    mostly: float = Field(default=1, gt=0, le=1)
    min: Bound | None = None
    max: Bound | None = None
    regex: str | None = None
    values: tuple[Scalar, ...] | None = None

    @model_validator(mode="after")
    def _is_whole(self) -> "Expected":
        named = [*self.columns, *([self.column] if self.column else [])]
        if len(named) != 1 and (self.expect != "unique" or not named):
            raise PydanticCustomError("columns", "name one column; unique alone takes columns")
        needs = _NEEDS.get(self.expect, ())
        given = {name for name in ("min", "max", "regex", "values") if getattr(self, name) is not None}
        if (needs and not given) or not given <= set(needs):
            said = {"word": self.expect, "needs": " or ".join(needs) or "nothing else"}
            raise PydanticCustomError("needs", "{word} needs {needs}", said)
        if self.regex is not None:
            _compiled(self.regex)
        return self

    def made(self) -> Expectation:
        """As the checks take it."""
        asks: dict[str, Any] = {name: getattr(self, name) for name in _NEEDS.get(self.expect, ())}
        asks = {name: _plain(value) for name, value in asks.items() if value is not None}
        columns = self.columns or (str(self.column),)
        return Expectation(Kind(self.expect), columns, self.severity, self.mostly, asks, True)


class Suite(BaseModel):
    """A file: a table, and what is expected of it."""

    model_config = _STRICT
    table: str = Field(min_length=1)
    expectations: tuple[Expected, ...]


def _compiled(pattern: str) -> None:
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError):
        raise PydanticCustomError("regex", "regex is not a regular expression") from None


def _plain(value: Any) -> Any:  # noqa: ANN401 what a file may hold
    """As JSON has it; a time without a zone is UTC."""
    if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        value = dt.datetime.combine(value, dt.time())
    if isinstance(value, dt.datetime):
        return (value if value.tzinfo else value.replace(tzinfo=dt.UTC)).astimezone(dt.UTC).isoformat()
    return list(value) if isinstance(value, tuple) else value


def expectations_in(folder: str | None) -> dict[str, Sequence[Expectation]]:
    """By table, those of every `.yml` and `.yaml` file of a folder, by its name.

    Raises:
        SettingsError: There is no such folder, or a file is wrong; names the file and the key.
    """
    found: dict[str, list[Expectation]] = {}
    if folder is None:
        return {}
    if not Path(folder).is_dir():
        raise SettingsError(f"quality.expectations: there is no folder {folder}")
    for path in sorted(path for path in Path(folder).iterdir() if path.suffix in {".yml", ".yaml"}):
        suite = _read(path)
        found.setdefault(suite.table, []).extend(one.made() for one in suite.expectations)
    return dict(found)


def _read(path: Path) -> Suite:
    try:
        return Suite.model_validate(yaml.safe_load(path.read_text()))
    except ValidationError as error:
        wrong = error.errors(include_url=False, include_input=False, include_context=False)[0]
        key = ".".join(map(str, wrong["loc"]))
        raise SettingsError(f"expectations {path}: {key or 'the file'}: {wrong['msg']}") from None
    except (yaml.YAMLError, OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"expectations {path}: cannot be read as YAML: {type(error).__name__}") from None
