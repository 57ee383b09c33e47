"""The settings: one YAML file per space and environment variables, read into one frozen object.

`PROFILES_SYNC_` and the key, levels joined by `__`, sets the same key from the environment:
`PROFILES_SYNC_WAREHOUSES__PG__PASSWORD`. The environment wins over the file.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, YamlConfigSettingsSource

from profiles_sync.errors import SettingsError
from profiles_sync.spec.events import Source
from profiles_sync.spec.rules import RECOMMENDED, Blocked, Frequency, IdentityRules, Rule, default_rules
from profiles_sync.warehouses import WarehouseSettings

_STRICT = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)
_SLUG = r"^[a-z0-9]([a-z0-9_-]*[a-z0-9])?$"
ENV_PREFIX = "PROFILES_SYNC_"


class SpaceSettings(BaseModel):
    """The space; its slug names the lake's folder and the warehouse schema and never changes."""

    model_config = _STRICT
    name: str
    slug: str = Field(pattern=_SLUG)


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
    patterns: tuple[str, ...] = RECOMMENDED.patterns


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


class Settings(BaseSettings):
    """All settings of one space."""

    model_config = SettingsConfigDict(
        extra="forbid", frozen=True, env_prefix=ENV_PREFIX, env_nested_delimiter="__", hide_input_in_errors=True
    )
    space: SpaceSettings
    lake: str = "./lake"
    sources: dict[Annotated[str, Field(pattern=_SLUG)], SourceSettings] = {}
    warehouses: dict[str, WarehouseSettings] = {}
    identity: IdentitySettings = IdentitySettings()
    engine: EngineSettings = EngineSettings()
    storage: dict[str, SecretStr] = {}

    @field_validator("sources", "warehouses", mode="before")
    @classmethod
    def _none_is_empty(cls, value: object) -> object:
        return {} if value is None else value

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
    if not path.is_file():
        raise SettingsError(f"settings: no file at {path}; give one with --settings FILE")
    try:
        settings = _from(path)
    except ValidationError as error:
        raise SettingsError(f"settings {path}: {_first_line(error)}") from None
    except yaml.YAMLError as error:
        where = getattr(error, "problem_mark", None)
        line = f" near line {where.line + 1}" if where else ""
        raise SettingsError(f"settings {path}: not readable as YAML{line}; check its indentation and quotes") from None
    return _anchored(settings, path.resolve().parent)


def _from(path: Path) -> Settings:
    class FromFile(Settings):
        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,
            file_secret_settings: PydanticBaseSettingsSource,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            return env_settings, YamlConfigSettingsSource(settings_cls, yaml_file=path)

    return FromFile()  # type: ignore[call-arg]


def _first_line(error: ValidationError) -> str:
    problems = error.errors(include_url=False, include_input=False, include_context=False)
    first = problems[0]
    key = ".".join(str(part) for part in first["loc"])
    more = f" ({len(problems) - 1} more after it)" if len(problems) > 1 else ""
    return f"{key or 'the file'}: {first['msg']}{more}"


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


def origins(path: Path, environ: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    """Every effective setting as (key, value, origin), secrets masked; origin is file, environment or default."""
    settings = load(path)
    written = yaml.safe_load(path.read_text()) or {}
    for key, value in _leaves(settings.model_dump(mode="json", by_alias=True)):
        env = ENV_PREFIX + "__".join(key).upper()
        given = {name.upper() for name in environ}
        origin = f"environment {env}" if env in given else "file" if _has(written, key) else "default"
        yield ".".join(key), "********" if _is_secret(key) and value else str(value), origin


def _leaves(value: object, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], object]]:
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from _leaves(inner, (*path, str(key)))
    else:
        yield path, value


def _has(written: object, key: tuple[str, ...]) -> bool:
    for part in key:
        if not isinstance(written, dict) or part not in written:
            return False
        written = written[part]
    return True


def _is_secret(key: tuple[str, ...]) -> bool:
    return key[0] == "storage" or any(word in key[-1] for word in ("password", "secret", "token", "private_key"))
