"""Identity Resolution rules: which external IDs count, how many a profile may have, which one gives way.

Source: Segment, "Identity Resolution Settings" and "Identity Resolution Onboarding".
"""

import re
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property, lru_cache

_DAY = 86_400_000_000  # microseconds


class Frequency(StrEnum):
    """The window a limit counts in; it slides, and its clock is the `received_at` of the first mapping.

    An event that lands late counts the values that were mapped less than a window before or after it: so neither does
    an old file get past the limit, nor do later years count against it.
    """

    DAILY = "Daily"
    WEEKLY = "Weekly"
    MONTHLY = "Monthly"
    ANNUALLY = "Annually"
    EVER = "Ever"

    @property
    def window(self) -> int | None:
        """Microseconds, or None for ever. Segment names no calendar lengths; ours are 1, 7, 30 and 365 days."""
        days = {"Daily": 1, "Weekly": 7, "Monthly": 30, "Annually": 365}.get(self.value)
        return days * _DAY if days else None


@dataclass(frozen=True)
class Blocked:
    """Values that are never identifiers: exact ones, and patterns that must match the whole trimmed value."""

    exact: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()

    def has(self, value: str) -> bool:
        """Whether the value is blocked."""
        trimmed = value.strip()
        return trimmed in self.exact or any(_pattern(pattern).fullmatch(trimmed) for pattern in self.patterns)


@lru_cache(maxsize=256)
def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text)


#: The set that Segment recommends: zeroes and dashes, -1, null, anonymous.
RECOMMENDED = Blocked(exact=("-1", "null", "anonymous"), patterns=("^[0-]*$",))


@dataclass(frozen=True)
class Rule:
    """The rule of one external ID type: at most `limit` values per profile within `frequency`.

    `priority` 1 is the best; None ranks the type alphabetically behind those that have one.
    """

    type: str
    limit: int = 5
    frequency: Frequency = Frequency.EVER
    priority: int | None = None
    blocked: Blocked = RECOMMENDED


DEFAULT_TYPES = (
    "user_id",
    "email",
    "android.id",
    "android.idfa",
    "android.push_token",
    "anonymous_id",
    "ga_client_id",
    "ios.id",
    "ios.idfa",
    "ios.push_token",
)


def default_rules() -> tuple[Rule, ...]:
    """Segment's defaults: user_id 1 ever and first, email 5 ever and second, all others 5 ever."""
    first = {"user_id": Rule("user_id", limit=1, priority=1), "email": Rule("email", priority=2)}
    return tuple(first.get(kind, Rule(kind)) for kind in DEFAULT_TYPES)


@dataclass(frozen=True)
class IdentityRules:
    """All rules of a space, and the switches where Segment's own pages disagree."""

    rules: tuple[Rule, ...] = field(default_factory=default_rules)
    ios_idfa_needs_tracking: bool = False
    normalize_email: bool = False
    max_merges: int = 100
    max_mappings: int = 1000
    max_traits: int = 1000

    @cached_property
    def by_type(self) -> dict[str, Rule]:
        """Rule per external ID type, in order of rank: the best first."""
        last = 1 + max((rule.priority or 0 for rule in self.rules), default=0)
        ranked = sorted(self.rules, key=lambda rule: (rule.priority or last, rule.type))
        return {rule.type: rule for rule in ranked}

    @cached_property
    def ranks(self) -> dict[str, int]:
        """Rank per type, 0 for the best; the worst-ranked identifier of an event is demoted first."""
        return {kind: rank for rank, kind in enumerate(self.by_type)}

    @cached_property
    def custom_types(self) -> tuple[str, ...]:
        """The declared types that are not Segment's own."""
        return tuple(kind for kind in self.by_type if kind not in DEFAULT_TYPES)
