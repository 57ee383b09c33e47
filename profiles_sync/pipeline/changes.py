"""What a batch did to the graph, as columns: `spec.ledger` for a whole batch at once.

Rows are numbered in landing order: of one event its profile's creation or its merges, then its identifiers in order
of rank, then its traits.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from profiles_sync.pipeline import digests
from profiles_sync.pipeline.kernel import Replayed
from profiles_sync.pipeline.landing import Landing, numbers, of
from profiles_sync.pipeline.state import MAPPED, NODES, TIMES, Known, last_rows
from profiles_sync.pipeline.trait_changes import UNNUMBERED, TraitChanges
from profiles_sync.spec import ids
from profiles_sync.spec.traits import Trait

Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class Rows:
    """Rows of one raw table: each with its event's place, its profile and its seq."""

    event: Numbers
    profile: Numbers
    seq: Numbers


@dataclass(frozen=True)
class Changes:
    """The rows that a batch adds to the raw tables, and where profiles stand after it.

    Attributes:
        graph: Rows of `id_graph_updates`; `canonical` beside them.
        canonical: As above.
        mapped: Rows of `external_id_mapping_updates`; `codes` beside them are places in the batch's identifiers.
        codes: As above.
        traits: Rows of `profile_traits_updates`.
        nodes: `state.NODES`, the profiles that the batch created or pointed elsewhere, by number.
        numbers: Of every profile that the batch knows, ascending; `segment_ids` beside them.
        segment_ids: As above.
        last_seq: The space's clock after the batch.
    """

    graph: Rows
    canonical: Numbers
    mapped: Rows
    codes: NDArray[np.int32]
    traits: Rows
    nodes: pa.Table
    numbers: Numbers
    segment_ids: pa.StringArray
    last_seq: int

    def ids_of(self, profiles: Numbers) -> pa.StringArray:
        """The segment_id of each profile, null for -1."""
        return self.segment_ids.take(pa.array(self.places_of(profiles), mask=profiles < 0))

    def places_of(self, profiles: Numbers) -> Numbers:
        """Where the profiles stand in `numbers`; of those without gaps between them it need not be looked for."""
        numbers = self.numbers
        if len(numbers) and numbers[-1] - numbers[0] == len(numbers) - 1:
            found: Numbers = profiles - numbers[0]
            return found
        return np.searchsorted(numbers, profiles)


def changes(
    space: str, landing: Landing, known: Known, replayed: Replayed, traits: TraitChanges, last_seq: int
) -> Changes:
    """Number the rows of a batch and name its new profiles."""
    created = np.flatnonzero(replayed.created)
    graph_event = np.concatenate([created, replayed.merge_event])
    kinds = (graph_event, replayed.mapped_event, traits.event)
    events = np.concatenate(kinds)
    phase = np.repeat([0, 1, 2], [len(one) for one in kinds])
    order = np.lexsort((phase, events))  # stable: what one event does stays in its order
    seq = np.empty(len(events), np.int64)
    seq[order] = _numbered(last_seq, landing.numbers("received_at")[events[order]])
    at = np.cumsum([0, *(len(one) for one in kinds)])
    graph_seq, mapped_seq, traits_seq = (seq[at[one] : at[one + 1]] for one in range(3))
    graph_profile = np.concatenate([replayed.profile[created], replayed.merge_profile])
    canonical = np.concatenate([replayed.profile[created], replayed.merge_into])
    in_order = np.argsort(graph_seq)
    graph = Rows(graph_event[in_order], graph_profile[in_order], graph_seq[in_order])
    segment_ids = pa.concat_arrays(
        [known.nodes["segment_id"].combine_chunks(), _new_ids(space, landing, created)]  # new numbers are higher
    )
    every = np.concatenate([numbers(known.nodes, "profile"), replayed.profile[created]])
    return Changes(
        graph,
        canonical[in_order],
        Rows(replayed.mapped_event, replayed.profile[replayed.mapped_event], mapped_seq),
        replayed.mapped_code,
        Rows(traits.event, traits.profile, traits_seq),
        _nodes(landing, graph, canonical[in_order], every, segment_ids),
        every,
        segment_ids,
        int(seq.max()) if len(seq) else last_seq,
    )


def _numbered(last: int, received_at: Numbers) -> Numbers:
    """As `ids.next_seq` for one row after the other: the time received, but always more than the row before."""
    clock = np.minimum(received_at, ids.LATEST // 1000) * 1000
    place = np.arange(len(clock), dtype=np.int64)
    if len(clock):
        clock[0] = max(int(clock[0]), last + 1)
    seq: Numbers = np.maximum.accumulate(clock - place) + place
    return seq


def _new_ids(space: str, landing: Landing, created: Numbers) -> pa.StringArray:
    received = of(landing.events["received_at"], created).cast(pa.string())
    texts = pc.binary_join_element_wise(received, of(landing.events["message_id"], created), "\n")
    return digests.segment_ids(digests.sha1(texts, f"{space}\n"))


def _nodes(landing: Landing, graph: Rows, canonical: Numbers, every: Numbers, segment_ids: pa.StringArray) -> pa.Table:
    """The last row of each profile."""
    last = last_rows(graph.profile, graph.seq)
    named = segment_ids.take(pa.array(np.searchsorted(every, graph.profile[last])))
    columns = [pa.array(graph.profile[last]), pa.array(canonical[last]), named, *times(landing, graph, last)]
    return pa.Table.from_arrays(columns, schema=NODES)


def times(landing: Landing, rows: Rows, places: Numbers | None = None) -> list[pa.Array]:
    """seq, received_at and timestamp of the rows, or of those at the places, as numbers."""
    event, seq = (rows.event, rows.seq) if places is None else (rows.event[places], rows.seq[places])
    return [
        pa.array(seq),
        pa.array(landing.numbers("received_at")[event]),
        pa.array(landing.numbers("timestamp")[event]),
    ]


def seq_texts(seq: Numbers) -> pa.StringArray:
    """As `ids.seq_text`."""
    return pc.utf8_lpad(pa.array(seq).cast(pa.string()), 20, "0")


def new_identifiers(landing: Landing, made: Changes, types: pa.StringArray) -> pa.Table:
    """The identifiers that the batch attached, as the state keeps them; `types` by rank."""
    taken = landing.identifiers.take(pa.array(made.codes))
    columns = {
        "high": taken["high"],
        "low": taken["low"],
        "type": types.take(taken["rank"].combine_chunks()),
        "value": taken["value"],
        "profile": pa.array(made.mapped.profile),
    }
    columns |= dict(zip((name for name, _ in TIMES), times(landing, made.mapped), strict=True))
    return pa.table(columns).cast(MAPPED).combine_chunks()


def numbered(traits: TraitChanges, rows: Rows) -> dict[int, dict[str, Trait]]:
    """The current traits with the seqs of their rows in place of the places of their events."""
    seqs = dict(zip(rows.event.tolist(), rows.seq.tolist(), strict=True))

    def one(trait: Trait) -> Trait:
        if trait.seq < UNNUMBERED:
            return trait
        return Trait(trait.value, seqs[trait.seq - UNNUMBERED], trait.received_at, trait.timestamp)

    return {
        profile: {name: one(trait) for name, trait in several.items()} for profile, several in traits.current.items()
    }
