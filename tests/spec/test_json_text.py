"""JSON as a line has it, against Python's own reader of JSON, which takes all that the grammar allows."""

import json
import math
import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from profiles_sync.spec.json_text import BROKEN, TOO_DEEP, TOO_LARGE, Refused, loads

LOST = "\N{REPLACEMENT CHARACTER}"
DEEPEST = 1024


def reason(text: bytes | str) -> str:
    with pytest.raises(Refused) as refused:
        loads(text.encode() if isinstance(text, str) else text)
    return str(refused.value)


def value(text: str) -> object:
    return loads(text.encode())[0]


# Halves of surrogate pairs


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (r"cut \ud83d", f"cut {LOST}"),
        (r"\uDE00 cut", f"{LOST} cut"),
        (r"\ud83d\ude00", "😀"),
        (r"\uD83D\uDE00", "😀"),
        (r"\ude00\ud83d", LOST * 2),
        (r"\ud83d\ud83d\ude00", f"{LOST}😀"),
        (r"\ud83d\ude00\ude00", f"😀{LOST}"),
        (r"\ud83d \ude00", f"{LOST} {LOST}"),
        (r"\ud83d\n\ude00", f"{LOST}\n{LOST}"),
        (r"\ud83d\u0000\ude00", LOST * 2),
        (r"\ud83d\\ude00", rf"{LOST}\ude00"),
        (r"\\ud83d\ude00", rf"\ud83d{LOST}"),
        (r"\\\ud83d", f"\\{LOST}"),
        (r"\"\ud83d\"", f'"{LOST}"'),
        (r"\ud7ff\ue000", "\ud7ff\ue000"),
    ],
)
def test_half_a_surrogate_pair_is_a_lost_character_and_a_whole_one_is_an_emoji(written: str, read: str) -> None:
    assert value(f'"{written}"') == read
    assert value(rf'{{"{written}": ["{written}", "\ud83d"]}}') == {read.replace("\0", ""): [read, LOST]}


def test_keys_that_differ_only_in_what_was_lost_are_one_key_and_the_last_counts() -> None:
    assert value(r'{"a\ud83d": 1, "b": 2, "a\ud83e": 3}') == {f"a{LOST}": 3, "b": 2}


def test_nul_characters_are_counted_beside_half_a_pair() -> None:
    assert loads(rb'{"\u0000a": "\u0000\ud83d\\u0000"}') == ({"a": LOST + r"\u0000"}, 2)


def test_an_escape_outside_of_a_text_stays_broken() -> None:
    assert reason(r'{"a": \ud83d}') == reason(r'{"a": "\ud83d}') == reason(r'{"a": "\ud83d\x"}') == BROKEN


def test_half_a_pair_as_bytes_is_no_utf_8_and_stays_broken() -> None:
    assert reason(b'"\xed\xa0\xbd"') == reason(b'"\xed\xa0\xbd\\ud83d"') == BROKEN


# Numbers


@pytest.mark.parametrize("number", ["1e999", "-1e999", "1E+309", "1.7976931348623159e308", "9" * 310, "10e0000308"])
def test_a_number_beyond_a_double_is_named(number: str) -> None:
    for text in (number, f'{{"a": [{number}, 1]}}', f'{{"a": {number}, "b": {number}}}', rf'["\ud83d", {number} ]'):
        assert reason(text) == TOO_LARGE


@pytest.mark.parametrize(
    ("number", "read"),
    [
        ("1.7976931348623157e308", 1.7976931348623157e308),
        ("9" * 308, 1e308),
        ("1e-999", 0.0),
        ("0e999", 0.0),
        ("18446744073709551615", 2**64 - 1),
        ("18446744073709551616", 2.0**64),
        ("-9223372036854775808", -(2**63)),
        ("-9223372036854775809", -(2.0**63)),
    ],
)
def test_a_number_is_the_same_with_and_without_half_a_pair_beside_it(number: str, read: float) -> None:
    for text, found in ((f'["", {number}]', ["", read]), (rf'["\ud83d", {number}]', [LOST, read])):
        assert repr(value(text)) == repr(found)


@pytest.mark.parametrize(
    "text",
    [
        *("NaN", "Infinity", "-Infinity", "[1e999, NaN]", "[1e999", "1e999x", "1e999.5", "1e999e5", "--1e999"),
        *("01e999", "1.e999", "+1e999", "1e1e999", "1 1e999", '"a"1e999', "[1e999]1e999", "{1e999: 1}", '"1e999'),
        *("[-[1e999]]", "[1[1e999]]", "[[1e999]1]", "{[1e999]: 1}", "[nul[1e999]]", "[1e999}", "1e999]", "1e999 ["),
        *(
            "[1e999\x00]",
            '["\x01", 1e999]',
            "[1e999\x0c]",
            "[1e999,]",
            '{"a" 1e999}',
            "[1e999 1]",
            "[1e999, tru]",
            "\ufeff1e999",
        ),
    ],
)
def test_a_line_that_is_broken_elsewhere_stays_broken(text: str) -> None:
    assert reason(text) == BROKEN


# Nesting


@pytest.mark.parametrize(("head", "tail"), [("[", "]"), ('{"a":', "}"), ('[ {"]":"[", "b" : ', " } ] ")])
def test_what_is_nested_too_deeply_is_named(head: str, tail: str) -> None:
    most = DEEPEST // (head.count("[") + head.count("{") - head.count('"[')) - 1
    for inner in ("1", r'"\ud83d"'):
        assert value(head * most + inner + tail * most)
    assert reason(head * (most + 2) + "1" + tail * (most + 2)) == TOO_DEEP
    assert reason(head * 20_000 + r'"\ud83d"' + tail * 20_000) == TOO_DEEP
    assert reason(head * 2_000 + "1e999" + tail * 2_000) == TOO_LARGE


@pytest.mark.parametrize("inner", ["", "NaN", "1 1", '"', "}", "]", "[", r'"\x"', "\x01", "1e999e1", '"a":1'])
def test_a_deep_line_that_is_broken_stays_broken(inner: str) -> None:
    assert reason('{"a":' * 2_000 + inner + "}" * 2_000) == BROKEN


@pytest.mark.parametrize("tail", ["]" * 1_999, "]" * 2_001, "]" * 1_999 + "}", "]" * 2_000 + "1", "]" * 2_000 + "[]"])
def test_a_deep_line_that_does_not_end_as_it_began_is_broken(tail: str) -> None:
    assert reason("[" * 2_000 + tail) == BROKEN


@pytest.mark.parametrize(
    "text",
    [
        "[" * 200_000,
        '{"a":"' + r"\"" * 500_000,
        '"' * 1_000_001,
        '"' + "\\" * 1_000_001,
        "1e999," * 50_000,
        "[{" * 50_000,
    ],
    ids=["brackets", "escaped quotes", "quotes", "backslashes", "numbers", "objects"],
)
def test_a_long_broken_line_is_refused_at_once(text: str) -> None:
    began = time.process_time()
    assert reason(text) == reason(f"[1e999,{text}") == BROKEN
    assert time.process_time() - began < 10  # what looks back again and again takes minutes


# Anything

PIECES = [
    *(r"\ud83d", r"\ude00", r"\uD83D\uDE00", r"\udbff", r"\udfff", r"\ud7ff", r"\u0000", r"\u00e9", r"\\", r"\""),
    *(r"\/", r"\n", "u", "d83d", "0", "a", "é", "😀", "[", "}", "1e999"),
]
WRITTEN = st.lists(st.sampled_from(PIECES), max_size=6).map(lambda pieces: f'"{"".join(pieces)}"')
NUMBERS = [
    *("0", "-0", "1.5", "1e5", "-1E-5", "18446744073709551616", "-9223372036854775809", "1e999", "-1e400", "1e-999"),
    *("0e999", "7" * 310),
]
BLANKS = st.sampled_from(["", "", " ", "\t "])
VALUES = st.recursive(
    WRITTEN | st.sampled_from([*NUMBERS, "true", "null"]),
    lambda inner: (
        st.tuples(BLANKS, st.lists(inner, max_size=3)).map(lambda made: f"[{made[0]}{f'{made[0]},'.join(made[1])}]")
        | st.tuples(BLANKS, st.lists(st.tuples(WRITTEN, inner), max_size=3)).map(
            lambda made: "{" + ",".join(f"{key}{made[0]}:{one}{made[0]}" for key, one in made[1]) + "}"
        )
    ),
    max_leaves=8,
)


class Members(list[tuple[str, Any]]):
    """Those of an object, in the order of the text and with doubled keys."""


def refuse(word: str) -> object:
    raise ValueError(word)


def whole(digits: str) -> int | float:
    number = int(digits)
    return number if -(2**63) <= number < 2**64 else float(digits)


def outcome(text: str) -> str:
    """What should come of a text, from Python's own reader: its value, or a reason."""
    try:
        found = json.loads(text, parse_constant=refuse, parse_int=whole, object_pairs_hook=Members)
    except ValueError:
        return BROKEN
    return TOO_LARGE if math.inf in map(abs, numbers(found)) else repr(kept(found))


def numbers(found: object) -> Iterator[float]:
    if isinstance(found, list):
        for inner in found:
            yield from numbers(inner[1] if isinstance(found, Members) else inner)
    elif isinstance(found, float):
        yield found


def kept(found: object) -> object:
    """With halves of pairs as characters that were lost, and without NUL characters."""
    if isinstance(found, str):
        return re.sub("[\ud800-\udfff]", LOST, found).replace("\0", "")
    if isinstance(found, Members):
        return {kept(key): kept(inner) for key, inner in found}
    return [kept(inner) for inner in found] if isinstance(found, list) else found


def seen(text: str) -> str:
    try:
        return repr(value(text))
    except Refused as refused:
        return str(refused)


@given(VALUES)
@example(r'{"\ud83d": 1, "\ude00": 2}')
def test_a_text_means_what_the_grammar_says(text: str) -> None:
    assert outcome(text) != BROKEN
    assert seen(text) == outcome(text)
    assert seen(rf'["\ud83d", {text}]') == outcome(rf'["\ud83d", {text}]')


@given(VALUES, st.integers(0, 40), st.sampled_from(["", "NaN", "Infinity", "tru", *'\\"[]{},:01-.eu']))
def test_a_text_with_something_put_in_its_place_means_what_the_grammar_says(text: str, at: int, put: str) -> None:
    for changed in (text[:at] + put + text[at:], text[:at] + put + text[at + 1 :], text[:at]):
        assert seen(changed) == outcome(changed)


@given(VALUES)
def test_as_many_nul_characters_are_counted_as_there_are(text: str) -> None:
    if outcome(text) != TOO_LARGE:
        pairs = re.findall(r"\\(?:u0000|.)", text)
        assert loads(text.encode())[1] == pairs.count(r"\u0000")
