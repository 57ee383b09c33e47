"""The identity of a batch, array in, array out: `spec.resolver` at the speed of a compiled loop.

It takes the events and what is known of the profiles they touch, and says what each event does to the graph. The
answer equals the reference's, to the order of merges and violations; only the numbers stand for what the reference
names: identifiers are dense codes, profiles are numbers.

An event costs its identifiers and the types of the profiles it matches; how many identifiers these profiles have does
not matter, nor how high the limits are. Three things cost more: a merge takes the two profiles' identifiers of every
type with a window, as often as the merge limit lets it; a clock that goes back takes a profile's identifiers of such a
type once more, and an event that landed late those in the window; every profile that is re-pointed takes a row.
Memory beside the input: about 50 bytes per event, 140 where every one makes a profile, a third more for windows.
"""

from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from profiles_sync.pipeline import kernel_steps as steps
from profiles_sync.pipeline.kernel_merges import Absorbed, Work, expand, put_in_order
from profiles_sync.pipeline.kernel_steps import Ints, Longs, Shorts
from profiles_sync.spec import resolver
from profiles_sync.spec.rules import IdentityRules

#: What a violation code says, in the order of the codes.
CODES = (
    resolver.NO_IDENTIFIERS,
    resolver.OVER_LIMIT,
    resolver.OVER_TIME_LIMIT,
    resolver.OVER_MERGES,
    resolver.OVER_MAPPINGS,
)
_MOST = 2**62  # a limit above it is none
_Group = TypeVar("_Group", bound=tuple[Any, ...])


@dataclass(frozen=True)
class Carriers:
    """The events of a batch in landing order, as the graph sees them.

    Attributes:
        offsets: Event `i` carries `codes[offsets[i]:offsets[i + 1]]`, distinct, best rank first, not blocked.
        codes: Dense codes of identifiers, from 0.
        received_at: Microseconds, per event.
        kinds: Per code the rank of its type in `rules.by_type`, -1 for a type that is no longer declared. All codes
            are here, also those that only the past knows: they count.
    """

    offsets: Longs
    codes: Ints
    received_at: Longs
    kinds: Shorts


@dataclass(frozen=True)
class Past:
    """What earlier batches know of the profiles that the events touch.

    Attributes:
        numbers: The numbers of the live profiles, ascending.
        owners: Per code the place of its profile in `numbers`, -1 for an identifier that nobody has.
        mapped_at: Per code the `received_at` of its first mapping.
        absorbed_offsets: `absorbed[absorbed_offsets[i]:absorbed_offsets[i + 1]]` were merged into profile `i`.
        absorbed: Numbers of profiles.
    """

    numbers: Longs
    owners: Ints
    mapped_at: Longs
    absorbed_offsets: Longs
    absorbed: Longs


@dataclass(frozen=True)
class Replayed:
    """What each event did to the graph: `Resolution`, in columns.

    Attributes:
        profile: Per event the number of its profile, -1 where it could not be resolved.
        stamp: Per event the number that its row shows.
        created: Per event, whether it created `profile`.
        merge_event: The place of the event, ascending, one element per row of a merge; as are the next three.
        merge_profile: The number of the profile that now maps to `merge_into`.
        merge_into: The number of the profile that lives on.
        merge_cause: The number of the profile merged away that `merge_profile` belonged to.
        mapped_event: The place of the event, ascending, one element per identifier attached to the event's profile.
        mapped_code: The identifier.
        violation_event: The place of the event, ascending, one element per violation.
        violation_code: The place of its text in `CODES`.
        violation_identifier: The identifier, -1 where the violation has none.
    """

    profile: Longs
    stamp: Longs
    created: NDArray[np.bool_]
    merge_event: Longs
    merge_profile: Longs
    merge_into: Longs
    merge_cause: Longs
    mapped_event: Longs
    mapped_code: Ints
    violation_event: Longs
    violation_code: NDArray[np.int8]
    violation_identifier: Ints


def replay(carriers: Carriers, past: Past, rules: IdentityRules, created: int, places: Longs | None = None) -> Replayed:
    """Resolve the events, one after the other.

    Args:
        carriers: The events.
        past: What is known before.
        rules: The space's rules.
        created: How many profiles were created before; the next one gets this number. More than any of the past's.
        places: Ascending. Where given, a profile created by event `i` gets the number `created + places[i]` instead.
    """
    ruled = _ruled(rules)
    kinds = np.where(carriers.kinds < 0, len(ruled.limits) - 1, carriers.kinds)
    events = steps.Events(
        _read(carriers.offsets, np.int64),
        _read(carriers.codes, np.int32),
        _read(kinds[carriers.codes], np.int16),
        _read(carriers.received_at, np.int64),
    )
    state, log = _state(events, past, ruled), _log(events, past)
    steps.recall(*_handed(_owned(past, kinds, ruled)), _handed(ruled), _handed(state))
    steps.resolve_all(_handed(events), _handed(ruled), _handed(state), _handed(log))
    new = np.arange(np.count_nonzero(log.created)) if places is None else places[log.created]
    return _replayed(past, np.concatenate([past.numbers, created + new]), state, log)


def _owned(past: Past, kinds: Shorts, rules: steps.Rules) -> tuple[Ints, Shorts, Ints, Longs]:
    """The identifiers that somebody has, with kind, owner and time. Time, where it matters, is their order."""
    codes = np.flatnonzero(past.owners >= 0)
    if rules.windows.any():
        codes = codes[np.argsort(past.mapped_at[codes], kind="stable")]
    return (
        _read(codes, np.int32),
        _read(kinds[codes], np.int16),
        _read(past.owners[codes], np.int32),
        _read(past.mapped_at[codes], np.int64),
    )


def _ruled(rules: IdentityRules) -> steps.Rules:
    """By rank, and a rule without a limit for types that have none."""
    ranked = rules.by_type.values()
    return steps.Rules(
        np.array([*(min(rule.limit, _MOST) for rule in ranked), _MOST], np.int64),
        np.array([*(rule.frequency.window or 0 for rule in ranked), 0], np.int64),
        min(rules.max_merges, _MOST),
        min(rules.max_mappings, _MOST),
    )


def _read(array: NDArray[Any], dtype: type) -> NDArray[Any]:
    """The same numbers, not to be written: numba compiles once for arrays that can be written and once for others."""
    view: NDArray[Any] = np.ascontiguousarray(array, dtype).view()
    view.flags.writeable = False
    return view


def _handed(group: _Group) -> _Group:
    """The arrays as they are for the compiled steps, memoryviews of them for the plain ones."""
    if hasattr(steps.resolve_all, "py_func"):
        return group
    handed = [memoryview(one) if isinstance(one, np.ndarray) else one for one in group]  # type: ignore[arg-type]
    return type(group)(*handed) if hasattr(group, "_fields") else type(group)(handed)


def _state(events: steps.Events, past: Past, rules: steps.Rules) -> steps.State:
    """Room for as much as there can be; the system gives memory only to what is written."""
    codes, known = len(past.owners), len(past.numbers)
    profiles = known + len(events.received_at)
    timed = codes if rules.windows.any() else 0
    widest = int(np.diff(events.offsets).max(initial=0))
    state = steps.State(
        counts=np.array([known, 0, 0, 0, 0, 0], np.int64),
        owners=np.full(codes, -1, np.int32),
        mapped_at=np.empty(2 * timed, np.int64),
        later=np.empty(2 * timed, np.int32),
        profiles=np.zeros((profiles, 5), np.int32),
        slots=np.empty((codes, 3), np.int32),
        windows=np.empty((timed, 3), np.int32),
        event=np.empty((max(widest, 1), 2), np.int32),
        tallies=np.empty((len(rules.limits), 2), np.int64),
    )
    state.profiles[:known, steps.PARENT] = np.arange(known)
    state.profiles[:known, steps.SLOT] = -1
    state.profiles[:known, steps.ABSORBED] = np.diff(past.absorbed_offsets)
    return state


def _log(events: steps.Events, past: Past) -> steps.Log:
    """Room: a profile is merged away once, an identifier mapped once, and violates once; an event does once more."""
    count = len(events.received_at)
    return steps.Log(
        events=np.full((count, 2), -1, np.int32),
        created=np.zeros(count, np.bool_),
        merges=np.empty((len(past.numbers) + count, 3), np.int32),
        mapped=np.empty((len(past.owners), 2), np.int32),
        violations=np.empty((count + len(events.codes), 3), np.int32),
    )


def _replayed(past: Past, numbers: Longs, state: steps.State, log: steps.Log) -> Replayed:
    merges = log.merges[: state.counts[steps.MERGES]]
    mapped = log.mapped[: state.counts[steps.MAPPED]]
    violations = log.violations[: state.counts[steps.VIOLATIONS]]
    event, child, into = merges.T
    sizes = 1 + state.profiles[child, steps.ABSORBED].astype(np.int64)  # who is gone has what it had when it went
    shown = np.append(numbers, -1)  # place -1 shows number -1
    return Replayed(
        profile=shown[log.events[:, 0]],
        stamp=shown[log.events[:, 1]],
        created=log.created,
        merge_event=np.repeat(event.astype(np.int64), sizes),
        merge_profile=_repointed(merges, sizes, past, numbers),
        merge_into=np.repeat(numbers[into], sizes),
        merge_cause=np.repeat(numbers[child], sizes),
        mapped_event=mapped[:, 0].astype(np.int64),
        mapped_code=mapped[:, 1].copy(),
        violation_event=violations[:, 0].astype(np.int64),
        violation_code=violations[:, 1].astype(np.int8),
        violation_identifier=violations[:, 2].copy(),
    )


def _repointed(merges: Ints, sizes: Longs, past: Past, numbers: Longs) -> Longs:
    """Per merge the profile merged away, and then all that it had absorbed, the oldest first."""
    starts = np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes)])
    work = Work(starts, merges, np.full(len(numbers), -1, np.int32), np.empty(len(merges), np.int32))
    absorbed = Absorbed(_read(past.absorbed_offsets, np.int64), _read(past.absorbed, np.int64))
    rows = np.empty(int(starts[-1]), np.int64)
    expand(_handed(work), _handed(absorbed), *_handed((numbers, rows)))
    put_in_order(rows, starts)
    return rows
