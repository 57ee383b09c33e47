"""Random streams of identifiers, what the reference makes of them, and the same for the kernel's arrays."""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from hypothesis import strategies as st

from profiles_sync.pipeline import kernel
from profiles_sync.pipeline.kernel import CODES, Carriers, Past
from profiles_sync.spec.identifiers import Identifier
from profiles_sync.spec.resolver import Merge, Resolution, Resolver, Violation
from profiles_sync.spec.rules import Frequency, IdentityRules, Rule

HOUR = 3_600_000_000
KINDS = ("user_id", "email", "anonymous_id", "ios.id")


@st.composite
def rules(draw):
    """Small limits in every kind of window, so that demotion happens all the time."""
    made = tuple(
        Rule(kind, draw(st.integers(1, 3)), draw(st.sampled_from(Frequency)), draw(st.sampled_from([None, 1, 2, 3])))
        for kind in KINDS
    )
    return IdentityRules(made, max_merges=draw(st.integers(0, 3)), max_mappings=draw(st.integers(1, 8)))


@st.composite
def streams(draw, longest=60):
    """Carriers over few identifiers, in landing order; the clock jumps by hours up to a month."""
    given_rules, at, made = draw(rules()), 0, []
    values = st.integers(0, draw(st.integers(1, 6)))
    for _ in range(draw(st.integers(0, longest))):
        at += draw(st.sampled_from([0, HOUR, 30 * HOUR, 200 * HOUR, 800 * HOUR]))
        found = draw(st.sets(st.builds(Identifier, st.sampled_from(KINDS), values.map(str)), max_size=4))
        ranked = sorted(found, key=lambda one: (given_rules.ranks[one.type], one))
        made.append(Carrier(tuple(ranked), at))
    return given_rules, made


class Carrier(NamedTuple):
    """An event as the graph sees it: its identifiers, best rank first, and when it was received (microseconds)."""

    identifiers: tuple[Identifier, ...]
    received_at: int


@dataclass
class Known:
    """Where each profile points; which profile each identifier was given to first, and when."""

    nodes: dict[int, int] = field(default_factory=dict)
    identifiers: dict[Identifier, tuple[int, int]] = field(default_factory=dict)

    def canonical(self, identifier):
        return self.nodes[self.identifiers[identifier][0]]


def known_after(rules_, carriers):
    """What the lake would know after these: where each profile points, which identifiers it was given first."""
    resolver, known = Resolver(rules_), Known()
    for carrier in carriers:
        done = resolver.resolve(carrier.identifiers, carrier.received_at)
        if done.profile is None:
            continue
        if done.created:
            known.nodes[done.profile] = done.profile
        for merge in done.merges:
            known.nodes[merge.profile] = merge.into
        for one in done.mapped:
            known.identifiers[one] = (done.profile, carrier.received_at)
    return resolver, known


def by_reference(rules_, carriers, split):
    """The reference's resolutions after `split`, and what was known there."""
    resolver, known = known_after(rules_, carriers[:split])
    created = resolver.created
    return [resolver.resolve(one.identifiers, one.received_at) for one in carriers[split:]], known, created


class Coded:
    """Carriers and what is known before, in arrays; and the way back."""

    def __init__(self, rules, carriers, known, seed=0):
        carried = {one for carrier in carriers for one in carrier.identifiers}
        self.identifiers = sorted(carried | known.identifiers.keys())
        np.random.default_rng(seed).shuffle(self.identifiers)  # no order of codes may matter
        self.rules, self.known, self.events = rules, known, len(carriers)
        self.code = {one: place for place, one in enumerate(self.identifiers)}
        self.carriers = Carriers(
            np.cumsum([0, *(len(one.identifiers) for one in carriers)]),
            np.array([self.code[one] for carrier in carriers for one in carrier.identifiers], np.int32),
            np.array([one.received_at for one in carriers], np.int64),
            np.array([rules.ranks.get(one.type, -1) for one in self.identifiers], np.int16),
        )
        self.past = self._past()

    def _past(self):
        family = {}
        for number, node in sorted(self.known.nodes.items()):
            family.setdefault(node, []).extend([number] * (number != node))
        numbers = sorted(family)
        place = {number: at for at, number in enumerate(numbers)}
        mapped = [self.known.identifiers.get(one) for one in self.identifiers]
        return Past(
            np.array(numbers, np.int64),
            np.array(
                [place[self.known.canonical(i)] if m else -1 for i, m in zip(self.identifiers, mapped, strict=True)],
                np.int32,
            ),
            np.array([one[1] if one else 0 for one in mapped], np.int64),
            np.cumsum([0, *(len(family[number]) for number in numbers)]),
            np.array([one for number in numbers for one in family[number]], np.int64),
        )

    def replay(self, created, places=None, module=kernel):
        """The resolutions of the kernel."""
        return self.read(module.replay(self.carriers, self.past, self.rules, created, places))

    def read(self, done):
        """The resolutions, read from the columns."""
        merges, mapped, violations = ([[] for _ in range(self.events)] for _ in range(3))
        rows = zip(done.merge_event, done.merge_profile, done.merge_into, done.merge_cause, strict=True)
        for event, *numbers in rows:
            merges[event].append(Merge(*map(int, numbers)))
        for event, code in zip(done.mapped_event, done.mapped_code, strict=True):
            mapped[event].append(self.identifiers[code])
        rows = zip(done.violation_event, done.violation_code, done.violation_identifier, strict=True)
        for event, code, one in rows:
            violations[event].append(Violation(CODES[code], None if one < 0 else self.identifiers[one]))
        for events in (done.merge_event, done.mapped_event, done.violation_event):
            assert (np.diff(events) >= 0).all()
        heads = zip(done.profile.tolist(), done.stamp.tolist(), done.created.tolist(), strict=True)
        return [
            Resolution(None if p < 0 else p, None if s < 0 else s, c, tuple(m), tuple(i), tuple(v))
            for (p, s, c), m, i, v in zip(heads, merges, mapped, violations, strict=True)
        ]
