"""The events of a batch to profiles: deduplicated, put in order, resolved, and written down as changes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import orjson
import pyarrow as pa
from numpy.typing import NDArray

from profiles_sync.lake.base import Lake
from profiles_sync.pipeline import digests, landing, messages, state
from profiles_sync.pipeline.batches import Batch, Progress
from profiles_sync.pipeline.beside import beside
from profiles_sync.pipeline.changes import Changes, changes, new_identifiers, numbered
from profiles_sync.pipeline.kernel import CODES, Carriers, Replayed
from profiles_sync.pipeline.landing import Landing, by_file, numbers, of
from profiles_sync.pipeline.replay import Resolve
from profiles_sync.pipeline.staged import Parsed
from profiles_sync.pipeline.state import Known
from profiles_sync.pipeline.trait_changes import TraitChanges, replay_traits
from profiles_sync.spec.identifiers import Identifier
from profiles_sync.spec.ids import external_id_hash
from profiles_sync.spec.resolver import BLOCKED
from profiles_sync.spec.rules import IdentityRules
from profiles_sync.spec.traits import OVER_TRAITS, Traits
from profiles_sync.watching.threads import Threads

VIOLATIONS = "_control/violations"
_VIOLATION = pa.schema(
    [
        ("message_id", pa.string()),
        ("received_at", pa.timestamp("us", "UTC")),
        ("code", pa.string()),
        ("external_id_type", pa.string()),
        ("external_id_hash", pa.string()),
        ("segment_id", pa.string()),
        ("batch", pa.int64()),
        ("uuid_ts", pa.timestamp("us", "UTC")),
    ]
)


@dataclass(frozen=True)
class Resolved:
    """A batch after identity resolution.

    Attributes:
        known: What earlier batches knew of the profiles touched.
        landing: The events, in landing order.
        changes: The rows to append, and where profiles stand now.
        traits: Rows of the traits' history.
        current: The traits of the profiles touched, after the batch.
        mapped: `state.MAPPED`: the identifiers that the batch attached.
        stamps: Per file, per line of it: its segment_id, or null where it has none.
        violations: Rows for the violations log.
        after: Where the space's clocks stand now.
    """

    known: Known
    landing: Landing
    changes: Changes
    traits: TraitChanges
    current: dict[int, Traits]
    mapped: pa.Table
    stamps: list[pa.StringArray]
    violations: pa.Table
    after: Progress

    @property
    def events(self) -> int:
        """How many events stay."""
        return int(self.landing.events.num_rows)


def resolve_batch(
    lake: Lake, batch: Batch, parsed: Sequence[Parsed], rules: IdentityRules, resolve: Resolve
) -> Resolved:
    """Resolve what the files of a batch hold.

    Args:
        lake: Holds what earlier batches left.
        batch: The batch.
        parsed: Its files, in the order of the batch.
        rules: The space's rules.
        resolve: One of the two paths.
    """
    landed = landing.land(lake, batch.number, parsed)
    known = state.look_up(lake, landed.identifiers, batch.number)
    past, kinds = state.as_past(known, landed.identifiers, rules)
    carriers = Carriers(landed.offsets, landed.codes, landed.numbers("received_at"), kinds)
    replayed = resolve(carriers, past, rules, batch.before.profiles)
    traits = replay_traits(landed, replayed, known.traits, rules.max_traits)
    made = changes(lake.slug, landed, known, replayed, traits, batch.before.last_seq)
    newest = max([batch.before.newest, *carriers.received_at[-1:].tolist()])  # they are in order of it
    after = Progress(made.last_seq, batch.before.profiles + int(replayed.created.sum()), newest)
    types = pa.array(list(rules.by_type), pa.string())
    current = numbered(traits, made.traits)
    with Threads(2) as threads:
        stamps = threads.submit(lambda: _stamps(landed, replayed, made))
        violations = threads.submit(lambda: _violations(landed, replayed, traits.left_out, made, types, batch))
        mapped = new_identifiers(landed, made, types)
    return Resolved(known, landed, made, traits, current, mapped, stamps.result(), violations.result(), after)


def _stamps(landed: Landing, replayed: Replayed, made: Changes) -> list[pa.StringArray]:
    """The stamps by file and line."""
    shown = np.full(landed.first[-1], -1, np.int64)
    shown[landed.numbers("line")] = replayed.stamp
    return [made.ids_of(one) for one in by_file(shown, landed.first)]


def _violations(
    landed: Landing,
    replayed: Replayed,
    over_traits: NDArray[np.int64],
    made: Changes,
    types: pa.StringArray,
    batch: Batch,
) -> pa.Table:
    """An identifier's value is personal data: its hash is kept, which the mapping tables have too."""
    blocked = [(event, Identifier(*one)) for event, several in _blocked(landed) for one in several]
    is_alias = pa.compute.equal(landed.events["type"], "alias").combine_chunks().to_numpy(zero_copy_only=False)
    real = ~is_alias[replayed.violation_event]  # an alias carries nothing and is never resolved
    event = np.concatenate([np.array([at for at, _ in blocked], np.int64), replayed.violation_event[real], over_traits])
    code = pa.concat_arrays(
        [
            pa.array([BLOCKED] * len(blocked), pa.string()),
            pa.array(CODES).take(pa.array(replayed.violation_code[real])),
            pa.array([OVER_TRAITS] * len(over_traits), pa.string()),
        ]
    )
    about = np.concatenate([replayed.violation_identifier[real], np.full(len(over_traits), -1)])
    kinds, hashes = _named(landed, about, types)
    kinds = pa.concat_arrays([pa.array([one.type for _, one in blocked], pa.string()), kinds])
    hashes = pa.concat_arrays([pa.array([external_id_hash(*one) for _, one in blocked], pa.string()), hashes])
    order = pa.array(np.argsort(event, kind="stable"))  # of one event the blocked ones first, its traits last
    columns = [
        of(landed.events["message_id"], event),
        of(landed.events["received_at"], event).cast(pa.timestamp("us", "UTC")),
        code,
        kinds,
        hashes,
        made.ids_of(replayed.stamp[event]),
        pa.array(np.full(len(event), batch.number)),
        pa.array(np.full(len(event), batch.uuid_ts)).cast(pa.timestamp("us", "UTC")),
    ]
    return pa.Table.from_arrays([column.take(order) for column in columns], schema=_VIOLATION)


def _blocked(landed: Landing) -> list[tuple[int, list[list[str]]]]:
    column = landed.events["blocked"].combine_chunks()
    events = np.flatnonzero(column.is_valid().to_numpy(zero_copy_only=False)).tolist()
    return list(zip(events, map(orjson.loads, column.drop_null().to_pylist()), strict=True))


def _named(landed: Landing, codes: NDArray[np.integer], types: pa.StringArray) -> tuple[pa.StringArray, pa.StringArray]:
    """Type and hash of identifiers, null for -1."""
    at = pa.array(codes.astype(np.int64), mask=codes < 0)
    rank, value = landed.identifiers["rank"].combine_chunks(), landed.identifiers["value"].combine_chunks()
    kind = types.take(rank).take(at)
    return kind, digests.external_id_hashes(kind, value.take(at))


def remember(lake: Lake, batch: Batch, resolved: Resolved) -> None:
    """Append what the batch adds to the logs that later batches look up."""
    events = resolved.landing.events
    high, low, received_at = (numbers(events, name) for name in ("high", "low", "received_at"))
    rows = resolved.changes.traits
    changed = dict(zip(rows.profile.tolist(), rows.seq.tolist(), strict=True))
    traits = state.trait_rows(resolved.known.traits, resolved.current, changed, batch.number)
    beside(
        lambda: messages.remember(lake, high, low, received_at, batch.number),
        lambda: state.remember(lake, batch.number, resolved.mapped, resolved.changes.nodes, traits),
        lambda: lake.append(VIOLATIONS, resolved.violations, batch.number),
    )
