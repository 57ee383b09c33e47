"""What arrives in a warehouse: every row of the lake, once, as it is."""

from random import Random

import pytest

from profiles_sync.generator.case_study import case_study_events
from profiles_sync.generator.stream import Shape, lines
from profiles_sync.lake.listing import public_tables
from profiles_sync.pipeline.run import take_new_events
from tests.sync.steps import bought, call, stream
from tests.warehouses.contract.steps import assert_same, assert_same_keys, sync, synced_same

LONG = "x" * 70


def test_segments_case_study(twin, place):
    twin.land(case_study_events())
    assert synced_same(twin, place).rows == 25
    assert_same_keys(twin, place, "user_identifiers")
    (first,) = {row[0] for row in place.rows("user_identifiers", ["canonical_segment_id"])}
    assert sorted(place.rows("id_graph", ["canonical_segment_id"])) == [(first,)] * 2


def test_after_each_sync_of_a_dense_stream_it_holds_what_the_lake_holds(twin, place):
    for batch in range(3):
        twin.land(stream(10 + batch, 80, day=batch * 2))
        synced_same(twin, place)
    assert sync(twin, place).rows == 0


@pytest.mark.parametrize("events", [5_000, pytest.param(50_000, marks=pytest.mark.slow)])
def test_a_generated_space(twin, place, events):
    made = [line.event or b"{" for line in lines(Shape(events=events))]
    for batch in (made[: events // 2], made[events // 2 :]):
        twin.write(batch)
        take_new_events(twin.engine)
        synced_same(twin, place)


def test_the_schema_holds_the_tables_of_the_space_and_the_internal_one_only_the_record(twin, place):
    twin.land([bought("m1")])
    sync(twin, place)
    twin.land([bought("m2")])
    sync(twin, place)
    assert set(place.columns()) == set(public_tables(twin.lake))
    assert set(place.columns("_profiles_sync")) == place.internal


def test_columns_have_the_types_of_the_warehouse(twin, place):
    twin.land([bought("m1", total=5, price=2.5, gift=True, seen="2026-01-01T00:00:00Z", note="x", tags=[1, "b"])])
    sync(twin, place)
    types = place.open().capabilities.types
    found = place.columns()["bought"]
    assert found == {column: types[kind] for column, kind in twin.lake.types("bought").items()}
    assert place.rows("bought", ["tags", "price", "gift"]) == [('[1,"b"]', 2.5, True)]


def test_rows_are_appended_once_by_id_however_often_they_are_sent(twin, place):
    twin.land(stream(1, 40))
    sync(twin, place)
    sent = len(place.rows("identifies", ["id"]))
    place.as_if_all_were_new()
    (first, *_) = sorted(place.rows("identifies", ["id"]))
    place.run(f"DELETE FROM {place.quote('acme', 'identifies')} WHERE id = '{first[0]}'")
    again = sync(twin, place)
    assert (again.tables["identifies"].rows, again.tables["identifies"].duplicates) == (1, sent - 1)
    assert_same(twin, place)


def test_of_two_rows_with_one_id_the_first_stays_and_the_other_is_counted(twin, place):
    twin.land([bought("m1", day=20, total=2), bought("m1", day=5, total=1), bought("m2", total=3)])
    done = sync(twin, place).tables["bought"]
    assert (done.rows, done.duplicates, done.error) == (2, 1, None)
    assert sorted(place.rows("bought", ["id", "total"])) == [("m1", 1), ("m2", 3)]


def test_a_merge_updates_inserts_and_deletes(twin, place):
    twin.land([call("page", "m1", anonymousId="a1"), call("identify", "m2", userId="u1", traits={"plan": "pro"})])
    sync(twin, place)
    first, second = sorted(place.rows("id_graph", ["seq", "segment_id"]))
    twin.land([call("identify", "m3", 6, anonymousId="a1", userId="u1", traits={"plan": None, "age": 3})])
    done = synced_same(twin, place).tables["user_traits"]
    assert (done.error, done.rows) == (None, 2)
    assert place.rows("user_traits", ["canonical_segment_id", "name", "value"]) == [(first[1], "age", "3")]
    for table in ("user_identifiers", "user_traits", "profile_merges"):
        assert {row[0] for row in place.rows(table, ["canonical_segment_id"])} == {first[1]}
    assert (second[1], first[1]) in place.rows("id_graph", ["segment_id", "canonical_segment_id"])


def test_a_new_column_is_added_and_older_rows_are_empty_there(twin, place):
    twin.land([bought("m1", total=5), call("identify", "i1", userId="u1", traits={"tier": "pro"})])
    sync(twin, place)
    twin.land([bought("m2", 6, total=6, coupon="x"), call("identify", "i2", 6, userId="u1", traits={"age": 30})])
    synced_same(twin, place)
    assert sorted(place.rows("bought", ["id", "coupon"])) == [("m1", None), ("m2", "x")]
    assert place.rows("profile_traits", ["tier", "age"]) == [("pro", 30)]


def test_a_column_of_the_users_own_is_left_alone(twin, place):
    twin.land([bought("m1"), call("identify", "i1", userId="u1", traits={"plan": "pro"})])
    sync(twin, place)
    for table in ("bought", "user_traits"):
        place.give_a_column(table)
    twin.land([bought("m2", 6), call("identify", "i2", 6, userId="u1", traits={"plan": "free"})])
    synced_same(twin, place)
    assert place.rows("user_traits", ["value", "mine"]) == [("free", 7)]
    assert len(place.rows("bought", ["mine"])) == 2


def test_reserved_and_colliding_names_stay_apart(twin, place):
    properties = {"order": 1, "_order": 2, "select": 3, "user": 4, f"{LONG}a": 5, f"{LONG}b": 6, "3d": 7, "xmin": 8}
    names = ["Select", "select_", "Table", "2FA Enabled", f"{LONG}a", f"{LONG}b", "user", "bought key", "Pages pkey"]
    for day in (5, 6):
        twin.land([bought(f"{day}-{name}", day, event=name, **properties) for name in names])
        synced_same(twin, place)
    assert len(place.columns()) == len(public_tables(twin.lake))


def test_texts_of_every_kind_arrive_as_they_are(twin, place):
    texts = [
        "é",
        "日本語",
        "🦆",
        "שלום",
        "a\u0000b",
        "'\"\\;--",
        "\t\n\r",
        "",
        " ",
        "\\N",
        "NULL",
        "%s $1 {x}",
        "\ufeff",
    ]
    twin.land([bought(f"m{n}", note=text, user=f"u{text}") for n, text in enumerate(texts)])
    synced_same(twin, place)
    assert len(place.rows("bought", ["note"])) == len(texts)
    assert_same_keys(twin, place, "bought", "user_identifiers", "profile_traits")


@pytest.mark.never("redshift", "a VARCHAR holds 65,535 bytes; longer texts are cut and counted")
@pytest.mark.never(
    "synapse", "a table is not distributed by texts of more than 4,000 letters; they are cut and counted"
)
def test_a_text_of_a_million_letters(twin, place):
    odd = Random(7).randbytes(4000).hex()  # too long for an index even when it is compressed
    person = call("identify", "i1", userId=odd, traits={"k" * 90: odd * 3})
    twin.land([bought("m1", note="é" * 1_000_000), person])
    synced_same(twin, place)
    assert len(place.rows("bought", ["note"])[0][0]) == 1_000_000


def test_nulls_numbers_and_times_at_their_ends(twin, place):
    twin.land(
        [
            bought("m1", n=2**63 - 1, f=1.7976931348623157e308, b=False, t="0001-01-01T00:00:00Z", s=None),
            bought("m2", n=-(2**63), f=-5e-324, b=True, t="9999-12-31T23:59:59.999999Z", s="x"),
            bought("m3", n=None, f=None, b=None, t=None),
        ]
    )
    synced_same(twin, place)


def test_tables_without_a_row_are_made_and_a_commit_without_a_row_only_moves_the_record(twin, place):
    twin.land([call("page", "p1", userId="u1")])
    synced_same(twin, place)
    assert "screens" in place.columns()
    twin.lake.open("pages").optimize.compact()
    twin.land([call("screen", "s1", 6, userId="u1")])
    result = synced_same(twin, place)
    assert result.tables["screens"].rows == 1
    assert sync(twin, place).tables == {}
