"""Times as text, and the time of an event."""

import re
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiles_sync.spec import timestamps

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ZONES = st.integers(-23 * 60 - 59, 23 * 60 + 59).map(lambda minutes: timezone(timedelta(minutes=minutes)))
SPOILING = st.sampled_from([*"0123456789-+:.,TtZz W\u0661", ""])
PATTERN = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:[Tt ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d+))?)?(?:[Zz]|([+-])(\d\d)(?::?(\d\d))?)?)?",
    re.ASCII,
)


def micros(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(microseconds=1)


def at(text: str) -> int:
    found = timestamps.parse(text)
    assert found is not None, text
    return found


TEN = micros(datetime(2022, 5, 2, 10, 47, 15, tzinfo=UTC))
READABLE = {
    "2022-05-02": micros(datetime(2022, 5, 2, tzinfo=UTC)),
    "2022-05-02T10:47": TEN - 15_000_000,
    "2022-05-02T10:47Z": TEN - 15_000_000,
    "2022-05-02T10:47+02": TEN - 15_000_000 - 7_200_000_000,
    "2022-05-02T10:47:15": TEN,
    "2022-05-02 10:47:15": TEN,
    "2022-05-02T10:47:15Z": TEN,
    "2022-05-02t10:47:15z": TEN,
    "2022-05-02T10:47:15+00:00": TEN,
    "2022-05-02T10:47:15-00:00": TEN,
    "2022-05-02T12:47:15+02:00": TEN,
    "2022-05-02T12:47:15+0200": TEN,
    "2022-05-02T12:47:15+02": TEN,
    "2022-05-02T05:17:15-05:30": TEN,
    "2022-05-02T05:17:15.0-0530": TEN,
    "2022-05-02T10:47:15.1Z": TEN + 100_000,
    "2022-05-02T10:47:15,1Z": TEN + 100_000,
    "2022-05-02T10:47:15.266Z": TEN + 266_000,
    "2022-05-02T10:47:15.123456": TEN + 123_456,
    "2022-05-02T10:47:15.1234569Z": TEN + 123_456,
    "2022-05-02T10:47:15." + "9" * 60 + "Z": TEN + 999_999,
    "1970-01-01T00:00:00Z": 0,
    "1969-12-31T23:59:59.999999Z": -1,
    "1969-12-31": -86_400_000_000,
    "2024-02-29": micros(datetime(2024, 2, 29, tzinfo=UTC)),
    "0001-01-01T00:00:00Z": -62_135_596_800_000_000,
    "9999-12-31T23:59:59.999999Z": 253_402_300_799_999_999,
}
UNREADABLE = [
    "",
    "2022",
    "2022-05",
    "20220502",
    "20220502T104715Z",
    "2022-W18-1",
    "2022-W18-1T10:47:15",
    "2022W181",
    "2022-122",
    "2022-5-2",
    "2022-05-02T10",
    "2022-05-02T10Z",
    "2022-05-02T1047",
    "2022-05-02T104715Z",
    "2022-05-02T10:4715",
    "2022-05-02T10:47:1",
    "2022-05-02T10:47:15.",
    "2022-05-02T10:47:15.Z",
    "2022-05-02T10:47:15.1.2Z",
    "2022-05-02T10:47:15:100Z",
    "2022-05-02T10:47:15.1_0Z",
    "2022-05-02T10:47:15ZZ",
    "2022-05-02T10:47:15 Z",
    "2022-05-02T10:47:15 +02:00",
    "2022-05-02T10:47:15+",
    "2022-05-02T10:47:15+2",
    "2022-05-02T10:47:15+020",
    "2022-05-02T10:47:15+02:0",
    "2022-05-02T10:47:15+02:00:00",
    "2022-05-02T10:47:15+24:00",
    "2022-05-02T10:47:15+05:60",
    "2022-05-02T10:47:15+02:00Z",
    "2022-05-02T10:47:15 CEST",
    "2022-05-02  10:47:15",
    "2022-05-02_10:47:15",
    "2022-05-02Z",
    "2022-05-02+02:00",
    " 2022-05-02",
    "2022-05-02 ",
    "2022-05-02\n",
    "2022-05-02T10:47:15Z\n",
    " 2022-05-02T10:47:15Z",
    "2022/05/02",
    "2022-05/02",
    "2022-13-01",
    "2022-02-30",
    "2023-02-29T00:00:00Z",
    "0000-01-01",
    "10000-01-01",
    "-2022-05-02",
    "2022-05-02T24:00:00Z",
    "2022-05-02T24:00",
    "2022-05-02T10:60:00Z",
    "2022-05-02T10:47:60Z",
    "2022-05-0\u0662",
    "2022-05-02T10:47:15.\u0661Z",
    "2022-05-02T10:47:15.123456\u0661Z",
    "2022-05-02T10-04",
    "2022-05-02T10+04:30",
    "2022-05-02T10:47:15+0\u0662:00",
    "2022-05-\ud800\ud800",
    "0001-01-01T00:00:00+00:01",
    "9999-12-31T23:59:59-00:01",
    "1651488435",
    "yesterday at noon",
]


@pytest.mark.parametrize("text", READABLE)
def test_a_date_or_date_time_is_read_to_the_microsecond(text: str) -> None:
    assert timestamps.parse(text) == READABLE[text]


@pytest.mark.parametrize("text", UNREADABLE)
def test_any_other_text_is_not_a_time(text: str) -> None:
    assert timestamps.parse(text) is None
    assert not timestamps.is_datetime(text)


@pytest.mark.parametrize("text", READABLE)
def test_only_a_full_date_and_time_makes_a_timestamp_column(text: str) -> None:
    assert timestamps.is_datetime(text) == (len(text) > 10)


def test_a_fraction_of_thousands_of_digits_is_cut() -> None:
    assert timestamps.parse("2022-05-02T10:47:15." + "9" * 5_000) == TEN + 999_999


@given(st.datetimes(min_value=datetime(1, 1, 3), max_value=datetime(9999, 12, 29), timezones=ZONES))
def test_every_moment_in_every_zone_comes_back(moment: datetime) -> None:
    assert timestamps.parse(moment.isoformat()) == micros(moment)
    assert timestamps.parse(moment.isoformat(" ", "milliseconds")) == micros(moment) // 1000 * 1000


def by_pattern(text: str) -> int | None:
    """The forms as one pattern, slowly, to hold the quick reading against."""
    found = PATTERN.fullmatch(text)
    if not found:
        return None
    *parts, fraction, sign, hours, minutes = found.groups()
    year, month, day, hour, minute, second = (int(part or 0) for part in parts)
    if int(hours or 0) > 23 or int(minutes or 0) > 59:
        return None
    ahead = timedelta(hours=int(hours or 0), minutes=int(minutes or 0)) * (-1 if sign == "-" else 1)
    try:
        local = datetime(year, month, day, hour, minute, second, int((fraction or "")[:6].ljust(6, "0")), UTC)
        return micros(local - ahead)
    except (ValueError, OverflowError):
        return None


@given(st.sampled_from(list(READABLE)), st.lists(st.tuples(st.integers(0, 30), SPOILING), max_size=2))
def test_exactly_the_forms_of_the_pattern_are_read(text: str, changes: list[tuple[int, str]]) -> None:
    for place, character in changes:
        text = text[:place] + character + text[place + 1 :]
    assert timestamps.parse(text) == by_pattern(text)


@given(st.text(alphabet="0123456789-+:.,TtZz W\u0661", max_size=36))
def test_no_text_raises(text: str) -> None:
    moment = timestamps.parse(text)
    assert moment is None or moment == micros(EPOCH + timedelta(microseconds=moment))


def test_the_time_of_an_event_is_corrected_by_how_long_the_client_held_it() -> None:
    received, sent = at("2015-12-12T19:11:01.266Z"), at("2015-12-12T19:11:01.169Z")
    original = at("2015-12-12T19:11:01.152Z")
    assert timestamps.event_time(received, sent, original) == at("2015-12-12T19:11:01.249Z")


def test_a_clock_that_is_wrong_by_an_hour_does_not_move_the_event() -> None:
    received, sent = at("2022-05-02T11:00:10.500Z"), at("2022-05-02T12:00:10Z")
    original = at("2022-05-02T12:00:00Z")
    assert timestamps.event_time(received, sent, original) == at("2022-05-02T11:00:00.500Z")


def test_without_the_time_sent_the_client_is_believed() -> None:
    assert timestamps.event_time(50, None, 7) == 7
    assert timestamps.event_time(50, None, 0) == 0


def test_without_the_original_time_the_event_happened_when_received() -> None:
    assert timestamps.event_time(50, 40, None) == 50
    assert timestamps.event_time(50, None, None) == 50


def test_zero_counts_as_a_time() -> None:
    assert timestamps.event_time(50, 0, 0) == 50
    assert timestamps.event_time(50, 20, 0) == 30


def test_clocks_that_lead_outside_the_calendar_leave_the_time_of_receipt() -> None:
    first, last, received = at("0001-01-01"), at("9999-12-31"), at("2022-05-02")
    assert timestamps.event_time(received, last, first) == received
    assert timestamps.event_time(received, first, last) == received
