"""One file per scheduled step: the same arguments, the exit codes of the command line, and in order the whole job."""

import json
import os
import runpy
import sys
from pathlib import Path

import pytest

from profiles_sync.lake.opening import lake_of
from profiles_sync.pipeline import batches
from profiles_sync.settings import load
from tests.commands import BIN, EVENTS, SETTINGS, a_space, in_process, profiles_sync, query, write_events

JOBS = Path(__file__).parents[1] / "jobs"
CHAIN = ["ingest_events", "resolve_identities", "build_tables", "sync_warehouses"]
BESIDE = ["backfill", "upkeep", "check_health"]
LATER = {"messageId": "m9", "receivedAt": "2026-01-06T00:00:00Z"}


def in_this_process(monkeypatch, job, *arguments):
    """The job's exit code; one that went well returns."""
    monkeypatch.setattr(sys, "argv", [f"{job}.py", *map(str, arguments)])
    try:
        runpy.run_path(str(JOBS / f"{job}.py"), run_name="__main__")
    except SystemExit as ended:
        return ended.code
    return 0


def submitted(job, *arguments):
    """The job under spark-submit, which finds Spark through the python3 on the PATH."""
    path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    return profiles_sync(
        *arguments, program=(BIN / "spark-submit", "--master", "local[2]", JOBS / f"{job}.py"), PATH=path
    )


def test_there_is_a_file_for_each_step_and_it_is_thin():
    assert {one.stem for one in JOBS.glob("*.py")} == {*CHAIN, *BESIDE, "run_hourly"}
    for file in JOBS.glob("*.py"):
        text = file.read_text()
        assert len(text.splitlines()) <= 13, file
        assert f"spark-submit jobs/{file.name} --settings acme.yml" in text


@pytest.mark.parametrize("job", [*CHAIN, *BESIDE])
def test_importing_a_job_runs_nothing(monkeypatch, job):
    monkeypatch.setattr(sys, "argv", [f"{job}.py"])
    runpy.run_path(str(JOBS / f"{job}.py"), run_name=job)


@pytest.mark.parametrize("job", [*CHAIN, *BESIDE])
def test_wrong_settings_and_wrong_usage_end_with_2(monkeypatch, tmp_path, capsys, job):
    wrong = a_space(tmp_path, SETTINGS + "laek: ./lake\n")
    assert in_this_process(monkeypatch, job, "--settings", wrong, "--json") == 2
    said = capsys.readouterr()
    assert json.loads(said.out)["status"] == "Failed"
    assert "laek: unknown key" in said.err
    assert in_this_process(monkeypatch, job, "--settings", wrong, "--nonsense") == 2


def test_one_after_the_other_they_do_what_the_main_job_does(monkeypatch, tmp_path, capsys):
    settings = a_space(tmp_path)
    for job in [*CHAIN, *BESIDE]:
        assert in_this_process(monkeypatch, job, "--settings", settings, "--json") == 0, capsys.readouterr()
        shown = json.loads(capsys.readouterr().out)
        assert shown["status"] == "Success"
        if job in CHAIN[:3]:
            assert shown["lines"]["events"] == 3
    assert query(tmp_path, "SELECT count(*) FROM acme.identifies") == [(1,)]
    again = json.loads(in_process("run", "--settings", settings, "--json")[1])
    assert (again["status"], again["lines"]["read"]) == ("Success", 0)


@pytest.mark.parametrize("job", [*CHAIN, *BESIDE])
def test_without_json_a_job_says_its_outcome_in_words(monkeypatch, tmp_path, capsys, job):
    settings = a_space(tmp_path)
    assert in_process("run", "--settings", settings)[0] == 0
    write_events(tmp_path, "second.jsonl", [EVENTS[0] | LATER])
    assert in_this_process(monkeypatch, job, "--settings", settings) == 0
    assert "Success" in (said := capsys.readouterr().out) or (job, said) == ("upkeep", "nothing needed upkeep\n")


def test_an_unhealthy_space_is_told_part_by_part(monkeypatch, tmp_path, capsys):
    settings = a_space(tmp_path, SETTINGS + "schedule: {every_minutes: 0.0001}\n")
    health = ("check_health", "--settings", settings, "--json")
    assert in_this_process(monkeypatch, *health) == 3  # the lake is well, nothing was synced
    assert json.loads(capsys.readouterr().out)["parts"]["last sync of local"] == "there was none yet"
    assert in_process("run", "--settings", settings)[0] == 0
    assert in_this_process(monkeypatch, *health) == 3
    assert "one is due every 0.0001 minutes" in json.loads(capsys.readouterr().out)["parts"]["last sync of local"]
    (tmp_path / "acme.duckdb").write_text("no database")
    assert in_this_process(monkeypatch, *health) == 3
    parts = json.loads(capsys.readouterr().out)["parts"]
    assert (parts["lake"], parts["warehouse local"] is None) == (None, False)


def test_of_several_batches_all_but_the_last_are_taken_whole_by_what_ingests(monkeypatch, tmp_path, capsys):
    settings = a_space(tmp_path, SETTINGS + "engine: {batch_bytes: 1}\n", events=[])
    for number, event in enumerate(EVENTS):
        write_events(tmp_path, f"{number}.jsonl", [event])
    assert in_process("plan", "--settings", settings)[1].count("Batches 1 to 3: new files") == 1
    landed = [2, 2, 3, 3]
    for job, until in zip(CHAIN, landed, strict=True):
        assert in_this_process(monkeypatch, job, "--settings", settings, "--json") == 0, capsys.readouterr()
        assert batches.last_landed(lake_of(load(settings))) == until, job
    assert query(tmp_path, "SELECT count(*) FROM acme.tracks, acme.pages, acme.identifies") == [(1,)]


def test_a_batch_that_nobody_finishes_is_no_health(monkeypatch, tmp_path, capsys):
    settings = a_space(tmp_path)
    assert in_process("run", "--settings", settings)[0] == 0
    write_events(tmp_path, "second.jsonl", [EVENTS[0] | LATER])
    assert in_this_process(monkeypatch, "ingest_events", "--settings", settings) == 0
    capsys.readouterr()
    monkeypatch.setattr("profiles_sync.sync.health._LATE", -1)
    assert in_this_process(monkeypatch, "check_health", "--settings", settings, "--json") == 3
    assert "batch 2 is open since" in json.loads(capsys.readouterr().out)["parts"]["lake"]


@pytest.mark.spark
@pytest.mark.slow
def test_under_spark_submit_each_does_its_part_in_the_session_that_is_there(tmp_path):
    settings = a_space(tmp_path, SETTINGS + "engine: {executor: spark}\nidentity: {path: distributed}\n")
    for job in [*CHAIN, *BESIDE, "run_hourly"]:
        done = submitted(job, "--settings", settings, "--json")
        assert (done.returncode, json.loads(done.stdout)["status"]) == (0, "Success"), (job, done.stderr[-2000:])
        if job == "ingest_events":
            assert "TaskSetManager" in done.stderr
    assert not (tmp_path / "lake" / "spark.log").exists()
    assert query(tmp_path, "SELECT count(*) FROM acme.pages") == [(1,)]


@pytest.mark.spark
@pytest.mark.slow
@pytest.mark.parametrize("job", ["ingest_events", "check_health"])
def test_under_spark_submit_wrong_settings_end_with_2(tmp_path, job):
    assert submitted(job, "--settings", a_space(tmp_path, SETTINGS + "laek: 1\n")).returncode == 2
