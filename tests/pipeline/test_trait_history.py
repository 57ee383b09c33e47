"""The history of traits is made in portions: the same rows, and never more of them at once than fit."""

import numpy as np
import pyarrow as pa
import pytest

from profiles_sync.pipeline.trait_changes import TraitChanges
from profiles_sync.pipeline.trait_history import new_columns, portions
from profiles_sync.spec.traits import Trait


def changes(profiles, changed):
    rows = np.arange(len(changed))
    return TraitChanges(rows, np.array(profiles), changed, {}, np.array([], np.int64))


def hub(events, traits):
    """One profile whose every event changes one of its traits."""
    return changes([7] * events, [{f"t{event % traits}": event} for event in range(events)])


def rows_of(made, types):
    """All rows as dictionaries, without what they have not."""
    tables = [pa.table(portion.columns).select(list(types)).to_pylist() for portion in made]
    return [{name: value for name, value in row.items() if value is not None} for table in tables for row in table]


@pytest.mark.parametrize("most", [1, 5_000, 1 << 40])
def test_each_row_has_all_traits_whatever_the_portion(most):
    found = changes([1, 2, 1, 2, 1], [{"a": 1}, {"b": "x"}, {"b": 5, "a": None}, {}, {"a": 2}])
    before = {2: {"a": Trait("7", 1, 1, 1)}}
    types = new_columns(found, {})
    assert rows_of(portions(found, before, types, most), types) == [
        {"a": 1},
        {"a": 7, "b": "x"},
        {"b": "5"},
        {"a": 7, "b": "x"},
        {"a": 2, "b": "5"},
    ]


@pytest.mark.parametrize("most", [1, 1 << 40])
def test_what_cannot_be_cast_is_counted_in_every_row_that_shows_it(most):
    found = changes([1, 2, 2, 2], [{"a": 1}, {"a": "no number"}, {"b": 1}, {"a": 3}])
    assert sum(portion.lost for portion in portions(found, {}, new_columns(found, {}), most)) == 2


def test_a_profile_of_many_traits_that_change_often_comes_in_portions_of_one_size():
    found, most = hub(2_000, 100), 1_000_000
    made = list(portions(found, {}, new_columns(found, {}), most))
    assert [portion.start for portion in made] == [0, *(portion.end for portion in made[:-1])]
    assert made[-1].end == 2_000
    values = [sum(len(column) - column.null_count for column in portion.columns.values()) for portion in made]
    assert sum(values) == 99 * 50 + 1_901 * 100  # growing, then a hundred in each row
    assert max(values) <= most // 96 + 100
    assert len(made) >= 15


def test_long_texts_weigh_what_they_hold():
    found = changes([1] * 50, [{"long": "x" * 100_000}, *({"n": number} for number in range(49))])
    made = list(portions(found, {}, new_columns(found, {}), 1_000_000))
    assert max(portion.end - portion.start for portion in made) <= 3
