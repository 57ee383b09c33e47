"""A made-up shop over some months: visitors who come by campaigns, sign up, change devices, buy, and stay away.

`python -m profiles_sync.generator.shop --out demo/shop` writes its events and a settings file for them. Other than the
stream it has something to find: channels that sell better, and customers who leave for a reason.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Annotated, Any

import orjson
import typer

#: Source and medium of a campaign, how many come by it first, and how many of their visits end in an order.
CHANNELS = {
    ("google", "cpc"): (0.34, 0.16),
    ("instagram", "social"): (0.28, 0.07),
    ("partner", "referral"): (0.14, 0.30),
    ("newsletter", "email"): (0.0, 0.26),  # brings back whoever has signed up
    None: (0.24, 0.12),  # typed the address
}
#: Plan to the chance that a customer does not come back after a visit; a request for help adds to it.
LEAVING = {"free": 0.16, "pro": 0.06, "team": 0.03}
_AFTER_HELP = 0.25
_FAMILIES = 0.4  # share of pairs of visitors who now and then use the same tablet
_PRODUCTS = ("chair", "desk", "lamp", "rug", "shelf", "sofa")
_SETTINGS = """\
space: {name: Shop, slug: shop}
lake: ./lake
sources:
  website: {id: source_1, name: Website, path: ./events/website}
  mobile: {id: source_2, name: Mobile, path: ./events/mobile}
warehouses:
  local: {type: duckdb, path: ./shop.duckdb}
"""


@dataclass(frozen=True)
class Shop:
    """The same shop gives the same bytes, and more days begin with the events of fewer."""

    people: int = 500
    seed: int = 11
    start: str = "2026-01-01T00:00:00+00:00"


@dataclass
class _Visitor:
    number: int
    came_by: tuple[str, str] | None
    plan: str
    devices: list[str] = field(default_factory=list)
    signed_up: bool = False
    orders: int = 0


Sent = tuple[datetime, str, dict[str, Any]]  # when, by which source, the call


def events(shop: Shop, days: int) -> list[tuple[str, dict[str, Any]]]:
    """Source and call of all that happened in the first `days` days, in order of time."""
    end = datetime.fromisoformat(shop.start) + timedelta(days=days)
    sent = [one for number in range(shop.people) for one in _life(shop, number, end)]
    return [(source, call) for _, source, call in sorted(sent, key=lambda one: (one[0], one[2]["messageId"]))]


def _life(shop: Shop, number: int, end: datetime) -> Iterator[Sent]:
    """A visitor's calls; each visitor is drawn alone, so that the day it ends on changes nothing before."""
    rnd = Random(f"{shop.seed}/{number}")
    who = _visitor(shop, rnd, number)
    at = datetime.fromisoformat(shop.start) + timedelta(days=rnd.uniform(0, 75), hours=rnd.gauss(0, 3))
    count = 0
    for visit in range(60):
        helped = False
        for source, call in _visit(rnd, who, visit):
            at += timedelta(seconds=rnd.uniform(5, 90))
            if at >= end:
                return
            count, helped = count + 1, helped or call.get("event") == "Help Requested"
            yield at, source, call | {"messageId": f"shop-{number:05d}-{count:05d}", "timestamp": _iso(at)} | _got(at)
        if rnd.random() < (LEAVING[who.plan] if who.signed_up else 0.2) + _AFTER_HELP * helped:
            return
        at += timedelta(days=rnd.expovariate(1 / (4 if who.signed_up else 2)))


def _visitor(shop: Shop, rnd: Random, number: int) -> _Visitor:
    came_by = rnd.choices(list(CHANNELS), [share for share, _ in CHANNELS.values()])[0]
    plan = rnd.choices(list(LEAVING), (0.55, 0.3, 0.15))[0]
    family = Random(f"{shop.seed}/family {number // 2}")
    tablet = [f"{family.getrandbits(64):016x}"] if family.random() < _FAMILIES else []
    return _Visitor(number, came_by, plan, [*tablet, f"{rnd.getrandbits(64):016x}"])


def _visit(rnd: Random, who: _Visitor, number: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """One visit: pages, a product or more, at times a sign-up, an order, or a request for help."""
    if number and rnd.random() < 0.12:
        who.devices.append(f"{rnd.getrandbits(64):016x}")
    device = who.devices[-1] if rnd.random() < 0.6 else rnd.choice(who.devices)
    source = "website" if device == who.devices[0] else "mobile"
    channel = _channel(rnd, who, number)
    context = {"campaign": dict(zip(("source", "medium"), channel, strict=True))} if channel else {}
    call: dict[str, Any] = {"anonymousId": device, "context": context}
    yield source, call | {"type": "page", "name": "Home", "properties": {"path": "/"}}
    for product in rnd.sample(_PRODUCTS, rnd.randrange(1, 4)):
        yield source, call | {"type": "track", "event": "Product Viewed", "properties": {"product": product}}
    if who.signed_up or rnd.random() < 0.3:
        yield source, call | _identify(who)
        yield from ((source, call | _user(who) | one) for one in _signed_in(rnd, who, channel))


def _channel(rnd: Random, who: _Visitor, number: int) -> tuple[str, str] | None:
    if number == 0:
        return who.came_by
    return rnd.choices((None, ("newsletter", "email"), who.came_by), (0.5, 0.3 * who.signed_up, 0.2))[0]


def _user(who: _Visitor) -> dict[str, Any]:
    return {"userId": f"customer-{who.number}"}


def _identify(who: _Visitor) -> dict[str, Any]:
    who.signed_up = True
    traits = {"email": f"customer{who.number}@example.com", "plan": who.plan, "orders": who.orders}
    return _user(who) | {"type": "identify", "traits": traits}


def _signed_in(rnd: Random, who: _Visitor, channel: tuple[str, str] | None) -> Iterator[dict[str, Any]]:
    if rnd.random() < CHANNELS[channel][1]:
        who.orders += 1
        ordered = {"order_id": f"order-{who.number}-{who.orders}", "revenue": round(rnd.lognormvariate(4, 0.5), 2)}
        yield {"type": "track", "event": "Order Completed", "properties": ordered}
    if rnd.random() < 0.1:
        yield {"type": "track", "event": "Help Requested", "properties": {"topic": rnd.choice(("delivery", "price"))}}


def _iso(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _got(at: datetime) -> dict[str, str]:
    return {"receivedAt": _iso(at + timedelta(seconds=1))}


def write_shop(folder: Path, shop: Shop, *, first_day: int = 0, last_day: int = 90) -> Path:
    """Write the events received from day `first_day` up to, not including, `last_day`, a file per source and day.

    Returns:
        The settings file of a space that takes them.
    """
    first = datetime.fromisoformat(shop.start) + timedelta(days=first_day)
    files: dict[tuple[str, str], list[bytes]] = {}
    for source, call in events(shop, last_day):
        if datetime.fromisoformat(call["timestamp"]) >= first:
            files.setdefault((source, call["timestamp"][:10]), []).append(orjson.dumps(call))
    for (source, day), lines in files.items():
        path = folder / "events" / source / f"{day}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"".join(line + b"\n" for line in lines))
    (folder / "shop.yml").write_text(_SETTINGS)
    return folder / "shop.yml"


def _generate(
    out: Annotated[Path, typer.Option(help="Where the settings file and the sources' folders are made.")],
    people: int = 500,
    days: int = 90,
    seed: int = 11,
) -> None:
    """Write a shop's events and a settings file for them."""
    typer.echo(f"{write_shop(out, Shop(people=people, seed=seed), last_day=days)} is ready to be run")


if __name__ == "__main__":
    typer.run(_generate)
