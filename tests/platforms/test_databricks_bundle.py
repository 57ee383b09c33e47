"""The Databricks bundle: fields that Databricks knows, paths that exist, and tasks that run as they stand there."""

import copy
import importlib.util
import json
import os
import re
import runpy
import shutil
import subprocess
import sys
import types
from graphlib import TopologicalSorter
from pathlib import Path

import pytest
import yaml

from profiles_sync import __version__
from profiles_sync.settings import load
from tests.commands import EVENTS, query, write_events

ROOT = Path(__file__).parents[2]
BUNDLE = yaml.safe_load((ROOT / "databricks.yml").read_text())
FILES = sorted(file for pattern in BUNDLE["include"] for file in ROOT.glob(pattern))
RESOURCES = [yaml.safe_load(file.read_text())["resources"] for file in FILES]
JOBS = {name: job for one in RESOURCES for name, job in one.get("jobs", {}).items()}
SPACE = ROOT / "conf" / "databricks" / "spaces" / "acme.yml"
KNOWN_TO_DATABRICKS = {"bundle.name", "bundle.target", "workspace.file_path", "workspace.current_user.userName"}
STEPS = ("ingest_events", "resolve_identities", "build_tables")
OWN = ("sync_warehouses", "backfill", "upkeep", "check_health")  # try again themselves, or are not done again at all

needs_models = pytest.mark.skipif(
    importlib.util.find_spec("databricks.bundles") is None, reason="databricks-bundles is not installed"
)


def named_in(found):
    """Every text of some YAML."""
    if isinstance(found, dict):
        yield from (text for value in found.values() for text in named_in(value))
    elif isinstance(found, list):
        yield from (text for value in found for text in named_in(value))
    elif isinstance(found, str):
        yield found


def in_order(job):
    """Its tasks, each after those that it depends on."""
    by_key = {task["task_key"]: task for task in job["tasks"]}
    after = {key: [one["task_key"] for one in task.get("depends_on", ())] for key, task in by_key.items()}
    return [by_key[key] for key in TopologicalSorter(after).static_order()]


def filled_in(text, values):
    return re.sub(r"\$\{([\w.]+)\}", lambda found: filled_in(values[found[1]], values), text)


def variables_of(target):
    """Each variable's value, by the name that it is referred to by."""
    given = {name: one.get("default") for name, one in BUNDLE["variables"].items()}
    given |= BUNDLE["targets"][target].get("variables", {})
    return {f"var.{name}": value for name, value in given.items()}


def test_the_jobs_are_what_this_file_reads():
    assert set(JOBS) == {"hourly_on_serverless", "hourly_on_cluster"}


@needs_models
@pytest.mark.parametrize("name", JOBS)
def test_databricks_knows_every_field_of_a_job_and_takes_its_value(name):
    from databricks.bundles.jobs import Job

    assert Job.from_dict(JOBS[name]).as_dict() == JOBS[name]
    for place, value in ((("maxretries",), 1), (("run_if",), "SOMETIMES"), (("max_retries",), "often")):
        wrong = copy.deepcopy(JOBS[name])
        wrong["tasks"][0][place[0]] = value
        with pytest.raises(ValueError, match=r"maxretries|RunIf|often"):
            Job.from_dict(wrong)


@needs_models
def test_databricks_knows_every_field_of_the_secret_scope():
    from databricks.bundles.secret_scopes import SecretScope

    (scope,) = [scope for one in RESOURCES for scope in one.get("secret_scopes", {}).values()]
    assert SecretScope.from_dict(scope).as_dict() == scope


def test_every_path_exists():
    for pattern in BUNDLE["include"]:
        assert list(ROOT.glob(pattern)), pattern
    (artifact,) = BUNDLE["artifacts"].values()
    assert (ROOT / artifact["path"] / "pyproject.toml").is_file()
    for file in FILES:
        for text in named_in(yaml.safe_load(file.read_text())):
            if text.startswith("../../jobs/"):
                assert (file.parent / text).resolve().is_file(), text
            elif text.startswith(".."):  # what the artifact's build leaves
                assert (file.parent / text).parent.resolve() == ROOT / "dist"
                assert artifact["build"].startswith("uv build --wheel")


@pytest.mark.slow
def test_the_build_leaves_the_wheel_of_this_version_alone(tmp_path):
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist" / "profiles_sync-0.0.1-py3-none-any.whl").touch()
    shutil.copytree(ROOT / "profiles_sync", tmp_path / "profiles_sync", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tmp_path)
    path = f"{ROOT / '.tools' / 'bin'}{os.pathsep}{os.environ['PATH']}"
    added = {"PATH": path, "UV_NO_BUILD_ISOLATION": "1", "UV_PYTHON": sys.executable}
    subprocess.run(
        BUNDLE["artifacts"]["profiles_sync"]["build"], shell=True, check=True, cwd=tmp_path, env=os.environ | added
    )
    assert [one.name.split("-")[1] for one in (tmp_path / "dist").glob("*.whl")] == [__version__]


def test_the_settings_are_the_spaces_own_or_what_else_is_given():
    assert filled_in("${var.settings}", variables_of("prod") | {"workspace.file_path": str(ROOT)}) == str(SPACE)
    for job in JOBS.values():
        for task in job["tasks"]:
            assert task["spark_python_task"]["parameters"][:2] == ["--settings", "${var.settings}"]


def test_every_variable_that_is_used_is_declared_and_every_one_declared_is_used():
    used = set()
    for text in [*named_in(BUNDLE), *(text for one in RESOURCES for text in named_in(one))]:
        used |= set(re.findall(r"\$\{([\w.]+)\}", text))
    declared = {f"var.{name}" for name in BUNDLE["variables"]}
    assert {name for name in used if name.startswith("var.")} == declared
    assert used - declared <= KNOWN_TO_DATABRICKS
    without = {name for name, one in BUNDLE["variables"].items() if "default" not in one}
    assert without <= set(BUNDLE["targets"]["dev"]["variables"])  # dev needs none on the command line


@pytest.mark.parametrize("name", JOBS)
def test_a_job_has_a_task_for_each_step_in_the_order_of_the_main_job(name):
    tasks = in_order(JOBS[name])
    assert [task["task_key"] for task in tasks] == [*STEPS, *OWN]
    for task in tasks:
        assert task["spark_python_task"]["python_file"].endswith(f"/{task['task_key']}.py")
        assert ("environment_key" in task) != ("job_cluster_key" in task)
    assert {task["task_key"] for task in tasks if task.get("run_if")} == {"backfill", "upkeep", "check_health"}
    assert {task["task_key"]: task["max_retries"] for task in tasks} == dict.fromkeys(STEPS, 1) | dict.fromkeys(OWN, 0)
    assert JOBS[name]["max_concurrent_runs"] == 1


@pytest.mark.parametrize(("target", "paused"), [("dev", ["PAUSED", "PAUSED"]), ("prod", ["PAUSED", "UNPAUSED"])])
def test_of_the_two_schedules_only_one_runs_and_none_of_a_developer(target, paused):
    values = variables_of(target)
    assert sorted(filled_in(job["schedule"]["pause_status"], values) for job in JOBS.values()) == paused
    assert {job["schedule"]["quartz_cron_expression"] for job in JOBS.values()} == {"0 0 * * * ?"}


def test_who_may_change_the_files_of_prod_is_who_the_job_runs_as():
    prod = BUNDLE["targets"]["prod"]
    principal = prod["run_as"]["service_principal_name"]
    assert prod["workspace"]["root_path"].startswith(f"/Workspace/Users/{principal}/")


def test_the_packages_beside_the_wheel_are_those_of_its_extras():
    text = (ROOT / "pyproject.toml").read_text()
    packages = {
        *(
            line
            for line in JOBS["hourly_on_serverless"]["environments"][0]["spec"]["dependencies"]
            if "dist" not in line
        ),
        *(
            one["pypi"]["package"]
            for task in JOBS["hourly_on_cluster"]["tasks"]
            for one in task["libraries"]
            if "pypi" in one
        ),
    }
    assert packages
    for package in packages:
        assert f'"{package}"' in text


# Running them


@pytest.fixture
def scopes(monkeypatch):
    """Secret scopes as a task on Databricks sees them: name to key to secret."""
    scopes, read = {"profiles_sync_dev": {}, "profiles_sync_prod": {}}, []

    class Secrets:
        def list(self, scope):
            return [types.SimpleNamespace(key=key) for key in scopes[scope]]

        def get(self, scope, key):
            read.append(key)
            return scopes[scope][key]

    runtime = types.ModuleType("databricks.sdk.runtime")
    runtime.dbutils = types.SimpleNamespace(secrets=Secrets())
    monkeypatch.setitem(sys.modules, "databricks.sdk", types.ModuleType("databricks.sdk"))
    monkeypatch.setitem(sys.modules, "databricks.sdk.runtime", runtime)
    yield scopes
    assert all(key.startswith("PROFILES_SYNC_") for key in read)


def workspace(folder, settings, target="prod"):
    """The files as they are deployed, with other settings of the space; the values of what tasks refer to."""
    path = folder / "files" / SPACE.relative_to(ROOT)
    path.parent.mkdir(parents=True)
    path.write_text(settings)
    return variables_of(target) | {"workspace.file_path": str(folder / "files"), "bundle.target": target}


def run_tasks(job, values, monkeypatch, capsys):
    """Each task as Databricks runs it: its file as a program, with its parameters; what they print."""
    printed = {}
    for task in in_order(job):
        file = FILES[0].parent / task["spark_python_task"]["python_file"]
        parameters = [filled_in(one, values) for one in task["spark_python_task"]["parameters"]]
        monkeypatch.setattr(sys, "argv", [str(file), *parameters])
        runpy.run_path(str(file), run_name="__main__")  # raises where the exit code is not 0
        printed[task["task_key"]] = json.loads(capsys.readouterr().out)
    return printed


@pytest.mark.lake
@pytest.mark.parametrize(("name", "target"), [("hourly_on_serverless", "prod"), ("hourly_on_cluster", "dev")])
def test_the_tasks_run_with_the_parameters_that_stand_there(tmp_path, monkeypatch, capsys, scopes, name, target):
    settings = yaml.safe_load(SPACE.read_text())
    settings["lake"] = str(tmp_path / "lake")
    settings["sources"]["website"]["path"] = str(tmp_path / "events" / "website")
    settings["warehouses"] = {"databricks": {"type": "duckdb", "path": "in the scope"}}
    scope = scopes[f"profiles_sync_{target}"]
    scope["PROFILES_SYNC_WAREHOUSES__DATABRICKS__PATH"] = str(tmp_path / "acme.duckdb")
    scope["another"] = "of somebody else"
    write_events(tmp_path, "first.jsonl", EVENTS)
    printed = run_tasks(JOBS[name], workspace(tmp_path, yaml.safe_dump(settings), target), monkeypatch, capsys)
    assert printed["build_tables"]["lines"]["events"] == 3
    assert query(tmp_path, "SELECT count(*) FROM acme.pages") == [(1,)]
    assert not [one for one in os.environ if one.startswith("PROFILES_SYNC_WAREHOUSES")]


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_example_space_runs_in_a_catalog_with_the_session_that_is_there(
    tmp_path, monkeypatch, capsys, scopes, spark
):
    text = SPACE.read_text().replace("/Volumes/main", str(tmp_path))
    text = text.replace("catalog: main", "catalog: spark_catalog")
    own = f"catalog: spark_catalog\n    volume: {tmp_path / 'rows'}"  # open Spark has no volumes, and makes none
    text = text.replace("catalog: analytics", own)
    write_events(tmp_path, "first.jsonl", EVENTS)
    schemas = ("profiles_acme", "profiles_acme_control", "acme", "_profiles_sync")
    for schema in schemas:
        spark.sql(f"CREATE SCHEMA spark_catalog.{schema} LOCATION '{tmp_path / 'warehouse' / schema}'")
    monkeypatch.setenv("DATABRICKS_RUNTIME_VERSION", "17.3")
    try:
        printed = run_tasks(JOBS["hourly_on_serverless"], workspace(tmp_path, text), monkeypatch, capsys)
        assert printed["sync_warehouses"]["warehouses"]["databricks"]["status"] == "Success"
        assert spark.table("spark_catalog.acme.pages").count() == 1
        assert spark.table("spark_catalog.profiles_acme.pages").count() == 1
    finally:
        for schema in schemas:
            spark.sql(f"DROP SCHEMA spark_catalog.{schema} CASCADE")


def test_the_example_space_is_a_space():
    assert load(SPACE).lake.staging.startswith("/Volumes/")


def test_without_such_a_scope_or_without_databricks_it_is_said(tmp_path, monkeypatch, capsys, scopes):
    settings = tmp_path / "acme.yml"
    settings.write_text("space: {name: Acme, slug: acme}\n")
    job = str(ROOT / "jobs" / "check_health.py")

    def said():
        monkeypatch.setattr(sys, "argv", [job, "--settings", str(settings), "--secret-scope", "nowhere"])
        with pytest.raises(SystemExit) as ended:
            runpy.run_path(job, run_name="__main__")
        assert ended.value.code == 2
        return capsys.readouterr().err

    assert "--secret-scope nowhere: cannot be read; create it, or grant READ" in said()
    monkeypatch.setitem(sys.modules, "databricks.sdk.runtime", None)
    assert "--secret-scope nowhere: only a job on Databricks has secret scopes" in said()
