"""What holds for any stream of events under any rules, in the reference alone."""

import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from profiles_sync.spec.events import Event, Source, read_call
from profiles_sync.spec.identifiers import Identifier, carried
from profiles_sync.spec.resolver import Resolver
from profiles_sync.spec.rules import RECOMMENDED, Blocked, Frequency, IdentityRules, Rule
from profiles_sync.spec.space import Space
from profiles_sync.spec.tables import EVENT_TYPE_TABLES, table
from profiles_sync.spec.traits import OVER_TRAITS
from tests.outcomes import Outcome, problems

WEBSITE = Source("website", "source_1", "Website")
START, HOUR = 1_700_000_000_000_000, 3_600_000_000
STEPS = [0, 1, HOUR, 20 * HOUR, 100 * HOUR, 300 * HOUR, 800 * HOUR]
KINDS = ("user_id", "email", "anonymous_id", "ios.id", "app_id")
GRAPH = ("id_graph_updates", "external_id_mapping_updates")

Call = dict[str, Any]
Stream = list[Event]


@st.composite
def some_rules(draw: st.DrawFn, frequencies: Iterable[Frequency] = Frequency, caps: bool = True) -> IdentityRules:
    """Small limits, so that most streams break them; `caps` is whether a profile's own limits are small as well."""
    rules = []
    for kind in KINDS:
        priority = draw(st.sampled_from([None, 1, 2, 3]))
        blocked = draw(st.sampled_from([RECOMMENDED, Blocked(), Blocked(exact=("1",), patterns=("[23]",))]))
        rules.append(Rule(kind, draw(st.integers(1, 3)), draw(st.sampled_from(list(frequencies))), priority, blocked))
    smallest = {"max_merges": 0, "max_mappings": 1, "max_traits": 1}
    own = {name: draw(st.integers(least, least + 4)) for name, least in smallest.items()} if caps else {}
    return IdentityRules(tuple(rules), normalize_email=draw(st.booleans()), **own)


VALUES = st.sampled_from(["1", "2", "3", "4", "null", "0", "", 5])
TRAITS = st.fixed_dictionaries(
    {},
    optional={
        "email": st.sampled_from(["1", "2", "3", " 3", None]),
        "appId": VALUES,
        "plan": st.sampled_from(["free", "pro", None, 1, 2.5, True, {"name": "a"}, [1], "2024-01-01T00:00:00Z"]),
        "Plan": st.sampled_from([None, "x"]),
        "seq": st.integers(0, 2),
    },
)
CALLS = st.fixed_dictionaries(
    {"type": st.sampled_from(["page", "track", "identify", "identify", "identify", "group", "screen", "alias"])},
    optional={
        "userId": VALUES,
        "anonymousId": VALUES,
        "traits": TRAITS,
        "properties": TRAITS,
        "context": st.fixed_dictionaries(
            {},
            optional={
                "traits": TRAITS,
                "device": st.fixed_dictionaries({"type": st.just("ios"), "id": VALUES}),
                "externalIds": st.lists(
                    st.fixed_dictionaries(
                        {
                            "id": VALUES,
                            "type": st.sampled_from(KINDS),
                            "collection": st.sampled_from(["users", "users", "accounts"]),
                            "encoding": st.just("none"),
                        }
                    ),
                    max_size=2,
                ),
            },
        ),
        "previousId": VALUES,
        "groupId": st.just("g"),
    },
)


@st.composite
def streams(draw: st.DrawFn, late: bool = False) -> Stream:
    """Events in order of the time received; with `late`, some land long after it."""
    made, at = [], START
    for number in range(draw(st.integers(0, 25))):
        at += draw(st.sampled_from(STEPS))
        back = draw(st.sampled_from([0, 0, *STEPS])) if late else 0
        made.append(event(draw(CALLS), f"m{number:02d}", at - back))
    return made


def event(call: Call, message_id: str, received_at: int) -> Event:
    call = {"event": "Order Completed", "messageId": message_id} | call
    return read_call(call, WEBSITE, received_at, lambda: "")


def landed(rules: IdentityRules, *batches: Stream) -> Space:
    space = Space("acme", rules)
    for batch in batches:
        space.land(batch)
    return space


def outcome_of(space: Space) -> Outcome:
    rows, added = space.tables.rows, space.tables.added
    return Outcome(rows, {name: table(name).types | added.get(name, {}) for name in rows})


@settings(max_examples=50)
@given(some_rules(), streams(late=True))
def test_no_profile_ever_has_more_traits_than_it_may(rules: IdentityRules, stream: Stream) -> None:
    space = Space("acme", rules)
    for one in stream:
        before, seen = dict(space.ledger.traits), len(space.violations)
        space.land([one])
        assert all(len(traits) <= rules.max_traits for traits in space.ledger.traits.values())
        if any(found.code == OVER_TRAITS for _, found in space.violations[seen:]) and one.type != "identify":
            assert len(before) > len(space.ledger.traits)  # a merge brought too many


@dataclass
class ByTheBook:
    """The rule of resolution as it is written down, slowly: the graph is what each live profile was given and when."""

    rules: IdentityRules
    profiles: dict[int, dict[Identifier, int]] = field(default_factory=dict)
    parents: dict[int, int] = field(default_factory=dict)

    def resolve(self, identifiers: Iterable[Identifier], now: int) -> tuple[Any, ...]:
        """Profile, profile shown, new parents, what was mapped, what was demoted."""
        event, demoted = set(identifiers), []
        while event and self._bad_types(event, now):
            worst = max(event, key=lambda one: (self.rules.ranks[one.type], one.type, one.value))
            event.remove(worst)
            demoted.append(worst)
        if not event:
            return None, None, {}, set(), demoted
        owners = self._owners(event)
        if not owners:
            number = len(self.parents)
            self.profiles[number], self.parents[number] = {}, number
            return number, number, {number: number}, self._give(number, event, now), demoted
        if len(owners) > 1 and self._merges(owners) > self.rules.max_merges:
            best = min(event - self._unknown(event), key=lambda one: (self.rules.ranks[one.type], one))
            (number,) = self._owners({best})
            return number, number, {}, self._give(number, event, now), demoted
        root, moved = min(owners), {}
        for child in owners - {root}:
            self.profiles[root] |= self.profiles.pop(child)
            moved |= {number: root for number, parent in self.parents.items() if parent == child}
        self.parents |= moved
        return root, max(owners), moved, self._give(root, event, now), demoted

    def _bad_types(self, event: set[Identifier], now: int) -> set[str]:
        owners = self._owners(event)
        final = {one: now for one in event} | {one: at for n in owners for one, at in self.profiles[n].items()}
        changed = set(self.rules.by_type) if len(owners) > 1 else {one.type for one in self._unknown(event)}
        return {kind for kind in changed if self._near(final, kind, now) > self.rules.by_type[kind].limit}

    def _near(self, final: dict[Identifier, int], kind: str, now: int) -> int:
        window = self.rules.by_type[kind].frequency.window
        return sum(one.type == kind and (window is None or abs(now - at) < window) for one, at in final.items())

    def _owners(self, event: set[Identifier]) -> set[int]:
        return {number for number, given in self.profiles.items() if event & given.keys()}

    def _unknown(self, event: set[Identifier]) -> set[Identifier]:
        return {one for one in event if not self._owners({one})}

    def _merges(self, owners: set[int]) -> int:
        return sum(parent in owners for parent in self.parents.values()) - 1

    def _give(self, number: int, event: set[Identifier], now: int) -> set[Identifier]:
        new = sorted(self._unknown(event), key=lambda one: (self.rules.ranks[one.type], one))
        taken = new[: max(0, self.rules.max_mappings - len(self.profiles[number]))]
        self.profiles[number] |= dict.fromkeys(taken, now)
        return set(taken)


@settings(max_examples=100)
@given(some_rules(), streams(late=True))
def test_the_resolver_follows_the_rule_as_it_is_written_down(rules: IdentityRules, stream: Stream) -> None:
    graph, book = Resolver(rules), ByTheBook(rules)
    for one in stream:
        identifiers = carried(one, rules).identifiers
        done = graph.resolve(identifiers, one.received_at)
        parents = {merge.profile: merge.into for merge in done.merges}
        parents |= {done.profile: done.profile} if done.created and done.profile is not None else {}
        demoted = [found.identifier for found in done.violations if found.identifier and "value" in found.code]
        seen = (done.profile, done.stamp, parents, set(done.mapped), demoted)
        assert seen == book.resolve(identifiers, one.received_at)


@settings(max_examples=50)
@given(some_rules(), streams(late=True), st.integers(1, 5))
def test_the_tables_never_contradict_each_other(rules: IdentityRules, stream: Stream, size: int) -> None:
    space = landed(rules, *(stream[start : start + size] for start in range(0, len(stream), size)))
    assert problems(outcome_of(space)) == []
    events = [row for one in EVENT_TYPE_TABLES for row in space.tables.rows[one.name]]
    assert sorted(str(row["id"]) for row in events) == [one.message_id for one in stream]


@settings(max_examples=50)
@given(some_rules(), streams(late=True))
def test_every_identifier_belongs_to_one_live_profile_and_canonical_ids_to_themselves(
    rules: IdentityRules, stream: Stream
) -> None:
    space = landed(rules, *([one] for one in stream))
    owners, node = space.resolver.owners, space.ledger.nodes
    assert set(node) == set(range(space.resolver.created))
    assert all(node[one.canonical].canonical == one.canonical for one in node.values())
    live = {profile.number: profile for profile in owners.values()}
    assert {number for number in node if node[number].canonical == number} == set(live)
    for identifier, profile in owners.items():
        assert [number for number in live if identifier in live[number].mapped_at] == [profile.number]
    shown = [(row["type"], row["value"]) for row in space.tables.rows["user_identifiers"]]
    assert sorted(shown) == sorted(owners)
    for row in space.tables.rows["user_identifiers"]:
        assert space.owner(Identifier(str(row["type"]), str(row["value"]))) == row["canonical_segment_id"]


@settings(max_examples=100)
@given(some_rules(caps=False), streams(late=True))
def test_what_an_event_adds_or_merges_is_within_every_limit_at_its_time(rules: IdentityRules, stream: Stream) -> None:
    """A limit says nothing of values that are more than a window apart, nor of a type the event does not change."""
    graph = Resolver(rules)
    for one in stream:
        done = graph.resolve(carried(one, rules).identifiers, one.received_at)
        profile = next((owner for owner in graph.owners.values() if owner.number == done.profile), None)
        for kind in KINDS if done.merges else {identifier.type for identifier in done.mapped}:
            window = rules.by_type[kind].frequency.window
            assert profile is not None
            near = [
                at
                for identifier, at in profile.mapped_at.items()
                if identifier.type == kind and (window is None or abs(at - one.received_at) < window)
            ]
            assert len(near) <= rules.by_type[kind].limit


@settings(max_examples=50)
@given(some_rules([Frequency.EVER]), streams(late=True))
def test_a_limit_for_ever_holds_for_every_profile_whenever_one_looks(rules: IdentityRules, stream: Stream) -> None:
    graph = Resolver(rules)
    for one in stream:
        graph.resolve(carried(one, rules).identifiers, one.received_at)
        for profile in graph.owners.values():
            for kind, rule in rules.by_type.items():
                assert sum(identifier.type == kind for identifier in profile.mapped_at) <= rule.limit
            assert len(profile.absorbed) <= rules.max_merges


@settings(max_examples=40)
@given(some_rules(), streams(), st.lists(st.integers(0, 25), max_size=4), st.randoms())
def test_how_a_stream_is_cut_into_batches_and_mixed_inside_them_changes_nothing(
    rules: IdentityRules, stream: Stream, cuts: list[int], chance: random.Random
) -> None:
    ends = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    batches = [stream[start:end] for start, end in pairwise(ends)]
    for batch in batches:
        chance.shuffle(batch)
    one, several = landed(rules, stream), landed(rules, *batches)
    assert one.tables.rows == several.tables.rows
    assert {name: list(added.items()) for name, added in one.tables.added.items()} == {
        name: list(added.items()) for name, added in several.tables.added.items()
    }
    assert one.violations == several.violations


@settings(max_examples=40)
@given(some_rules(), streams(late=True))
def test_without_its_aliases_a_stream_gives_the_same_graph(rules: IdentityRules, stream: Stream) -> None:
    every = landed(rules, *([one] for one in stream)).tables.rows
    without = landed(rules, *([one] for one in stream if one.type != "alias")).tables.rows
    assert len(every["aliases"]) == sum(one.type == "alias" for one in stream)
    assert every | {"aliases": []} == without


@settings(max_examples=50)
@given(some_rules([Frequency.EVER], caps=False), streams(late=True))
def test_the_same_events_once_more_change_nothing_in_the_graph(rules: IdentityRules, stream: Stream) -> None:
    """Only for limits that never end: a window moves on, and a refused merge may find a way later."""
    space = landed(rules, *([one] for one in stream))
    before = {name: len(space.tables.rows[name]) for name in GRAPH}
    later = max((one.received_at for one in stream), default=0) + HOUR
    for number, one in enumerate(stream):
        space.land([_again(one, f"again-{number}", later + number)])
    assert {name: len(space.tables.rows[name]) for name in GRAPH} == before


def _again(one: Event, message_id: str, received_at: int) -> Event:
    values = {name: getattr(one, name) for name in Event.__dataclass_fields__}
    return Event(**values | {"message_id": message_id, "received_at": received_at})


@settings(max_examples=40)
@given(some_rules(), streams(late=True))
def test_repeats_of_a_message_id_leave_no_trace(rules: IdentityRules, stream: Stream) -> None:
    space = landed(rules, *([one] for one in stream))
    rows = {name: list(several) for name, several in space.tables.rows.items()}
    for one in stream:
        space.land([_again(stream[0], one.message_id, one.received_at)])
    assert space.duplicates == len(stream)
    assert space.tables.rows == rows


@settings(max_examples=50)
@given(some_rules(), streams(late=True))
def test_the_last_snapshot_of_a_profile_is_what_the_tables_of_traits_show(rules: IdentityRules, stream: Stream) -> None:
    rows = landed(rules, *([one] for one in stream)).tables.rows
    last = {row["segment_id"]: row for row in rows["profile_traits_updates"]}
    declared = table("profile_traits_updates").types | table("profile_traits").types
    for row in rows["profile_traits"]:
        segment_id = row["canonical_segment_id"]
        shown = {one["name"] for one in rows["user_traits"] if one["canonical_segment_id"] == segment_id}
        traits = {name: value for name, value in row.items() if name not in declared and value is not None}
        if row["merged_to"] is not None:
            assert not shown
            assert not traits
        else:
            snapshot = last.get(segment_id, {})
            left = {name: value for name, value in snapshot.items() if name not in declared and value is not None}
            assert traits == left
            assert traits.keys() <= shown
