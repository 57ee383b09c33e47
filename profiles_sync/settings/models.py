"""What can be set, and what it is when it is left out."""

import re
from enum import StrEnum
from ipaddress import ip_network
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    SecretStr,
    Tag,
    ValidationInfo,
    field_validator,
)
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from profiles_sync.settings.alerts import AlertSettings
from profiles_sync.settings.console import ConsoleSettings
from profiles_sync.settings.watching import LogSettings, MetricsSettings
from profiles_sync.spec.events import Source
from profiles_sync.spec.rules import RECOMMENDED, Blocked, Frequency, IdentityRules, Rule, default_rules
from profiles_sync.warehouses import WarehouseSettings
from profiles_sync.warehouses.databricks import DatabricksSettings

STRICT = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)
_SLUG = r"^[a-z0-9]([a-z0-9_-]*[a-z0-9])?$"
ENV_PREFIX = "PROFILES_SYNC_"

_IN_THE_LAKE = "{name} would be sent into {place}, where the lake is; give one of the two another schema"
_POLICY = "{slug} has {label}, and space.connection_policy lets {policy} connect; take it out, or label it"

Slug = Annotated[str, Field(pattern=_SLUG)]


def _regular_expression(pattern: str) -> str:
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        why = {"why": getattr(error, "msg", str(error))}
        raise PydanticCustomError("regular_expression", "not a regular expression: {why}", why) from None
    return pattern


def _network(address: str) -> str:
    try:
        return str(ip_network(address))
    except ValueError:
        raise PydanticCustomError("network", "not an IP address or a network such as 203.0.113.0/28") from None


#: What a space or a source is for; Segment, "Profiles Sync Setup".
Label = Literal["Dev", "Prod"]


class SpaceSettings(BaseModel):
    """The space; its slug names the lake's folder and the warehouse schema and never changes.

    `connection_policy` has the labels of the sources that may be connected, None for any source.
    """

    model_config = STRICT
    name: str
    slug: Slug
    label: Label | None = None
    connection_policy: tuple[Label, ...] | None = None

    @property
    def schema_name(self) -> str:
        """The warehouse schema of the space, unless a warehouse says otherwise."""
        return self.slug.replace("-", "_")


class CatalogSettings(BaseModel):
    """A lake in a Spark catalog, such as Unity Catalog: two schemas, the second for what is only ours.

    `staging` is a folder or URL that Spark and this process both read and write, such as a volume.
    """

    model_config = STRICT | ConfigDict(populate_by_name=True)
    catalog: str = Field(min_length=1)
    schema_name: str = Field(alias="schema", min_length=1)
    staging: str = Field(min_length=1)


def _kind(lake: object) -> str:
    return "catalog" if isinstance(lake, (dict, CatalogSettings)) else "path"


LakeSettings = Annotated[
    Annotated[str, Field(min_length=1), Tag("path")] | Annotated[CatalogSettings, Tag("catalog")], Discriminator(_kind)
]


class SourceSettings(BaseModel):
    """A source of events: a folder (or one file) of JSON lines or Parquet, or a Delta table."""

    model_config = STRICT
    id: str
    name: str
    path: str = Field(min_length=1)
    label: Label | None = None


class BlockedSettings(BaseModel):
    """Values that never become an external ID: exact ones and patterns for the whole trimmed value."""

    model_config = STRICT
    exact: tuple[str, ...] = RECOMMENDED.exact
    patterns: tuple[Annotated[str, AfterValidator(_regular_expression)], ...] = RECOMMENDED.patterns


class RuleSettings(BaseModel):
    """The rule of one external ID type; what is left out keeps Segment's default."""

    model_config = STRICT
    limit: int | None = Field(default=None, ge=1)
    frequency: Frequency | None = None
    priority: int | None = Field(default=None, ge=1)
    blocked: BlockedSettings | None = None


class IdentitySettings(BaseModel):
    """Identity Resolution rules, and where they are worked out."""

    model_config = STRICT
    path: Literal["auto", "driver", "distributed"] = "auto"
    distributed_above: int = Field(default=20_000_000, ge=1)
    edges_per_task: int = Field(default=50_000_000, ge=1)
    events_per_task: int = Field(default=250_000, ge=1)
    rules: dict[str, RuleSettings] = {}
    max_merges: int = Field(default=100, ge=0)
    max_mappings: int = Field(default=1000, ge=1)
    max_traits: int = Field(default=1000, ge=1)
    ios_idfa_needs_tracking: bool = False
    normalize_email: bool = False


class EngineSettings(BaseModel):
    """How the work is carried out: in the driver for small input, in Spark tasks above `driver_bytes`.

    Of more than `batch_bytes` a run makes several batches, one after the other.

    So many warehouses are synced beside each other, and a run waits no longer for one that is silent for so long.
    """

    model_config = STRICT
    executor: Literal["auto", "driver", "spark"] = "auto"
    driver_bytes: int = Field(default=16_000_000, ge=0)
    batch_bytes: int = Field(default=4_000_000_000, ge=1)
    slots: int = Field(default=8, ge=1)
    warehouses_at_once: int = Field(default=8, ge=1)
    silent_minutes: float = Field(default=120, gt=0)
    master: str = "local[*]"
    driver_memory: str = "2g"


class Role(StrEnum):
    """Segment's roles, as far as they tell what one may do here."""

    READ_ONLY = "Unify and Engage read-only"
    USER = "Unify read-only and Engage user"
    ADMIN = "Unify and Engage Admin"
    OWNER = "Workspace Owner"


class RetrySettings(BaseModel):
    """How often a sync that broke off is tried again within a run, and how the waits between grow, in seconds."""

    model_config = STRICT
    times: int = Field(default=3, ge=0)
    first_wait: float = Field(default=2, ge=0)
    longest_wait: float = Field(default=60, ge=0)


class LimitSettings(BaseModel):
    """Segment's limits: event tables that are backfilled in all, and bytes of the lake's files that one sync sends."""

    model_config = STRICT
    backfill_event_tables: int = Field(default=2000, ge=0)
    sync_bytes: int = Field(default=20_000_000_000_000, ge=1)


class BackfillSettings(BaseModel):
    """What a backfill sends of the profile raw tables: rows inferred from the current state, or those that were.

    And after how many seconds it lets a live sync in.
    """

    model_config = STRICT
    history: Literal["inferred", "actual"] = "inferred"
    slice_seconds: float = Field(default=10, ge=0)


class UpkeepSettings(BaseModel):
    """How often a run keeps the lake's tables up, 0 for never, and how long replaced files stay."""

    model_config = STRICT
    every_hours: float = Field(default=24, ge=0)
    keep_hours: float = Field(default=168, ge=1)


class QualitySettings(BaseModel):
    """Whether each batch is checked before it is merged, and the folder with a person's own expectations."""

    model_config = STRICT
    enabled: bool = False
    expectations: str | None = Field(default=None, min_length=1)


class ScheduleSettings(BaseModel):
    """How often a sync is due, counted from midnight UTC: by `profiles-sync schedule`, or whatever else starts runs."""

    model_config = STRICT
    every_minutes: float = Field(default=60, gt=0)


class Settings(BaseSettings):
    """All settings of one space."""

    model_config = SettingsConfigDict(
        extra="forbid", frozen=True, env_prefix=ENV_PREFIX, env_nested_delimiter="__", hide_input_in_errors=True
    )
    space: SpaceSettings
    lake: LakeSettings = "./lake"
    sources: dict[Slug, SourceSettings] = {}
    warehouses: dict[Slug, WarehouseSettings] = {}
    egress_addresses: list[Annotated[str, AfterValidator(_network)]] = []
    identity: IdentitySettings = IdentitySettings()
    engine: EngineSettings = EngineSettings()
    upkeep: UpkeepSettings = UpkeepSettings()
    retries: RetrySettings = RetrySettings()
    limits: LimitSettings = LimitSettings()
    backfill: BackfillSettings = BackfillSettings()
    quality: QualitySettings = QualitySettings()
    roles: dict[str, tuple[Role, ...]] = {}
    schedule: ScheduleSettings | None = None
    alerts: dict[Slug, AlertSettings] = {}
    storage: dict[str, SecretStr] = {}
    log: LogSettings = LogSettings()
    metrics: MetricsSettings = MetricsSettings()
    console: ConsoleSettings = ConsoleSettings()

    @field_validator(
        "sources",
        "warehouses",
        "identity",
        "engine",
        "upkeep",
        "retries",
        "limits",
        "backfill",
        "quality",
        "roles",
        "alerts",
        "storage",
        "log",
        "metrics",
        "console",
        mode="before",
    )
    @classmethod
    def _none_is_empty(cls, value: object) -> object:
        return {} if value is None else value

    @field_validator("sources")
    @classmethod
    def _may_connect(cls, sources: dict[str, SourceSettings], info: ValidationInfo) -> dict[str, SourceSettings]:
        space: SpaceSettings | None = info.data.get("space")
        if space is None or (policy := space.connection_policy) is None:
            return sources
        for slug, source in sources.items():
            if source.label not in policy:
                given = {
                    "slug": slug,
                    "label": source.label or "no label",
                    "policy": " or ".join(policy) or "no source",
                }
                raise PydanticCustomError("connection_policy", _POLICY, given)
        return sources

    @field_validator("warehouses")
    @classmethod
    def _beside_the_lake(
        cls, warehouses: dict[str, WarehouseSettings], info: ValidationInfo
    ) -> dict[str, WarehouseSettings]:
        space, lake = info.data.get("space"), info.data.get("lake")
        if space is None or not isinstance(lake, CatalogSettings):
            return warehouses
        its_own = {f"{lake.catalog}.{lake.schema_name}{more}".lower() for more in ("", "_control")}
        for name, one in warehouses.items():
            if isinstance(one, DatabricksSettings):
                place = f"{one.catalog}.{one.schema_name or space.schema_name}".lower()
                if place in its_own:
                    raise PydanticCustomError("in_the_lake", _IN_THE_LAKE, {"name": name, "place": place})
        return warehouses

    @field_validator("roles", mode="before")
    @classmethod
    def _one_is_enough(cls, roles: object) -> object:
        if not isinstance(roles, dict):
            return roles
        return {who: [role] if isinstance(role, str) else role for who, role in roles.items()}

    @field_validator("egress_addresses", mode="before")
    @classmethod
    def _none_is_no_address(cls, value: object) -> object:
        return [] if value is None else value

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
            max_traits=self.identity.max_traits,
        )

    @property
    def declared_sources(self) -> tuple[Source, ...]:
        """The sources in the order of the file."""
        return tuple(Source(slug, source.id, source.name) for slug, source in self.sources.items())

    @property
    def schema_name(self) -> str:
        """See `SpaceSettings`."""
        return self.space.schema_name

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
