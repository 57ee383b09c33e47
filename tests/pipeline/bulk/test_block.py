"""Blocks read at once: every plain line comes to what the spec makes of it alone, and all that differs is odd."""

import datetime as dt
import importlib.util
import json
import random

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiles_sync.generator.case_study import case_study_events
from profiles_sync.generator.stream import Shape
from profiles_sync.generator.stream import lines as stream
from profiles_sync.pipeline.bulk import scanner, tokens
from profiles_sync.pipeline.bulk.block import read_block
from profiles_sync.spec.columns import infer
from profiles_sync.spec.events import Rejected, Source, read_line
from profiles_sync.spec.identifiers import carried
from profiles_sync.spec.rows import event_rows, sent_traits
from profiles_sync.spec.rules import Blocked, IdentityRules, Rule, default_rules
from tests.lakes import EPOCH, random_events

SOURCE = Source("website", "source_1", "Website")
CUSTOM = IdentityRules(
    (*default_rules(), Rule("app_id", blocked=Blocked(("x",), ("b.*",))), Rule("phone", priority=3)),
    ios_idfa_needs_tracking=True,
    normalize_email=True,
)


def plain_value(value):
    return (value - EPOCH) // dt.timedelta(microseconds=1) if isinstance(value, dt.datetime) else value


def by_spec(lines, odd, rules):
    """What the spec makes of the lines that were not odd: identities, identifiers, rows by table."""
    identity, identifiers, rows = {}, {}, {}
    for number, line in enumerate(lines):
        if number in odd:
            continue
        event = read_line(line, SOURCE, 0)
        found, sent = carried(event, rules), sent_traits(event)
        identity[number] = {
            "row": number,
            "received_at": event.received_at,
            "timestamp": event.timestamp,
            "message_id": event.message_id,
            "type": event.type,
            "name": event.label,
            "blocked": orjson.dumps([tuple(one) for one in found.blocked]).decode() if found.blocked else None,
            "traits": orjson.dumps(sent).decode() if sent else None,
        }
        identifiers[number] = [(rules.ranks[one.type], one.value) for one in found.identifiers]
        for table, fixed, brought in event_rows(event):
            rows.setdefault(table, {})[number] = (event, without_nulls(fixed), without_nulls(brought))
    return identity, {number: found for number, found in identifiers.items() if found}, rows


def without_nulls(row):
    return {name: value for name, value in row.items() if value is not None}


def assert_as_the_spec(lines, rules=None):
    """Returns how many lines were odd."""
    rules = rules or IdentityRules()
    read = read_block(b"\n".join(lines), SOURCE, rules)
    odd = {line for line, _, _ in read.odd}
    assert [text for _, _, text in read.odd] == [lines[line] for line in sorted(odd)]
    identity, identifiers, rows = by_spec(lines, odd, rules)
    assert {row["row"]: row for row in read.identity.to_pylist()} == identity
    found = {}
    for row in read.identifiers.to_pylist():
        found.setdefault(row["row"], []).append((row["rank"], row["value"]))
    assert found == identifiers
    assert sorted(table for table, _, _ in read.tables) == sorted(rows)
    for table, staged, brought in read.tables:
        assert_table(table, staged, brought, rows[table])
    return len(odd)


def assert_table(table, staged, brought, wanted):
    for row in staged.to_pylist():
        event, fixed, payload = wanted[row.pop("_row")]
        values = {name: plain_value(value) for name, value in row.items() if value is not None}
        for name in values.keys() & brought.keys():
            if brought[name].kind == "mixed":
                values[name] = orjson.loads(values[name])
        assert sorted(map(repr, values.items())) == sorted(map(repr, (fixed | payload).items())), (table, event)
    firsts = {}
    for number, (event, _, payload) in sorted(wanted.items(), key=lambda item: item[1][0].order):
        for name, value in payload.items():
            firsts.setdefault(name, (*event.order, infer(value), number))
    seen = {name: (one.received_at, one.message_id, one.first_type, one.row) for name, one in brought.items()}
    assert {name: one[:3] for name, one in seen.items()} == {name: one[:3] for name, one in firsts.items()}


def test_a_generated_stream_is_read_at_once_and_exactly():
    shape = Shape(events=6_000, event_names=20, broken=0.002, repeats=0.01)
    lines = [b'{"type": "page", broken' if one.event is None else orjson.dumps(one.event) for one in stream(shape)]
    assert assert_as_the_spec(lines) < 60


def test_the_case_study_is_read_at_once():
    assert assert_as_the_spec([orjson.dumps(event) for event in case_study_events()]) == 0


@pytest.mark.parametrize("seed", range(4))
def test_dense_streams(seed):
    lines = [orjson.dumps(event) for event in random_events(seed, 800)]
    assert assert_as_the_spec(lines, CUSTOM if seed % 2 else None) < 500


TEXTS = [
    "a",
    "b",
    "A@x",
    " a@X ",
    "",
    " ",
    "0",
    "000",
    "-1",
    "null",
    "anonymous",
    "x",
    "bee",
    "é",
    "Ünï",
    "2024-01-01T00:00:00Z",
]
VALUES = [
    *TEXTS,
    None,
    True,
    False,
    0,
    7,
    -3,
    2.5,
    10.0,
    1e22,
    2**63,
    2**70,
    [],
    [1, "b", {"c": 2.50}],
    ["é"],
    {},
    {"deep": {"er": 1}},
]
KEYS = [
    "email",
    "plan",
    "Plan",
    "id",
    "seq",
    "name",
    "category",
    "event",
    "app_id",
    "appId",
    "phone",
    "a b",
    "a_b",
    "日本",
    "context_ip",
]
TIMES = [
    "2024-03-01T10:00:00Z",
    "2024-03-01T10:00:00.123456789Z",
    "2024-03-01T12:00:00+02:00",
    "2024-02-29",
    "2023-02-29T00:00:00Z",
    "1969-01-01T00:00:00Z",
    "2024-03-01t10:00:00z",
    "2024-03-01 10:00",
    "soon",
    5,
    None,
    "9999-12-31T23:59:59.999Z",
    "0001-01-01T00:00:00Z",
]


def nasty_call(rnd):
    def some(values, chance):
        return rnd.choice(values) if rnd.random() < chance else rnd.choice(values[:3])

    def payload():
        return {key: some(VALUES, 0.6) for key in rnd.sample(KEYS, rnd.randrange(5))}

    call = {
        "type": rnd.choice(["page", "track", "identify", "screen", "group", "alias", "Identify", "TRACK"]),
        "messageId": f"m{rnd.randrange(10_000)}",
        "receivedAt": some(TIMES, 0.1),
    }
    odd = rnd.random() < 0.3
    for name in ("sentAt", "originalTimestamp", "timestamp"):
        if rnd.random() < 0.5:
            call[name] = some(TIMES, 0.3 if odd else 0)
    for name in ("userId", "anonymousId", "groupId", "previousId", "event", "name", "category"):
        if rnd.random() < 0.6:
            call[name] = rnd.choice(VALUES if odd else TEXTS)
    for name in ("properties", "traits"):
        if rnd.random() < 0.7:
            call[name] = payload() if rnd.random() < 0.95 else rnd.choice(VALUES)
    if rnd.random() < 0.7:
        call["context"] = nasty_context(rnd, payload)
    if rnd.random() < 0.2:
        call["integrations"] = rnd.choice(
            [{"Google Analytics": {"clientId": rnd.choice(VALUES)}}, True, {"All": False}]
        )
    return call


def nasty_context(rnd, payload):
    device = {"type": rnd.choice(["iOS", "android", "web", 3]), "id": rnd.choice(VALUES), "token": rnd.choice(TEXTS)}
    device |= {"advertisingId": rnd.choice(TEXTS), "adTrackingEnabled": rnd.choice([True, False, "true"])}
    every = {
        "traits": payload() if rnd.random() < 0.9 else "x",
        "device": device,
        "groupId": rnd.choice([*TEXTS, 5]),
        "ip": rnd.choice(VALUES),
        "integrations": {"Google Analytics": {"clientId": rnd.choice(VALUES)}},
        "externalIds": [{"id": "e", "type": "phone", "collection": "users", "encoding": "none"}],
        "page": {"url": "x", "Url": rnd.choice(VALUES)},
    }
    return {key: every[key] for key in rnd.sample(list(every), rnd.randrange(4))}


def readable(line):
    try:
        read_line(line, SOURCE, 0)
    except Rejected:
        return False
    return True


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("rules", [None, CUSTOM], ids=["default", "custom"])
def test_nasty_calls(seed, rules):
    rnd = random.Random(seed)
    lines = [json.dumps(nasty_call(rnd), ensure_ascii=rnd.random() < 0.5).encode() for _ in range(600)]
    odd = assert_as_the_spec(lines, rules)
    refused = sum(not readable(line) for line in lines)
    assert refused <= odd < 500, (refused, odd)


# Texts as JSON escapes them. In a line of its own each makes the difference between a plain line and an odd one.
PLAIN = [
    r"\ud83d\ude00",
    r"\uDBFF\uDFFF",
    r"\ud7ff",
    r"\ue000",
    r"\u00e9",
    "😀",
    r"\\",
    r"\"",
    r"\/",
    r"\n",
    r"\\ud83d",
]
ODD = [
    r"\ud83d",
    r"\uDE00",
    r"\ude00\ud83d",
    r"\ud83d\ud83d",
    r"\ud83d\ud83d\ude00",
    r"\ud83d \ude00",
    r"\\\ud83d",
    r"\u0000",
    r"\ud83d\u0041",
]


def written(text="", key="", number="1"):
    return (
        f'{{"type":"track","messageId":"m1","receivedAt":"2024-03-01T10:00:00Z","userId":"u{text}","event":"Sent{text}",'
        f'"properties":{{"a":"{text}","b{key}":[{{"{text}":"{text}"}}],"c":{number}}},"context":{{"page":"{text}"}}}}'
    ).encode()


@pytest.mark.parametrize("text", PLAIN)
def test_a_text_that_is_whole_is_read_at_once(text):
    assert assert_as_the_spec([written(text)]) == 0


@pytest.mark.parametrize("text", ODD)
def test_a_text_with_half_a_pair_or_a_nul_character_is_left_to_the_spec(text):
    assert assert_as_the_spec([written(), written(text), written(key=text)]) == 2
    assert readable(written(text, key=text))


@pytest.mark.parametrize("number", ["1e999", "-1e999", "9" * 310, "NaN", "Infinity", "[" * 1025 + "]" * 1025])
def test_numbers_too_large_and_deep_nesting_are_left_to_the_spec(number):
    assert assert_as_the_spec([written(), written(number=number)]) == 1
    assert not readable(written(number=number))


@pytest.mark.parametrize("number", [str(2**63), str(2**64), str(-(2**63) - 1), "1e99", "9" * 40 + "e99"])
def test_a_large_number_is_what_the_spec_says_also_beside_half_an_emoji(number):
    assert assert_as_the_spec([written(number=number), written(ODD[0], number=number)]) >= 1
    found = [read_line(written(text, number=number), SOURCE, 0).payload["c"] for text in ("", ODD[0])]
    assert repr(found) == repr([orjson.loads(number)] * 2)


@pytest.mark.filterwarnings("ignore:overflow encountered")  # of the hash, as it is meant to
def test_what_is_plain_and_what_is_odd_is_the_same_where_nothing_is_compiled(monkeypatch):
    lines = [written(one, key) for one in (*PLAIN, *ODD) for key in ("", one)]
    lines += [orjson.dumps(event) for event in random_events(1, 50)]
    odd = assert_as_the_spec(lines)
    assert odd > 2 * len(ODD)
    monkeypatch.setenv("PROFILES_SYNC_NO_NUMBA", "1")
    spec = importlib.util.spec_from_file_location("plain_scanner", scanner.__file__)
    plain = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(plain)
    assert not hasattr(plain.scan, "py_func")
    monkeypatch.setattr(tokens, "scan", plain.scan)
    assert assert_as_the_spec(lines) == odd


ESCAPED = st.lists(st.sampled_from([*PLAIN, *ODD, "u", "d83d", "a", "{", ","]), max_size=4).map("".join)
NUMBERS = st.sampled_from(["1", "-0.0", "1e5", "1e999", "[1e999]", str(2**64), '{"a":1e99}', "NaN"])


@given(st.lists(st.builds(written, st.sampled_from(PLAIN) | ESCAPED, st.just("") | ESCAPED, NUMBERS), max_size=6))
def test_any_escapes_in_keys_and_texts(lines):
    refused = sum(not readable(line) for line in lines)
    assert refused <= assert_as_the_spec(lines)
