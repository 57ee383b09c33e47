"""The engine equals the reference on streams that hypothesis makes up; a failing one is shrunk and printed."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from profiles_sync.pipeline import distributed
from tests.lakes import Twin
from tests.pipeline.streams import Coded, by_reference, streams


@pytest.mark.parametrize("one_task", [0, 1_000])
def test_the_distributed_path_continues_from_any_state_as_the_reference_would(spark, one_task):
    @given(streams(), st.integers(0, 30), st.integers(1, 20))
    @settings(max_examples=3)
    def check(stream, split, portion):
        rules, carriers = stream
        expected, known, created = by_reference(rules, carriers, split)
        coded = Coded(rules, carriers[split:], known)
        with tempfile.TemporaryDirectory() as folder:
            done = distributed.resolutions(
                spark, coded.carriers, coded.past, rules, created, f"{folder}/staged", one_task, portion
            )
        assert coded.read(done) == expected

    check()


TEXTS = st.sampled_from(["1", "2", "3", "null", "000", ""])
VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(-3, 3), st.sampled_from([2.5, "x", "7", "2024-01-01T00:00:00Z"])
)
OBJECTS = st.dictionaries(st.sampled_from(["plan", "Plan", "id", "seq", "deep"]), VALUES, max_size=3)
CALLS = st.fixed_dictionaries(
    {
        "type": st.sampled_from(["page", "identify", "track", "screen", "group", "alias"]),
        "messageId": st.integers(0, 40).map("m{}".format),
        "receivedAt": st.integers(0, 28).map(lambda day: f"2024-02-{day + 1:02d}T00:00:00Z"),
        "event": st.sampled_from(["Order Completed", "order completed", "pages", "日本"]),
        "traits": OBJECTS,
        "properties": OBJECTS,
        "context": st.fixed_dictionaries(
            {}, optional={"traits": st.fixed_dictionaries({"email": TEXTS}), "ip": VALUES}
        ),
    },
    optional={"userId": TEXTS, "anonymousId": TEXTS},
)


@given(st.lists(CALLS, min_size=1, max_size=30), st.integers(1, 3), st.integers(1, 3))
@settings(max_examples=12)
def test_tables_equal_the_references_for_any_events_batches_and_files(events, batches, files):
    with tempfile.TemporaryDirectory() as folder:
        twin = Twin(Path(folder) / "space", "{anonymous_id: {limit: 1, frequency: Daily}, email: {limit: 2}}")
        size = -(-len(events) // batches) or 1
        for start in range(0, len(events), size):
            twin.land(events[start : start + size], files)
        twin.assert_equal()
