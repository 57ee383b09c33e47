"""The traits of profiles: what an Identify call changes, what a merge combines.

Source: Segment, "Profiles Sync Tables" (a row for each Identify that updates a trait and for each merge that combines
traits; the most recent trait wins) and "Profiles FAQ" (null removes a trait, an empty text is a value).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from profiles_sync.spec.columns import Value


@dataclass(frozen=True, slots=True)
class Trait:
    """A trait's current value and the change that set it. Times are microseconds."""

    value: Value
    seq: int
    received_at: int
    timestamp: int


Traits = dict[str, Trait]


def same(one: Value, other: Value) -> bool:
    """Whether two values are the same to a reader of the table: 1 and true are not, 1 and 1.0 are not."""
    return type(one) is type(other) and one == other


def changed(current: Mapping[str, Trait], sent: Mapping[str, Value]) -> bool:
    """Whether an Identify that sends these traits changes the profile."""
    return any(
        name in current if value is None else name not in current or not same(current[name].value, value)
        for name, value in sent.items()
    )


def updated(
    current: Mapping[str, Trait], sent: Mapping[str, Value], seq: int, received_at: int, timestamp: int
) -> Traits:
    """The traits after an Identify; an unchanged one keeps the change that set it."""
    after = dict(current)
    for name, value in sent.items():
        if value is None:
            after.pop(name, None)
        elif name not in after or not same(after[name].value, value):
            after[name] = Trait(value, seq, received_at, timestamp)
    return after


def combined(several: Iterable[Mapping[str, Trait]]) -> Traits:
    """The traits of a merged profile: of each trait the most recent value."""
    after: Traits = {}
    for traits in several:
        for name, trait in traits.items():
            if name not in after or after[name].seq < trait.seq:
                after[name] = trait
    return after
