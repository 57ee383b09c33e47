"""The engine equals the reference on streams that hypothesis makes up; a failing one is shrunk and printed."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from profiles_sync.pipeline import distributed, replay
from profiles_sync.pipeline.replay import Carrier
from profiles_sync.pipeline.state import Known
from profiles_sync.spec.identifiers import Identifier
from profiles_sync.spec.ledger import Mapped, Node
from profiles_sync.spec.resolver import Resolver
from profiles_sync.spec.rules import Frequency, IdentityRules, Rule
from tests.lakes import Twin

HOUR = 3_600_000_000
KINDS = ("user_id", "email", "anonymous_id", "ios.id")


@st.composite
def rules(draw):
    """Small limits in every kind of window, so that demotion happens all the time."""
    made = tuple(
        Rule(kind, draw(st.integers(1, 3)), draw(st.sampled_from(Frequency)), draw(st.sampled_from([None, 1, 2, 3])))
        for kind in KINDS
    )
    return IdentityRules(made, max_merges=draw(st.integers(0, 3)), max_mappings=draw(st.integers(1, 8)))


@st.composite
def streams(draw, longest=60):
    """Carriers over few identifiers, in landing order; the clock jumps by hours up to a month."""
    given_rules, at, made = draw(rules()), 0, []
    values = st.integers(0, draw(st.integers(1, 6)))
    for _ in range(draw(st.integers(0, longest))):
        at += draw(st.sampled_from([0, HOUR, 30 * HOUR, 200 * HOUR, 800 * HOUR]))
        found = draw(st.sets(st.builds(Identifier, st.sampled_from(KINDS), values.map(str)), max_size=4))
        ranked = sorted(found, key=lambda one: (given_rules.ranks[one.type], one))
        made.append(Carrier(tuple(ranked), at))
    return given_rules, made


def known_after(rules_, carriers):
    """What the lake would know after these: where each profile points, which identifiers it was given first."""
    resolver, known = Resolver(rules_), Known()
    for carrier in carriers:
        done = resolver.resolve(carrier.identifiers, carrier.received_at)
        if done.profile is None:
            continue
        if done.created:
            known.nodes[done.profile] = Node(done.profile, 0, carrier.received_at, 0)
        for merge in done.merges:
            known.nodes[merge.profile] = Node(merge.into, 0, carrier.received_at, 0)
        for one in done.mapped:
            known.identifiers[one] = Mapped(done.profile, 0, carrier.received_at, 0)
    return resolver, known


def by_reference(rules_, carriers, split):
    """The reference's resolutions after `split`, and what was known there."""
    resolver, known = known_after(rules_, carriers[:split])
    created = resolver.created
    return [resolver.resolve(one.identifiers, one.received_at) for one in carriers[split:]], known, created


@given(streams(), st.integers(0, 60))
@settings(max_examples=300)
def test_the_driver_path_continues_from_any_state_as_the_reference_would(stream, split):
    rules_, carriers = stream
    expected, known, created = by_reference(rules_, carriers, split)
    assert replay.resolutions(carriers[split:], known, rules_, created) == expected


@pytest.mark.parametrize("one_task", [0, 1_000])
def test_the_distributed_path_does_too(spark, one_task):
    @given(streams(), st.integers(0, 30), st.integers(1, 5))
    @settings(max_examples=3)
    def check(stream, split, partitions):
        rules_, carriers = stream
        expected, known, created = by_reference(rules_, carriers, split)
        before = spark.conf.get("spark.sql.shuffle.partitions")
        spark.conf.set("spark.sql.shuffle.partitions", partitions)
        try:
            with tempfile.TemporaryDirectory() as folder:
                found = distributed.resolutions(
                    spark, carriers[split:], known, rules_, created, f"{folder}/staged", one_task
                )
        finally:
            spark.conf.set("spark.sql.shuffle.partitions", before)
        assert found == expected

    check()


TEXTS = st.sampled_from(["1", "2", "3", "null", "000", ""])
VALUES = st.one_of(st.none(), st.booleans(), st.integers(-3, 3), st.sampled_from([2.5, "x", "7", "2024-01-01T00:00:00Z"]))
OBJECTS = st.dictionaries(st.sampled_from(["plan", "Plan", "id", "seq", "deep"]), VALUES, max_size=3)
CALLS = st.fixed_dictionaries(
    {
        "type": st.sampled_from(["page", "identify", "track", "screen", "group", "alias"]),
        "messageId": st.integers(0, 40).map("m{}".format),
        "receivedAt": st.integers(0, 28).map(lambda day: f"2024-02-{day + 1:02d}T00:00:00Z"),
        "event": st.sampled_from(["Order Completed", "order completed", "pages", "日本"]),
        "traits": OBJECTS,
        "properties": OBJECTS,
        "context": st.fixed_dictionaries({}, optional={"traits": st.fixed_dictionaries({"email": TEXTS}), "ip": VALUES}),
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
