"""The identity graph in arrays, and how an event changes it: `spec.resolver`, step by step, for `kernel.replay`.

All of it is compiled where numba is, so it keeps to arrays, numbers and loops. Where it runs as plain Python it is
handed memoryviews: their elements are Python's own integers, which neither overflow nor crawl like numpy's. It stays
in one file, because numba would not see that a function changed which is taken from another one.

A profile is its place: those of the past first, then the new ones in order of creation, so a smaller place is an older
profile. A slot is what one profile has of one type: how many identifiers, and for a type with a window also which, in
order of time. -1 is none. What belongs together stands in one row of an array, so that it is fetched at once.
"""

from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from profiles_sync.pipeline.compiled import compiled, step

NO_IDENTIFIERS, OVER_LIMIT, OVER_TIME_LIMIT, OVER_MERGES, OVER_MAPPINGS = range(5)
BEFORE_ALL = -(2**62)

Shorts: TypeAlias = NDArray[np.int16]
Ints: TypeAlias = NDArray[np.int32]
Longs: TypeAlias = NDArray[np.int64]


class Rules(NamedTuple):
    """Limits and windows stand beside each other, by kind; a window of 0 is for ever."""

    limits: Longs
    windows: Longs
    max_merges: int
    max_mappings: int


class Events(NamedTuple):
    """`kernel.Carriers`; beside each code its kind: the rank of its type, the last kind for a type without a rule."""

    offsets: Longs
    codes: Ints
    kinds: Shorts
    received_at: Longs


class State(NamedTuple):
    """The graph, and room to work in. The three that have to do with time are empty where no type has a window.

    A slot has an element of its own in the order of time, before its first identifier; behind all identifiers there.
    """

    counts: Longs
    owners: Ints  # per identifier the profile it was given to
    mapped_at: Longs  # per element of the order when
    later: Ints  # and the next one
    profiles: Ints
    slots: Ints
    windows: Ints  # per slot
    event: Ints  # per identifier of the current event
    tallies: Longs  # per kind, for the current event


PROFILES, SLOTS, MERGES, MAPPED, VIOLATIONS, UNOWNED = range(6)  # what is counted; the last one on the current event
# The columns of the others. ABSORBED, how many were merged into it, at any level; SLOT, the first one; SOUGHT, how
# many identifiers of the event it owns. OTHER, the profile's next one. LOW, the last element before the window; HIGH,
# the last one before its end. FOUND, the distinct ROOTs. NEW, identifiers that nobody has; HAD, what its profiles have.
PARENT, SIZE, ABSORBED, SLOT, SOUGHT = range(5)
KIND, OTHER, TOTAL = range(3)
LOW, HIGH, INSIDE = range(3)
ROOT, FOUND = range(2)
NEW, HAD = range(2)


class Log(NamedTuple):
    """What happened."""

    events: Ints  # the profile it belongs to, the one that its row shows
    created: NDArray[np.bool_]  # whether it made its profile
    merges: Ints  # event, profile merged away, profile that lives on
    mapped: Ints  # event, identifier
    violations: Ints  # event, code, identifier


@compiled
def recall(codes: Ints, kinds: Shorts, owners: Ints, mapped_at: Longs, rules: Rules, state: State) -> None:
    """Give the profiles of the past their identifiers; in order of time, so that each goes to the end of its slot."""
    for at in range(len(codes)):
        attach(codes[at], kinds[at], owners[at], mapped_at[at], rules, state)


@compiled
def resolve_all(events: Events, rules: Rules, state: State, log: Log) -> None:
    """Resolve one event after the other."""
    for event in range(len(events.received_at)):
        resolve(event, events, rules, state, log)


@step
def resolve(event: int, events: Events, rules: Rules, state: State, log: Log) -> None:
    """As `Resolver.resolve`."""
    used = events.offsets[event + 1] - events.offsets[event]
    found = match(event, used, events, state)
    if found > 1 or state.counts[UNOWNED] > 0:
        used = within_limits(event, used, found, events, rules, state, log)
    if used > 0:
        settle(event, used, found, events, rules, state, log)
    else:
        violate(event, NO_IDENTIFIERS, -1, state, log)
    for at in range(found):
        state.profiles[state.event[at, FOUND], SOUGHT] = 0


@step
def match(event: int, used: int, events: Events, state: State) -> int:
    """Look up who owns the identifiers of an event; the number of distinct profiles."""
    found = unowned = 0
    for at in range(used):
        owner = root_of(state.owners[events.codes[events.offsets[event] + at]], state)
        state.event[at, ROOT] = owner
        if owner < 0:
            unowned += 1
            continue
        if state.profiles[owner, SOUGHT] == 0:
            state.event[found, FOUND] = owner
            found += 1
        state.profiles[owner, SOUGHT] += 1
    state.counts[UNOWNED] = unowned
    return found


@step
def root_of(profile: int, state: State) -> int:
    """The live profile that a profile came to; halves the way there for the next one who asks."""
    while profile >= 0 and state.profiles[profile, PARENT] != profile:
        parent = state.profiles[profile, PARENT]
        state.profiles[profile, PARENT] = state.profiles[parent, PARENT]
        profile = parent
    return profile


@step
def within_limits(event: int, carried: int, found: int, events: Events, rules: Rules, state: State, log: Log) -> int:
    """Demote the worst-ranked identifier until the resulting profile breaks no limit; how many are left."""
    start, matched, used = events.offsets[event], found, carried
    tally(start, used, found, events, state)
    while used > 0:
        kind = broken_limit(found, matched, events.received_at[event], rules, state)
        if kind < 0:
            break
        used -= 1
        code = OVER_TIME_LIMIT if rules.windows[kind] > 0 else OVER_LIMIT
        violate(event, code, events.codes[start + used], state, log)
        owner = state.event[used, ROOT]
        if owner < 0:
            state.tallies[events.kinds[start + used], NEW] -= 1
        else:
            state.profiles[owner, SOUGHT] -= 1
            if state.profiles[owner, SOUGHT] == 0:
                matched -= 1
                count_in(owner, -1, state)
    return used


@step
def tally(start: int, used: int, found: int, events: Events, state: State) -> None:
    """Count by kind what is new on the event, and what the matched profiles have."""
    for kind in range(len(state.tallies)):
        state.tallies[kind, NEW] = state.tallies[kind, HAD] = 0
    for at in range(used):
        if state.event[at, ROOT] < 0:
            state.tallies[events.kinds[start + at], NEW] += 1
    for at in range(found):
        count_in(state.event[at, FOUND], 1, state)


@step
def count_in(profile: int, sign: int, state: State) -> None:
    """Add what the profile has to the tallies, or take it out."""
    slot = state.profiles[profile, SLOT]
    while slot >= 0:
        state.tallies[state.slots[slot, KIND], HAD] += sign * state.slots[slot, TOTAL]
        slot = state.slots[slot, OTHER]


@step
def broken_limit(found: int, matched: int, now: int, rules: Rules, state: State) -> int:
    """The best rank of which the profile after this event would have too many values; -1 for none.

    What was mapped at any time comes first: only where that is too much does the window matter.
    """
    for kind in range(len(rules.limits)):
        new, limit = state.tallies[kind, NEW], rules.limits[kind]
        if new == 0 and matched < 2:
            continue  # sending again what is there is never a violation
        if new + state.tallies[kind, HAD] <= limit:
            continue
        if rules.windows[kind] == 0 or new + count_inside(kind, found, now, rules, state) > limit:
            return kind
    return -1


@step
def count_inside(kind: int, found: int, now: int, rules: Rules, state: State) -> int:
    """How many identifiers of the kind the matched profiles have inside the window."""
    count = 0
    for at in range(found):
        profile = state.event[at, FOUND]
        slot = slot_of(profile, kind, state)
        if slot >= 0 and state.profiles[profile, SOUGHT] > 0:
            count += slide(slot, now, rules.windows[kind], state)
    return count


@step
def settle(event: int, used: int, found: int, events: Events, rules: Rules, state: State, log: Log) -> None:
    """Create, add or merge."""
    matched = still_found(found, state)
    if matched == 0:
        state.event[0, FOUND] = create(event, state, log)
    root, stamp = state.event[0, FOUND], state.event[max(matched, 1) - 1, FOUND]
    if matched > 1:
        merges = matched - 1
        for at in range(matched):
            merges += state.profiles[state.event[at, FOUND], ABSORBED]
        if merges > rules.max_merges:
            violate(event, OVER_MERGES, -1, state, log)
            at = 0
            while state.event[at, ROOT] < 0:
                at += 1
            root = stamp = state.event[at, ROOT]  # whose is the best-ranked identifier that is anybody's
        else:
            merge(event, matched, rules, state, log)
    log.events[event, 0], log.events[event, 1] = root, stamp
    map_new(event, used, root, events, rules, state, log)


@step
def still_found(found: int, state: State) -> int:
    """Keep the profiles of which not every identifier was demoted, the oldest first; how many."""
    kept = 0
    for at in range(found):
        profile, place = state.event[at, FOUND], kept
        if state.profiles[profile, SOUGHT] > 0:
            while place > 0 and state.event[place - 1, FOUND] > profile:
                state.event[place, FOUND] = state.event[place - 1, FOUND]
                place -= 1
            state.event[place, FOUND] = profile
            kept += 1
    return kept


@step
def create(event: int, state: State, log: Log) -> int:
    """A profile with nothing yet."""
    profile: int = state.counts[PROFILES]
    state.counts[PROFILES] += 1
    state.profiles[profile, PARENT] = profile
    state.profiles[profile, SLOT] = -1
    log.created[event] = True
    return profile


@step
def merge(event: int, matched: int, rules: Rules, state: State, log: Log) -> None:
    """Fold the younger profiles into the oldest, the older of them first."""
    for at in range(1, matched):
        row, child, root = state.counts[MERGES], state.event[at, FOUND], state.event[0, FOUND]
        state.counts[MERGES] += 1
        log.merges[row, 0], log.merges[row, 1], log.merges[row, 2] = event, child, root
        absorb(child, root, rules, state)


@step
def absorb(child: int, root: int, rules: Rules, state: State) -> None:
    """Hand all that a profile has to another one."""
    state.profiles[child, PARENT] = root
    state.profiles[root, SIZE] += state.profiles[child, SIZE]
    state.profiles[root, ABSORBED] += 1 + state.profiles[child, ABSORBED]
    slot = state.profiles[child, SLOT]
    while slot >= 0:
        kind, other = state.slots[slot, KIND], state.slots[slot, OTHER]
        mine = slot_of(root, kind, state)
        if mine < 0:
            state.slots[slot, OTHER] = state.profiles[root, SLOT]
            state.profiles[root, SLOT] = slot
        else:
            state.slots[mine, TOTAL] += state.slots[slot, TOTAL]
            if rules.windows[kind] > 0:
                interleave(mine, slot, state)
        slot = other


@step
def map_new(event: int, used: int, profile: int, events: Events, rules: Rules, state: State, log: Log) -> None:
    """Attach the identifiers that nobody has, the best-ranked first, as far as the mapping limit lets them."""
    for at in range(used):
        if state.event[at, ROOT] >= 0:
            continue
        place = events.offsets[event] + at
        code = events.codes[place]
        if state.profiles[profile, SIZE] >= rules.max_mappings:
            violate(event, OVER_MAPPINGS, code, state, log)
            continue
        row = state.counts[MAPPED]
        state.counts[MAPPED] += 1
        log.mapped[row, 0], log.mapped[row, 1] = event, code
        attach(code, events.kinds[place], profile, events.received_at[event], rules, state)


@step
def violate(event: int, code: int, identifier: int, state: State, log: Log) -> None:
    """Write down that an identifier was not used as sent."""
    row = state.counts[VIOLATIONS]
    state.counts[VIOLATIONS] += 1
    log.violations[row, 0], log.violations[row, 1], log.violations[row, 2] = event, code, identifier


@step
def attach(code: int, kind: int, profile: int, now: int, rules: Rules, state: State) -> None:
    """Give an identifier to a profile."""
    state.owners[code] = profile
    state.profiles[profile, SIZE] += 1
    slot = slot_of(profile, kind, state)
    if slot < 0:
        slot = add_slot(profile, kind, rules.windows[kind] > 0, state)
    state.slots[slot, TOTAL] += 1
    if rules.windows[kind] > 0:
        state.mapped_at[code] = now
        put_in_time(slot, code, now, rules.windows[kind], state)


@step
def slot_of(profile: int, kind: int, state: State) -> int:
    """The profile's slot of a kind, -1 where it has none."""
    slot: int = state.profiles[profile, SLOT]
    while slot >= 0 and state.slots[slot, KIND] != kind:
        slot = state.slots[slot, OTHER]
    return slot


@step
def add_slot(profile: int, kind: int, timed: bool, state: State) -> int:
    """An empty slot of a kind."""
    slot: int = state.counts[SLOTS]
    state.counts[SLOTS] += 1
    state.slots[slot, KIND], state.slots[slot, OTHER] = kind, state.profiles[profile, SLOT]
    state.slots[slot, TOTAL] = 0
    state.profiles[profile, SLOT] = slot
    if timed:
        first = len(state.owners) + slot
        state.later[first], state.mapped_at[first] = -1, BEFORE_ALL
        state.windows[slot, LOW] = state.windows[slot, HIGH] = first
        state.windows[slot, INSIDE] = 0
    return slot


@step
def put_in_time(slot: int, code: int, now: int, window: int, state: State) -> None:
    """Put an identifier into its slot's order of time; at the end of the window, unless it landed late."""
    slide(slot, now, window, state)
    before = state.windows[slot, HIGH]
    if state.mapped_at[before] > now:
        before = state.windows[slot, LOW]
        while state.mapped_at[state.later[before]] <= now:
            before = state.later[before]
    state.later[code], state.later[before] = state.later[before], code
    if before == state.windows[slot, HIGH]:
        state.windows[slot, HIGH] = code
    state.windows[slot, INSIDE] += 1


@step
def slide(slot: int, now: int, window: int, state: State) -> int:
    """Move the slot's window to `now`; how many identifiers are inside. Only a clock that goes back starts over."""
    low, high, inside = state.windows[slot, LOW], state.windows[slot, HIGH], state.windows[slot, INSIDE]
    if state.mapped_at[low] > now - window or state.mapped_at[high] >= now + window:
        low = high = len(state.owners) + slot
        inside = 0
    while state.later[high] >= 0 and state.mapped_at[state.later[high]] < now + window:
        high, inside = state.later[high], inside + 1
    while state.later[low] >= 0 and state.mapped_at[state.later[low]] <= now - window:
        low, inside = state.later[low], inside - 1
    state.windows[slot, LOW], state.windows[slot, HIGH], state.windows[slot, INSIDE] = low, high, inside
    return int(inside)


@step
def interleave(slot: int, other: int, state: State) -> None:
    """Take another slot's identifiers into this one's order of time, and put its window before all time."""
    last = first = len(state.owners) + slot
    mine, theirs = state.later[first], state.later[len(state.owners) + other]
    while mine >= 0 and theirs >= 0:
        if state.mapped_at[mine] <= state.mapped_at[theirs]:
            taken, mine = mine, state.later[mine]
        else:
            taken, theirs = theirs, state.later[theirs]
        state.later[last] = taken
        last = taken
    state.later[last] = mine if mine >= 0 else theirs
    state.windows[slot, LOW] = state.windows[slot, HIGH] = first
    state.windows[slot, INSIDE] = 0
