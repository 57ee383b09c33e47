"""The scheduled job: as a Python program, inside another one, and under spark-submit."""

import json
import os
import runpy
import sys
from pathlib import Path

import pytest

from tests.commands import BIN, EVENTS, SETTINGS, a_space, in_process, profiles_sync, query, warehouse, write_events

JOB = Path(__file__).parents[1] / "jobs" / "run_hourly.py"
PYTHON = (sys.executable, JOB)


def submitted(*arguments):
    """The job under spark-submit, which finds Spark through the python3 on the PATH."""
    path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    return profiles_sync(*arguments, program=(BIN / "spark-submit", "--master", "local[2]", JOB), PATH=path)


def a_failing_space(folder, status):
    """A space whose next run ends with the status; its first one, if any, is done."""
    if status == "Success":
        return a_space(folder)
    if status == "Failed":
        return a_space(folder, SETTINGS.replace("./acme.duckdb", "./acme.yml"))
    if status == "Settings":
        return a_space(folder, SETTINGS + "laek: ./lake\n")
    settings = a_space(folder)
    assert in_process("run", "--settings", settings)[0] == 0
    with warehouse(folder) as opened:
        opened.execute("ALTER TABLE acme.pages RENAME TO kept; CREATE VIEW acme.pages AS FROM acme.kept")
    write_events(folder, "second.jsonl", [EVENTS[0] | {"messageId": "m8"}, EVENTS[1] | {"messageId": "m9"}])
    return settings


ENDS = {"Success": 0, "Partial success": 3, "Failed": 1, "Settings": 2}


@pytest.mark.parametrize("status", ENDS)
def test_as_a_program_it_ends_like_the_command(tmp_path, status):
    done = profiles_sync("--settings", a_failing_space(tmp_path, status), "--json", program=PYTHON)
    assert done.returncode == ENDS[status]
    if status == "Settings":
        assert (json.loads(done.stdout)["status"], done.stderr.count("\n")) == ("Failed", 1)
        assert "laek: unknown key" in done.stderr
    else:
        assert json.loads(done.stdout)["status"] == status


def test_without_json_it_prints_the_outcome_as_text(tmp_path):
    done = profiles_sync("--settings", a_space(tmp_path), program=PYTHON, cwd=tmp_path)
    assert done.returncode == 0
    assert done.stdout.startswith("Success\n3 lines read")
    assert query(tmp_path, "SELECT count(*) FROM acme.tracks") == [(1,)]


def test_without_settings_it_is_wrong_usage():
    assert profiles_sync(program=PYTHON).returncode == 2


def in_this_process(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", [str(JOB), *map(str, arguments)])
    runpy.run_path(str(JOB), run_name="__main__")


def test_a_job_that_went_well_returns_to_the_driver_that_called_it(tmp_path, monkeypatch, capsys):
    in_this_process(monkeypatch, "--settings", a_space(tmp_path), "--json")
    assert json.loads(capsys.readouterr().out)["status"] == "Success"


@pytest.mark.parametrize("status", ["Partial success", "Failed", "Settings"])
def test_a_job_that_did_not_ends_with_the_exit_code(tmp_path, monkeypatch, status):
    with pytest.raises(SystemExit) as ended:
        in_this_process(monkeypatch, "--settings", a_failing_space(tmp_path, status), "--json")
    assert ended.value.code == ENDS[status]


def test_importing_the_job_runs_nothing(monkeypatch):
    monkeypatch.setattr(sys, "argv", [str(JOB)])
    runpy.run_path(str(JOB), run_name="run_hourly")


@pytest.mark.spark
@pytest.mark.slow
@pytest.mark.parametrize("status", ENDS)
def test_under_spark_submit_it_ends_like_the_command(tmp_path, status):
    done = submitted("--settings", a_failing_space(tmp_path, status), "--json")
    assert done.returncode == ENDS[status]
    if status != "Settings":
        assert json.loads(done.stdout)["status"] == status


@pytest.mark.spark
@pytest.mark.slow
def test_under_spark_submit_the_work_is_done_in_its_session(tmp_path):
    settings = a_space(tmp_path, SETTINGS + "engine: {executor: spark}\nidentity: {path: distributed}\n")
    done = submitted("--settings", settings, "--json")
    assert (done.returncode, json.loads(done.stdout)["lines"]["events"]) == (0, 3)
    assert query(tmp_path, "SELECT count(*) FROM acme.pages") == [(1,)]
    assert "TaskSetManager" in done.stderr  # their log, where they want it
    assert not (tmp_path / "lake" / "spark.log").exists()


def test_a_session_that_is_there_is_used_and_left_running(tmp_path, monkeypatch, spark):
    before = spark.sparkContext.applicationId
    settings = a_space(tmp_path, SETTINGS + "engine: {executor: spark}\n")
    in_this_process(monkeypatch, "--settings", settings, "--json")
    assert spark.range(3).count() == 3
    assert spark.sparkContext.applicationId == before
    assert query(tmp_path, "SELECT count(*) FROM acme.pages") == [(1,)]
