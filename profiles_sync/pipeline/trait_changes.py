"""The traits of profiles through a batch: the rules of `spec.traits`, applied to the events that can change any."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import orjson
from numpy.typing import NDArray

from profiles_sync.pipeline.kernel import Replayed
from profiles_sync.pipeline.landing import Landing
from profiles_sync.spec import traits
from profiles_sync.spec.columns import Value
from profiles_sync.spec.traits import Traits

Numbers = NDArray[np.int64]
#: Until the rows of the batch are numbered, a change carries this plus its event's place as its seq: later than all.
UNNUMBERED = 1 << 62


@dataclass(frozen=True)
class TraitChanges:
    """The rows for `profile_traits_updates` and what is current after them.

    Attributes:
        event: The place of each row's event, ascending.
        profile: Its profile.
        changed: What the event changed in the profile's traits; None where a trait went.
        current: Traits by profile, of those that the batch knew or changed.
        left_out: The places of the events some of whose traits are left out, for the profile has too many; ascending.
    """

    event: Numbers
    profile: Numbers
    changed: list[dict[str, Value]]
    current: dict[int, Traits]
    left_out: Numbers


def replay_traits(landing: Landing, replayed: Replayed, before: dict[int, Traits], most: int) -> TraitChanges:
    """One row when an Identify changes a trait or a merge leaves a profile that has traits.

    What the row shows, all traits of the profile, is made of these changes by `trait_history`: a profile of many traits
    that change often would not fit in memory.
    """
    current = {profile: dict(several) for profile, several in before.items()}
    events, profiles, changes, over = [], [], [], []
    received, happened = landing.numbers("received_at"), landing.numbers("timestamp")
    sent_json = _sent(landing)
    merged_into = _merged(replayed, _with_traits(replayed, before, sent_json))
    for event in sorted(sent_json.keys() | merged_into.keys()):
        profile = int(replayed.profile[event])
        if profile < 0:
            continue
        sent = orjson.loads(sent_json.get(event, "{}"))
        merged = [current.pop(one, {}) for one in merged_into.get(event, ())]
        was = current.get(profile, {})
        here, lost = traits.combined([was, *merged], most) if merged else (was, False)
        sent, some = traits.fitting(here, sent, most)
        if lost or some:
            over.append(event)
        if not traits.changed(here, sent) and not (merged and here):
            continue
        seq = UNNUMBERED + event
        here = traits.updated(here, sent, seq, int(received[event]), int(happened[event]))
        current[profile] = here
        events.append(event)
        profiles.append(profile)
        changes.append(_difference(was, here, was.keys() | here.keys() if merged else sent))
    at, of, left_out = (np.array(places, np.int64) for places in (events, profiles, over))
    return TraitChanges(at, of, changes, current, left_out)


def _difference(was: Traits, now: Traits, names: Iterable[str]) -> dict[str, Value]:
    """What is another trait now; None where there is none any more."""
    return {name: now[name].value if name in now else None for name in names if was.get(name) is not now.get(name)}


def _sent(landing: Landing) -> dict[int, str]:
    """By event, what it sends as JSON."""
    column = landing.events["traits"].combine_chunks()
    filled = np.flatnonzero(column.is_valid().to_numpy(zero_copy_only=False))
    return dict(zip(filled.tolist(), column.drop_null().to_pylist(), strict=True))


def _with_traits(replayed: Replayed, before: Iterable[int], sent: Iterable[int]) -> Numbers:
    """The profiles that can have a trait at any time in the batch: had or sent one, or took in one that has."""
    found = np.union1d(np.fromiter(before, np.int64), replayed.profile[np.fromiter(sent, np.int64)])
    while True:
        into = replayed.merge_into[np.isin(replayed.merge_profile, found)]
        if np.isin(into, found).all():
            return found
        found = np.union1d(found, into)


def _merged(replayed: Replayed, with_traits: Numbers) -> dict[int, list[int]]:
    """By event, the profiles it merges away, where they or the one that lives on can have traits."""
    found: dict[int, list[int]] = {}
    wanted = np.isin(replayed.merge_profile, with_traits) | np.isin(replayed.merge_into, with_traits)
    event, profile = replayed.merge_event[wanted], replayed.merge_profile[wanted]
    for at, merged in zip(event.tolist(), profile.tolist(), strict=True):
        found.setdefault(at, []).append(merged)
    return found
