"""A table's sync as a list of steps, and the plan that a person sees before a run."""

from dataclasses import replace
from types import MappingProxyType

import pytest

from profiles_sync.lake.changes import Changes
from profiles_sync.pipeline import batches
from profiles_sync.pipeline.discover import new_files
from profiles_sync.spec.tables import BY_NAME, Type, table
from profiles_sync.sync.hourly import run
from profiles_sync.sync.plan import AddColumns, AppendRows, CreateTable, LoadStaging, MergeRows, plan_table
from profiles_sync.sync.preview import preview
from profiles_sync.warehouses.base import Cast, Cursor
from profiles_sync.warehouses.duckdb import CAPABILITIES
from tests.commands import columns
from tests.lakes import Twin

EVERY_TYPE = {
    "id": Type.STRING,
    "total": Type.BIGINT,
    "price": Type.DOUBLE,
    "gift": Type.BOOLEAN,
    "seen": Type.TIMESTAMP,
}
IN_DUCKDB = {"id": "VARCHAR", "total": "BIGINT", "price": "DOUBLE", "gift": "BOOLEAN", "seen": "TIMESTAMP"}


def batch(name, types, full=False):
    """Changes of a table; what they hold does not matter to a plan."""
    return Changes(table(name), MappingProxyType(types), Cursor("t", 3), full, None, None, [], 0)


def steps(name, types, existing, full=False):
    return plan_table(batch(name, types, full), existing, CAPABILITIES)


def test_a_new_table_is_created_staged_and_appended_by_id():
    names = {name: name for name in EVERY_TYPE}
    assert steps("bought", EVERY_TYPE, None) == [
        CreateTable("bought", IN_DUCKDB, ("id",)),
        LoadStaging("bought", names),
        AppendRows("bought", tuple(EVERY_TYPE), ("id",), {}),
    ]


def test_a_table_that_is_there_is_only_staged_and_appended():
    assert [type(step) for step in steps("bought", EVERY_TYPE, IN_DUCKDB)] == [LoadStaging, AppendRows]


def test_columns_that_the_warehouse_lacks_are_added_before_the_rows():
    made = steps("bought", EVERY_TYPE, {"id": "VARCHAR", "total": "BIGINT"})
    assert [type(step) for step in made] == [AddColumns, LoadStaging, AppendRows]
    assert made[0] == AddColumns("bought", {"price": "DOUBLE", "gift": "BOOLEAN", "seen": "TIMESTAMP"})


def test_columns_that_only_the_warehouse_has_are_left_alone():
    made = steps("bought", EVERY_TYPE, IN_DUCKDB | {"mine": "VARCHAR"})
    assert made == steps("bought", EVERY_TYPE, IN_DUCKDB)


def test_a_column_of_another_type_is_cast_to_the_warehouses():
    (_, append) = steps("bought", EVERY_TYPE, IN_DUCKDB | {"total": "VARCHAR", "seen": "DATE"})
    assert append.casts == {"total": Cast("BIGINT", "VARCHAR"), "seen": Cast("TIMESTAMP", "DATE")}


def test_texts_are_staged_as_long_as_can_be_and_cut_to_their_column():
    redshift_like = replace(
        CAPABILITIES, types={**CAPABILITIES.types, Type.STRING: "TEXT(512)"}, wider={Type.STRING: "TEXT(65535)"}
    )
    types = {"id": Type.STRING, "note": Type.STRING, "total": Type.BIGINT}
    create, _, append = plan_table(batch("bought", types), None, redshift_like)
    assert create.columns == {"id": "TEXT(512)", "note": "TEXT(512)", "total": "BIGINT"}
    assert append.casts == dict.fromkeys(("id", "note"), Cast("TEXT(65535)", "TEXT(512)"))
    _, append = plan_table(batch("bought", types), create.columns | {"note": "TEXT(65535)"}, redshift_like)
    assert append.casts == {"id": Cast("TEXT(65535)", "TEXT(512)")}


def test_a_merged_table_is_merged_by_its_key():
    types = BY_NAME["user_identifiers"].types
    made = steps("user_identifiers", types, None)
    assert made[-1] == MergeRows("user_identifiers", tuple(types), ("canonical_segment_id", "type", "value"), {})


@pytest.mark.parametrize("name", ["pages", "id_graph"])
def test_all_rows_of_a_table_stand_in_place_of_what_was_there(name):
    types = BY_NAME[name].types
    assert steps(name, types, None, full=True)[-1].replace
    assert not steps(name, types, None)[-1].replace


def test_names_are_spelled_as_the_warehouse_can():
    types = {"id": Type.STRING, "order": Type.STRING}
    made = steps("select", types, {"id": "VARCHAR"})
    assert made == [
        AddColumns("_select", {"_order": "VARCHAR"}),
        LoadStaging("_select", {"id": "id", "order": "_order"}),
        AppendRows("_select", ("id", "_order"), ("id",), {}),
    ]


def test_each_step_is_a_line_for_a_person():
    made = [
        *steps("bought", EVERY_TYPE, None),
        *steps("bought", EVERY_TYPE, {"id": "VARCHAR"}, full=True),
        steps("id_graph", BY_NAME["id_graph"].types, None)[-1],
        steps("user_traits", BY_NAME["user_traits"].types, None, full=True)[-1],
    ]
    assert [str(step) for step in made] == [
        "create bought with 5 columns",
        "stage the changed rows of bought",
        "append new rows to bought by id",
        "add to bought: total, price, gift, seen",
        "stage the changed rows of bought",
        "replace the rows of bought by id",
        "merge changes into id_graph by segment_id",
        "replace the rows of user_traits by canonical_segment_id, name",
    ]


# Before a run


def bought(number, **properties):
    return {
        "type": "track",
        "event": "Bought",
        "userId": "u1",
        "messageId": f"m{number}",
        "receivedAt": f"2026-01-05T00:00:0{number}Z",
        "properties": properties,
    }


def test_the_plan_lists_the_steps_that_the_run_then_carries_out(tmp_path):
    twin, had = Twin(tmp_path), {}
    for number, properties in ((1, {"total": 5}), (2, {"coupon": "x", "gift": True})):
        twin.land([bought(number, **properties)])
        shown = preview(twin.settings)["warehouses"]["local"]
        done = run(twin.settings, lambda: None).warehouses["local"]
        has = columns(tmp_path)
        assert (shown["error"], shown["tables"].keys()) == (None, done.tables.keys())
        told = {step for several in shown["tables"].values() for step in several}
        assert {step for step in told if step.startswith("create ")} == {
            f"create {name} with {len(has[name])} columns" for name in has.keys() - had.keys()
        }
        assert {step for step in told if step.startswith("add to ")} == {
            f"add to {name}: {', '.join(new)}" for name in had if (new := list(has[name])[len(had[name]) :])
        }
        had = has
    assert "add to bought: coupon, gift" in told
    assert preview(twin.settings)["warehouses"]["local"]["tables"] == {}


def test_a_batch_that_a_crash_left_open_is_told(tmp_path):
    twin = Twin(tmp_path)
    twin.land([bought(1)])
    assert preview(twin.settings)["unfinished"] is None
    twin.write([bought(2)])
    found = new_files({"website": str(tmp_path / "events")}, batches.taken_files(twin.lake))
    batches.open_batch(twin.lake, found.files)
    assert preview(twin.settings)["unfinished"] == 2


def test_a_disabled_warehouse_has_no_plan(tmp_path):
    twin = Twin(tmp_path)
    local = twin.settings.warehouses["local"].model_copy(update={"enabled": False})
    assert preview(twin.settings.model_copy(update={"warehouses": {"local": local}}))["warehouses"] == {}
