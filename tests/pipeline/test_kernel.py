"""The compiled replay says what the reference says: on any stream, from any state, compiled or not."""

import importlib
import sys
import time
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from profiles_sync import pipeline
from profiles_sync.pipeline import kernel
from profiles_sync.pipeline.kernel import Carriers, Past
from profiles_sync.spec.identifiers import Identifier
from profiles_sync.spec.resolver import Resolver
from profiles_sync.spec.rules import Frequency, IdentityRules, Rule
from tests.pipeline.streams import HOUR, KINDS, Carrier, Coded, Known, by_reference, known_after, streams

NO_LIMIT = 10**30
MODULES = ("kernel_steps", "kernel_merges", "kernel")


@pytest.fixture(scope="module")
def plain():
    """The kernel as it is where there is no numba."""
    names = [f"profiles_sync.pipeline.{name}" for name in MODULES]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PROFILES_SYNC_NO_NUMBA", "1")
        for name, short in zip(names, MODULES, strict=True):
            patch.delitem(sys.modules, name)
            patch.delattr(pipeline, short)
        made = importlib.import_module(names[-1])
        for name, short in zip(names, MODULES, strict=True):  # the undoing puts back what was deleted here
            patch.delitem(sys.modules, name)
            patch.delattr(pipeline, short)
    assert made is not kernel and not hasattr(made.steps.resolve_all, "py_func")
    return made


def wild_rules(rnd, kinds):
    made = tuple(
        Rule(kind, rnd.choice([0, 1, 1, 2, 3, NO_LIMIT]), rnd.choice(list(Frequency)), rnd.choice([None, 1, 2]))
        for kind in kinds
    )
    return IdentityRules(
        made, max_merges=rnd.choice([0, 1, 3, NO_LIMIT]), max_mappings=rnd.choice([0, 2, 6, NO_LIMIT, NO_LIMIT])
    )


def wild(seed, before, after):
    """The rules changed in between and lost a type, events land late or carry much, and the clock jumps.

    Returns:
        The reference where the first `before` events have passed, the other events, the new rules, and what was known.
    """
    rnd = Random(seed)
    old, new = wild_rules(rnd, KINDS), wild_rules(rnd, KINDS[:3])
    values, widest, at, carriers = rnd.choice([2, 5, 20]), rnd.choice([2, 4, 10]), 0, []
    for place in range(before + after):
        rules = old if place < before else new
        at += rnd.choice([0, HOUR, 24 * HOUR, 200 * HOUR, 800 * HOUR, -24 * HOUR, -800 * HOUR])
        kinds = rnd.choices(list(rules.by_type), k=rnd.randrange(widest + 1))
        found = {Identifier(kind, str(rnd.randrange(values))) for kind in kinds}
        carriers.append(Carrier(tuple(sorted(found, key=lambda one: (rules.ranks[one.type], one))), at))
    resolver, known = known_after(old, carriers[:before])
    resolver.rules = new
    return resolver, carriers[before:], new, known


def resolved(resolver, carriers):
    return [resolver.resolve(one.identifiers, one.received_at) for one in carriers]


@given(streams(), st.integers(0, 60), st.integers(0, 1000))
@settings(max_examples=60)
def test_the_kernel_continues_from_any_state_as_the_reference_would(stream, split, seed):
    rules, carriers = stream
    expected, known, created = by_reference(rules, carriers, split)
    assert Coded(rules, carriers[split:], known, seed).replay(created) == expected


@given(st.integers(0, 2**32), st.integers(0, 40), st.integers(0, 40))
@settings(max_examples=2000)
def test_changed_rules_late_events_and_wide_ones_make_no_difference(seed, before, after):
    resolver, carriers, rules, known = wild(seed, before, after)
    created = resolver.created
    assert Coded(rules, carriers, known, seed).replay(created) == resolved(resolver, carriers)


@given(st.integers(0, 2**32), st.integers(0, 40), st.integers(0, 40))
@settings(max_examples=150)
def test_without_numba_the_same_source_gives_the_same_answer(plain, seed, before, after):
    resolver, carriers, rules, known = wild(seed, before, after)
    created = resolver.created
    assert Coded(rules, carriers, known).replay(created, module=plain) == resolved(resolver, carriers)


@given(st.integers(0, 2**32), st.integers(0, 20), st.integers(0, 40))
@settings(max_examples=100)
def test_with_places_a_new_profile_is_numbered_by_the_place_of_its_event(seed, before, after):
    resolver, carriers, rules, known = wild(seed, before, after)
    created = resolver.created
    places = np.sort(np.random.default_rng(seed).choice(1000, len(carriers), replace=False))
    expected = []
    for carrier, place in zip(carriers, places.tolist(), strict=True):
        resolver.created = created + place
        expected.append(resolver.resolve(carrier.identifiers, carrier.received_at))
    assert Coded(rules, carriers, known).replay(created, places) == expected


def user(number):
    return Identifier("user_id", f"{number:06}")


def email(number):
    return Identifier("email", f"{number:06}")


def anonymous(number):
    return Identifier("anonymous_id", f"{number:06}")


def linked(size):
    """Each has a profile, and then each is seen with the next one."""
    yield from ((anonymous(one),) for one in range(size))
    yield from ((anonymous(one), anonymous(one + 1)) for one in range(size - 1))


def tournament(size):
    """Each has a profile; then pairs merge, then pairs of pairs: what had been merged is re-pointed in every round."""
    yield from ((email(one),) for one in range(size))
    step = 1
    while step < size:
        yield from ((email(one), email(one + step)) for one in range(0, size - step, 2 * step))
        step *= 2


#: What real streams do to identity graphs when something is wrong: identifiers per event, for a number of events.
SHAPES = {
    "one identifier on every event": lambda size: ((anonymous(0),) for _ in range(size)),
    "a kiosk where everybody signs in": lambda size: ((user(one), anonymous(0)) for one in range(size)),
    "an account used from everywhere": lambda size: ((user(0), anonymous(one)) for one in range(size)),
    "a chain of links": lambda size: ((anonymous(one), anonymous(one + 1)) for one in range(size)),
    "profiles that are linked in a chain": lambda size: linked(size // 2),
    "the same poison value on everybody": lambda size: ((user(one), email(0)) for one in range(size)),
    "profiles that merge in rounds": lambda size: tournament(size // 2),
    "nobody twice": lambda size: ((user(one), email(one), anonymous(one)) for one in range(size)),
    "no identifiers": lambda size: (() for _ in range(size)),
}
TIGHT = IdentityRules((Rule("user_id", 1, priority=1), Rule("email", 5, priority=2), Rule("anonymous_id", 5)))
LIMITS = {
    "ever": TIGHT,
    "daily": IdentityRules((TIGHT.rules[0], *(Rule(kind, 5, Frequency.DAILY) for kind in KINDS[1:]))),
    "many a day": IdentityRules(tuple(Rule(kind, 40, Frequency.DAILY) for kind in KINDS), 10**6, 10**6),
    "loose": IdentityRules(tuple(Rule(kind, NO_LIMIT) for kind in KINDS), NO_LIMIT, NO_LIMIT),
}


@pytest.mark.parametrize("limits", LIMITS)
@pytest.mark.parametrize("shape", SHAPES)
def test_shapes_that_go_wrong_end_as_the_reference_says(shape, limits, plain):
    rules = LIMITS[limits]
    carriers = [Carrier(tuple(one), place * HOUR) for place, one in enumerate(SHAPES[shape](150))]
    expected = resolved(Resolver(rules), carriers)
    coded = Coded(rules, carriers, Known())
    assert coded.replay(0) == expected
    assert coded.replay(0, module=plain) == expected


def arrays(shape, rules, size):
    """As `Coded`, without a past, and fast."""
    events = list(SHAPES[shape](size))
    carried = np.array([one for event in events for one in event], "U12,U6")
    distinct, codes = np.unique(carried, return_inverse=True)
    kinds = np.array([rules.ranks[kind] for kind, _ in distinct.tolist()], np.int16)
    offsets, at = np.cumsum([0, *map(len, events)]), np.arange(len(events)) * HOUR
    nothing, nobody = np.empty(0, np.int64), np.full(len(kinds), -1, np.int32)
    past = Past(nothing, nobody, np.zeros(len(kinds), np.int64), np.zeros(1, np.int64), nothing)
    return Carriers(offsets, codes.astype(np.int32), at, kinds), past


def cpu_seconds(carriers, past, rules):
    best = 1e9
    for _ in range(3):
        start = time.process_time()
        kernel.replay(carriers, past, rules, 0)
        best = min(best, time.process_time() - start)
    return best


@pytest.mark.slow
@pytest.mark.parametrize("limits", ["ever", "daily", "many a day"])
@pytest.mark.parametrize("shape", SHAPES)
def test_ten_times_as_many_events_take_ten_times_as_long(shape, limits):
    rules = LIMITS[limits]
    small, large = arrays(shape, rules, 10_000), arrays(shape, rules, 100_000)
    assert cpu_seconds(*large, rules) < 25 * cpu_seconds(*small, rules)


def late_on_one_profile(size):
    """A profile that has `size` identifiers, of all times, and as many events that landed late and bring a new one."""
    times = np.random.default_rng(0).permutation(size) * HOUR
    owners = np.repeat(np.array([0, -1], np.int32), [size, size])
    codes = np.stack([np.zeros(size, np.int32), np.arange(size, 2 * size, dtype=np.int32)], 1).ravel()
    past = Past(np.zeros(1, np.int64), owners, np.repeat(times, 2), np.zeros(2, np.int64), np.empty(0, np.int64))
    return Carriers(np.arange(0, 2 * size + 1, 2), codes, np.arange(size) * HOUR, np.full(2 * size, 2, np.int16)), past


@pytest.mark.slow
def test_late_events_on_a_profile_with_very_many_identifiers_take_no_longer():
    small, large = late_on_one_profile(10_000), late_on_one_profile(100_000)
    rules = LIMITS["many a day"]
    assert cpu_seconds(*large, rules) < 25 * cpu_seconds(*small, rules)
