"""All rows of a table in place of those that are there: it is said, and what is off in Selective Sync stays there."""

import pytest

from profiles_sync.control import history
from profiles_sync.lake import upkeep as tables_upkeep
from profiles_sync.spec.selection import EVERYTHING
from profiles_sync.sync.materializing import switch
from profiles_sync.sync.preview import preview
from profiles_sync.sync.run import Bounds, sync_warehouse
from profiles_sync.sync.upkeep import upkeep
from tests.commands import in_process
from tests.lakes import Twin
from tests.sync.steps import bought, call, declared_at, job

WHY = "the lake does not have the changes since version"


@pytest.fixture
def twin(tmp_path, place):
    made = Twin(tmp_path)
    made.settings = declared_at(tmp_path, place)
    return made


def say(number, user, plan):
    return call("identify", f"i{number}", userId=user, traits={"plan": plan, "age": number})


def vacuumed(twin, monkeypatch):
    """The lake keeps nothing of what a warehouse missed."""
    monkeypatch.setattr(tables_upkeep, "_MANY", 2)
    monkeypatch.setattr(tables_upkeep, "_hours", lambda keep: 0)
    upkeep(twin.settings)


def missed(twin, monkeypatch, *events):
    """A warehouse that was away for longer than the lake keeps what changed."""
    known, twin.settings = twin.settings, twin.settings.model_copy(update={"warehouses": {}})
    for some in events:
        twin.write(some)
        job(twin)
    vacuumed(twin, monkeypatch)
    twin.settings = known


def test_a_table_whose_history_is_gone_is_sent_again_and_plan_run_and_history_say_so(twin, place, monkeypatch):
    twin.write([bought("m1"), say(1, "u1", "free")])
    job(twin)
    missed(twin, monkeypatch, [bought("m2")], [bought("m3")])
    (first, *_) = preview(twin.settings)["warehouses"]["local"]["tables"]["bought"]
    assert first.startswith(f"send all rows of bought again: {WHY} ")
    result = job(twin)
    assert result.status == "Success"
    (told, *_) = [one for one in result.report.warnings if WHY in one]
    assert told.startswith("warehouse local: all rows of ") and "bought" in " ".join(result.report.warnings)
    newest = history.syncs(twin.lake)[0]
    assert newest.resent["bought"].startswith(WHY) and newest.shown()["resent"] == newest.resent
    assert (
        "all rows were sent again"
        in in_process("status", "--settings", twin.folder / "acme.yml", "--sync", newest.sync_id)[1]
    )
    assert sorted(place.rows("bought", ["id"])) == [("m1",), ("m2",), ("m3",)]
    assert (job(twin).report.warnings, history.syncs(twin.lake)[0].resent) == ([], {})


def test_a_column_that_is_off_keeps_what_it_has_when_all_rows_are_sent_again(twin, place, monkeypatch):
    def sync(*off):
        chosen = EVERYTHING.switched(dict.fromkeys(off, False))
        result = sync_warehouse(place.open(), twin.lake, "1", bounds=Bounds(selection=chosen))
        assert result.status == "Success", (result.error, result.tables)
        return result

    columns = ("user_traits.value", "profile_traits.plan", "bought.total")
    twin.land([bought("m1", total=5), say(1, "u1", "free")])
    sync()
    place.run("INSERT INTO acme.user_traits (canonical_segment_id, name, value) VALUES ('gone', 'x', 'y')")
    twin.land([bought("m2", total=6)])
    twin.land([bought("m3", total=7), say(2, "u1", "pro"), say(3, "u2", "pro")])
    vacuumed(twin, monkeypatch)
    assert {"bought", "profile_traits"} <= sync(*columns).resent.keys()
    assert sorted(place.rows("bought", ["id", "total"])) == [("m1", 5), ("m2", None), ("m3", None)]
    assert sorted(place.rows("profile_traits", ["age", "plan"])) == [(2, "free"), (3, None)]
    twin.land([bought("m4", total=8), say(4, "u1", "basic")])
    sync()
    assert sorted(place.rows("bought", ["id", "total"])) == [("m1", 5), ("m2", None), ("m3", None), ("m4", 8)]
    assert sorted(place.rows("profile_traits", ["age", "plan"])) == [(3, None), (4, "basic")]


def test_materialize_keeps_a_column_that_is_off_and_removes_rows_that_are_gone(twin, place):
    twin.write([say(1, "u1", "free")])
    job(twin)
    place.run("UPDATE acme.user_traits SET value = 'was'")
    place.run("INSERT INTO acme.user_traits (canonical_segment_id, name, value) VALUES ('gone', 'x', 'y')")
    assert (
        in_process(
            "warehouse", "selection", "local", "--settings", twin.folder / "acme.yml", "--off", "user_traits.value"
        )[0]
        == 0
    )
    assert switch(twin.settings, "local").is_verified
    assert sorted(place.rows("user_traits", ["name", "value"])) == [("age", "was"), ("plan", "was")]
