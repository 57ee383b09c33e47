"""Logs for machines: every line of the standard error is an object that says where it is from, and quotes nobody."""

import json
import logging

import pytest

from profiles_sync.errors import LakeBusy, WarehouseRefused
from profiles_sync.watching import logs, steps
from profiles_sync.watching.here import at, here
from profiles_sync.watching.steps import step
from profiles_sync.watching.threads import Threads
from tests.commands import SETTINGS, a_space, profiles_sync, written

pytestmark = pytest.mark.usefixtures("no_settings_in_the_environment")
VALUE = "jane@example.com"


@pytest.fixture
def told(capsys):
    """What was logged in this process; each line as an object."""
    logs.set_up("json")
    yield lambda: [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    logs.take_down()


@pytest.fixture(scope="module")
def logged(tmp_path_factory):
    """A run of the command with a warehouse that works and one that cannot: what it printed."""
    folder = tmp_path_factory.mktemp("space")
    bad = "  bad: {type: duckdb, path: ./acme.yml}\n"
    return profiles_sync("run", "--settings", a_space(folder, SETTINGS + bad), "--log-format", "json", "--json")


@pytest.fixture(scope="module")
def records(logged):
    return [json.loads(line) for line in logged.stderr.splitlines()]


def test_the_log_is_beside_the_one_object_that_is_printed(logged, records):
    assert json.loads(logged.stdout)["status"] == "Partial success"
    assert all({"time", "level", "logger", "message"} <= record.keys() for record in records)


def test_every_record_of_a_run_names_the_space_and_the_sync(records):
    assert {(one["space"], one["sync"].isdecimal()) for one in records} == {("acme", True)}
    assert len({one["sync"] for one in records}) == 1


def test_every_step_that_begins_ends_with_its_seconds(records):
    begun = [one["message"].removesuffix(" begins") for one in records if one["message"].endswith(" begins")]
    ended = {one["message"].removesuffix(" ended"): one for one in records if one["message"].endswith(" ended")}
    assert sorted({*begun}) == sorted(ended)
    assert {"run", "read", "resolve", "write", "write events", "merge", "sync"} <= ended.keys()
    assert all(one["seconds"] >= 0 for one in ended.values())
    assert (ended["read"]["rows"], ended["resolve"]["rows"]) == (3, 3)


def test_the_thread_of_a_warehouse_names_it_and_each_of_its_tables(records):
    synced = {one["table"]: one for one in records if one["message"] == "table synced"}
    assert {"pages", "order_completed", "id_graph"} <= synced.keys()
    assert {one["warehouse"] for one in synced.values()} == {"local"}
    assert synced["pages"]["rows"] == 1


def test_an_error_has_its_class_and_the_sync_its_status(records):
    (failed,) = [one for one in records if one["message"] == "sync failed"]
    assert (failed["warehouse"], failed["level"], failed["class"]) == ("bad", "error", "Terminal")
    (ended,) = [one for one in records if one["message"] == "sync ended" and one["warehouse"] == "bad"]
    assert (ended["status"], ended["level"]) == ("Failed", "error")
    assert [one["status"] for one in records if one["message"] == "run ended"] == ["Partial success"]


def test_people_get_no_log_unless_they_ask_for_one(tmp_path):
    settings = a_space(tmp_path)
    assert profiles_sync("run", "--settings", settings).stderr == ""
    told = profiles_sync("run", "--settings", settings, PROFILES_SYNC_LOG__LEVEL="info").stderr
    assert "info: run ended (space=acme sync=" in told


def test_wrong_settings_are_an_object_too_where_the_environment_asks_for_it(tmp_path):
    done = profiles_sync(
        "run", "--settings", written(tmp_path, SETTINGS, "laek: x\n"), PROFILES_SYNC_LOG__FORMAT="json"
    )
    assert done.returncode == 2
    assert "laek: unknown key" in json.loads(done.stderr)["message"]


def test_the_settings_say_so_too(tmp_path):
    done = profiles_sync("upkeep", "--settings", a_space(tmp_path, SETTINGS + "log: {format: json, level: debug}\n"))
    told = [json.loads(line) for line in done.stderr.splitlines()]
    assert [(one["message"], one["space"]) for one in told] == [("upkeep begins", "acme"), ("upkeep ended", "acme")]
    wrong = profiles_sync("run", "--settings", written(tmp_path, SETTINGS, "log: {format: xml}\n"))
    assert "log.format: expected 'text' or 'json'" in wrong.stderr


def test_of_an_error_that_nobody_raised_on_purpose_only_kind_and_place_are_told(told):
    log = logging.getLogger("profiles_sync.sync.run")
    log.setLevel(logging.DEBUG)
    try:
        raise ValueError(VALUE)
    except ValueError as error:
        log.error("table %s", "pages", exc_info=True)
        steps.failed("table", error)
    named, failed = told()
    assert named["error"] == "ValueError"
    assert named["at"][-1].startswith("test_logs.py:")
    assert failed["error"].startswith("internal error: ValueError at test_logs.py:")
    assert failed["class"] == "Internal"
    assert VALUE not in json.dumps([named, failed])


def test_what_a_library_logs_is_not_told_but_that_it_did(told):
    logging.getLogger("somebody.elses").warning("INSERT INTO people VALUES (%s)", VALUE)
    logging.getLogger("somebody.elses").info(VALUE)
    (one,) = told()
    assert (one["logger"], one["message"]) == ("somebody.elses", "a library's own; its text is not told")


def test_an_error_that_may_pass_is_a_warning_and_one_that_may_not_is_an_error(told):
    steps.failed("sync", LakeBusy("another run"))
    steps.failed("sync", WarehouseRefused("no"))
    assert [(one["level"], one["class"]) for one in told()] == [("warning", "Transient"), ("error", "Terminal")]


def test_a_step_that_breaks_off_is_told_and_raises_what_broke_it(told):
    with pytest.raises(LakeBusy), step("upkeep"):
        raise LakeBusy("another run has the lock")
    assert [one["message"] for one in told()] == ["upkeep begins", "upkeep broke off"]


def test_threads_are_where_their_work_was_submitted_and_stay_there():
    with Threads(2) as beside:
        with at(space="one", warehouse="pg"):
            first = beside.submit(here)
        with at(space="two"):
            rest = beside.map(lambda _: here(), range(4))
    assert (first.result().space, first.result().warehouse) == ("one", "pg")
    assert {(one.space, one.warehouse) for one in rest} == {("two", None)}
    assert here().space is None
