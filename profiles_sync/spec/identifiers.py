"""The external IDs that an event carries, and where each is taken from.

Source: Segment, "Identity Resolution ExternalIDs".
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from profiles_sync.spec import names
from profiles_sync.spec.events import Event, Json, scalar_text
from profiles_sync.spec.rules import IdentityRules


class Identifier(NamedTuple):
    """An external ID: its type and its value as received."""

    type: str
    value: str


class Carried(NamedTuple):
    """What an event carries: identifiers from the best rank to the worst, and those that are blocked."""

    identifiers: tuple[Identifier, ...]
    blocked: tuple[Identifier, ...]


def carried(event: Event, rules: IdentityRules) -> Carried:
    """The distinct, declared external IDs of the event. An alias carries none: it never touches the graph."""
    if event.type == "alias":
        return Carried((), ())
    known, blocked = set[Identifier](), set[Identifier]()
    for kind, raw in _found(event, rules):
        value = raw.strip().lower() if kind == "email" and rules.normalize_email else raw
        rule = rules.by_type.get(kind)
        if rule is None:
            continue
        if rule.blocked.has(value):
            blocked.add(Identifier(kind, value))
        elif value.strip():
            known.add(Identifier(kind, value))
    return Carried(tuple(sorted(known, key=lambda found: (rules.ranks[found.type], found))), tuple(sorted(blocked)))


def _found(event: Event, rules: IdentityRules) -> Iterator[tuple[str, str]]:
    if event.user_id is not None:
        yield "user_id", event.user_id
    if event.anonymous_id is not None:
        yield "anonymous_id", event.anonymous_id
    context_traits = event.context.get("traits")
    places = (event.payload, context_traits if isinstance(context_traits, dict) else {})
    yield from _scalars("email", ("email",), places)
    yield from _device(event.context, rules)
    yield from _google_analytics(event.integrations, event.context)
    for kind in rules.custom_types:
        yield from _scalars(kind, spellings(kind), places)
    yield from _external_ids(event.context)


def _scalars(kind: str, keys: tuple[str, ...], places: tuple[Json, ...]) -> Iterator[tuple[str, str]]:
    for place in places:
        for key in keys:
            value = scalar_text(place.get(key))
            if value is not None:
                yield kind, value


def _device(context: Json, rules: IdentityRules) -> Iterator[tuple[str, str]]:
    device = context.get("device")
    if not isinstance(device, dict) or not isinstance(device.get("type"), str):
        return
    platform = device["type"].lower()
    if platform not in {"android", "ios"}:
        return
    yield from _scalars(f"{platform}.id", ("id",), (device,))
    yield from _scalars(f"{platform}.push_token", ("token",), (device,))
    tracked = device.get("adTrackingEnabled") is True
    if tracked or (platform == "ios" and not rules.ios_idfa_needs_tracking):
        yield from _scalars(f"{platform}.idfa", ("advertisingId",), (device,))


def _google_analytics(*places: Json) -> Iterator[tuple[str, str]]:
    """From `integrations` of the call, or of its context, where Segment's pages put it."""
    integrations = places[1].get("integrations")
    for place in (places[0], integrations if isinstance(integrations, dict) else {}):
        sent = place.get("Google Analytics")
        if isinstance(sent, dict):
            yield from _scalars("ga_client_id", ("clientId",), (sent,))


def _external_ids(context: Json) -> Iterator[tuple[str, str]]:
    """All four keys are required, the collection must be users, and the type is taken as it is spelled."""
    listed = context.get("externalIds")
    for element in listed if isinstance(listed, list) else []:
        if not isinstance(element, dict) or element.get("collection") != "users" or element.get("encoding") != "none":
            continue
        kind, value = element.get("type"), scalar_text(element.get("id"))
        if isinstance(kind, str) and value is not None:
            yield kind, value


@lru_cache(maxsize=256)
def spellings(kind: str) -> tuple[str, ...]:
    """The keys of a custom external ID: as it was declared, in snake_case and in camelCase."""
    snake = names.snake_case(kind) or kind
    head, *rest = snake.split("_")
    return tuple(dict.fromkeys((kind, snake, head + "".join(part.capitalize() for part in rest))))
