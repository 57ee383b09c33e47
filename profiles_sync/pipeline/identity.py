"""The events of a batch to profiles: deduplicated, put in order, resolved, and written into the ledger."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import pyarrow as pa

from profiles_sync.lake.tables import Lake
from profiles_sync.pipeline import messages, staging, state
from profiles_sync.pipeline.batches import Batch, Progress
from profiles_sync.pipeline.parse import Parsed
from profiles_sync.pipeline.replay import Carrier
from profiles_sync.pipeline.state import Known
from profiles_sync.spec.events import Source
from profiles_sync.spec.identifiers import Identifier
from profiles_sync.spec.ids import external_id_hash
from profiles_sync.spec.ledger import Ledger, Trigger
from profiles_sync.spec.resolver import BLOCKED, Resolution

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
Resolve = Callable[[Sequence[Carrier], Known, int], list[Resolution]]


@dataclass(frozen=True)
class Resolved:
    """A batch after identity resolution.

    Attributes:
        known: What earlier batches knew of the profiles touched.
        ledger: The rows to append and what is current now.
        stamps: Per file, per event of it: its segment_id, or None where it has none.
        kept: Beside the stamps: False for a duplicate.
        violations: Rows for the violations log.
        events: How many events were kept.
        after: Where the space's clocks stand now.
    """

    known: Known
    ledger: Ledger
    stamps: list[list[str | None]]
    kept: list[list[bool]]
    violations: list[dict[str, Any]]
    events: int
    after: Progress
    message_ids: list[str]
    received_at: list[int]


def resolve_batch(
    lake: Lake, batch: Batch, parsed: Sequence[Parsed], sources: Mapping[str, Source], resolve: Resolve
) -> Resolved:
    """Resolve what the files of a batch hold.

    Args:
        lake: Holds what earlier batches left.
        batch: The batch.
        parsed: Its files, in the order of the batch.
        sources: By slug.
        resolve: One of the two paths.
    """
    stamps: list[list[str | None]] = [[None] * one.identity.rows for one in parsed]
    kept = [[False] * one.identity.rows for one in parsed]
    events = _in_order(lake, batch, parsed, kept)
    carriers = [_carrier(event) for _, event in events]
    known = state.look_up(lake, {one for carrier in carriers for one in carrier.identifiers}, batch.number)
    done = resolve(carriers, known, batch.before.profiles)
    ledger = Ledger(lake.slug, batch.before.last_seq)
    _fill(ledger, known)
    violations: list[dict[str, Any]] = []
    for (split, event), resolution in zip(events, done, strict=True):
        source = sources[parsed[split].file.source]
        if event["type"] == "alias":
            continue
        ledger.record(_trigger(event, source), resolution, orjson.loads(event["traits"] or "{}"))
        segment_id = None if resolution.stamp is None else ledger.segment_ids[resolution.stamp]
        stamps[split][event["row"]] = segment_id
        violations += _violations(event, resolution, segment_id, batch)
    profiles = batch.before.profiles + sum(one.created for one in done)
    ids, at = [event["message_id"] for _, event in events], [event["received_at"] for _, event in events]
    after = Progress(ledger.last_seq, profiles)
    return Resolved(known, ledger, stamps, kept, violations, len(events), after, ids, at)


def _fill(ledger: Ledger, known: Known) -> None:
    ledger.segment_ids |= known.segment_ids
    ledger.nodes |= known.nodes
    ledger.mapped |= known.identifiers
    ledger.traits |= {number: dict(traits) for number, traits in known.traits.items()}


def _in_order(
    lake: Lake, batch: Batch, parsed: Sequence[Parsed], kept: list[list[bool]]
) -> list[tuple[int, dict[str, Any]]]:
    """The events that stay, with the number of their file, in landing order. Marks them in `kept`."""
    every = [(split, event) for split, one in enumerate(parsed) for event in staging.read(one.identity).to_pylist()]
    every.sort(key=lambda one: (one[1]["received_at"], one[1]["message_id"], one[0], one[1]["row"]))
    ids, at = [event["message_id"] for _, event in every], [event["received_at"] for _, event in every]
    stays = messages.kept(lake, ids, at, batch.number)
    for (split, event), stay in zip(every, stays, strict=True):
        kept[split][event["row"]] = stay
    return [one for one, stay in zip(every, stays, strict=True) if stay]


def _carrier(event: dict[str, Any]) -> Carrier:
    return Carrier(tuple(Identifier(*one) for one in orjson.loads(event["identifiers"])), event["received_at"])


def _trigger(event: dict[str, Any], source: Source) -> Trigger:
    return Trigger(
        event["message_id"],
        event["type"],
        event["name"],
        source.id,
        source.name,
        source.slug,
        event["received_at"],
        event["timestamp"],
    )


def _violations(event: dict[str, Any], done: Resolution, segment_id: str | None, batch: Batch) -> list[dict[str, Any]]:
    """An identifier's value is personal data: its hash is kept, which the mapping tables have too."""
    blocked = [(BLOCKED, Identifier(*one)) for one in orjson.loads(event["blocked"] or "[]")]
    found = [*blocked, *((one.code, one.identifier) for one in done.violations)]
    return [
        {
            "message_id": event["message_id"],
            "received_at": event["received_at"],
            "code": code,
            "external_id_type": identifier.type if identifier else None,
            "external_id_hash": external_id_hash(*identifier) if identifier else None,
            "segment_id": segment_id,
            "batch": batch.number,
            "uuid_ts": batch.uuid_ts,
        }
        for code, identifier in found
    ]


def remember(lake: Lake, batch: Batch, resolved: Resolved) -> None:
    """Append what the batch adds to the logs that later batches look up."""
    messages.remember(lake, resolved.message_ids, resolved.received_at, batch.number)
    state.remember(lake, resolved.known, resolved.ledger, batch.number)
    lake.append(VIOLATIONS, pa.Table.from_pylist(resolved.violations, _VIOLATION), batch.number)
