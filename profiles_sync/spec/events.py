"""One line of a source to one event, or the reason why it is not taken.

Source: Segment, "Spec: Common Fields" and "Profiles product limits"; what happens to odd input is the contract's.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from profiles_sync.spec import ids, json_text, timestamps

CALLS = frozenset({"identify", "track", "page", "screen", "group", "alias"})
PAGES = frozenset({"page", "screen"})
MAX_PROPERTIES = 10_000
MAX_TRAITS = 300  # an object is one trait, however much is in it
MAX_GROUP_ID = 500
MAX_MESSAGE_ID = 100

Json = dict[str, object]


@dataclass(frozen=True, slots=True)
class Source:
    """A source of events: its slug is the key in the settings, `id` and `name` are declared there."""

    slug: str
    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Event:
    """A call as the product understands it. Times are microseconds since 1970 UTC."""

    message_id: str
    type: str
    source: Source
    received_at: int
    timestamp: int
    sent_at: int | None = None
    original_timestamp: int | None = None
    anonymous_id: str | None = None
    user_id: str | None = None
    group_id: str | None = None
    previous_id: str | None = None
    event: str | None = None
    name: str | None = None  # of a page or screen, as the category
    category: str | None = None
    context: Json = field(default_factory=dict)
    payload: Json = field(default_factory=dict)  # properties of track, page and screen; traits of the others
    integrations: Json = field(default_factory=dict)
    nul_characters: int = 0

    @property
    def order(self) -> tuple[int, str]:
        """Events of one batch resolve in this order."""
        return self.received_at, self.message_id

    @property
    def label(self) -> str | None:
        """What `triggering_event_name` shows: the track event's name, or the page's or screen's."""
        return self.name if self.event is None else self.event


class Rejected(ValueError):
    """The line is not an event; the message is the reason the quarantine shows."""


def read_line(line: bytes, source: Source, modified_at: int) -> Event:
    """The event on one line.

    Args:
        line: One line without its end.
        source: Where it came from.
        modified_at: When the file was last modified; the time received of an event that carries none.

    Raises:
        Rejected: The line is not an event.
    """
    try:
        call, nul = json_text.loads(line)
    except json_text.Refused as refused:
        raise Rejected(str(refused)) from None
    if not isinstance(call, dict):
        raise Rejected("not an object")
    return read_call(call, source, modified_at, lambda: ids.message_id(source.id, line), nul)


def read_call(
    call: Mapping[str, object], source: Source, modified_at: int, make_id: Callable[[], str], nul_characters: int = 0
) -> Event:
    """The event of one decoded call; arguments and errors as for `read_line`."""
    kind = call.get("type")
    kind = kind.lower() if isinstance(kind, str) else kind
    if not isinstance(kind, str) or kind not in CALLS:
        raise Rejected("missing type" if kind is None else "unknown type")
    times = {name: _time(call, name) for name in ("receivedAt", "sentAt", "originalTimestamp", "timestamp")}
    sent, original = times["sentAt"], _first(times["originalTimestamp"], times["timestamp"])
    received = _first(times["receivedAt"], sent, original, modified_at)
    assert received is not None
    payload = _payload(call, kind)
    event = Event(
        message_id=_identifier(call, "messageId") or make_id(),
        type=kind,
        source=source,
        received_at=received,
        timestamp=timestamps.event_time(received, sent, original),
        sent_at=sent,
        original_timestamp=original,
        anonymous_id=_identifier(call, "anonymousId"),
        user_id=_identifier(call, "userId"),
        group_id=_identifier(call, "groupId"),
        previous_id=_identifier(call, "previousId"),
        event=_track_name(call) if kind == "track" else None,
        name=_title(call, payload, "name") if kind in PAGES else None,
        category=_title(call, payload, "category") if kind in PAGES else None,
        context=_object(call, "context"),
        payload=payload,
        integrations=_integrations(call),
        nul_characters=nul_characters,
    )
    _check_limits(event)
    return event


def _check_limits(event: Event) -> None:
    """What Unify drops silently, we keep in quarantine. Source: "Profiles product limits"."""
    if len(event.message_id) > MAX_MESSAGE_ID:
        raise Rejected(f"messageId longer than {MAX_MESSAGE_ID} characters")
    if event.group_id is not None and len(event.group_id) > MAX_GROUP_ID:
        raise Rejected(f"groupId longer than {MAX_GROUP_ID} characters")
    if event.type == "group" and event.group_id == "":
        raise Rejected("empty groupId")
    if event.type == "track" and event.context.get("groupId") == "":
        raise Rejected("empty context.groupId")
    if event.type == "identify" and len(event.payload) > MAX_TRAITS:
        raise Rejected(f"more than {MAX_TRAITS} traits")
    if _leaves(event.payload) > MAX_PROPERTIES:
        raise Rejected(f"more than {MAX_PROPERTIES} properties")
    if min(event.timestamp, event.received_at) < 0:
        raise Rejected("older than 1970")


def _time(call: Mapping[str, object], name: str) -> int | None:
    value = call.get(name)
    if value is None:
        return None
    moment = timestamps.parse(value) if isinstance(value, str) else None
    if moment is None:
        raise Rejected(f"unreadable {name}")
    return moment


def _identifier(call: Mapping[str, object], name: str) -> str | None:
    value = call.get(name)
    text = scalar_text(value)
    if text is None and value is not None:
        raise Rejected(f"{name} is not text")
    return text


def scalar_text(value: object) -> str | None:
    """A text as it is, a JSON number as text; None for anything else, and for a number too large to keep its digits."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    if isinstance(value, int):
        return str(value)
    if abs(value) >= 2**53:
        return None
    return str(int(value)) if value.is_integer() else str(value)


def _object(call: Mapping[str, object], name: str) -> Json:
    value = call.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Rejected(f"{name} is not an object")
    return value


def _payload(call: Mapping[str, object], kind: str) -> Json:
    """Both kinds are checked, so that a wrong one is never lost silently; the one the call owns is kept."""
    traits, properties = _object(call, "traits"), _object(call, "properties")
    return properties if kind == "track" or kind in PAGES else traits


def _integrations(call: Mapping[str, object]) -> Json:
    value = call.get("integrations")
    return value if isinstance(value, dict) else {}


def _track_name(call: Mapping[str, object]) -> str:
    event = call.get("event")
    if not isinstance(event, str) or not event.strip():
        raise Rejected("track without a text event")
    return event


def _title(call: Mapping[str, object], properties: Json, key: str) -> str | None:
    """Libraries send a page's name and category beside its properties, among them, or both."""
    sent = scalar_text(call.get(key))
    return scalar_text(properties.get(key)) if sent is None else sent


def _first(*values: int | None) -> int | None:
    return next((value for value in values if value is not None), None)


def _leaves(payload: Json) -> int:
    if not any(isinstance(value, dict) for value in payload.values()):
        return len(payload)
    count, waiting = 0, [payload]
    while waiting:
        for value in waiting.pop().values():
            if isinstance(value, dict):
                waiting.append(value)
            else:
                count += 1
    return count
