"""Rows that are not as they should be are held back, and everything else goes on."""

import datetime as dt
import json
import re
import subprocess
import sys

import pytest

from profiles_sync.control import history
from profiles_sync.control.log import Log
from profiles_sync.errors import ChangeRefused, Denied, SettingsError
from profiles_sync.lake.paths import PathLake
from profiles_sync.problems import ErrorClass
from profiles_sync.quality import records
from profiles_sync.settings import load
from profiles_sync.sync.checked import checks_of, of_no_table, write_docs
from profiles_sync.sync.releasing import release
from tests.browser import chromium
from tests.commands import in_process, query
from tests.lakes import Twin
from tests.sync.broken import LATE, NOBODY, break_rows, checked, mend, merged_away, own, people
from tests.sync.steps import added_late, assert_same, bought, call, declared_at, in_lake, in_warehouse, job, stream
from tests.sync.steps import people as recent_people
from tests.warehouses.contract.places import PostgresPlace

__all__ = ["chromium"]


@pytest.fixture
def twin(tmp_path):
    """A lake with rows that came after its warehouse was connected, which has none of them yet."""
    twin = checked(Twin(tmp_path))
    assert job(twin).status == "Success"
    twin.land(people())
    return twin


def errors(result):
    return {name: one.error for name, one in result.warehouses["local"].tables.items() if one.error}


def test_what_the_pipeline_makes_is_as_expected(tmp_path):
    twin = checked(Twin(tmp_path))
    for batch in range(3):
        twin.write(stream(20 + batch, 60, day=batch * 2))
        result = job(twin)
        assert (result.status, result.report.warnings) == ("Success", [])
    assert_same(twin)
    assert {one.checked.rows > 0 for one in records.last(twin.lake)} == {True}


def test_each_kind_of_broken_batch_is_held_back_and_the_others_go(twin):
    later = dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)
    break_rows(twin, "pages", 2, id="twice")
    break_rows(twin, "screens", id=None)
    break_rows(twin, "groups", id="x", segment_id=NOBODY)
    break_rows(twin, "bought", id="x", received_at=LATE)
    break_rows(twin, "id_graph_updates", id="x", seq="12")
    break_rows(twin, "external_id_mapping_updates", id="x", seq="0" * 20, uuid_ts=later)
    break_rows(twin, "user_traits", name="x", canonical_segment_id=merged_away(twin))
    break_rows(twin, "id_graph", segment_id=NOBODY[::-1], uuid_ts=None)
    result = job(twin)
    said = {name: error.partition("; put it right")[0] for name, error in errors(result).items()}
    assert said == {
        "pages": "held back, none of its rows was sent: 2 of 3 rows are not as expected: id unique",
        "screens": "held back, none of its rows was sent: 1 of 2 rows are not as expected: id not empty",
        "groups": "held back, none of its rows was sent: 1 of 2 rows are not as expected: "
        "segment_id known to the identity graph",
        "bought": "held back, none of its rows was sent: 1 of 2 rows are not as expected: "
        "received_at within its bounds",
        "id_graph_updates": "held back, none of its rows was sent: 1 of 4 rows are not as expected: seq of 20 digits",
        "external_id_mapping_updates": "held back, none of its rows was sent: 1 of 4 rows are not as expected: "
        "seq larger with each load",
        "user_traits": "held back, none of its rows was sent: 1 of 4 rows are not as expected: "
        "canonical_segment_id never merged away",
        "id_graph": "held back, none of its rows was sent: 1 of 3 rows are not as expected: uuid_ts not empty; "
        "1 of 3 rows are not as expected: segment_id known to the identity graph",
    }
    assert result.status == "Partial success"
    problems = {one.problem.error_class for one in result.warehouses["local"].tables.values() if one.problem}
    assert problems == {ErrorClass.SCHEMA}
    assert_same_but(twin, errors(result))


def assert_same_but(twin, held):
    """The others are there; of what is held back there is not a row, and where it is new not even a table."""
    there = {
        name for (name,) in query(twin.folder, "SELECT table_name FROM duckdb_tables() WHERE schema_name = 'acme'")
    }
    assert there == {*twin.lake.public_tables()} - {"bought"}
    assert [name for name in held if name in there and in_warehouse(twin, name)] == []
    assert_same(twin, but=held)


def test_the_rows_wait_and_go_when_the_cause_is_gone(twin):
    break_rows(twin, "pages", 2, id="twice")
    break_rows(twin, "user_traits", name="x", canonical_segment_id=merged_away(twin))
    assert set(errors(job(twin))) == {"pages", "user_traits"}
    twin.write([call("page", "q7", userId="u1", name="Next")])
    again = job(twin)
    assert (again.status, set(errors(again))) == ("Partial success", {"pages", "user_traits"})
    mend(twin, "pages", "id = 'twice'")
    mend(twin, "user_traits", "name = 'x'")
    assert job(twin).status == "Success"
    assert_same(twin)


def test_a_table_that_alone_has_something_to_send_and_is_held_is_a_partial_success(twin):
    assert job(twin).status == "Success"
    break_rows(twin, "pages", 2, id="twice")
    assert job(twin).status == "Partial success"


def test_an_admin_releases_what_is_held_and_that_is_written_down(twin, monkeypatch):
    assert job(twin).status == "Success"
    break_rows(twin, "pages", id="x", segment_id=NOBODY)
    break_rows(twin, "screens", id="x", segment_id=NOBODY)
    job(twin)
    with pytest.raises(ChangeRefused, match="no groups is held back; held back: pages, screens"):
        release(twin.settings, "local", ["groups"])
    changes, looked_at = PathLake.changes, []
    monkeypatch.setattr(
        PathLake, "changes", lambda lake, name, cursor: looked_at.append(name) or changes(lake, name, cursor)
    )
    result = release(twin.settings, "local", ["pages"], who="ada")
    assert (result.status, result.rows, looked_at) == ("Success", 1, ["pages"])
    assert in_warehouse(twin, "pages") == in_lake(twin, "pages")
    assert in_warehouse(twin, "screens") != in_lake(twin, "screens")
    change = Log.read(twin.lake).changes[-1]
    assert (change.who, change.action, change.name, change.details) == (
        "ada",
        "released",
        "local",
        {"tables": ["pages"]},
    )
    assert history.syncs(twin.lake)[0].quality == {
        "pages": [
            "released by an admin: 1 of 1 rows are not as expected: segment_id known to the identity graph",
        ]
    }
    assert [one.table for one in records.held(twin.lake)] == ["screens"]
    assert release(twin.settings, "local").status == "Success"
    assert_same(twin)
    with pytest.raises(ChangeRefused, match="no table is held back"):
        release(twin.settings, "local")


def test_only_an_admin_may_release_and_a_refusal_is_written_down(twin):
    break_rows(twin, "pages", 2, id="twice")
    job(twin)
    path = twin.folder / "acme.yml"
    path.write_text(path.read_text() + "roles: {eve: Unify and Engage read-only}\n")
    with pytest.raises(Denied):
        release(load(path), "local", who="eve")
    assert [(one.who, one.action) for one in Log.read(twin.lake).changes] == [("eve", "denied")]


def test_switched_off_nothing_is_held_back(twin):
    break_rows(twin, "pages", id="x", segment_id=NOBODY)
    assert job(twin).status == "Partial success"
    checked(twin)
    path = twin.folder / "acme.yml"
    path.write_text(path.read_text().replace("enabled: true", "enabled: false"))
    twin.settings = load(path)
    assert job(twin).status == "Success"
    assert_same(twin)


# A person's own


def test_an_own_expectation_holds_its_table_back_until_it_is_put_right(twin):
    own(twin, "table: bought\nexpectations:\n  - {expect: between, column: total, min: 10}\n")
    assert set(errors(job(twin))) == {"bought"}
    own(twin, "table: bought\nexpectations:\n  - {expect: between, column: total, min: 1, max: 5}\n")
    assert job(twin).status == "Success"
    assert_same(twin)


def test_a_warning_is_told_and_the_rows_go(twin):
    own(
        twin,
        "table: bought\nexpectations:\n"
        "  - {expect: in, column: total, values: [7, 8], severity: warning}\n"
        "  - {expect: not_null, column: colour}\n",
        "alerts: {log: {to: ./alerts.jsonl}}\n",
    )
    result = job(twin)
    told = [
        "1 of 1 rows are not as expected: total one of the values",
        "could not be asked of bought: there is no column colour",
    ]
    assert result.status == "Success"
    assert result.report.warnings == [f"warehouse local: bought: {'; '.join(told)}"]
    assert history.syncs(twin.lake)[0].quality == {"bought": told}
    (alert,) = [json.loads(line) for line in (twin.folder / "alerts.jsonl").read_text().splitlines()]
    assert (alert["occasion"], alert["text"]) == ("quality_warning", f"bought: {'; '.join(told)}")
    assert_same(twin)


def test_enough_is_enough(twin):
    twin.land([bought(f"b{number}", total=number) for number in range(10)])
    own(twin, "table: bought\nexpectations:\n  - {expect: between, column: total, min: 2, mostly: 0.8}\n")
    assert job(twin).status == "Success"
    twin.land([bought(f"c{number}", total=number) for number in range(9)])
    assert set(errors(job(twin))) == {"bought"}


# Elsewhere


def test_a_backfill_holds_back_too_and_a_release_lets_it_go(tmp_path):
    twin = added_late(tmp_path, recent_people())
    checked(twin)
    break_rows(twin, "pages", id="x", segment_id=NOBODY)
    twin.write([bought("n1", total=7)])
    result = job(twin)
    assert result.status == "Success"
    assert "pages: held back" in "".join(result.report.warnings)
    assert in_warehouse(twin, "pages") == []
    assert release(twin.settings, "local", ["pages"]).status == "Success"
    assert result.backfills["local"]["status"] != "completed"
    assert job(twin).backfills["local"]["status"] == "completed"
    assert in_warehouse(twin, "pages") == in_lake(twin, "pages")


def test_postgres_gets_what_is_as_expected_and_nothing_else(twin, server):
    place = PostgresPlace(server)
    try:
        twin.settings = declared_at(twin.folder, place)
        break_rows(twin, "pages", 2, id="twice")
        result = job(twin)
        assert (result.status, set(errors(result))) == ("Partial success", {"pages"})
        assert "pages" not in place.columns()
        assert place.rows("screens", ["id"]) == [("q5",)]
        mend(twin, "pages", "id = 'twice'")
        assert job(twin).status == "Success"
        assert place.rows("pages", ["id"]) == [("q1",)]
    finally:
        place.close()


# What is shown


@pytest.mark.slow
def test_nobodys_data_is_in_an_error_a_record_or_the_data_docs(twin, tmp_path, chromium):
    break_rows(twin, "pages", 2, id="twice", anonymous_id="secret-visitor")
    break_rows(twin, "user_traits", name="x", value="jane@example.com", canonical_segment_id=merged_away(twin))
    own(twin, "table: identifies\nexpectations:\n  - {expect: matches, column: email, regex: '[0-9]+'}\n")
    result = job(twin)
    assert set(errors(result)) == {"pages", "user_traits", "identifies"}
    assert write_docs(twin.settings, tmp_path / "site") > 10
    pages = list((tmp_path / "site").rglob("*.html"))
    text = "".join(path.read_text() for path in pages)
    assert any(path.name == "index.html" for path in pages)
    told = [*errors(result).values(), checks_of(twin.settings), history.syncs(twin.lake)[0].shown()]
    for secret in ("secret-visitor", "jane@example.com", "use_"):
        assert secret not in text
        assert secret not in json.dumps(told)
    assert not re.search(r"<(script|link|img)[^>]*https?://", text)
    index = (tmp_path / "site" / "index.html").read_text()
    assert {table for table in twin.lake.public_tables() if f"<td>{table}</td>" in index} >= {"pages", "bought"}
    assert index.count(">held back<") == 3
    assert "1 of 1 rows are not as expected: email of the right form" in index
    for link in re.findall(r'href="([^"]+)"', index):
        assert (tmp_path / "site" / link).is_file(), link
    seen(chromium, tmp_path / "site")


def seen(chromium, site):
    """In a browser that reaches nobody: what is met and what is not, told by more than a picture from elsewhere."""
    page = chromium.new_page(viewport={"width": 390, "height": 800})
    page.goto(f"file://{site}/index.html")
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    page.click("text=held back")
    marks = "[...document.querySelectorAll('td i')].map(mark => getComputedStyle(mark, '::before').content)"
    assert {*page.evaluate(marks)} == {'"\u2713"', '"\u2717"'}
    assert not page.is_visible("text=Failed Only")
    page.close()


def test_a_wrong_file_is_told_before_anything_is_done(twin):
    own(twin, "table: a\nexpectations: [{expect: between, column: x}]")
    with pytest.raises(SettingsError, match=r"expectations .*own.yml: .*between needs min or max"):
        job(twin)
    assert len(history.syncs(twin.lake)) == 1


def test_expectations_of_a_table_that_the_lake_does_not_have_are_told(twin):
    own(twin, "table: Bought\nexpectations: [{expect: unique, column: id}]")
    assert of_no_table(twin.settings) == ["Bought"]
    assert job(twin).status == "Success"
    code, out, _ = in_process("quality", "show", "--settings", twin.folder / "acme.yml")
    assert (code, out.splitlines()[-1]) == (0, "Bought: there are expectations of it, and the lake has no such table")


def test_a_folder_that_is_not_there_is_told(twin):
    checked(twin, ", expectations: ./nowhere")
    with pytest.raises(SettingsError, match="there is no folder"):
        job(twin)


@pytest.mark.slow
def test_the_commands_show_release_and_end_as_a_run_does(twin):
    break_rows(twin, "pages", 2, id="twice")
    settings = twin.folder / "acme.yml"
    assert in_process("run", "--settings", settings)[0] == 3
    code, out, _ = in_process("quality", "show", "--settings", settings)
    assert code == 0
    assert "held back" in out.splitlines()[4]
    assert "pages: 2 of 3 rows are not as expected: id unique" in out
    shown = json.loads(in_process("quality", "show", "--settings", settings, "--json")[1])["checks"]
    assert [one["table"] for one in shown if one["held_back"]] == ["pages"]
    code, _, err = in_process("quality", "release", "local", "--tables", "screens", "--settings", settings)
    assert (code, "no screens is held back" in err) == (1, True)
    code, out, _ = in_process("quality", "release", "local", "--settings", settings, "--json")
    assert (code, json.loads(out)["tables"]) == (0, {"pages": 2})  # of one id the first row counts
    assert (
        in_process("status", "--settings", settings, "--sync", history.syncs(twin.lake)[0].sync_id)[1].count(
            "released by an admin"
        )
        == 1
    )


@pytest.mark.slow
def test_without_great_expectations_the_extra_is_named_before_anything_is_done(twin):
    script = (
        "import sys; sys.modules['great_expectations'] = None\n"
        "from profiles_sync.cli import main\n"
        f"sys.argv = ['profiles-sync', 'run', '--settings', {str(twin.folder / 'acme.yml')!r}]\nmain()"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (ended.returncode, "profiles-sync[quality]" in ended.stderr) == (1, True)
    assert len(history.syncs(twin.lake)) == 1
