"""Repeats are looked for in the messageIds of a week, however many these are."""

import numpy as np
import pytest

from profiles_sync.lake import tables
from profiles_sync.lake.tables import Lake, scan_in_parts
from profiles_sync.pipeline import messages
from profiles_sync.spec.space import DUPLICATE_WINDOW

BATCHES = 3


@pytest.fixture
def lake(tmp_path, monkeypatch):
    """A lake that kept ten messageIds in each of some batches, and is read in small parts."""
    monkeypatch.setattr(tables, "_PART", 10)
    made = Lake(str(tmp_path), "acme")
    for batch in range(1, BATCHES + 1):
        kept = ids(batch)
        messages.remember(made, kept, kept, np.zeros(10, np.int64), batch)
    return made


def ids(batch):
    return 1000 * batch + np.arange(10)


def test_the_log_is_read_in_parts_and_every_row_once(lake):
    parts = list(scan_in_parts(lake.open(messages.MESSAGES), ["high"], [("batch", "<", BATCHES)], np.array([])))
    assert [part.num_rows for part in parts] == [10, 10]
    assert sorted(row for part in parts for row in part["high"].to_pylist()) == [*ids(1), *ids(2)]


def test_a_repeat_is_found_in_whichever_part_it_is(lake):
    again = np.concatenate([ids(batch)[:2] for batch in range(1, BATCHES + 1)])
    stays = messages.kept(lake, again, again, np.ones(len(again), np.int64), BATCHES)
    assert stays.tolist() == [False, False, False, False, True, True]  # the last batch is not an earlier one


def test_a_repeat_beyond_seven_days_stays_whichever_part_it_is_in(lake):
    again = ids(2)
    at = np.full(len(again), DUPLICATE_WINDOW + 1)
    assert messages.kept(lake, again, again, at, BATCHES).all()
