"""A release: the same bytes whoever builds it, all that belongs in it, and an install without extras that says so."""

import json
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
import yaml

from profiles_sync import __version__
from tests.commands import SETTINGS, a_space, environment, in_process

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
UV = next((one for one in (ROOT / ".tools" / "bin" / "uv",) if one.exists()), "uv")
WAREHOUSES = """\
  duckdb: {type: duckdb, path: ./a.duckdb}
  postgres: {type: postgres, host: 127.0.0.1, database: a, username: a, password: a}
  snowflake: {type: snowflake, account: a, warehouse: a, database: a, username: a, password: a}
  bigquery: {type: bigquery, project: a}
  redshift: {type: redshift, host: 127.0.0.1, database: a, username: a, password: a, s3_bucket: abc}
  synapse: {type: synapse, server: a, database: a, username: a, password: a, storage_account: abc,
    storage_container: abc}
  databricks: {type: databricks, catalog: a, via: sql, host: 127.0.0.1, http_path: /a, token: a}
"""


def uv(*arguments, **added):
    done = subprocess.run(
        [UV, *map(str, arguments)], env=os.environ | added, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def built(place, **added):
    uv("build", "--wheel", "--no-build-isolation", "--python", sys.executable, "--out-dir", place, ROOT, **added)
    (wheel,) = place.glob("*.whl")
    return wheel


def test_the_version_stands_once():
    assert PROJECT["version"] == __version__


def test_the_command_tells_its_version():
    assert in_process("--version")[:2] == (0, f"profiles-sync {PROJECT['version']}\n")


def test_there_is_an_extra_for_each_warehouse_and_for_what_else_not_everybody_needs():
    kinds = {declared["type"] for declared in yaml.safe_load(WAREHOUSES).values()}
    assert kinds | {"local", "console", "quality"} <= set(PROJECT["optional-dependencies"])


def test_every_extra_that_an_error_names_exists():
    named = set()
    for file in (ROOT / "profiles_sync").rglob("*.py"):
        text = file.read_text()
        named |= set(re.findall(r"profiles-sync\[(\w+)\]", text))
        named |= set(re.findall(r'not_installed\([^()]*"(\w+)"\)', text))
    assert {"local", "duckdb", "postgres", "alerts"} <= named
    assert named <= set(PROJECT["optional-dependencies"])


@pytest.mark.slow
def test_two_builds_are_the_same_and_hold_what_belongs_in_them(tmp_path):
    first = built(tmp_path / "first", SOURCE_DATE_EPOCH="1700000000", TZ="UTC")
    second = built(tmp_path / "second", SOURCE_DATE_EPOCH="1700000000", TZ="Asia/Tokyo", LC_ALL="C")
    assert first.read_bytes() == second.read_bytes()
    with zipfile.ZipFile(first) as wheel:
        names = wheel.namelist()
        metadata = wheel.read(f"profiles_sync-{__version__}.dist-info/METADATA").decode()
    assert "profiles_sync/py.typed" in names
    pages = [
        one for one in (ROOT / "profiles_sync/console").rglob("*") if one.suffix in (".html", ".css", ".js", ".svg")
    ]
    assert len(pages) > 20 and {str(one.relative_to(ROOT)) for one in pages} <= set(names)
    assert f"profiles_sync-{__version__}.dist-info/licenses/LICENSE" in names
    assert not [name for name in names if not name.startswith("profiles_sync")]
    assert "License-Expression: Apache-2.0" in metadata


@pytest.fixture(scope="module")
def minimal(tmp_path_factory):
    """The Python of an environment that has the wheel and nothing that only an extra brings."""
    folder = tmp_path_factory.mktemp("minimal")
    wheel = built(folder / "dist")
    uv("venv", "--python", sys.executable, folder / "venv")
    python = folder / "venv" / "bin" / "python"
    uv("pip", "install", "--python", python, "--constraint", ROOT / "requirements" / "spark-4.txt", wheel)
    return python


def said(python, *arguments, cwd):
    """What a program of that environment prints; nothing of this checkout is on its path."""
    env = environment(PYTHONPATH="")
    return subprocess.run([python, *arguments], env=env, cwd=cwd, capture_output=True, text=True, check=False)


IMPORTED = """
import importlib, importlib.util, pkgutil, profiles_sync
for name in ("pyspark", "duckdb", "pandas", "numba", "boto3", "cryptography", "apprise", "adbc_driver_postgresql"):
    assert importlib.util.find_spec(name) is None, name
for found in pkgutil.walk_packages(profiles_sync.__path__, "profiles_sync."):
    try:
        if not found.name.endswith("__main__"):
            importlib.import_module(found.name)
    except ModuleNotFoundError as error:
        print(found.name, error.name)
print(profiles_sync.__file__)
"""
#: What Spark alone runs, and what is imported only there.
SPARK_ONLY = {f"profiles_sync.pipeline.{name} pyspark" for name in ("components", "distributed", "edges")}


@pytest.mark.slow
def test_without_any_extra_all_but_what_spark_runs_can_be_imported(minimal, tmp_path):
    done = said(minimal, "-c", IMPORTED, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    *lacking, where = done.stdout.splitlines()
    assert Path(where).is_relative_to(minimal.parents[1])
    console = {one for one in lacking if one.startswith("profiles_sync.console.")}  # it is an extra as a whole
    assert set(lacking) - console <= SPARK_ONLY


@pytest.mark.slow
def test_without_any_extra_a_lake_is_built_and_what_is_missing_is_named(minimal, tmp_path):
    command, space = minimal.parent / "profiles-sync", SETTINGS.split("warehouses:")[0]
    settings = a_space(tmp_path, f"{space}warehouses:\n{WAREHOUSES}retries: {{times: 0}}\n")
    done = said(command, "run", "--settings", settings, "--json", cwd=tmp_path)
    shown = json.loads(done.stdout)
    assert shown["lines"]["events"] == 3, shown
    for name in yaml.safe_load(WAREHOUSES):
        assert f"pip install 'profiles-sync[{name}]'" in (shown["warehouses"][name]["error"] or ""), name
    done = said(command, "console", "--settings", settings, cwd=tmp_path)
    assert (done.returncode, "pip install 'profiles-sync[console]'" in done.stderr) == (1, True), done
    on_spark = a_space(tmp_path / "spark", f"{space}engine: {{executor: spark}}\n")
    done = said(command, "run", "--settings", on_spark, cwd=tmp_path)
    assert (done.returncode, "pip install 'profiles-sync[local]'" in done.stdout) == (1, True), done
