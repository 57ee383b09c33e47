"""Selective Sync as cases: what is switched, and what then goes to a warehouse."""

import pytest

from profiles_sync.spec.selection import EVERYTHING, GROUPS, WORDS, Selection, filled, group_of, needed, refused
from profiles_sync.spec.tables import FIXED_TABLES, Group

TABLES = [*(table.name for table in FIXED_TABLES), "bought", "signed_up"]
RAW = {"id_graph_updates", "external_id_mapping_updates", "profile_traits_updates"}
MATERIALIZED = {"profile_merges", "user_identifiers", "user_traits"}
VIEWS = {"id_graph", "external_id_mapping", "profile_traits"}
EVENT_TYPES = {"identifies", "pages", "screens", "groups", "aliases", "tracks"}
TRACK = {"bought", "signed_up"}
FROM_NOW = {"came_later"}
ON, OFF = True, False

CASES = {
    "nothing is switched": ([], set()),
    "a group": ([{"raw-tables": OFF}], RAW),
    "the views go with the materialized tables": ([{"materialized-tables": OFF}], MATERIALIZED | VIEWS),
    "event types": ([{"event-type-tables": OFF}], EVENT_TYPES),
    "all track tables, also those to come": ([{"track-tables": OFF}], TRACK | FROM_NOW),
    "a table": ([{"pages": OFF}], {"pages"}),
    "a track table and not those to come": ([{"bought": OFF}], {"bought"}),
    "a table off and on again": ([{"pages": OFF}, {"pages": ON}], set()),
    "a group off and on again": ([{"raw-tables": OFF}, {"raw-tables": ON}], set()),
    "all track tables off but one": ([{"track-tables": OFF, "bought": ON}], {"signed_up"} | FROM_NOW),
    "in whatever order they are given": ([{"bought": ON, "track-tables": OFF}], {"signed_up"} | FROM_NOW),
    "one is switched on later": ([{"track-tables": OFF}, {"bought": ON}], {"signed_up"} | FROM_NOW),
    "and off again": ([{"track-tables": OFF, "bought": ON}, {"bought": OFF}], TRACK | FROM_NOW),
    "a group switches each of its tables": ([{"bought": OFF}, {"track-tables": OFF}, {"track-tables": ON}], set()),
    "and off those that were on": ([{"track-tables": OFF, "bought": ON}, {"track-tables": OFF}], TRACK | FROM_NOW),
    "another group keeps its own": ([{"pages": OFF}, {"raw-tables": OFF}, {"raw-tables": ON}], {"pages"}),
    "a table that is on already": ([{"pages": ON}], set()),
    "a column is no table": ([{"pages.url": OFF}], set()),
}


@pytest.mark.parametrize(("switches", "off"), CASES.values(), ids=CASES)
def test_what_is_off(switches, off):
    found = EVERYTHING
    for items in switches:
        found = found.switched(items)
    assert {name for name in [*TABLES, *FROM_NOW] if not found.has(name)} == off
    assert found.has_every_track_table == off.isdisjoint(TRACK | FROM_NOW)


def test_what_is_switched_back_leaves_nothing_behind():
    switched = EVERYTHING.switched({"raw-tables": OFF, "pages": OFF, "bought": OFF, "pages.url": OFF})
    assert switched != EVERYTHING
    assert switched.switched({"raw-tables": ON, "pages": ON, "bought": ON, "pages.url": ON}) == EVERYTHING
    assert switched.switched({"raw-tables": ON, "event-type-tables": ON, "track-tables": ON}) == Selection(
        frozenset({"pages.url"})
    )


def test_what_is_off_with_its_group_is_not_switched_off_once_more():
    without = EVERYTHING.switched({"raw-tables": OFF})
    assert without.switched({"id_graph_updates": OFF}) == without


def test_a_column_is_off_in_its_table_alone():
    found = EVERYTHING.switched({"pages.url": OFF, "bought.total": OFF})
    assert not found.has_column("pages", "url") and not found.has_column("bought", "total")
    assert found.has_column("screens", "url") and found.has_column("pages", "total")


def test_every_table_has_one_of_the_four_groups():
    assert GROUPS.keys() == set(Group)
    assert [sum(group_of(name) == word for name in TABLES) for word in WORDS] == [3, 6, 6, 2]
    assert len(WORDS) == 4


KEPT = {
    "pages": {"id", "received_at", "uuid_ts", "segment_id"},
    "bought": {"id", "received_at", "uuid_ts", "segment_id"},
    "id_graph_updates": {"id", "received_at", "uuid_ts", "segment_id", "canonical_segment_id", "seq"},
    "user_traits": {"canonical_segment_id", "name", "received_at", "uuid_ts", "seq"},
    "user_identifiers": {"canonical_segment_id", "type", "value", "received_at", "uuid_ts", "seq"},
    "external_id_mapping": {"external_id_hash", "canonical_segment_id", "uuid_ts"},
}


@pytest.mark.parametrize(("name", "columns"), KEPT.items())
def test_what_a_sync_needs_of_a_table(name, columns):
    assert needed(name) == columns


REFUSED = {
    "pages.received_at": "pages.received_at cannot be left out: every sync needs id, received_at, segment_id, uuid_ts",
    "user_traits.name": "cannot be left out",
    "bought.id": "cannot be left out",
    "pags": "pags: the lake has no table pags",
    "quarantine": "the lake has no table quarantine",
    "pages.urll": "the lake's table pages has no such column",
    "track": "the lake has no table track",
    "tracks-tables": "is no table, no table.column and no group; the groups are raw-tables, materialized-tables, ",
    "": "is no table",
    "pages.": "is no table",
    ".url": "is no table",
}


def columns(name):
    return ["id", "received_at", "name", "url"]


@pytest.mark.parametrize(("item", "told"), REFUSED.items())
def test_what_cannot_be_switched_off(item, told):
    assert told in refused({item: OFF}, TABLES, columns, was_synced=True)


def test_what_a_sync_needs_may_be_switched_on():
    assert refused({"pages.received_at": ON}, TABLES, columns, was_synced=True) is None


@pytest.mark.parametrize("item", ["bought", "bought.total"])
def test_single_track_tables_are_picked_after_the_first_sync(item):
    told = refused({item: OFF}, TABLES, columns, was_synced=False)
    assert told.startswith(f"{item}: single track event tables are picked after the warehouse's first sync")
    assert refused({"track-tables": OFF, "pages": OFF, "pages.url": OFF}, TABLES, columns, was_synced=False) is None
    assert refused({"bought": OFF, "bought.url": OFF}, TABLES, columns, was_synced=True) is None


def test_before_the_first_sync_a_table_that_is_not_there_is_told_as_that():
    assert refused({"pags": OFF}, TABLES, columns) == "pags: the lake has no table pags"


def test_without_a_lake_the_tables_that_are_always_there_can_be_switched():
    assert refused({"raw-tables": OFF, "pages": OFF, "identifies.anything": OFF}) is None
    assert "picked after the warehouse's first sync" in refused({"bought": OFF})
    assert "cannot be left out" in refused({"pages.received_at": OFF})


def test_the_first_of_several_is_told():
    assert refused({"pages": OFF, "pags": OFF, "screenz": OFF}, ["pages"], was_synced=True).startswith("pags:")


@pytest.mark.parametrize(
    ("count", "level"), [(3_999, None), (4_000, "warning"), (4_999, "warning"), (5_000, "error"), (6_000, "error")]
)
@pytest.mark.parametrize("what", ["tables", "columns"])
def test_at_80_percent_one_is_warned_and_at_100_it_is_an_error(what, count, level):
    counts = {f"t{n}": 1 for n in range(count)} if what == "tables" else {"bought": count}
    warnings, errors = filled(counts)
    assert (len(warnings), len(errors)) == (level == "warning", level == "error")
    whole = "the space" if what == "tables" else "bought"
    for told in (*warnings, *errors):
        assert told.startswith(f"{whole} has {count:,} {what}, and Selective Sync manages 5,000")


def test_what_is_beyond_the_first_5000_is_synced_and_not_managed():
    many = [f"t{n}" for n in range(6_000)]
    assert refused({"t4999": OFF}, many, was_synced=True) is None
    assert refused({"t5000": OFF}, many, was_synced=True) == (
        "t5000 is not among the first 5,000 tables, which is what Selective Sync manages; it is synced"
    )
    told = refused({"pages.t5000": OFF}, ["pages"], lambda name: many, was_synced=True)
    assert told.startswith("t5000 is not among the first 5,000 columns")
