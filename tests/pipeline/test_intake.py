"""Lines to tables: what is no event, what an event lacks, and what comes twice."""

import gzip
import hashlib
from datetime import timedelta

import pytest

from profiles_sync.lake.listing import public_tables
from profiles_sync.pipeline import casts, digests
from tests.intake import NOON, at, ids, line, page, put, quarantined, rows, settled, take
from tests.lakes import Twin, rows_of


@pytest.fixture
def twin(tmp_path):
    return Twin(tmp_path / "space")


# Lines that are no events

ODD = {
    "broken JSON": b'{"type": "page", "userId": "u1"',
    "number too large for a double": b'{"type": "page", "userId": "u1", "properties": {"size": 1e999}}',
    "nested too deeply": b'{"type": "page", "userId": "u1", "properties": {"list": '
    + b"[" * 1023
    + b"]" * 1023
    + b"}}",
    "not an object": b'["page", "u1"]',
    "missing type": line({"userId": "u1"}),
    "unknown type": line({"type": "order", "userId": "u1"}),
    "track without a text event": line({"type": "track", "userId": "u1", "event": 5}),
    "userId is not text": line({"type": "page", "userId": ["u1"]}),
    "anonymousId is not text": line({"type": "page", "anonymousId": {"id": "a1"}}),
    "groupId is not text": line({"type": "group", "userId": "u1", "groupId": True}),
    "previousId is not text": line({"type": "alias", "userId": "u1", "previousId": []}),
    "messageId is not text": line({"type": "page", "userId": "u1", "messageId": False}),
    "traits is not an object": line({"type": "identify", "userId": "u1", "traits": ["pro"]}),
    "properties is not an object": line({"type": "page", "userId": "u1", "properties": "home"}),
    "context is not an object": line({"type": "page", "userId": "u1", "context": 5}),
    "unreadable receivedAt": page("m1", receivedAt="yesterday"),
    "unreadable sentAt": page("m1", sentAt=5),
    "unreadable originalTimestamp": page("m1", originalTimestamp="2024-13-01T00:00:00Z"),
    "unreadable timestamp": page("m1", timestamp=""),
    "more than 10000 properties": page("m1", properties={f"p{number}": 1 for number in range(10_001)}),
    "more than 300 traits": line({"type": "identify", "userId": "u1", "traits": dict.fromkeys(map(str, range(301)))}),
    "messageId longer than 100 characters": page("m" * 101),
    "groupId longer than 500 characters": line({"type": "group", "userId": "u1", "groupId": "g" * 501}),
    "empty groupId": line({"type": "group", "userId": "u1", "groupId": ""}),
    "empty context.groupId": line({"type": "track", "event": "A", "userId": "u1", "context": {"groupId": ""}}),
    "older than 1970": page("m1", receivedAt="1969-12-31T23:59:59Z"),
}


def test_a_line_that_is_no_event_is_in_quarantine_with_all_about_it(twin):
    content = page("good 1") + b"\n\n" + b"\n".join(ODD.values()) + b"\n" + page("good 2") + b"\n"
    modified_at = NOON.replace(microsecond=250_000)
    path = put(twin, "odd.jsonl", content, modified_at)
    report = take(twin)
    assert (report.events, report.quarantined) == (2, dict.fromkeys(sorted(ODD), 1))
    common = {"source_id": "source_1", "source_slug": "website", "file": str(path), "batch": 1}
    found = sorted(rows(twin, "quarantine"), key=lambda row: row["line_number"])
    assert [row | {"uuid_ts": None} for row in found] == [
        {"reason": reason, **common, "line_number": number, "raw": odd.decode()}
        | {"received_at": modified_at, "uuid_ts": None}
        for number, (reason, odd) in enumerate(ODD.items(), 3)
    ]
    assert {row["uuid_ts"] for row in found} == {row["uuid_ts"] for row in rows(twin, "pages")}
    assert ids(twin) == ["good 1", "good 2"]


def test_raw_text_is_kept_as_far_as_it_is_text(twin):
    put(twin, "a", b'{"type": "page", "userId": "\xff\xfe"}\n\0\0not \0text\n{"a": "\\u0000"}\r\n')
    assert take(twin).quarantined == {"broken JSON": 2, "missing type": 1}
    assert [raw for _, _, _, raw in quarantined(twin)] == [
        '{"type": "page", "userId": "\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}"}',
        "not text",
        '{"a": "\\u0000"}',
    ]


# What events lack, and what they have too much of


def test_the_time_received_is_the_best_that_there_is(twin):
    times = {"receivedAt": at(1), "sentAt": at(2), "originalTimestamp": at(3), "timestamp": at(4)}
    names = list(times)
    calls = [
        page(f"m{number}", **{"receivedAt": ...} | {name: times[name] for name in names[number:]})
        for number in range(5)
    ]
    put(twin, "a.jsonl", b"\n".join(calls), NOON + timedelta(seconds=5))
    take(twin)
    received = {row["id"]: row["received_at"] for row in rows(twin, "pages")}
    assert received == {f"m{number}": NOON + timedelta(seconds=number + 1) for number in range(5)}


def test_a_missing_message_id_is_made_of_source_and_line(twin):
    call = page(...)
    put(twin, "a.jsonl", call + b"\n" + call + b"\n")
    put(twin, "b.jsonl.gz", gzip.compress(call + b"\r\n"))
    report = take(twin)
    assert (report.events, report.duplicates) == (1, 2)
    assert ids(twin) == ["auto-" + hashlib.sha1(b"source_1" + call).hexdigest()]


def test_an_event_without_any_identifier_lands_without_a_profile(twin):
    put(twin, "a.jsonl", page("m1", userId=...) + b"\n" + page("m2"))
    report = take(twin)
    assert report.violations == {"No matching identifiers on event": 1}
    profiles = {row["id"]: row["segment_id"] for row in rows(twin, "pages")}
    assert profiles["m1"] is None
    assert profiles["m2"] is not None
    (found,) = rows(twin, "_control/violations")
    expected = {"message_id": "m1", "code": "No matching identifiers on event", "segment_id": None, "batch": 1}
    assert expected.items() <= found.items()


def test_case_of_the_type_and_numbers_as_identifiers(twin):
    calls = [{"type": "IDENTIFY", "userId": 17}, {"type": "Identify", "userId": "17"}, {"type": "Page", "userId": 17.0}]
    put(twin, "a.jsonl", b"\n".join(line(call | {"messageId": n, "receivedAt": at(n)}) for n, call in enumerate(calls)))
    assert take(twin).events == 3
    assert [(row["id"], row["user_id"]) for row in rows(twin, "pages")] == [("2", "17")]
    assert sorted((row["id"], row["user_id"]) for row in rows(twin, "identifies")) == [("0", "17"), ("1", "17")]
    assert len(rows(twin, "id_graph")) == 1


def test_a_value_of_a_megabyte_lands_whole(twin):
    letter = "é" + "x" * 1_000_000
    put(twin, "a.jsonl.gz", gzip.compress(page("m1", properties={"letter": letter})))
    assert take(twin).events == 1
    assert [row["letter"] for row in rows(twin, "pages")] == [letter]


def test_nul_characters_are_left_out_and_counted(twin):
    put(twin, "a.jsonl", page("m\0001", userId="u\0\0001", properties={"pl\0an": "\0pro", "path": "C:\\u0000"}))
    put(twin, "b.jsonl", page("m2"))
    assert take(twin).nul_characters == 5
    (found,) = [row for row in rows(twin, "pages") if row["id"] == "m1"]
    assert (found["user_id"], found["plan"], found["path"]) == ("u1", "pro", "C:\\u0000")


def test_half_an_emoji_is_a_character_that_was_lost(twin):
    # json.dumps writes every surrogate as an escape, as JavaScript does where a text was cut
    cut = {
        "userId": "u\ud83d",
        "name": "\ude00\ud83d",
        "properties": {"plan \ud83d": "pro \ude00", "list": ["\ud83d", "😀"]},
    }
    put(twin, "a.jsonl", page("m1", **cut) + b"\n" + page("m2", userId="u\ufffd", properties={"plan": "😀"}))
    assert take(twin).events == 2
    found = {row["id"]: (row["user_id"], row["name"], row["plan"], row["list"]) for row in rows(twin, "pages")}
    assert found == {
        "m1": ("u\ufffd", "\ufffd\ufffd", "pro \ufffd", '["\ufffd","😀"]'),
        "m2": ("u\ufffd", None, "😀", None),
    }
    assert [row["external_id_value"] for row in rows(twin, "external_id_mapping")] == ["u\ufffd"]


TEXTS = ["\ud83d", "\ude00", "😀", "\ude00\ud83d", "\ud83d\0\ude00", "\\ud83d", "\\\ud83d", "a", "", '"', "\ud7ff"]
NUMBERS = ["1", "1e999", "2.50", str(2**63), str(2**64), str(-(2**63) - 1), "1e99", "[" * 1030 + "]" * 1030, "NaN"]


def odd_line(number):
    text, other, raw = (one[number % len(one)] for one in (TEXTS, TEXTS[:-1], NUMBERS))
    call = page(
        f"m{number}", userId=f"u{text}", name=text, properties={f"a{other}": text, "b": [{other: text}], "n": 0}
    )
    call = call.replace(b'"n": 0', f'"n": {raw}'.encode())
    return call.replace(b"page", b"track").replace(b'"name"', b'"event"') if number % 3 else call


def test_odd_lines_come_to_the_same_with_and_without_compiled_loops(tmp_path, monkeypatch):
    content = b"\n".join(odd_line(number) for number in range(len(TEXTS) * len(NUMBERS)))
    seen = []
    for fast in (True, False):
        monkeypatch.setattr(digests, "IS_FAST", fast)
        monkeypatch.setattr(casts, "IS_FAST", fast)
        twin = Twin(tmp_path / f"fast {fast}")
        put(twin, "a.jsonl", content)
        report = take(twin)
        tables = {
            name: (list(twin.lake.types(name).items()), rows_of(twin.lake, name)) for name in public_tables(twin.lake)
        }
        seen.append((vars(report), tables, quarantined(twin)))
    assert seen[0] == seen[1]
    assert seen[0][0]["quarantined"].keys() >= {"broken JSON", "number too large for a double", "nested too deeply"}
    assert len(seen[0][1]["pages"][1]) > 15


def test_of_a_key_that_is_given_twice_the_last_counts(twin):
    put(twin, "a.jsonl", b'{"type":"track","type":"page","userId":"u0","properties":{"x":1,"x":"2"},"userId":"u1"}')
    take(twin)
    assert [(row["user_id"], row["x"]) for row in rows(twin, "pages")] == [("u1", "2")]


# Duplicates

WEEK = 7 * 86_400


def test_the_same_message_id_within_seven_days_is_one_event(twin):
    put(twin, "a.jsonl", page("m1") + b"\n" + page("m1", receivedAt=at(5)) + b"\n" + page("m1", receivedAt=at(WEEK)))
    put(twin, "b.jsonl", page("m1", receivedAt=at(1)))
    report = take(twin)
    assert (report.read, report.events, report.duplicates) == (4, 1, 3)
    for seconds, events in ((1, 0), (WEEK, 0), (WEEK + 0.000001, 1), (WEEK + 1, 0), (-WEEK, 0), (-WEEK - 1, 1)):
        put(twin, f"{seconds}.jsonl", page("m1", receivedAt=at(seconds)))
        report = take(twin)
        assert (report.events, report.duplicates) == (events, 1 - events), seconds
    kept = sorted((row["received_at"] - NOON).total_seconds() for row in rows(twin, "pages"))
    assert kept == [-WEEK - 1, 0, WEEK + 0.000001]


def test_inside_a_batch_the_window_begins_again_with_each_row_that_is_kept(twin):
    put(twin, "a.jsonl", b"\n".join(page("m1", receivedAt=at(seconds)) for seconds in (0, WEEK, WEEK + 1, 2 * WEEK)))
    report = take(twin)
    assert (report.events, report.duplicates) == (2, 2)


def test_two_sources_share_a_space(twin):
    put(twin, "../server/a.jsonl", page("m1", receivedAt=at(1)) + b"\n" + page("m2") + b"\n" + page(...) + b"\nbroken")
    put(twin, "a.jsonl", page("m1") + b"\n" + page("m3") + b"\n" + page(...) + b"\nbroken")
    settled(twin, {"website": twin.folder / "events", "server": twin.folder / "server"})
    report = take(twin)
    assert (report.read, report.events, report.duplicates) == (8, 5, 1)
    by_id = {row["id"]: row["event_source_id"] for row in rows(twin, "pages")}
    made = {"auto-" + hashlib.sha1(f"id of {slug}".encode() + page(...)).hexdigest() for slug in ("website", "server")}
    assert by_id.keys() == {"m1", "m2", "m3"} | made
    assert [by_id[one] for one in ("m1", "m2", "m3")] == ["id of website", "id of server", "id of website"]
    assert sorted((row["source_slug"], row["source_id"], row["line_number"]) for row in rows(twin, "quarantine")) == [
        ("server", "id of server", 4),
        ("website", "id of website", 4),
    ]
    assert len({row["segment_id"] for row in rows(twin, "pages")}) == 1
