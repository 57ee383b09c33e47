"""A profile as it is now: what it has, and how it came to be."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

HIDDEN = "••••••••"


@dataclass(frozen=True)
class Cause:
    """The event that caused a change.

    Attributes:
        seq: Orders all changes of the space.
        at: When the event happened.
        received_at: When it was received.
        type: Which call it was.
        id: Its messageId.
        name: Of the track event, page or screen.
        source: The name of the source.
    """

    seq: str
    at: datetime
    received_at: datetime
    type: str
    id: str
    name: str | None
    source: str | None


@dataclass(frozen=True)
class Merge:
    """A profile that was merged into another; `moved` are those that it had taken in before."""

    segment_id: str
    into: str
    cause: Cause
    moved: int = 0


@dataclass(frozen=True)
class Held:
    """An external ID, the profile it was first seen with, and the event that brought it."""

    type: str
    value: str
    segment_id: str
    cause: Cause


@dataclass(frozen=True)
class Trait:
    """A trait as it is now."""

    name: str
    value: str | None
    at: datetime | None


@dataclass(frozen=True)
class Profile:
    """A profile as it is now.

    Attributes:
        segment_id: The canonical one.
        created: Every profile that became a part of it, itself too, and the event that created it; the oldest first.
        merges: In their order.
        identifiers: In the order in which they were first seen.
        traits: By name.
    """

    segment_id: str
    created: Mapping[str, Cause]
    merges: tuple[Merge, ...]
    identifiers: tuple[Held, ...]
    traits: tuple[Trait, ...]

    def masked(self) -> "Profile":
        """For who may not see people's data: no value of an external ID or a trait is in it."""
        return replace(
            self,
            identifiers=tuple(replace(one, value=HIDDEN) for one in self.identifiers),
            traits=tuple(replace(one, value=HIDDEN) for one in self.traits),
        )

    def exported(self) -> dict[str, Any]:
        """As a file of JSON has it."""
        return {
            "segment_id": self.segment_id,
            "external_ids": [
                {"type": one.type, "value": one.value, "first_seen": one.cause.at} for one in self.identifiers
            ],
            "traits": {one.name: one.value for one in self.traits},
            "merges": [
                {"segment_id": one.segment_id, "merged_into": one.into, "at": one.cause.at, "event": one.cause.id}
                for one in self.merges
            ],
        }
