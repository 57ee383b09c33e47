"""The reference resolver: one event after the other, exactly as Segment describes Identity Resolution.

It is written to be read. The engine in `pipeline` is checked against it on random streams and must give the same
answer; where the two differ, this one is right.
Source: Segment, "Identity Resolution Overview" (flat matching, oldest profile survives), "Identity Resolution
Settings" (limits, priorities, blocked values), "Profiles product limits" (100 merges, 1,000 mappings).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from profiles_sync.spec.identifiers import Identifier
from profiles_sync.spec.rules import IdentityRules

NO_IDENTIFIERS = "No matching identifiers on event"
BLOCKED = "ID value blocked"
OVER_LIMIT = "Identifier value limit exceeded"
OVER_TIME_LIMIT = "Identifier value time limit exceeded"
OVER_MERGES = "Profile merge limit exceeded"
OVER_MAPPINGS = "Identifier mapping limit exceeded"


@dataclass
class Profile:
    """A live profile. Profiles are numbered in order of creation; the number is the age."""

    number: int
    mapped_at: dict[Identifier, int] = field(default_factory=dict)  # identifier -> received_at of its first mapping
    absorbed: list[int] = field(default_factory=list)  # numbers of the profiles merged into this one, all levels


@dataclass(frozen=True)
class Violation:
    """An identifier that was not used as sent, and the rule that says so."""

    code: str
    identifier: Identifier | None = None


@dataclass(frozen=True)
class Merge:
    """`profile` now maps to `into`; `cause` is the profile merged away that it belonged to (itself, mostly)."""

    profile: int
    into: int
    cause: int


@dataclass(frozen=True)
class Resolution:
    """What one event did to the graph.

    Attributes:
        profile: The number of the profile the event belongs to now, None where it could not be resolved.
        stamp: The number of the profile that its row shows: the youngest matched one.
        created: Whether the event created `profile`.
        merges: In the order their rows are written.
        mapped: Identifiers attached to `profile`, best rank first.
        violations: In the order they were found.
    """

    profile: int | None
    stamp: int | None
    created: bool = False
    merges: tuple[Merge, ...] = ()
    mapped: tuple[Identifier, ...] = ()
    violations: tuple[Violation, ...] = ()


class Resolver:
    """The identity graph of one space, and how an event changes it."""

    def __init__(self, rules: IdentityRules) -> None:
        self.rules = rules
        self.owners: dict[Identifier, Profile] = {}
        self.created = 0

    def resolve(self, identifiers: Sequence[Identifier], received_at: int) -> Resolution:
        """Create, add or merge.

        Args:
            identifiers: Distinct and not blocked, best rank first.
            received_at: Microseconds; the clock of windowed limits.
        """
        used, violations = self._within_limits(list(identifiers), received_at)
        if not used:
            return Resolution(None, None, violations=(*violations, Violation(NO_IDENTIFIERS)))
        matched = self._matched(used)
        if not matched:
            return self._create(used, received_at, violations)
        root = matched[0]
        merges: tuple[Merge, ...] = ()
        stamp = matched[-1]  # the event that merges shows the youngest of the profiles it merges
        if len(matched) > 1:
            if self._too_many_merges(matched):
                root = stamp = self._best_ranked(used)
                violations.append(Violation(OVER_MERGES))
            else:
                merges = self._merge(root, matched[1:])
        mapped = self._attach(root, used, received_at, violations)
        return Resolution(root.number, stamp.number, False, merges, mapped, tuple(violations))

    def _within_limits(self, used: list[Identifier], now: int) -> tuple[list[Identifier], list[Violation]]:
        """Demote the worst-ranked identifier on the event until the resulting profile breaks no limit."""
        violations = []
        while used and (code := self._broken_limit(used, now)):
            violations.append(Violation(code, used.pop()))
        return used, violations

    def _broken_limit(self, used: list[Identifier], now: int) -> str | None:
        """The code of the first type, by rank, of which the profile after this event would have too many values."""
        matched = self._matched(used)
        for kind, rule in self.rules.by_type.items():
            new = [one for one in used if one.type == kind and one not in self.owners]
            if not new and len(matched) < 2:
                continue  # sending again what is there is never a violation
            window = rule.frequency.window
            count = len(new) + sum(_count(profile, kind, window, now) for profile in matched)
            if count > rule.limit:
                return OVER_TIME_LIMIT if window else OVER_LIMIT
        return None

    def _matched(self, used: Iterable[Identifier]) -> list[Profile]:
        """The distinct live profiles that own one of the identifiers, oldest first."""
        found = {self.owners[one].number: self.owners[one] for one in used if one in self.owners}
        return [found[number] for number in sorted(found)]

    def _create(self, used: list[Identifier], now: int, violations: list[Violation]) -> Resolution:
        profile = Profile(self.created)
        self.created += 1
        mapped = self._attach(profile, used, now, violations)
        return Resolution(profile.number, profile.number, True, (), mapped, tuple(violations))

    def _too_many_merges(self, matched: list[Profile]) -> bool:
        return sum(len(profile.absorbed) for profile in matched) + len(matched) - 1 > self.rules.max_merges

    def _best_ranked(self, used: list[Identifier]) -> Profile:
        return next(self.owners[one] for one in used if one in self.owners)

    def _merge(self, root: Profile, children: list[Profile]) -> tuple[Merge, ...]:
        """Fold the younger profiles into the oldest; what had been merged into them is re-pointed as well."""
        merges = []
        for child in children:
            merges.append(Merge(child.number, root.number, child.number))
            merges += [Merge(one, root.number, child.number) for one in sorted(child.absorbed)]
            root.absorbed += [child.number, *child.absorbed]
            root.mapped_at.update(child.mapped_at)
            for identifier in child.mapped_at:
                self.owners[identifier] = root
        return tuple(merges)

    def _attach(
        self, profile: Profile, used: list[Identifier], now: int, violations: list[Violation]
    ) -> tuple[Identifier, ...]:
        mapped = []
        for identifier in used:
            if identifier in self.owners:
                continue
            if len(profile.mapped_at) >= self.rules.max_mappings:
                violations.append(Violation(OVER_MAPPINGS, identifier))
                continue
            profile.mapped_at[identifier] = now
            self.owners[identifier] = profile
            mapped.append(identifier)
        return tuple(mapped)


def _count(profile: Profile, kind: str, window: int | None, now: int) -> int:
    return sum(
        1
        for identifier, mapped_at in profile.mapped_at.items()
        if identifier.type == kind and (window is None or abs(now - mapped_at) < window)
    )
