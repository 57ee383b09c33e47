"""A profile that is looked up is the one that the reference has, and its history is drawn and told."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest

from profiles_sync.console.identity import health, picture, profiles
from profiles_sync.console.identity.profile import HIDDEN, Held, Merge, Profile
from profiles_sync.console.identity.profiles import look_up, merges_in
from profiles_sync.console.remembered import Remembered
from profiles_sync.generator.case_study import case_study_events
from profiles_sync.lake.tables import scan
from profiles_sync.spec.resolver import NO_IDENTIFIERS
from tests.lakes import Twin, random_events

pytestmark = pytest.mark.lake
FIRST, SECOND = "use_3k227k7lYiA9HGIISPNpSmUfeQW", "use_Rp8POzcNqONTfSBtfj9lU5xE2Wm"


@pytest.fixture(scope="module")
def jane(tmp_path_factory):
    """Segment's story of four events."""
    twin = Twin(tmp_path_factory.mktemp("jane"))
    twin.land(case_study_events())
    return twin


@pytest.fixture(scope="module")
def crowd(tmp_path_factory):
    """Two batches of few people with many shared identifiers: the second merges profiles of the first."""
    twin = Twin(tmp_path_factory.mktemp("crowd"))
    twin.land(random_events(3, 300))
    twin.land([*random_events(4, 300, day=20), b"no JSON"])
    return twin


def test_an_email_leads_to_the_profile_and_the_event_that_merged_it(jane):
    found = look_up(jane.lake, "email", " jane.kim@segment.com ")
    assert found.segment_id == FIRST and list(found.created) == [FIRST, SECOND]
    (merge,) = found.merges
    assert (merge.segment_id, merge.into, merge.cause.type, merge.cause.id) == (SECOND, FIRST, "identify", "event_4")
    held = [(one.type, one.value, one.segment_id) for one in found.identifiers]
    assert held[1] == ("email", "jane.kim@segment.com", FIRST)
    assert held[2] == ("anonymous_id", "b50e18a5-1b8d-451c", SECOND)
    assert [(one.name, one.value) for one in found.traits] == [("email", "jane.kim@segment.com")]


def test_a_profile_that_was_merged_away_leads_to_the_one_of_today(jane):
    assert look_up(jane.lake, "segment_id", SECOND).segment_id == FIRST


@pytest.mark.parametrize(
    ("kind", "value"), [("email", "JANE.KIM@segment.com"), ("user_id", "jane.kim@segment.com"), ("segment_id", "use_x")]
)
def test_nobody_is_found_by_what_nobody_has(jane, kind, value):
    assert look_up(jane.lake, kind, value) is None


def test_an_email_is_looked_up_as_the_rules_write_it(jane):
    assert look_up(jane.lake, "email", " Jane.Kim@segment.com", normalize_email=True).segment_id == FIRST


def test_what_is_masked_has_no_value_of_a_person(jane):
    shown = str(look_up(jane.lake, "email", "jane.kim@segment.com").masked())
    assert HIDDEN in shown and "5285bc35" not in shown and "jane" not in shown


def test_everybody_is_the_profile_that_the_reference_says(crowd):
    """Each identifier of a random stream, and each profile of the past."""
    owners = {one: crowd.reference.owner(one) for one in crowd.reference.resolver.owners}
    some = sorted(owners)[::7]
    assert len(some) > 20
    assert {one: look_up(crowd.lake, *one).segment_id for one in some} == {one: owners[one] for one in some}
    for one in some[:8]:
        found = look_up(crowd.lake, *one)
        assert {(held.type, held.value) for held in found.identifiers} == {
            (other.type, other.value) for other, owner in owners.items() if owner == found.segment_id
        }


def test_merges_are_those_that_took_a_profile_away(crowd):
    """Each profile of the past but the last has one; what came with it is counted beside."""
    graph = scan(crowd.lake.open("id_graph")).to_pylist()
    most = max({row["canonical_segment_id"] for row in graph}, key=lambda one: _parts(graph, one))
    found = profiles.of(crowd.lake, most)
    assert len(found.created) == _parts(graph, most) > 3
    assert sorted(one.segment_id for one in found.merges) == sorted(set(found.created) - {most})


def _parts(graph, canonical):
    return sum(row["canonical_segment_id"] == canonical for row in graph)


def test_a_profile_that_is_moved_along_is_no_merge_of_its_own():
    cause = dict.fromkeys(profiles._CAUSE, "x")
    rows = [
        {"segment_id": mine, "canonical_segment_id": into} | cause
        for mine, into in ("aa", "bb", "cc", "cb", "ba", "ca")
    ]
    first, second = merges_in(rows)
    assert (first.segment_id, first.into, first.moved) == ("c", "b", 0)
    assert (second.segment_id, second.into, second.moved) == ("b", "a", 1)


def test_the_drawing_has_each_profile_and_the_cause_of_each_merge(jane):
    found = look_up(jane.lake, "email", "jane.kim@segment.com")
    drawn = picture.picture(found)
    assert "identify call event_4 from Website merged" in drawn and ">event_4<" in drawn
    assert drawn.count('class="profile') == 2 * len(found.created) + 1
    assert "jane" not in drawn, "the drawing is shown to those who may not see values"
    assert picture.told(found) == [
        f"2022-05-02 14:01:00 UTC: page call event_1 from Website created {FIRST}.",
        f"2022-06-22 10:47:15 UTC: page call event_3 from Website created {SECOND}.",
        f"2022-06-22 10:48:00 UTC: identify call event_4 from Website merged {SECOND} into {FIRST}.",
    ]


def test_the_drawing_of_a_hub_is_bounded(jane):
    """A hundred profiles merged in a chain, and three hundred external IDs."""
    one = look_up(jane.lake, "email", "jane.kim@segment.com").merges[0].cause
    at = [
        replace(one, seq=f"{n:020}", id=f"e{n}", received_at=one.received_at + timedelta(hours=n)) for n in range(500)
    ]
    created = {f"p{n:03}": at[n] for n in range(101)}
    merges = tuple(Merge(f"p{n:03}", f"p{n - 1:03}", at[300 - n]) for n in range(100, 0, -1))
    held = tuple(Held("email", str(n), "p000", at[200 + n]) for n in range(300))
    drawn = picture.picture(profile := Profile("p000", created, merges, held, ()))
    width, height = (int(found) for found in re.search(r'width="(\d+)" height="(\d+)"', drawn).groups())
    assert width < 12_000 and height < 1_500 and picture.is_cut(profile)
    assert drawn.count('class="profile stays" x1') == 1, "the others end where they merged"
    assert not picture.is_cut(look_up(jane.lake, "email", "jane.kim@segment.com"))


def test_health_counts_what_the_reference_has(crowd):
    found = health.health(crowd.lake)
    alive = {profile.number for profile in crowd.reference.resolver.owners.values()}
    assert found.growth.profiles == len(alive) == sum(found.per_profile.values())
    assert found.growth.created == len(crowd.reference.ledger.segment_ids)
    assert found.growth.over_time[-1][1] == found.growth.profiles
    assert sum(found.types.values()) == len(crowd.reference.resolver.owners)
    assert found.hubs[0].external_ids == max(
        sum(owner.number == number for owner in crowd.reference.resolver.owners.values()) for number in alive
    )
    codes = [one.code for _, one in crowd.reference.violations]
    assert found.unresolved == codes.count(NO_IDENTIFIERS) > 0
    assert {code: sum(by.values()) for code, by in found.violations.items()} == {
        code: codes.count(code) for code in set(codes) - {NO_IDENTIFIERS}
    }
    assert found.quarantined == {"broken JSON": 1}


def test_the_hours_are_those_of_the_newest_changes(jane):
    found = health.health(jane.lake).growth
    assert len(found.hours) == 48 and found.hours[-1].at.isoformat() == "2022-06-22T10:00:00+00:00"
    assert (found.hours[-1].created, found.hours[-1].merged) == (1, 1)


def test_an_empty_lake_is_well(tmp_path):
    twin = Twin(tmp_path)
    assert look_up(twin.lake, "email", "a") is None
    assert health.health(twin.lake).growth.profiles == 0
    twin.land([], files=0)
    found = health.health(twin.lake)
    assert (found.growth.hours, found.hubs, found.violations, found.quarantined) == ((), (), {}, {})


def test_an_answer_holds_until_a_table_changes(tmp_path):
    twin, asked, remembered = Twin(tmp_path), [], Remembered()

    def ask():
        return remembered.get("profiles", twin.lake, health.TABLES, lambda: asked.append(1) or len(asked))

    assert (ask(), ask()) == (1, 1)
    twin.land(case_study_events())
    assert (ask(), ask()) == (2, 2)
