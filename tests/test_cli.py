"""The command line: what it prints, what it writes and how it ends."""

import hashlib
import json
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from profiles_sync.control import history
from profiles_sync.control.lock import only_run
from profiles_sync.lake.opening import lake_of
from profiles_sync.lake.tables import Lake
from profiles_sync.settings import load
from profiles_sync.terminal.demo import this_command
from tests.commands import BIN, EVENTS, SETTINGS, a_space, in_process, profiles_sync, query, warehouse, write_events

REPEATED, BROKEN = EVENTS[0], "not json"


def tree(folder):
    """Every file and folder below a folder, with what it holds and when it was written."""
    return {
        str(path.relative_to(folder)): (path.stat().st_mtime_ns, _content(path)) for path in sorted(folder.rglob("*"))
    }


def _content(path):
    return hashlib.sha1(path.read_bytes()).hexdigest() if path.is_file() else None


@pytest.fixture(scope="module")
def story(tmp_path_factory):
    """A space from its first plan to its third run: what each command said, and what it wrote.

    The first commands are run as a user does, the others in this process, which takes no second each.
    """
    folder = tmp_path_factory.mktemp("story")
    settings = a_space(folder, events=[*EVENTS, REPEATED, BROKEN, BROKEN, '{"type": "page", "userId": []}'])

    def command(name, *arguments):
        done = profiles_sync(name, "--settings", settings, *arguments)
        return SimpleNamespace(code=done.returncode, out=done.stdout, err=done.stderr)

    def quick(name, *arguments):
        code, out, err = in_process(name, "--settings", settings, *arguments)
        return SimpleNamespace(code=code, out=out, err=err)

    told = SimpleNamespace(folder=folder, trees=[tree(folder)])
    told.status_before, told.plan_before = command("status", "--json"), command("plan", "--json")
    told.trees.append(tree(folder))
    told.first, told.second = command("run", "--json"), command("run", "--json")
    write_events(folder, "second.jsonl", [EVENTS[2] | {"messageId": "m9", "properties": {"coupon": "x"}}])
    told.trees.append(tree(folder))
    told.plan_after, told.plan_text = quick("plan", "--json"), quick("plan")
    told.trees.append(tree(folder))
    told.third = quick("run")
    told.status, told.status_text = command("status", "--json"), quick("status")
    return told


# Running


def test_run_prints_one_object_and_nothing_else(story):
    shown = json.loads(story.first.out)
    assert (story.first.code, story.first.err) == (0, "")
    assert {"status", "lines", "tables", "warehouses"} <= shown.keys()
    assert shown["lines"].keys() == {"read", "events", "duplicates", "quarantined", "by_reason"}
    assert shown["warehouses"]["local"].keys() >= {"status", "rows", "error"}
    assert shown["warehouses"]["local"]["error"] is None


def test_every_line_read_is_an_event_a_duplicate_or_in_quarantine(story):
    lines = json.loads(story.first.out)["lines"]
    assert (lines["read"], lines["events"], lines["duplicates"], lines["quarantined"]) == (7, 3, 1, 3)
    assert sum(lines["by_reason"].values()) == 3
    assert lines["by_reason"]["broken JSON"] == 2


def test_quarantined_lines_leave_the_status_success(story):
    shown = json.loads(story.first.out)
    assert shown["lines"]["quarantined"] > 0
    assert (shown["status"], shown["warehouses"]["local"]["status"], story.first.code) == ("Success", "Success", 0)


def test_the_rows_of_each_table_are_those_in_the_warehouse(story):
    tables = json.loads(story.first.out)["tables"]
    assert (tables["pages"], tables["identifies"], tables["order_completed"]) == (1, 1, 1)
    assert tables["external_id_mapping_updates"] == 2
    assert query(story.folder, "SELECT count(*) FROM acme.pages") == [(1,)]
    assert sum(tables.values()) == json.loads(story.first.out)["warehouses"]["local"]["rows"]


def test_a_second_run_is_a_success_with_no_rows(story):
    shown = json.loads(story.second.out)
    assert (story.second.code, shown["status"], shown["warehouses"]["local"]["rows"]) == (0, "Success", 0)
    assert shown["lines"] == {"read": 0, "events": 0, "duplicates": 0, "quarantined": 0, "by_reason": {}}
    assert shown["tables"] == {}


def test_as_text_run_says_the_same_in_sentences(story):
    assert story.third.code == 0
    assert story.third.out.startswith("Success\n1 lines read: 1 events, 0 duplicates, 0 quarantined\n")
    assert "warehouse local: Success, 2 rows" in story.third.out


def test_a_table_that_fails_makes_a_partial_success_and_exit_3(tmp_path):
    settings = a_space(tmp_path)
    assert in_process("run", "--settings", settings)[0] == 0
    with warehouse(tmp_path) as opened:
        opened.execute("ALTER TABLE acme.pages RENAME TO kept; CREATE VIEW acme.pages AS SELECT * FROM acme.kept")
    write_events(tmp_path, "second.jsonl", [EVENTS[0] | {"messageId": "m8"}, EVENTS[1] | {"messageId": "m9"}])
    code, out, _ = in_process("run", "--settings", settings, "--json")
    shown = json.loads(out)
    assert (code, shown["status"], shown["warehouses"]["local"]["status"]) == (3, *["Partial success"] * 2)
    assert shown["warehouses"]["local"]["error"].startswith("pages: duckdb refused ")
    assert query(tmp_path, "SELECT count(*) FROM acme.identifies") == [(2,)]


@pytest.mark.parametrize(
    ("what", "path"),
    [
        ("in a folder that is a file", "./acme.yml/acme.duckdb"),
        ("no DuckDB file", "./acme.yml"),
        ("a folder", "./events"),
    ],
)
def test_a_warehouse_that_cannot_be_opened_makes_a_failed_run_with_the_lake_built(tmp_path, what, path):
    settings = a_space(tmp_path, SETTINGS.replace("./acme.duckdb", path))
    code, out, err = in_process("run", "--settings", settings, "--json")
    shown = json.loads(out)
    assert (code, err) == (1, "")
    assert (shown["status"], shown["warehouses"]["local"]["status"]) == ("Failed", "Failed")
    assert shown["warehouses"]["local"]["error"].startswith("warehouse local: cannot open ")
    assert shown["lines"]["events"] == 3
    assert (tmp_path / "lake" / "acme" / "pages" / "_delta_log").is_dir()


def test_a_lake_that_cannot_be_written_is_one_line_and_exit_1(tmp_path):
    settings = a_space(tmp_path, SETTINGS.replace("./lake", "./acme.yml"))
    code, out, err = in_process("run", "--settings", settings, "--json")
    shown = json.loads(out)
    assert (code, shown["status"], err) == (1, "Failed", "")
    assert shown["error"].startswith("space acme: cannot write to ")
    code, out, _ = in_process("run", "--settings", settings)
    assert (code, out.count("cannot write to ")) == (1, 1)


@pytest.mark.parametrize("command", ["run", "plan", "status"])
def test_an_object_store_that_refuses_is_said_in_words(tmp_path, command, monkeypatch):
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    store = "storage: {aws_endpoint_url: 'http://127.0.0.1:9', aws_allow_http: 'true', aws_access_key_id: a, "
    store += "aws_secret_access_key: b, aws_region: eu-west-1, max_retries: '0'}\n"
    settings = a_space(tmp_path, SETTINGS.replace("./lake", "s3://nowhere/lake") + store)
    code, out, err = in_process(command, "--settings", settings, "--json")
    told = json.loads(out)["error"] if command == "run" else err
    assert code == 1
    assert "the lake cannot be used: its storage" in told
    assert "Traceback" not in err


def test_a_run_that_cannot_begin_prints_its_object_too(tmp_path):
    settings = a_space(tmp_path, SETTINGS.replace("duckdb", "duckbd"))
    code, out, err = in_process("run", "--settings", settings, "--json")
    shown = json.loads(out)
    assert (code, shown["status"], shown["lines"]["read"]) == (2, "Failed", 0)
    assert shown["error"] in err
    assert in_process("run", "--settings", settings)[1] == ""


def test_while_another_run_is_under_way_the_object_says_so(tmp_path):
    settings = a_space(tmp_path)
    with only_run(lake_of(load(settings))):
        code, out, err = in_process("run", "--settings", settings, "--json")
    assert (code, json.loads(out)["status"]) == (1, "Failed")
    assert "another run is under way" in err


def test_a_full_disk_is_a_failed_run_that_says_so(tmp_path, monkeypatch):
    def full(*_, **__):
        raise DeltaError("Generic LocalFileSystem error: No space left on device (os error 28)")

    settings = a_space(tmp_path)
    monkeypatch.setattr(Lake, "append", full)
    monkeypatch.setattr(history, "record", full)
    code, out, _ = in_process("run", "--settings", settings, "--json")
    assert (code, json.loads(out)["status"]) == (1, "Failed")
    assert json.loads(out)["error"].startswith("the lake cannot be used: no space is left on its device; make room.")


@pytest.mark.parametrize(
    "arguments",
    [["run"], ["run", "--settings"], ["run", "--setting", "acme.yml"], ["sync"], ["run", "acme.yml"], ["--json"]],
)
def test_wrong_usage_is_exit_2(arguments):
    code, out, err = in_process(*arguments)
    assert (code, out) == (2, "")
    assert "Traceback" not in err


def test_the_settings_may_be_named_by_the_environment(story, monkeypatch):
    monkeypatch.setenv("PROFILES_SYNC_SETTINGS", str(story.folder / "acme.yml"))
    code, out, _ = in_process("status", "--json")
    assert (code, json.loads(out)["syncs"]) == (0, json.loads(story.status.out)["syncs"])


@pytest.mark.slow
@pytest.mark.spark
def test_on_spark_too_run_prints_one_object_and_nothing_else(tmp_path):
    settings = a_space(tmp_path, SETTINGS + "engine: {executor: spark}\nidentity: {path: distributed}\n")
    done = profiles_sync("run", "--settings", settings, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["lines"]["events"] == 3


# Looking


def test_plan_and_status_write_nothing_before_the_first_run(story):
    assert (story.plan_before.code, story.status_before.code) == (0, 0)
    assert story.trees[0] == story.trees[1]
    assert set(story.trees[0]) == {"acme.yml", "events", "events/website", "events/website/first.jsonl"}


def test_plan_writes_nothing_beside_a_lake_and_a_warehouse(story):
    assert (story.plan_after.code, story.plan_text.code) == (0, 0)
    assert "acme.duckdb" in story.trees[2]
    assert story.trees[2] == story.trees[3]


def test_plan_lists_the_files_that_the_next_run_takes(story):
    before, after = json.loads(story.plan_before.out), json.loads(story.plan_after.out)
    path = story.folder / "events" / "website"
    size = (path / "first.jsonl").stat().st_size
    assert before["files"] == [{"source": "website", "path": str(path / "first.jsonl"), "bytes": size}]
    assert [one["path"] for one in after["files"]] == [str(path / "second.jsonl")]
    assert (before["batch"], after["batch"]) == (1, 2)
    assert "second.jsonl" in story.plan_text.out


def test_plan_with_nothing_to_do_says_so_in_words(tmp_path):
    settings = a_space(tmp_path)
    in_process("run", "--settings", settings)
    code, out, _ = in_process("plan", "--settings", settings)
    said = "nothing to take: there are no new files\nwarehouse local: has all that the lake has\n"
    assert (code, out) == (0, said)


def test_plan_tells_of_a_warehouse_that_cannot_be_opened(tmp_path):
    settings = a_space(tmp_path, SETTINGS.replace("./acme.duckdb", "./events"))
    code, out, _ = in_process("plan", "--settings", settings, "--json")
    assert code == 0
    assert "cannot open" in json.loads(out)["warehouses"]["local"]["error"]
    text = in_process("plan", "--settings", settings)[1]
    assert text.count("warehouse local: error: cannot open") == text.count("warehouse local") == 1
    assert "has all that the lake has" not in text


def test_status_before_the_first_run_is_empty(story):
    shown = json.loads(story.status_before.out)
    assert shown["syncs"] == []
    assert (shown["warehouses"]["local"]["enabled"], shown["warehouses"]["local"]["last_sync"]) == (True, None)


def test_status_lists_the_syncs_newest_first(story):
    shown = json.loads(story.status.out)
    assert (story.status.code, story.status.err) == (0, "")
    assert shown.keys() == {"warehouses", "syncs"}
    assert shown["warehouses"]["local"].keys() >= {"enabled", "last_sync", "next_sync"}
    assert [one["synced_rows"] for one in shown["syncs"]] == [
        2,
        0,
        json.loads(story.first.out)["warehouses"]["local"]["rows"],
    ]
    times = [one["start_time"] for one in shown["syncs"]]
    assert times == sorted(times, reverse=True)
    assert shown["warehouses"]["local"]["last_sync"] == times[0]
    assert shown["warehouses"]["local"]["next_sync"] is None  # nobody said when it is due


def test_status_splits_the_rows_into_the_three_groups(story):
    first = json.loads(story.status.out)["syncs"][-1]
    assert first["groups"] == {"identity graph tables": 13, "event type tables": 3, "event tables": 1}
    assert sum(first["groups"].values()) == first["synced_rows"] == sum(first["tables"].values())
    assert (first["status"], first["warehouse"], first["error"]) == ("Success", "local", None)


def test_status_shows_one_sync_in_detail(story):
    wanted = json.loads(story.status.out)["syncs"][-1]["sync_id"]
    arguments = ("status", "--settings", story.folder / "acme.yml", "--sync")
    assert [one["sync_id"] for one in json.loads(in_process(*arguments, wanted, "--json")[1])["syncs"]] == [wanted]
    assert "external_id_mapping_updates" in in_process(*arguments, wanted)[1]
    code, out, err = in_process(*arguments, "17")
    assert (code, out) == (2, "")
    assert err.startswith("error: no sync 17")


def test_status_as_text_is_a_table_of_syncs(story):
    first = json.loads(story.status.out)["syncs"][-1]
    (line,) = [line for line in story.status_text.out.splitlines() if first["sync_id"] in line]
    assert [cell.strip() for cell in line.split("│")[1:-1]] == [
        first["sync_id"],
        "local",
        "Success",
        str(first["duration_minutes"]),
        first["start_time"],
        "17",
    ]


def test_a_name_with_brackets_is_shown_as_it_is(tmp_path):
    settings = a_space(tmp_path, events=None)
    write_events(tmp_path, "part[red].jsonl", EVENTS)
    assert "part[red].jsonl" in in_process("plan", "--settings", settings)[1]


# Help


@pytest.fixture
def _wide(monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")


@pytest.mark.usefixtures("_wide")
@pytest.mark.parametrize("name", ["run", "plan", "status", "check", "demo"])
def test_every_command_explains_itself(name):
    code, out, err = in_process(name, "--help")
    assert (code, err) == (0, "")
    assert f"profiles-sync {name}" in out
    assert ("--folder" if name == "demo" else "--settings") in out


@pytest.mark.usefixtures("_wide")
def test_the_help_lists_the_commands():
    code, out, _ = in_process("--help")
    assert code == 0
    assert [name for name in ("run", "plan", "status", "check", "demo") if name not in out] == []


@pytest.mark.slow
def test_the_demo_shows_the_story(tmp_path):
    code, out, _ = in_process("demo", "--folder", tmp_path / "demo", "--events", 300)
    assert code == 0
    assert "two anonymous visits become one profile" in out
    assert "jane.kim@segment.com" in out


def a_program(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(
    ("called", "shown"),
    [
        (".venv/bin/profiles-sync", ".venv/bin/profiles-sync"),
        ("{here}/.venv/bin/profiles-sync", ".venv/bin/profiles-sync"),
        ("profiles-sync", "./profiles-sync"),
        ("{here}/my tools/profiles-sync", "'my tools/profiles-sync'"),
        ("{apart}/found/profiles-sync", "profiles-sync"),
        ("{apart}/hidden/profiles-sync", "{apart}/hidden/profiles-sync"),
        ("{apart}/hidden/pytest", "profiles-sync"),
        ("nowhere/profiles-sync", "profiles-sync"),
    ],
)
def test_the_command_is_shown_as_it_can_be_pasted(tmp_path, monkeypatch, called, shown):
    here, apart = tmp_path / "here", tmp_path / "apart"
    for place in (here, here / ".venv" / "bin", here / "my tools", apart / "found", apart / "hidden"):
        a_program(place / "profiles-sync")
    a_program(apart / "hidden" / "pytest")
    monkeypatch.chdir(here)
    monkeypatch.setenv("PATH", str(apart / "found"))
    monkeypatch.setattr("sys.argv", [called.format(here=here, apart=apart)])
    assert this_command() == shown.format(apart=apart)


@pytest.mark.slow
def test_the_last_line_of_the_demo_is_a_command_that_runs(tmp_path):
    (tmp_path / ".venv").symlink_to(BIN.parent)
    command = (Path(".venv/bin/profiles-sync"),)
    done = profiles_sync("demo", "--folder", "my demo", "--events", "300", program=command, cwd=tmp_path)
    last = done.stdout.splitlines()[-1]
    assert last == "  .venv/bin/profiles-sync status --settings 'my demo/stream/shop.yml'"
    assert (
        "Success" in subprocess.run(last, shell=True, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    )


def test_rebuild_makes_a_second_lake_with_the_same_rows(tmp_path):
    settings = ("--settings", str(a_space(tmp_path)))
    in_process("run", *settings)
    _, printed, _ = in_process("rebuild", *settings, "--into", str(tmp_path / "anew"), "--json")
    assert json.loads(printed)["lines"]["events"] == len(EVENTS)
    for name in ("pages", "identifies", "id_graph", "user_identifiers"):
        one, other = (DeltaTable(tmp_path / lake / "acme" / name).to_pyarrow_table() for lake in ("lake", "anew"))
        assert sorted(map(str, one.to_pylist())) == sorted(map(str, other.to_pylist())) != []
    assert "0 lines taken again" in in_process("rebuild", *settings, "--into", str(tmp_path / "anew"))[1]
    assert in_process("rebuild", *settings, "--into", str(tmp_path / "lake"))[0] == 2
