"""A seeded stream of events in the order in which they are received."""

from bisect import bisect
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate
from random import Random
from typing import Any

from profiles_sync.generator.people import POISON, Person, cookie, make_people

_CALLS = ("page", "track", "identify", "screen", "group", "alias")
_WEIGHTS = (0.52, 0.35, 0.07, 0.04, 0.015, 0.005)
_NAMES = ("Product Viewed", "Order Completed", "Signed Up", "Video Played", "Cart Abandoned", "Plan Changed")
_PLANS = ("free", "pro", "team")
_BROWSERS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.6 Safari",
)


@dataclass(frozen=True)
class Shape:
    """What a stream looks like. The same shape gives the same bytes, on every machine.

    Attributes:
        events: How many, repeats included.
        seed: Of everything that is drawn.
        hours: Over how many hours they are received.
        start: The first of them, ISO-8601.
        sources: Source slugs.
        event_names: Distinct Track names, each with properties of its own.
        late: Share of events that happened a day or more before they were received.
        repeats: Share that comes a second time with the same messageId.
        broken: Share of lines that are not events.
        poison: Share of events with an identifier that means nothing, such as `null`.
        shared: Share of device owners whose device is a family's.
        detail: Whether the context says which browser it was, and a Track name has up to five properties of its own,
            of several types.
    """

    events: int = 50_000
    seed: int = 7
    hours: int = 24
    start: str = "2026-01-05T00:00:00Z"
    sources: tuple[str, ...] = ("website", "mobile", "server")
    event_names: int = 12
    late: float = 0.005
    repeats: float = 0.002
    broken: float = 0.0002
    poison: float = 0.003
    shared: float = 0.3
    detail: bool = False


@dataclass(frozen=True)
class Line:
    """One line: which source and hour it belongs to, and the event; None stands for a broken line."""

    source: str
    hour: int
    event: dict[str, Any] | None


def lines(shape: Shape) -> Iterator[Line]:
    """The whole stream; memory does not grow with it."""
    rnd = Random(shape.seed)
    people = make_people(rnd, max(10, shape.events // 12), shape.shared)
    reach = list(accumulate(person.activity for person in people))
    start, step = datetime.fromisoformat(shape.start), timedelta(hours=shape.hours) / max(1, shape.events)
    last: Line | None = None
    for number in range(shape.events):
        at = start + step * number
        hour = int((at - start) / timedelta(hours=1))
        if last is not None and rnd.random() < shape.repeats:
            yield Line(last.source, hour, last.event)
        elif rnd.random() < shape.broken:
            yield Line(shape.sources[0], hour, None)
        else:
            person = people[bisect(reach, rnd.random() * reach[-1]) % len(people)]
            source = rnd.choice(shape.sources)
            last = Line(source, hour, _event(rnd, shape, person, source, number, at))
            yield last


def _event(rnd: Random, shape: Shape, person: Person, source: str, number: int, at: datetime) -> dict[str, Any]:
    person.seen += 1
    just_logged_in = person.seen == person.logs_in_after + 1
    kind = "identify" if just_logged_in else rnd.choices(_CALLS, _WEIGHTS)[0]
    happened = at - timedelta(days=rnd.randrange(1, 4)) if rnd.random() < shape.late else at - timedelta(seconds=2)
    call: dict[str, Any] = {
        "type": kind,
        "messageId": f"msg-{shape.seed}-{number:09d}",
        "anonymousId": rnd.choice(POISON) if rnd.random() < shape.poison else cookie(rnd, person),
        "originalTimestamp": _iso(happened),
        "sentAt": _iso(at - timedelta(milliseconds=rnd.randrange(5, 400))),
        "receivedAt": _iso(at),
        "context": _context(rnd, shape, person, source),
        "integrations": {},
    }
    if person.logged_in:
        call["userId"] = person.user_id
    return call | _payload(rnd, shape, person, kind)


def _context(rnd: Random, shape: Shape, person: Person, source: str) -> dict[str, Any]:
    context: dict[str, Any] = {
        "ip": f"203.0.113.{person.number % 250}",
        "locale": rnd.choice(("en-US", "de-DE", "fr-FR")),
        "library": {"name": f"analytics-{source}", "version": "4.1.0"},
    }
    if shape.detail:
        context["userAgent"] = rnd.choice(_BROWSERS)
    if source == "mobile" and person.device:
        platform = "ios" if person.number % 2 else "android"
        context["device"] = {"type": platform, "id": person.device, "model": "model-1", "adTrackingEnabled": False}
    else:
        context["page"] = {"url": f"https://shop.example.com/p/{rnd.randrange(500)}", "title": "Shop"}
    return context


def _payload(rnd: Random, shape: Shape, person: Person, kind: str) -> dict[str, Any]:
    if kind == "track":
        return _track(rnd, shape)
    if kind == "identify":
        traits = {"email": rnd.choice(person.emails), "plan": rnd.choice(_PLANS), "logins": person.seen}
        address = {"city": f"City {person.number % 40}", "postal_code": f"{person.number % 90_000:05d}"}
        return {"traits": traits | {"address": address, "newsletter": rnd.random() < 0.5}}
    if kind == "group":
        return {"groupId": f"company-{person.number % 200}", "traits": {"industry": "retail", "employees": 120}}
    if kind == "alias":
        return {"previousId": person.cookies[0] if person.cookies else "none"}
    return {"name": rnd.choice(("Home", "Product", "Cart")), "properties": {"path": f"/p/{rnd.randrange(500)}"}}


def _track(rnd: Random, shape: Shape) -> dict[str, Any]:
    which = rnd.randrange(shape.event_names)
    name = _NAMES[which] if which < len(_NAMES) else f"Custom Event {which}"
    # Segment never changes a column's type by itself: one value in 500 is text where the others are numbers.
    price: float | str = "unknown" if rnd.random() < 0.002 else rnd.randrange(100, 99_999) / 100
    properties = {f"field_{which}": rnd.randrange(1000), "price": price, "currency": "EUR"}
    properties |= _details(rnd, which) if shape.detail else {}
    products = [{"sku": f"sku-{rnd.randrange(300)}", "quantity": rnd.randrange(1, 4)}]
    return {"event": name, "properties": properties | {"cart": {"products": products, "total": price}}}


def _details(rnd: Random, which: int) -> dict[str, Any]:
    own = {
        "ratio": rnd.randrange(10_000) / 8,
        "label": f"label {rnd.randrange(30)}",
        "is_new": rnd.random() < 0.5,
        "due": f"2026-02-{rnd.randrange(1, 29):02d}T08:00:00Z",
    }
    return {f"{name}_{which}": value for name, value in list(own.items())[: which % 5]}


def _iso(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
