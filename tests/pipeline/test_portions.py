"""A batch replayed portion by portion comes to what it comes to as a whole."""

from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from profiles_sync.pipeline import distributed, kernel
from profiles_sync.pipeline.kernel import Replayed
from profiles_sync.pipeline.portions import Portions, replay_portion
from profiles_sync.pipeline.union_find import union
from tests.pipeline.streams import Coded, by_reference, streams


@pytest.mark.parametrize("count", [1, 2, 7])
def test_the_portions_of_a_batch_come_to_what_the_batch_does(count):
    @given(streams(), st.integers(0, 30))
    @settings(max_examples=40)
    def check(stream, split):
        rules, carriers = stream
        _, known, created = by_reference(rules, carriers, split)
        coded = Coded(rules, carriers[split:], known)
        components = np.arange(len(coded.carriers.kinds))
        nodes, labels = union(*distributed._edges(coded.carriers, coded.past))
        components[nodes] = labels
        portions = Portions(coded.carriers, coded.past, components, count)
        done = distributed._joined(portions, [replay_portion(one, rules, created) for one in portions], created)
        whole = kernel.replay(coded.carriers, coded.past, rules, created)
        for field in fields(Replayed):
            found, expected = getattr(done, field.name), getattr(whole, field.name)
            assert found.dtype == expected.dtype, field.name
            assert found.tolist() == expected.tolist(), field.name

    check()
