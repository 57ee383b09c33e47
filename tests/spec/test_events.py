"""One line of a source: the event it is, or the reason why it is not taken."""

import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiles_sync.spec.events import Event, Rejected, Source, read_line

WEBSITE = Source("website", "source_1", "Website")
SECOND = 1_000_000
MODIFIED = 1_700_000_000 * SECOND
NOON = (datetime(2024, 5, 1, 12, tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
KEYS = "type messageId anonymousId userId groupId previousId event name category context properties traits integrations"
TIMES = ("receivedAt", "sentAt", "originalTimestamp", "timestamp")


def read(line: bytes | str) -> Event:
    return read_line(line.encode() if isinstance(line, str) else line, WEBSITE, MODIFIED)


def event(**call: Any) -> Event:
    return read(orjson.dumps({"type": "page", "userId": "u1", "messageId": "m1"} | call))


def reason(line: bytes | str) -> str:
    with pytest.raises(Rejected) as refused:
        read(line)
    return str(refused.value)


def reason_for(**call: Any) -> str:
    return reason(orjson.dumps({"type": "page", "userId": "u1", "messageId": "m1"} | call))


# What every call has


@pytest.mark.parametrize("written", ["page", "Page", "PAGE", "pAgE"])
def test_the_type_may_be_written_in_any_case(written: str) -> None:
    assert event(type=written).type == "page"


@pytest.mark.parametrize("kind", ["identify", "page", "screen", "group", "alias"])
def test_six_types_of_calls_are_taken(kind: str) -> None:
    assert event(type=kind).type == kind
    assert event(type="track", event="Opened").type == "track"


def test_the_source_is_the_one_of_the_settings() -> None:
    assert event(sourceId="other", source={"id": "other"}).source == WEBSITE


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("u1", "u1"),
        ("", ""),
        (" U1 ", " U1 "),
        (17, "17"),
        (-3, "-3"),
        (17.0, "17"),
        (4.5, "4.5"),
        (2**63, "9223372036854775808"),
        (None, None),
    ],
)
@pytest.mark.parametrize(
    ("key", "attribute"),
    [("userId", "user_id"), ("anonymousId", "anonymous_id"), ("groupId", "group_id"), ("previousId", "previous_id")],
)
def test_identifiers_are_text_as_received_and_numbers_become_text(
    key: str, attribute: str, sent: object, kept: str | None
) -> None:
    assert getattr(event(**{key: sent}), attribute) == kept


@pytest.mark.parametrize("number", ["123456789012345678901234567890", "9007199254740993.0", "1e22"])
def test_a_number_that_has_lost_its_digits_is_no_identifier(number: str) -> None:
    assert reason(f'{{"type":"page","userId":{number}}}') == "userId is not text"


def test_a_call_may_come_without_any_identifier() -> None:
    found = event(userId=None)
    assert (found.user_id, found.anonymous_id) == (None, None)


# messageId


def test_a_missing_message_id_is_made_from_source_and_line() -> None:
    line = b'{"type":"page","userId":"u1"}'
    assert read(line).message_id == "auto-" + hashlib.sha1(b"source_1" + line).hexdigest()
    assert read(line).message_id == read(line).message_id
    other = read_line(line, Source("website", "source_2", "Website"), MODIFIED)
    assert other.message_id != read(line).message_id


@pytest.mark.parametrize("sent", [None, ""])
def test_an_empty_message_id_is_a_missing_one(sent: object) -> None:
    assert event(messageId=sent).message_id.startswith("auto-")


def test_a_message_id_may_be_a_number() -> None:
    assert event(messageId=99).message_id == "99"


# Times


NOON_TEXT, LATER, EVEN_LATER = "2024-05-01T12:00:00Z", "2024-05-01T12:00:01Z", "2024-05-01T12:00:02Z"


@pytest.mark.parametrize(
    ("times", "received_at"),
    [
        ({"receivedAt": NOON_TEXT, "sentAt": LATER, "originalTimestamp": LATER, "timestamp": LATER}, NOON),
        ({"sentAt": NOON_TEXT, "originalTimestamp": LATER, "timestamp": LATER}, NOON),
        ({"originalTimestamp": NOON_TEXT, "timestamp": LATER}, NOON),
        ({"timestamp": NOON_TEXT}, NOON),
        ({"receivedAt": None, "sentAt": None, "timestamp": NOON_TEXT}, NOON),
        ({}, MODIFIED),
    ],
)
def test_the_time_received_may_have_to_be_taken_from_elsewhere(times: dict[str, Any], received_at: int) -> None:
    assert event(**times).received_at == received_at


def test_the_original_timestamp_goes_before_the_timestamp() -> None:
    found = event(receivedAt=EVEN_LATER, originalTimestamp=NOON_TEXT, timestamp=LATER)
    assert found.original_timestamp == found.timestamp == NOON


def test_the_clock_of_the_client_is_corrected_by_the_time_it_sent() -> None:
    found = event(receivedAt=EVEN_LATER, sentAt=LATER, timestamp=NOON_TEXT)
    assert found.timestamp == NOON + SECOND
    assert (found.received_at, found.sent_at, found.original_timestamp) == (NOON + 2 * SECOND, NOON + SECOND, NOON)


def test_an_event_without_a_time_of_its_own_happened_when_received() -> None:
    assert event(receivedAt=NOON_TEXT, sentAt=LATER).timestamp == NOON
    assert event().timestamp == MODIFIED


@pytest.mark.parametrize("key", TIMES)
@pytest.mark.parametrize("sent", ["yesterday", "", "2024-13-01T00:00:00Z", "12:00", 1714564800, True, ["x"], {}])
def test_an_unreadable_time_is_refused(key: str, sent: object) -> None:
    assert reason_for(**{key: sent}) == f"unreadable {key}"


@pytest.mark.parametrize("key", ["receivedAt", "timestamp"])
def test_an_event_from_before_1970_is_refused(key: str) -> None:
    assert reason_for(**{key: "1969-12-31T23:59:59.999Z"}) == "older than 1970"
    assert event(**{key: "1970-01-01T00:00:00Z"}).timestamp == 0


# What a call carries


@pytest.mark.parametrize("kind", ["page", "screen"])
def test_pages_and_screens_carry_properties_name_and_category(kind: str) -> None:
    found = event(type=kind, name="Home", category="Docs", properties={"a": 1}, traits={"b": 2})
    assert (found.payload, found.name, found.category, found.event) == ({"a": 1}, "Home", "Docs", None)


@pytest.mark.parametrize("kind", ["identify", "group", "alias"])
def test_other_calls_carry_traits(kind: str) -> None:
    assert event(type=kind, properties={"a": 1}, traits={"b": 2}).payload == {"b": 2}


def test_a_track_call_carries_properties_and_the_name_of_its_event() -> None:
    found = event(type="track", event=" Order Completed", name="x", properties={"a": 1})
    assert (found.event, found.payload, found.label) == (" Order Completed", {"a": 1}, " Order Completed")


@pytest.mark.parametrize("key", ["properties", "traits", "context", "integrations"])
def test_null_is_as_good_as_nothing(key: str) -> None:
    found = event(**{key: None})
    assert (found.payload, found.context, found.integrations) == ({}, {}, {})


def test_odd_integrations_and_names_are_ignored() -> None:
    found = event(integrations=[1], name={"a": 1}, category=True)
    assert (found.integrations, found.name, found.category) == ({}, None, None)


def test_of_a_key_that_is_given_twice_the_last_one_counts() -> None:
    found = read('{"type":"track","type":"page","userId":"u1","userId":"u2","properties":{"a":1,"a":[2]}}')
    assert (found.type, found.user_id, found.payload) == ("page", "u2", {"a": [2]})


def test_blanks_around_the_object_do_no_harm() -> None:
    assert read(b' {"type":"page"}\t\r').type == "page"


def test_a_value_of_a_million_characters_is_taken_whole() -> None:
    assert event(properties={"a": "x" * 1_000_000}).payload == {"a": "x" * 1_000_000}


# NUL characters


def test_nul_characters_are_left_out_and_counted() -> None:
    found = event(userId="u\0001", properties={"\0a\0": ["\0\0", {"b": "c\0"}]})
    assert (found.user_id, found.payload, found.nul_characters) == ("u1", {"a": ["", {"b": "c"}]}, 6)
    assert event().nul_characters == 0


def test_backslashes_before_what_looks_like_a_nul_character_are_text() -> None:
    found = read(rb'{"type":"page","userId":"\\u0000","anonymousId":"\\\u0000","name":"\\\\u0000\u0000"}')
    assert (found.user_id, found.anonymous_id, found.name) == (r"\u0000", "\\", r"\\u0000")
    assert found.nul_characters == 2


@pytest.mark.parametrize(("head", "tail"), [("[", "]"), ('{"a":', "}")])
def test_nul_characters_are_found_at_any_depth(head: str, tail: str) -> None:
    deep = head * 900 + r'"\u0000x"' + tail * 900
    found = read(f'{{"type":"page","properties":{{"p":{deep}}}}}')
    assert found.nul_characters == 1


@given(st.text(st.sampled_from(["\0", "\\", "u", "0", '"', "é"]), max_size=12))
def test_exactly_the_nul_characters_are_missing(value: str) -> None:
    found = event(name=value)
    assert (found.name, found.nul_characters) == (value.replace("\0", ""), value.count("\0"))


def test_a_nul_character_outside_of_a_text_does_not_become_valid() -> None:
    assert reason(rb'{"type":"page","userId":\u00001}') == "broken JSON"


# Texts cut inside an emoji


def test_half_an_emoji_is_taken_as_a_character_that_was_lost() -> None:
    line = rb'{"type":"track","event":"Sent \ud83d","userId":"u\ude00","properties":{"\ud83dp":"\ud83d\ude00\ud83d"}}'
    found = read(line)
    assert (found.event, found.user_id, found.payload) == ("Sent \ufffd", "u\ufffd", {"\ufffdp": "😀\ufffd"})
    assert found.message_id == "auto-" + hashlib.sha1(b"source_1" + line).hexdigest()


def test_a_large_whole_number_is_the_same_with_and_without_half_an_emoji_beside_it() -> None:
    sent = [2**63, 2**64, 10**40]
    whole, half = (
        read(f'{{"type":"page","userId":{2**63},"name":"{name}","properties":{{"n":{sent}}}}}')
        for name in ("", r"\ud83d")
    )
    assert whole.user_id == half.user_id == "9223372036854775808"
    assert repr(whole.payload) == repr(half.payload) == repr({"n": [2**63, 2.0**64, 1e40]})


# Lines that are not taken


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{",
        b'{"type":"page"',
        b'{"type":"page",}',
        b'{"type":"page"}{"type":"page"}',
        b"{'type':'page'}",
        b"type,page",
        b'{"type":"page","userId":"\xff"}',
        b'{"type":"page","properties":{"a":NaN}}',
    ],
)
def test_broken_json_is_refused(line: bytes) -> None:
    assert reason(line) == "broken JSON"


def test_json_that_is_more_than_we_hold_is_refused_by_a_name_of_its_own() -> None:
    assert reason('{"type":"page","properties":{"a":1e999}}') == "number too large for a double"
    deep = '{"a":' * 2000 + "1" + "}" * 2000
    assert reason(f'{{"type":"page","properties":{deep}}}') == "nested too deeply"


@pytest.mark.parametrize("line", ["null", "5", '"page"', r'"\ud800"', "true", "[]", '[{"type":"page"}]'])
def test_json_that_is_no_object_is_refused(line: str) -> None:
    assert reason(line) == "not an object"


def test_a_missing_type_is_refused() -> None:
    assert reason("{}") == reason_for(type=None) == "missing type"


@pytest.mark.parametrize("sent", ["", "order", "pages", " page", 5, True, [], ["page"], {}, {"page": 1}])
def test_an_unknown_type_is_refused(sent: object) -> None:
    assert reason_for(type=sent) == "unknown type"


@pytest.mark.parametrize("sent", [None, "", " ", "\0", 5, True, ["Opened"], {"name": "Opened"}])
def test_a_track_call_without_a_text_event_is_refused(sent: object) -> None:
    assert reason_for(type="track", event=sent) == "track without a text event"


@pytest.mark.parametrize("key", ["messageId", "anonymousId", "userId", "groupId", "previousId"])
@pytest.mark.parametrize("sent", [True, False, [], ["u1"], {}, {"id": "u1"}])
def test_an_identifier_of_another_kind_is_refused(key: str, sent: object) -> None:
    assert reason_for(**{key: sent}) == f"{key} is not text"


@pytest.mark.parametrize("kind", ["identify", "page"])
@pytest.mark.parametrize("key", ["traits", "properties", "context"])
@pytest.mark.parametrize("sent", ["text", "", 5, 0, True, False, [], [{}]])
def test_traits_properties_and_context_must_be_objects(kind: str, key: str, sent: object) -> None:
    assert reason_for(type=kind, **{key: sent}) == f"{key} is not an object"


def keys(count: int) -> dict[str, int]:
    return {f"k{number}": number for number in range(count)}


@pytest.mark.parametrize(
    ("within", "beyond", "expected"),
    [
        ({"messageId": "x" * 100}, {"messageId": "x" * 101}, "messageId longer than 100 characters"),
        ({"groupId": "é" * 500}, {"groupId": "é" * 501}, "groupId longer than 500 characters"),
        ({"properties": keys(10_000)}, {"properties": keys(10_001)}, "more than 10000 properties"),
        (
            {"properties": {"a": keys(5_000), "b": {"c": keys(5_000)}}},
            {"properties": {"a": keys(5_000), "b": {"c": keys(5_001)}}},
            "more than 10000 properties",
        ),
        (
            {"type": "identify", "traits": keys(300)},
            {"type": "identify", "traits": keys(301)},
            "more than 300 traits",
        ),
        ({"type": "group", "groupId": "0"}, {"type": "group", "groupId": ""}, "empty groupId"),
        (
            {"type": "track", "event": "Opened", "context": {"groupId": None}},
            {"type": "track", "event": "Opened", "context": {"groupId": ""}},
            "empty context.groupId",
        ),
    ],
)
def test_what_is_beyond_a_limit_is_refused(within: dict[str, Any], beyond: dict[str, Any], expected: str) -> None:
    event(**within)
    assert reason_for(**beyond) == expected


def test_a_list_counts_as_one_property() -> None:
    assert len(event(properties={"list": list(range(20_000))}).payload) == 1


def test_only_identify_has_a_limit_of_traits() -> None:
    assert len(event(type="group", groupId="g1", traits=keys(301)).payload) == 301


def test_only_groups_and_tracks_must_not_have_an_empty_group() -> None:
    assert event(groupId="", context={"groupId": ""}).group_id == ""


@given(st.fixed_dictionaries({}, optional={key: JSON for key in [*KEYS.split(), *TIMES]}))
def test_any_line_is_an_event_or_refused(call: dict[str, Any]) -> None:
    for kind in (call.get("type"), "track", "identify", "page"):
        try:
            found = read(json.dumps(call | {"type": kind}))
        except Rejected as refused:
            assert 0 < len(str(refused)) <= 40
        else:
            assert found.message_id
            assert found.received_at >= 0
