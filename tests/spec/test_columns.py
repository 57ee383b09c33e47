"""Payloads as columns, the types they infer and the casts to older columns."""

import json
import math
from collections.abc import Callable

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from profiles_sync.spec import columns, timestamps
from profiles_sync.spec.tables import Type, reserved_columns

TRACK = reserved_columns("register")
LARGEST, SMALLEST = 2**63 - 1, -(2**63)
VALUES = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.from_regex(r"\s*[+-]?\d*\.?\d*\s*")
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(SMALLEST, LARGEST)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=6)
)
KEYS = st.text(max_size=6) | st.sampled_from(["id", "user", "userId", "event", "context", "$"])
JSON = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)


def nested(levels: int, wrap: Callable[[object], object], innermost: object) -> object:
    for _ in range(levels):
        innermost = wrap(innermost)
    return innermost


def test_nested_fields_are_joined() -> None:
    assert columns.flatten({"app": {"version": "1.0.0"}}, TRACK, "context_") == {"context_app_version": "1.0.0"}
    assert columns.flatten({"address": {"street": "Main"}}, TRACK) == {"address_street": "Main"}


def test_an_array_becomes_compact_json() -> None:
    assert columns.flatten({"products": ["507f1", "505bd"]}, TRACK) == {"products": '["507f1","505bd"]'}
    assert columns.flatten({"a": [{"é": [1, 2.50, None, True]}]}, TRACK) == {"a": '[{"é":[1,2.5,null,true]}]'}


def test_properties_called_id_and_event_do_not_displace_those_of_the_event() -> None:
    assert columns.flatten({"id": "x", "event": "birthday"}, TRACK) == {"_id": "x", "_event": "birthday"}


def test_external_ids_in_the_context_are_one_column() -> None:
    flat = columns.flatten({"externalIds": [{"id": "a", "type": "cart"}]}, TRACK, "context_")
    assert flat == {"context_external_ids": '[{"id":"a","type":"cart"}]'}


def test_a_null_stays_an_empty_object_vanishes_and_an_empty_array_is_text() -> None:
    assert columns.flatten({"a": None, "b": {}, "c": [], "d": {"e": {}}}, TRACK) == {"a": None, "c": "[]"}


def test_values_keep_their_json_type() -> None:
    payload = {"text": "1", "whole": 1, "real": 1.0, "yes": True, "empty": ""}
    flat = columns.flatten(payload, TRACK)
    assert flat == payload
    assert [type(value) for value in flat.values()] == [str, int, float, bool, str]


def test_of_two_keys_with_one_column_the_last_wins_in_the_place_of_the_first() -> None:
    flat = columns.flatten({"firstName": "A", "x": 1, "first_name": "B"}, TRACK)
    assert list(flat.items()) == [("first_name", "B"), ("x", 1)]
    assert columns.flatten({"a": {"b": 1}, "a_b": None}, TRACK) == {"a_b": None}
    assert columns.flatten({"a_b": 1, "a": {"b": 2}}, TRACK) == {"a_b": 2}


def test_columns_come_in_the_order_of_the_payload() -> None:
    payload = {"b": 1, "m": {"z": 2, "y": {"w": 3}, "x": 4}, "a": 5}
    assert list(columns.flatten(payload, TRACK).items()) == [("b", 1), ("m_z", 2), ("m_y_w", 3), ("m_x", 4), ("a", 5)]


def test_a_key_without_letters_is_left_out_of_the_name() -> None:
    assert columns.flatten({"日本": {"a": 1}, "$": 2, "b": {"日本": 3}}, TRACK) == {"a": 1, "b": 3}


def test_the_parts_of_a_path_count_together_for_reserved_names() -> None:
    assert columns.flatten({"user": {"id": 1}, "context": {"page": {"url": 2}}}, TRACK) == {
        "_user_id": 1,
        "_context_page_url": 2,
    }


def test_objects_nested_900_levels_deep_are_flattened() -> None:
    deep = nested(900, lambda inner: {"a": inner, "b": 2}, 1)
    flat = columns.flatten({"top": deep}, TRACK)
    assert flat["top" + "_a" * 900] == 1
    assert len(flat) == 901


def test_arrays_nested_900_levels_deep_are_written() -> None:
    flat = columns.flatten({"a": nested(900, lambda inner: [inner, "é"], 1.0)}, TRACK)
    assert flat == {"a": "[" * 900 + "1.0" + ',"é"]' * 900}


def test_objects_in_deep_arrays_are_written() -> None:
    flat = columns.flatten({"a": [nested(900, lambda inner: {"k": inner, "n": None}, [])]}, TRACK)
    assert flat == {"a": "[" + '{"k":' * 900 + "[]" + ',"n":null}' * 900 + "]"}


@settings(max_examples=40)
@given(JSON)
def test_deep_arrays_are_written_like_shallow_ones(value: object) -> None:
    levels = 300
    flat = columns.flatten({"a": nested(levels, lambda inner: [inner], value)}, TRACK)
    assert flat == {"a": "[" * levels + orjson.dumps(value).decode() + "]" * levels}


def test_an_array_with_what_json_writers_refuse_is_still_written() -> None:
    assert columns.flatten({"a": [2**70, "\ud800"]}, TRACK) == {"a": '[1180591620717411303424,"\\ud800"]'}


@given(st.dictionaries(KEYS, JSON, max_size=4))
def test_no_column_takes_a_name_of_the_table_or_holds_an_object(payload: dict[str, object]) -> None:
    flat = columns.flatten(payload, TRACK)
    assert not TRACK & flat.keys()
    assert all(value is None or isinstance(value, (str, int, float)) for value in flat.values())


INFERRED: list[tuple[columns.Value, Type | None]] = [
    (None, None),
    (True, Type.BOOLEAN),
    (False, Type.BOOLEAN),
    (0, Type.BIGINT),
    (LARGEST, Type.BIGINT),
    (SMALLEST, Type.BIGINT),
    (LARGEST + 1, Type.DOUBLE),
    (SMALLEST - 1, Type.DOUBLE),
    (450.0, Type.DOUBLE),
    ("2022-05-02T10:47:15Z", Type.TIMESTAMP),
    ("2022-05-02 10:47", Type.TIMESTAMP),
    ("2022-05-02", Type.STRING),
    ("2022-05-02T99:47:15Z", Type.STRING),
    ("1985-was-a-good-year", Type.STRING),
    ("", Type.STRING),
    ("5", Type.STRING),
    ("true", Type.STRING),
]


@pytest.mark.parametrize(("value", "expected"), INFERRED)
def test_the_first_value_gives_the_type(value: columns.Value, expected: Type | None) -> None:
    assert columns.infer(value) is expected


CASTS: list[tuple[columns.Value, Type, columns.Value]] = [
    ("", Type.STRING, ""),
    (" as is ", Type.STRING, " as is "),
    (True, Type.STRING, "true"),
    (3, Type.STRING, "3"),
    (450.0, Type.STRING, "450.0"),
    (1e16, Type.STRING, "1e+16"),
    (2**70, Type.STRING, "1180591620717411303424"),
    (math.nan, Type.STRING, None),
    (5, Type.BIGINT, 5),
    (9.99, Type.BIGINT, 9),
    (-9.99, Type.BIGINT, -9),
    (True, Type.BIGINT, 1),
    (False, Type.BIGINT, 0),
    (LARGEST, Type.BIGINT, LARGEST),
    (LARGEST + 1, Type.BIGINT, None),
    (1e30, Type.BIGINT, None),
    (9223372036854775808.0, Type.BIGINT, None),
    (-9223372036854775808.0, Type.BIGINT, SMALLEST),
    (math.nan, Type.BIGINT, None),
    (math.inf, Type.BIGINT, None),
    (" 5 ", Type.BIGINT, 5),
    ("\t5\n", Type.BIGINT, 5),
    ("5.7", Type.BIGINT, 5),
    ("-5.7", Type.BIGINT, -5),
    ("+5", Type.BIGINT, 5),
    ("-0", Type.BIGINT, 0),
    (".5", Type.BIGINT, 0),
    ("-.5", Type.BIGINT, 0),
    ("5.", Type.BIGINT, 5),
    (str(LARGEST), Type.BIGINT, LARGEST),
    (str(LARGEST) + ".9", Type.BIGINT, LARGEST),
    (str(LARGEST + 1), Type.BIGINT, None),
    (str(SMALLEST), Type.BIGINT, SMALLEST),
    (str(SMALLEST - 1), Type.BIGINT, None),
    ("abc", Type.BIGINT, None),
    ("", Type.BIGINT, None),
    (" ", Type.BIGINT, None),
    (".", Type.BIGINT, None),
    ("-", Type.BIGINT, None),
    ("--5", Type.BIGINT, None),
    ("- 5", Type.BIGINT, None),
    ("5 5", Type.BIGINT, None),
    ("5.x", Type.BIGINT, None),
    ("5.7.1", Type.BIGINT, None),
    ("1e3", Type.BIGINT, None),
    ("1_0", Type.BIGINT, None),
    ("0x10", Type.BIGINT, None),
    ("\u0665", Type.BIGINT, None),
    ("\u00a05", Type.BIGINT, None),
    ("true", Type.BIGINT, None),
    (5, Type.DOUBLE, 5.0),
    (5.5, Type.DOUBLE, 5.5),
    (True, Type.DOUBLE, 1.0),
    (False, Type.DOUBLE, 0.0),
    (2**64, Type.DOUBLE, 18446744073709551616.0),
    (math.nan, Type.DOUBLE, None),
    (-math.inf, Type.DOUBLE, None),
    (" 1.5 ", Type.DOUBLE, 1.5),
    ("1E3", Type.DOUBLE, 1000.0),
    (".5", Type.DOUBLE, 0.5),
    ("1e400", Type.DOUBLE, None),
    ("NaN", Type.DOUBLE, None),
    ("Infinity", Type.DOUBLE, None),
    ("1_0", Type.DOUBLE, None),
    ("\u0665", Type.DOUBLE, None),
    ("abc", Type.DOUBLE, None),
    ("", Type.DOUBLE, None),
    (True, Type.BOOLEAN, True),
    ("true", Type.BOOLEAN, True),
    ("FALSE", Type.BOOLEAN, False),
    ("True", Type.BOOLEAN, True),
    ("yes", Type.BOOLEAN, None),
    ("1", Type.BOOLEAN, None),
    ("", Type.BOOLEAN, None),
    (1, Type.BOOLEAN, True),
    (0, Type.BOOLEAN, False),
    (1.0, Type.BOOLEAN, True),
    (0.0, Type.BOOLEAN, False),
    (2, Type.BOOLEAN, None),
    (0.5, Type.BOOLEAN, None),
    (math.nan, Type.BOOLEAN, None),
    ("1970-01-01T00:00:01Z", Type.TIMESTAMP, 1_000_000),
    ("1970-01-02", Type.TIMESTAMP, 86_400_000_000),
    ("soon", Type.TIMESTAMP, None),
    (5, Type.TIMESTAMP, None),
    (5.0, Type.TIMESTAMP, None),
    (True, Type.TIMESTAMP, None),
]


@pytest.mark.parametrize(("value", "to", "expected"), CASTS)
def test_a_value_is_cast_to_the_type_of_its_column(value: columns.Value, to: Type, expected: columns.Value) -> None:
    result = columns.cast(value, to)
    assert result == expected
    assert type(result) is type(expected)


def test_numbers_of_thousands_of_digits_are_cast_without_an_error() -> None:
    assert columns.cast(10**5000, Type.STRING) is None
    assert columns.cast(10**5000, Type.BIGINT) is None
    assert columns.cast(10**5000, Type.DOUBLE) is None
    assert columns.cast("9" * 5000, Type.BIGINT) is None
    assert columns.cast("9" * 5000, Type.DOUBLE) is None
    assert columns.cast("0" * 5000 + "5", Type.BIGINT) == 5


def test_a_column_of_whole_numbers_stays_one_when_a_fraction_or_a_word_follows() -> None:
    kind = columns.infer(5)
    assert kind is Type.BIGINT
    assert [columns.cast(value, kind) for value in (5, 9.99, "abc")] == [5, 9, None]


@pytest.mark.parametrize("to", list(Type))
def test_a_null_is_null_in_every_type(to: Type) -> None:
    assert columns.cast(None, to) is None


@given(VALUES, st.sampled_from(list(Type)))
def test_a_cast_never_fails_and_gives_what_the_column_holds(value: columns.Value, to: Type) -> None:
    kinds = {Type.STRING: str, Type.BIGINT: int, Type.DOUBLE: float, Type.BOOLEAN: bool, Type.TIMESTAMP: int}
    result = columns.cast(value, to)
    assert result is None or type(result) is kinds[to]
    if to is Type.BIGINT and isinstance(result, int):
        assert SMALLEST <= result <= LARGEST


@given(VALUES)
def test_a_value_loses_nothing_in_the_column_it_creates(value: columns.Value) -> None:
    kind = columns.infer(value)
    if kind is None or (isinstance(value, float) and not math.isfinite(value)):
        return
    expected = timestamps.parse(value) if kind is Type.TIMESTAMP and isinstance(value, str) else value
    assert columns.cast(value, kind) == (float(value) if isinstance(value, int) and kind is Type.DOUBLE else expected)


@given(VALUES)
def test_the_text_of_a_value_is_itself_or_json(value: columns.Value) -> None:
    shown = columns.text(value)
    assert shown == columns.cast(value, Type.STRING)
    if isinstance(value, str) or value is None or (isinstance(value, float) and not math.isfinite(value)):
        assert shown == (value if isinstance(value, str) else None)
    else:
        assert shown is not None
        assert json.loads(shown) == value
