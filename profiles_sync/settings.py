"""The settings: one YAML file per space and environment variables, read into one frozen object.

`PROFILES_SYNC_` and the key, levels joined by `__`, sets the same key from the environment:
`PROFILES_SYNC_WAREHOUSES__PG__PASSWORD`. The environment wins over the file.
"""

import json
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import pydantic_settings
import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator
from pydantic_core import ErrorDetails, PydanticCustomError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from profiles_sync.errors import SettingsError
from profiles_sync.spec.events import Source
from profiles_sync.spec.rules import RECOMMENDED, Blocked, Frequency, IdentityRules, Rule, default_rules
from profiles_sync.warehouses import WarehouseSettings

_STRICT = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)
_SLUG = r"^[a-z0-9]([a-z0-9_-]*[a-z0-9])?$"
ENV_PREFIX = "PROFILES_SYNC_"
MASK = "********"
_PROBLEMS = {
    "missing": "required and missing",
    "extra_forbidden": "unknown key",
    "model_type": "expected keys below it",
    "dict_type": "expected keys below it",
}

Slug = Annotated[str, Field(pattern=_SLUG)]


def _regular_expression(pattern: str) -> str:
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        why = {"why": getattr(error, "msg", str(error))}
        raise PydanticCustomError("regular_expression", "not a regular expression: {why}", why) from None
    return pattern


class SpaceSettings(BaseModel):
    """The space; its slug names the lake's folder and the warehouse schema and never changes."""

    model_config = _STRICT
    name: str
    slug: Slug


class SourceSettings(BaseModel):
    """A source of events: a folder (or one file) of JSON lines or Parquet, or a Delta table."""

    model_config = _STRICT
    id: str
    name: str
    path: str


class BlockedSettings(BaseModel):
    """Values that never become an external ID: exact ones and patterns for the whole trimmed value."""

    model_config = _STRICT
    exact: tuple[str, ...] = RECOMMENDED.exact
    patterns: tuple[Annotated[str, AfterValidator(_regular_expression)], ...] = RECOMMENDED.patterns


class RuleSettings(BaseModel):
    """The rule of one external ID type; what is left out keeps Segment's default."""

    model_config = _STRICT
    limit: int | None = Field(default=None, ge=1)
    frequency: Frequency | None = None
    priority: int | None = Field(default=None, ge=1)
    blocked: BlockedSettings | None = None


class IdentitySettings(BaseModel):
    """Identity Resolution rules, and where they are worked out."""

    model_config = _STRICT
    path: Literal["auto", "driver", "distributed"] = "auto"
    distributed_above: int = Field(default=20_000_000, ge=1)
    rules: dict[str, RuleSettings] = {}
    max_merges: int = Field(default=100, ge=0)
    max_mappings: int = Field(default=1000, ge=1)
    ios_idfa_needs_tracking: bool = False
    normalize_email: bool = False


class EngineSettings(BaseModel):
    """How the work is carried out: in the driver for small input, in Spark tasks above `driver_bytes`."""

    model_config = _STRICT
    executor: Literal["auto", "driver", "spark"] = "auto"
    driver_bytes: int = Field(default=16_000_000, ge=0)
    slots: int = Field(default=8, ge=1)
    master: str = "local[*]"
    driver_memory: str = "2g"


class UpkeepSettings(BaseModel):
    """How often a run keeps the lake's tables up, 0 for never, and how long replaced files stay."""

    model_config = _STRICT
    every_hours: float = Field(default=24, ge=0)
    keep_hours: float = Field(default=168, ge=1)


class Settings(BaseSettings):
    """All settings of one space."""

    model_config = SettingsConfigDict(
        extra="forbid", frozen=True, env_prefix=ENV_PREFIX, env_nested_delimiter="__", hide_input_in_errors=True
    )
    space: SpaceSettings
    lake: str = "./lake"
    sources: dict[Slug, SourceSettings] = {}
    warehouses: dict[Slug, WarehouseSettings] = {}
    identity: IdentitySettings = IdentitySettings()
    engine: EngineSettings = EngineSettings()
    upkeep: UpkeepSettings = UpkeepSettings()
    storage: dict[str, SecretStr] = {}

    @field_validator("sources", "warehouses", "identity", "engine", "upkeep", "storage", mode="before")
    @classmethod
    def _none_is_empty(cls, value: object) -> object:
        return {} if value is None else value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment, then what is given, which is what the file says."""
        return env_settings, init_settings

    @property
    def rules(self) -> IdentityRules:
        """The identity rules as the spec reads them: Segment's defaults with what the file changes."""
        changed = self.identity.rules
        kept = [_changed(rule, changed[rule.type]) if rule.type in changed else rule for rule in default_rules()]
        known = {rule.type for rule in kept}
        kept += [_changed(Rule(kind), rule) for kind, rule in changed.items() if kind not in known]
        return IdentityRules(
            tuple(kept),
            ios_idfa_needs_tracking=self.identity.ios_idfa_needs_tracking,
            normalize_email=self.identity.normalize_email,
            max_merges=self.identity.max_merges,
            max_mappings=self.identity.max_mappings,
        )

    @property
    def declared_sources(self) -> tuple[Source, ...]:
        """The sources in the order of the file."""
        return tuple(Source(slug, source.id, source.name) for slug, source in self.sources.items())

    @property
    def schema_name(self) -> str:
        """The warehouse schema of the space, unless a warehouse says otherwise."""
        return self.space.slug.replace("-", "_")

    @property
    def storage_options(self) -> dict[str, str]:
        """Options of the object store under the lake, in plain text for the clients that need them."""
        return {name: value.get_secret_value() for name, value in self.storage.items()}


def _changed(rule: Rule, by: RuleSettings) -> Rule:
    return Rule(
        rule.type,
        by.limit if by.limit is not None else rule.limit,
        by.frequency or rule.frequency,
        by.priority if by.priority is not None else rule.priority,
        Blocked(by.blocked.exact, by.blocked.patterns) if by.blocked else rule.blocked,
    )


def load(path: Path) -> Settings:
    """Read a settings file and the environment.

    Relative paths in the file are relative to its folder.

    Raises:
        SettingsError: A line that names the key, what was expected and what to do.
    """
    try:
        settings = Settings(**_written(path))
    except ValidationError as error:
        raise SettingsError(f"settings {path}: {_problems(error)}") from None
    except pydantic_settings.SettingsError as error:
        raise SettingsError(f"environment: {_not_json(error)}") from None
    return _anchored(settings, path.absolute().parent)


def _written(path: Path) -> dict[str, Any]:
    """What stands in the file. Options of the object store are known by lower-case names, as in the environment."""
    if not path.is_file():
        raise SettingsError(f"settings: no file at {path}; give one with --settings FILE")
    try:
        written = yaml.safe_load(path.read_bytes()) or {}
    except OSError as error:
        raise SettingsError(f"settings {path}: cannot be read: {error.strerror}") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f" near line {mark.line + 1}" if mark else ""
        raise SettingsError(
            f"settings {path}: not readable as YAML{line}; check its indentation, quotes and encoding"
        ) from None
    if not isinstance(written, dict) or not all(isinstance(key, str) for key in written):
        raise SettingsError(f"settings {path}: expected keys such as `space:` and `sources:` with values below them")
    if isinstance(storage := written.get("storage"), dict):
        written["storage"] = {str(name).lower(): value for name, value in storage.items()}
    return written


def _problems(error: ValidationError, most: int = 3) -> str:
    """The first few problems, each with its key; never a value, which may be a secret."""
    found = error.errors(include_url=False, include_input=False, include_context=False)
    return "; ".join(map(_problem, found[:most])) + (f" ({len(found) - most} more)" if len(found) > most else "")


def _problem(error: ErrorDetails) -> str:
    key = tuple(map(str, error["loc"]))
    what = _PROBLEMS.get(error["type"]) or error["msg"].replace("Input should be", "expected")
    variable = _variable(key, os.environ)
    return f"{'.'.join(key)}{f' (environment {variable})' if variable else ''}: {what}"


def _not_json(error: pydantic_settings.SettingsError) -> str:
    field = str(error).partition('"')[2].partition('"')[0]
    begin = (ENV_PREFIX + field).upper()
    variables = sorted(name for name in os.environ if name.upper() == begin or name.upper().startswith(f"{begin}__"))
    return f"{' or '.join(variables)}: not readable as JSON; set each key below {field} on its own, joined by `__`"


def _variable(key: tuple[str, ...], environ: Mapping[str, str]) -> str | None:
    """The environment variable that sets a key, by itself or in the JSON of a key above it."""
    given = {name.upper(): name for name in environ}
    for depth in range(len(key), 0, -1):
        name = given.get(ENV_PREFIX + "__".join(key[:depth]).upper())
        if name and (depth == len(key) or _has(_json(environ[name]), key[depth:])):
            return name
    return None


def _json(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _anchored(settings: Settings, folder: Path) -> Settings:
    sources = {
        slug: source.model_copy(update={"path": _under(folder, source.path)})
        for slug, source in settings.sources.items()
    }
    warehouses = {
        name: one.model_copy(update={"path": _under(folder, one.path)}) if hasattr(one, "path") else one
        for name, one in settings.warehouses.items()
    }
    return settings.model_copy(
        update={"lake": _under(folder, settings.lake), "sources": sources, "warehouses": warehouses}
    )


def _under(folder: Path, path: str) -> str:
    return path if "://" in path else str((folder / Path(path).expanduser()).resolve())


def origins(path: Path, environ: Mapping[str, str]) -> Iterator[tuple[str, object, str]]:
    """Every effective setting as (key, value, origin), secrets masked; origin is file, environment NAME or default."""
    settings, written = load(path), _written(path)
    for key, value in _leaves(settings.model_dump(by_alias=True)):
        variable = _variable(key, environ)
        origin = f"environment {variable}" if variable else "file" if _has(written, key) else "default"
        yield ".".join(key), MASK if isinstance(value, SecretStr) and value else value, origin


def unknown_variables(environ: Mapping[str, str]) -> list[str]:
    """Environment variables that look like settings and are none: nothing reads them."""
    known = {*Settings.model_fields, "settings", "no_numba"}  # --settings, and a switch of the engine
    names = [name for name in environ if name.upper().startswith(ENV_PREFIX)]
    return sorted(name for name in names if name[len(ENV_PREFIX) :].lower().split("__")[0] not in known)


def _leaves(value: object, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], object]]:
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from _leaves(inner, (*path, str(key)))
    else:
        yield path, value


def _has(written: object, key: tuple[str, ...]) -> bool:
    for part in key:
        if not isinstance(written, Mapping) or part not in written:
            return False
        written = written[part]
    return True
