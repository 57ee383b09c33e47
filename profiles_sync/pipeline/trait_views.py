"""What a batch changes in the two tables of current traits: one row per trait, and one row per profile."""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from profiles_sync.lake.tables import ARROW
from profiles_sync.pipeline.changes import seq_texts
from profiles_sync.pipeline.standing import Standing, ops
from profiles_sync.pipeline.trait_history import spread
from profiles_sync.spec.columns import Value, cast, text
from profiles_sync.spec.ids import seq_text
from profiles_sync.spec.tables import Type
from profiles_sync.spec.traits import Trait

Numbers = NDArray[np.int64]


def user_traits(after: Standing) -> dict[str, pa.Array]:
    """Traits that came, changed or went; those of a merged-away profile go."""
    before, now = after.resolved.known.traits, after.resolved.current
    gone = [profile for profile in before if profile not in now]
    profiles: list[int] = []
    rows: list[tuple[str, str, Trait]] = []
    for profile in dict.fromkeys([*after.changes.traits.profile.tolist(), *gone]):
        old, new = before.get(profile, {}), now.get(profile, {})
        changed = [("D", name, old[name]) for name in old if name not in new]
        changed += [("U" if name in old else "I", name, trait) for name, trait in new.items() if old.get(name) != trait]
        rows += changed
        profiles += [profile] * len(changed)
    traits = [trait for _, _, trait in rows]
    return {
        "canonical_segment_id": after.changes.ids_of(np.array(profiles, np.int64)),
        "name": pa.array([name for _, name, _ in rows], pa.string()),
        "value": pa.array([text(trait.value) for trait in traits], pa.string()),
        "seq": pa.array([seq_text(trait.seq) for trait in traits], pa.string()),
        "received_at": pa.array([trait.received_at for trait in traits], pa.int64()),
        "timestamp": pa.array([trait.timestamp for trait in traits], pa.int64()),
        "_op": pa.array([op for op, _, _ in rows], pa.string()),
    }


def profile_traits(after: Standing, added: Mapping[str, Type]) -> dict[str, pa.Array]:
    """A row for every profile: traits where it is canonical, the way to go where it is not.

    Args:
        after: Where profiles stand.
        added: The columns of traits.
    """
    rows = after.changes.traits
    profiles = np.unique(np.concatenate([after.moved, rows.profile]))
    canonical = after.of("canonical", profiles)
    seq, happened = after.of("seq", profiles), after.of("timestamp", profiles)
    last = {profile: place for place, profile in enumerate(rows.profile.tolist())}  # of several rows the last
    times = after.resolved.landing.numbers("timestamp")
    filled: dict[str, tuple[list[int], list[Value]]] = {name: ([], []) for name in added}
    for place, profile in enumerate(profiles.tolist()):
        if canonical[place] != profile:
            continue
        if (row := last.get(profile)) is not None:
            seq[place], happened[place] = rows.seq[row], times[rows.event[row]]
        for name, trait in after.resolved.current.get(profile, {}).items():
            places, values = filled[name]
            places.append(place)
            values.append(cast(trait.value, added[name]))
    made = {name: spread(len(profiles), *some, ARROW[added[name]]) for name, some in filled.items()}
    return made | {
        "canonical_segment_id": after.changes.ids_of(profiles),
        "merged_to": after.changes.ids_of(np.where(canonical == profiles, -1, canonical)),
        "seq": seq_texts(seq),
        "timestamp": pa.array(happened),
        "_op": ops(after.is_new(profiles)),
    }
