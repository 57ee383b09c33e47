"""The traits of profiles: what an Identify call changes, what a merge combines, how many a profile may have.

Source: Segment, "Profiles Sync Tables" (a row for each Identify that updates a trait and for each merge that combines
traits; the most recent trait wins) and "Profiles FAQ" (null removes a trait, an empty text is a value). Segment names
no limit of traits per profile; ours, `IdentityRules.max_traits`, stands beside its 1,000 external IDs.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from profiles_sync.spec.columns import Value

OVER_TRAITS = "Profile trait limit exceeded"


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


def fitting(current: Mapping[str, Trait], sent: Mapping[str, Value], most: int) -> tuple[Mapping[str, Value], bool]:
    """What an Identify may change of a profile that has at most so many traits, and whether some of it is left out.

    A trait that is there can always change or go. Of new ones the first by name come in, as far as there is room.
    """
    new = sorted(name for name, value in sent.items() if value is not None and name not in current)
    gone = sum(value is None and name in current for name, value in sent.items())
    left_out = set(new[max(0, most - len(current) + gone) :])
    if not left_out:
        return sent, False
    return {name: value for name, value in sent.items() if name not in left_out}, True


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


def combined(several: Iterable[Mapping[str, Trait]], most: int) -> tuple[Traits, bool]:
    """The traits of a merged profile, of each the most recent value, and whether some are left out.

    Of more than so many those stay that changed last, of what changed together the first by name.
    """
    after: Traits = {}
    for traits in several:
        for name, trait in traits.items():
            if name not in after or after[name].seq < trait.seq:
                after[name] = trait
    if len(after) <= most:
        return after, False
    kept = sorted(after, key=lambda name: (-after[name].seq, name))[:most]
    return {name: after[name] for name in kept}, True
