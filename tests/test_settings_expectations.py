"""A file of expectations that could not be asked, or that no value could meet, is told before a run does anything."""

import pyarrow as pa
import pytest

from profiles_sync.errors import SettingsError
from profiles_sync.quality.screen import screen
from profiles_sync.settings.expectations import expectations_in
from profiles_sync.spec.expectations import Expectation, Kind
from profiles_sync.spec.tables import Type

WRONG = {
    "{expect: big, column: x}": "expectations.0.expect: expected 'not_null'",
    "{expect: between, column: x}": "between needs min or max",
    "{expect: not_null, column: x, min: 1}": "not_null needs nothing else",
    "{expect: in, columns: [x, y], values: [1]}": "name one column; unique alone takes columns",
    "{expect: unique, column: x, columns: [x]}": "name one column; unique alone takes columns",
    "{expect: unique, columns: [x, y, x]}": "a column stands twice",
    "{expect: matches, column: x, regex: '['}": "regex is not a regular expression",
    "{expect: matches, column: x, regex: '(?x)a # b'}": "a flag such as",
    "{expect: matches, column: x, regex: '(?i)a'}": "a flag such as",
    "{expect: between, column: x, min: .nan}": "expectations.0.min: expected a number or a time",
    "{expect: between, column: x, max: .inf}": "expectations.0.max: expected a number or a time",
    "{expect: between, column: x, min: true}": "expectations.0.min: expected a number or a time",
    "{expect: between, column: x, min: soon}": "expectations.0.min: expected a number or a time",
    "{expect: between, column: x, min: 9999999999999999999}": "expectations.0.min: expected a number or a time",
    "{expect: between, column: x, min: 0001-01-01T00:00:00+02:00}": "expectations.0.min: expected a number or a time",
    "{expect: between, column: x, min: 2, max: 1}": "min is above max",
    "{expect: between, column: x, min: 2026-01-02, max: 2026-01-01T23:00:00Z}": "min is above max",
    "{expect: between, column: x, min: 2026-01-02, max: 1}": "min and max are two numbers or two times",
    "{expect: between, column: x, min: 2026-13-01}": "not readable as YAML",
    "{expect: length, column: x, min: -1}": "a length is a whole number",
    "{expect: length, column: x, max: 1.5}": "a length is a whole number",
    "{expect: length, column: x, max: 2026-01-01}": "a length is a whole number",
    "{expect: in, column: x, values: []}": "expectations.0.values: ",
    "{expect: in, column: x, values: [1, null]}": "expectations.0.values.1: expected a text, a number or a boolean",
    "{expect: in, column: x, values: [.nan]}": "expectations.0.values.0: expected a text, a number or a boolean",
    "{expect: unique, column: x, column: y}": "expectations.0.column: stands twice, in line 1",
}
FILES = {
    "": "expected `table:` and `expectations:`",
    "- a": "expected `table:` and `expectations:`",
    "a: [": "not readable as YAML near line 1",
    "table: a\nexpectation: []": "expectation",
    "table: a\nexpectations:": "expectations: expected a list",
    "table: a\ntable: b\nexpectations: []": "table: stands twice, in lines 1 and 2",
    "table: 5\nexpectations: []": "table: expected a valid string",
}


def read(folder, text):
    (folder / "own.yml").write_text(text)
    return expectations_in(str(folder))


@pytest.mark.parametrize("one", WRONG)
def test_a_wrong_expectation_is_told_with_its_place_and_without_its_value(tmp_path, one):
    with pytest.raises(SettingsError) as told:
        read(tmp_path, f"{{table: a, expectations: [{one}]}}")
    assert f"expectations {tmp_path / 'own.yml'}: " in str(told.value)
    assert WRONG[one] in str(told.value)
    assert "9999" not in str(told.value)


@pytest.mark.parametrize("text", FILES)
def test_a_file_that_is_no_suite_is_told(tmp_path, text):
    with pytest.raises(SettingsError) as told:
        read(tmp_path, text)
    assert FILES[text] in str(told.value)


def test_bounds_are_numbers_as_they_stand_and_times_in_utc(tmp_path):
    text = "table: a\nexpectations:\n"
    text += "- {expect: between, column: x, min: 2026-01-01, max: 2026-01-01T02:00:00+01:00}\n"
    text += "- {expect: between, column: x, min: '2026-01-01'}\n- {expect: between, column: x, min: 0, max: 0.5}\n"
    assert [dict(one.asks) for one in read(tmp_path, text)["a"]] == [
        {"min": "2026-01-01T00:00:00+00:00", "max": "2026-01-01T01:00:00+00:00"},
        {"min": "2026-01-01T00:00:00+00:00"},
        {"min": 0, "max": 0.5},
    ]


@pytest.mark.parametrize(
    ("kind", "asks", "unexpected"),
    [
        (Kind.BETWEEN, {"min": 1e300}, 2),
        (Kind.BETWEEN, {"max": -1e300}, 2),
        (Kind.BETWEEN, {"max": 1e300}, 0),
        (Kind.BETWEEN, {"min": 2**60 + 1}, 1),
        (Kind.IN, {"values": [2**60 + 1, 2**63 - 1]}, 1),
    ],
)
@pytest.mark.parametrize("column", ["whole", "part"])
def test_a_bound_beyond_what_a_column_can_hold_is_counted(column, kind, asks, unexpected):
    rows = pa.table({"whole": pa.array([1, 2**63 - 1, None]), "part": pa.array([1.0, 2.0**63, None])})
    types = {"whole": Type.BIGINT, "part": Type.DOUBLE}
    ((found,), _) = screen(rows, types, [Expectation(kind, (column,), asks=asks)], None)
    assert (found.rows, found.unexpected) == (2, unexpected)
