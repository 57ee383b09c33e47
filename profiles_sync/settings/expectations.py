"""A person's own expectations: a folder of YAML files, each about some tables.

table: order_completed
expectations:
  - {expect: not_null, column: total}
  - {expect: between, column: total, min: 0, max: 100000, mostly: 0.99, severity: warning}
"""

import datetime as dt
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from profiles_sync.errors import SettingsError
from profiles_sync.settings.file import content
from profiles_sync.spec.columns import LARGEST, SMALLEST
from profiles_sync.spec.expectations import Expectation, Kind, Severity, whole

_STRICT = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)
Word = Literal["not_null", "unique", "length", "matches", "in", "between"]
Plain = bool | int | float | str


def _bound(value: object) -> Plain:
    """A finite number, or a time as text: in UTC where it has no zone."""
    if isinstance(value, str):
        value = _time(value)
    elif isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        value = dt.datetime.combine(value, dt.time())
    if isinstance(value, dt.datetime):
        value = value if value.tzinfo else value.replace(tzinfo=dt.UTC)
        if dt.MINYEAR < value.year < dt.MAXYEAR:
            return value.astimezone(dt.UTC).isoformat()
    elif isinstance(value, int | float) and _is_number(value):
        return value
    raise PydanticCustomError("bound", "expected a number or a time")


def _time(text: str) -> dt.datetime | None:
    try:
        return dt.datetime.fromisoformat(text)
    except ValueError:
        return None


def _scalar(value: object) -> Plain:
    if isinstance(value, bool | str) or (isinstance(value, int | float) and _is_number(value)):
        return value
    raise PydanticCustomError("scalar", "expected a text, a number or a boolean; put a time or null in quotes")


def _is_number(value: float) -> bool:
    """One that a bigint or a double may be."""
    if isinstance(value, float):
        return math.isfinite(value)
    return not isinstance(value, bool) and SMALLEST <= value <= LARGEST


Bound = Annotated[Any, PlainValidator(_bound)]
Scalar = Annotated[Any, PlainValidator(_scalar)]
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
    values: tuple[Scalar, ...] | None = Field(default=None, min_length=1)

    @model_validator(mode="after")
    def _is_whole(self) -> "Expected":
        named = [*self.columns, *([self.column] if self.column else [])]
        if bool(self.columns) == bool(self.column) or (self.columns and self.expect != "unique"):
            raise PydanticCustomError("columns", "name one column; unique alone takes columns instead")
        if len({*named}) < len(named):
            raise PydanticCustomError("columns", "a column stands twice")
        needs = _NEEDS.get(self.expect, ())
        given = {name for name in ("min", "max", "regex", "values") if getattr(self, name) is not None}
        if (needs and not given) or not given <= set(needs):
            said = {"word": self.expect, "needs": " or ".join(needs) or "nothing else"}
            raise PydanticCustomError("needs", "{word} needs {needs}", said)
        if self.regex is not None:
            _compiled(self.regex)
        _compared([bound for bound in (self.min, self.max) if bound is not None], self.expect == "length")
        return self

    def made(self) -> Expectation:
        """As the checks take it."""
        asks: dict[str, Any] = {name: getattr(self, name) for name in _NEEDS.get(self.expect, ())}
        asks = {name: list(value) if name == "values" else value for name, value in asks.items() if value is not None}
        columns = self.columns or (str(self.column),)
        return Expectation(Kind(self.expect), columns, self.severity, self.mostly, asks, True)


class Suite(BaseModel):
    """A file: a table, and what is expected of it."""

    model_config = _STRICT
    table: str = Field(min_length=1)
    expectations: tuple[Expected, ...]


def _compiled(pattern: str) -> None:
    """As it will be used, in brackets: a flag may then not be at its start."""
    try:
        re.compile(whole(pattern))
    except (re.error, OverflowError, RecursionError):
        said = "regex is not a regular expression; a flag such as (?i) is written (?i:...) around what it is for"
        raise PydanticCustomError("regex", said) from None


def _compared(bounds: Sequence[Any], is_length: bool) -> None:
    """Bounds that no value could lie between are a mistake, and not known as one until rows are held back."""
    if is_length and not all(isinstance(bound, int) and bound >= 0 for bound in bounds):
        raise PydanticCustomError("bounds", "a length is a whole number")
    if len({isinstance(bound, str) for bound in bounds}) > 1:
        raise PydanticCustomError("bounds", "min and max are two numbers or two times")
    if list(bounds) != sorted(bounds):
        raise PydanticCustomError("bounds", "min is above max")


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
    found = content(path, "expectations")
    if not isinstance(found, dict):
        raise SettingsError(f"expectations {path}: expected `table:` and `expectations:` with a list below it")
    try:
        return Suite.model_validate(found)
    except ValidationError as error:
        wrong = error.errors(include_url=False, include_input=False, include_context=False)[0]
        key = ".".join(map(str, wrong["loc"]))
        said = wrong["msg"].replace("Input should be a valid tuple", "expected a list")
        raise SettingsError(
            f"expectations {path}: {key or 'the file'}: {said.replace('Input should be', 'expected')}"
        ) from None
