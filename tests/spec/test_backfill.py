"""Which events a backfill sends, and how many event tables."""

import datetime as dt

import pytest

from profiles_sync.spec.backfill import Window, is_event_table, is_in_range, months_before, one_too_many, window
from profiles_sync.spec.sizes import in_bytes
from profiles_sync.spec.tables import FIXED_TABLES


def at(text):
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


def micros(text):
    return int(at(text).timestamp() * 1e6)


@pytest.mark.parametrize(
    ("now", "before"),
    [
        ("2026-03-15T10:30:00", "2026-01-15T10:30:00"),
        ("2026-04-30T00:00:00", "2026-02-28T00:00:00"),
        ("2024-04-30T00:00:00", "2024-02-29T00:00:00"),
        ("2026-02-01T00:00:00", "2025-12-01T00:00:00"),
        ("2026-01-31T23:59:59", "2025-11-30T23:59:59"),
    ],
)
def test_two_months_are_calendar_months(now, before):
    assert months_before(at(now), 2) == at(before)
    assert window(None, None, at(now)) == Window(micros(before), None)


@pytest.mark.parametrize(
    ("first", "last", "start", "end"),
    [
        ("2026-01-01", "2026-01-31", "2026-01-01T00:00:00", "2026-02-01T00:00:00"),
        ("2026-01-01", "2026-01-01", "2026-01-01T00:00:00", "2026-01-02T00:00:00"),
        ("2026-01-01T12:00:00+02:00", None, "2026-01-01T10:00:00", None),
        (None, "2026-01-01T12:00:00", None, "2026-01-01T12:00:00.000001"),
    ],
)
def test_both_ends_of_a_range_are_in_it(first, last, start, end):
    assert window(first, last, at("2030-01-01")) == Window(start and micros(start), end and micros(end))


@pytest.mark.parametrize(("first", "last"), [("2026-02-01", "2026-01-01"), ("soon", None), ("2026-13-01", None)])
def test_what_is_no_range_is_refused(first, last):
    with pytest.raises(ValueError, match=r"."):
        window(first, last, at("2030-01-01"))


def test_event_type_and_track_tables_have_a_range_and_the_others_go_whole():
    ranged = {table.name for table in FIXED_TABLES if is_in_range(table.name)}
    assert ranged == {"identifies", "pages", "screens", "groups", "aliases", "tracks"}
    assert is_in_range("order_completed")


@pytest.mark.parametrize(
    ("limit", "counted", "wanted", "extra"),
    [
        (2, (), ("b", "a", "c"), "c"),
        (2, (), ("b", "a", "pages", "user_traits", "tracks"), None),
        (2, ("a", "b"), ("a", "b"), None),
        (2, ("a", "x"), ("a", "b"), "b"),
        (0, (), ("pages",), None),
        (0, (), ("a",), "a"),
    ],
)
def test_one_event_table_too_many_is_named(limit, counted, wanted, extra):
    assert one_too_many(limit, counted, wanted) == extra


def test_the_2001st_event_table_is_one_too_many():
    names = [f"e{number:04d}" for number in range(2001)]
    assert one_too_many(2000, (), names[:2000]) is None
    assert one_too_many(2000, (), names) == "e2000"
    assert is_event_table(names[0])
    assert not is_event_table("pages")


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 bytes"), (999, "999 bytes"), (1000, "1.0 kB"), (21_340_000_000_000, "21.3 TB"), (10**16, "10,000.0 TB")],
)
def test_a_size_is_told_in_the_unit_that_fits(size, text):
    assert in_bytes(size) == text
