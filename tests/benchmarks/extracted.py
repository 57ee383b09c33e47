"""Events whose identifiers are extracted already: made by the million as columns.

People are drawn by how active they are. Most have a few cookies, three in a hundred more than their limit; some have
two addresses, some a device, and now and then a visitor uses somebody else's. One event in 300 has a blocked value.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from profiles_sync.spec.identifiers import Identifier
from profiles_sync.spec.rules import Frequency, IdentityRules, Rule

#: Limits for ever and in windows; who has no priority stands behind, by name.
RULES = IdentityRules(
    (
        Rule("user_id", 1, priority=1),
        Rule("email", 5, Frequency.MONTHLY, priority=2),
        Rule("anonymous_id", 5, Frequency.ANNUALLY),
        Rule("ios.id", 5),
    )
)
START, _DAYS = 1_767_571_200_000_000, 60  # 2026-01-05, in microseconds
_KEYS = {"anonymousId": "anonymous_id", "userId": "user_id"}
A_FILE = 500_000  # events
Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class Extracted:
    """Events in landing order and what they carry.

    Attributes:
        types: The space's external ID types, the best first.
        message_id: Of each event.
        received_at: Of each, microseconds.
        kind: Of each, which call it is.
        traits: Of each what it sends as JSON, or null.
        blocked: Which had a value that is blocked.
        event: One element per identifier, ascending: whose it is. Those of an event stand best rank first.
        rank: Of its type, beside it.
        value: As above.
    """

    types: tuple[str, ...]
    message_id: pa.StringArray
    received_at: Numbers
    kind: pa.StringArray
    traits: pa.StringArray
    blocked: NDArray[np.bool_]
    event: Numbers
    rank: NDArray[np.int16]
    value: pa.StringArray

    def carried(self) -> Iterator[tuple[str, int, bool, list[Identifier]]]:
        """Event by event, as the reference takes them."""
        ends = np.cumsum(np.bincount(self.event, minlength=len(self.received_at))).tolist()
        for at in range(0, len(ends), A_FILE):  # never all of them as Python objects
            first = ends[at - 1] if at else 0
            some = slice(first, ends[min(at + A_FILE, len(ends)) - 1])
            found = [
                Identifier(self.types[rank], value)
                for rank, value in zip(self.rank[some].tolist(), self.value[some].to_pylist(), strict=True)
            ]
            begin = 0
            for place, message_id in enumerate(self.message_id[at : at + A_FILE].to_pylist(), at):
                end = ends[place] - first
                yield message_id, int(self.received_at[place]), bool(self.blocked[place]), found[begin:end]
                begin = end


def extracted(count: int, seed: int) -> Extracted:
    """Draw events."""
    rng = np.random.default_rng(seed)
    people = max(10, count // 12)
    active = np.cumsum(rng.lognormal(0, 1.2, people))
    person = np.searchsorted(active, rng.random(count) * active[-1])
    blocked = rng.random(count) < 1 / 300
    visits = np.where(rng.random(count) < 0.002, rng.integers(0, people, count), person)  # on whose device
    logged_in, addressed = rng.random(count) < np.where(person % 2, 0.4, 0), rng.random(count) < 0.08
    address = person * 2 + (rng.random(count) < 0.1)
    cookie, device = visits * 100 + _cookie(rng, count), visits // np.where(visits % 300 == 0, 3, 1)
    has_device = (visits % 3 == 0) & (rng.random(count) < 0.3)
    found = {
        "user_id": (np.flatnonzero(logged_in), named("user", person[logged_in])),
        "email": (np.flatnonzero(addressed), named("mail", address[addressed])),
        "anonymous_id": (np.flatnonzero(~blocked), named("cookie", cookie[~blocked])),
        "ios.id": (np.flatnonzero(has_device), named("device", device[has_device])),
    }
    return pages(
        named(f"msg-{seed}", np.arange(count)), _DAYS * 86_400_000_000 // count, tuple(RULES.by_type), found, blocked
    )


def pages(
    message_id: pa.StringArray,
    step: int,
    types: tuple[str, ...],
    found: Mapping[str, tuple[Numbers, pa.StringArray]],
    blocked: NDArray[np.bool_] | None = None,
) -> Extracted:
    """Page calls, one every `step` microseconds; `found` has by type which events carry which values."""
    count = len(message_id)
    no_traits, none = pa.nulls(count, pa.string()), np.zeros(count, np.bool_)
    received_at = START + np.arange(count) * step
    carried = in_order(types, found)
    kind = repeated("page", count)
    return Extracted(types, message_id, received_at, kind, no_traits, none if blocked is None else blocked, *carried)


def in_order(
    types: tuple[str, ...], found: Mapping[str, tuple[Numbers, pa.StringArray]]
) -> tuple[Numbers, NDArray[np.int16], pa.StringArray]:
    """Event, rank and value of what is found, by type, as `Extracted` has them."""
    event = np.concatenate([one for one, _ in found.values()])
    rank = np.repeat([types.index(name) for name in found], [len(one) for one, _ in found.values()])
    order = np.lexsort((rank, event))
    value = pa.concat_arrays([values for _, values in found.values()]).take(pa.array(order))
    return event[order], rank[order].astype(np.int16), value


def _cookie(rng: np.random.Generator, count: int) -> Numbers:
    """Which of a person's cookies: mostly the first, seldom one of many."""
    return np.minimum(rng.geometric(0.55, count), 12).astype(np.int64)


def named(name: str, numbers: Numbers) -> pa.StringArray:
    """A text for each number."""
    return pc.binary_join_element_wise(name, pa.array(numbers).cast(pa.string()), "-")


def repeated(text: str, count: int) -> pa.StringArray:
    """The text again and again."""
    return pa.array([text]).take(pa.array(np.zeros(count, np.int64)))


def lines(events: Extracted) -> Iterator[bytes]:
    """The same events as a source has them. An address that is no trait stands in the context."""
    sent = zip(events.carried(), events.kind.to_pylist(), events.traits.to_pylist(), strict=True)
    for (message_id, received_at, blocked, identifiers), kind, traits in sent:
        found = {"anonymous_id": "null"} if blocked else {}
        found |= dict(identifiers)
        call: dict[str, Any] = {"type": kind, "messageId": message_id, "receivedAt": iso(received_at)}
        call |= {
            key: found[name] for key, name in (("anonymousId", "anonymous_id"), ("userId", "user_id")) if name in found
        }
        if traits is not None:
            call["traits"] = orjson.loads(traits)
        elif "email" in found:
            call["context"] = {"traits": {"email": found["email"]}}
        yield orjson.dumps(call)


def iso(at: int) -> str:
    """Microseconds as a source writes them."""
    return f"{np.datetime64(at, 'us')}Z"
