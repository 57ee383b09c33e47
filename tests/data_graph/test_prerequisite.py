"""What the warehouse has to have before the Data Graph can be used."""

import pytest

from profiles_sync.data_graph.prerequisite import NEEDED, lacking

TRACK = {"order_completed", "signed_up"}
ALL = {*NEEDED, *TRACK}


def test_the_raw_and_the_materialized_tables_are_needed():
    assert set(NEEDED) == {
        *("id_graph_updates", "external_id_mapping_updates", "profile_traits_updates"),
        *("profile_merges", "user_identifiers", "user_traits"),
    }


def test_nothing_lacks_where_all_is_selected_and_synced():
    assert not lacking(ALL, ALL, TRACK, every_track_table=True)
    assert lacking(ALL, ALL, TRACK, every_track_table=True).told == ()


@pytest.mark.parametrize("table", [*NEEDED, *TRACK])
def test_each_of_the_tables_is_needed(table):
    assert lacking(ALL - {table}, ALL, TRACK, every_track_table=False).not_selected == (table,)
    assert lacking(ALL, ALL - {table}, TRACK, every_track_table=True).not_synced == (table,)
    assert lacking(ALL, ALL - {table}, TRACK, every_track_table=True)


def test_to_select_every_track_table_selects_each_of_them():
    assert not lacking(set(NEEDED), ALL, TRACK, every_track_table=True)


def test_tracks_selected_one_by_one_lack_those_to_come():
    found = lacking(ALL, ALL, TRACK, every_track_table=False)
    assert found
    assert (found.not_selected, found.not_synced) == ((), ())
    assert found.told == ("select all track event tables in Selective Sync, so that tables to come are synced too",)


def test_a_table_that_is_not_selected_is_not_waited_for():
    found = lacking(ALL - {"user_traits"}, ALL - {"user_traits"}, TRACK, every_track_table=True)
    assert (found.not_selected, found.not_synced) == (("user_traits",), ())
    assert found.told == ("select in Selective Sync: user_traits",)


def test_other_tables_are_not_needed():
    assert not lacking({*NEEDED}, {*NEEDED}, set(), every_track_table=True)
