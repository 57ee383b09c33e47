"""The made-up shop: the same for everybody, and a shorter one is the beginning of a longer one."""

from collections import Counter

import orjson

from profiles_sync.generator.shop import CHANNELS, Shop, events, write_shop
from profiles_sync.settings import load
from profiles_sync.spec.events import Source, read_line

SHOP = Shop(people=80)


def test_fewer_days_are_the_beginning_of_more():
    short, long = events(SHOP, 30), events(SHOP, 60)
    assert len(long) > len(short) > 100
    assert long[: len(short)] == short == events(SHOP, 30) != events(Shop(people=80, seed=12), 30)


def test_every_line_is_an_event_with_an_id_of_its_own():
    read = [read_line(orjson.dumps(call), Source(source, source, source), 0) for source, call in events(SHOP, 90)]
    assert len({event.message_id for event in read}) == len(read)
    assert {event.type for event in read} == {"page", "track", "identify"}
    assert {event.event for event in read if event.event} == {"Product Viewed", "Order Completed", "Help Requested"}


def test_nobody_comes_first_by_the_newsletter():
    first = {}
    for _, call in events(SHOP, 90):
        campaign = call["context"].get("campaign", {})
        first.setdefault(call["messageId"].split("-")[1], tuple(campaign.values()) or None)
    counted = Counter(first.values())
    assert set(counted) == CHANNELS.keys() - {("newsletter", "email")}


def test_days_that_are_written_apart_are_those_written_at_once(tmp_path):
    write_shop(tmp_path / "apart", SHOP, last_day=20)
    write_shop(tmp_path / "apart", SHOP, first_day=20, last_day=25)
    settings = load(write_shop(tmp_path / "once", SHOP, last_day=25))
    assert set(settings.sources) == {"website", "mobile"}
    apart, once = (
        {path.relative_to(tmp_path / name): path.read_bytes() for path in (tmp_path / name / "events").rglob("*.jsonl")}
        for name in ("apart", "once")
    )
    assert apart == once and len(once) > 30
