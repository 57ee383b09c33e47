"""The compiled replay says what the reference says: on any stream, from any state, compiled or not."""

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.pipeline.streams import Coded, by_reference, streams


@given(streams(), st.integers(0, 60), st.integers(0, 1000))
@settings(max_examples=200)
def test_the_kernel_continues_from_any_state_as_the_reference_would(stream, split, seed):
    rules, carriers = stream
    expected, known, created = by_reference(rules, carriers, split)
    assert Coded(rules, carriers[split:], known, seed).replay(created) == expected
