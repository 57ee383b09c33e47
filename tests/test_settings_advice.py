"""What `check` warns of: settings that are allowed and get in each other's way."""

import json

import pytest

from profiles_sync.settings import load
from profiles_sync.settings.advice import warnings_of
from tests.commands import EVENTS, SETTINGS, a_space, in_process, query, written

pytestmark = pytest.mark.usefixtures("no_settings_in_the_environment")


def warnings(folder, sources=None, warehouses=None, lake="./lake"):
    """What is said of these sources, as slug to id and path, and these warehouses."""
    sources = {"website": ("source_1", "./events")} if sources is None else sources
    warehouses = {"local": {"path": "./a.duckdb"}} if warehouses is None else warehouses
    declared = {
        "space": {"name": "Acme", "slug": "acme"},
        "lake": lake,
        "sources": {slug: {"id": source_id, "name": slug, "path": path} for slug, (source_id, path) in sources.items()},
        "warehouses": {name: {"type": "duckdb"} | fields for name, fields in warehouses.items()},
    }
    return warnings_of(load(written(folder, json.dumps(declared))), [])


def test_settings_that_are_in_order_need_no_word(tmp_path):
    assert warnings(tmp_path) == []


def test_nothing_to_read_and_nowhere_to_sync_to_are_told(tmp_path):
    assert warnings(tmp_path, {}, {"local": {"path": "a", "enabled": False}}) == [
        "sources: none declared, so a run has nothing to read",
        "warehouses: none enabled, so only the lake is built",
    ]


def test_a_lake_at_a_path_of_a_volume_is_told_and_one_in_a_catalog_needs_no_word(tmp_path):
    (told,) = warnings(tmp_path, lake="/Volumes/main/acme/lake")
    assert told.startswith("lake: a volume of Unity Catalog has no locks")
    staging = "/Volumes/main/profiles_acme/staging"
    assert warnings(tmp_path, lake={"catalog": "main", "schema": "profiles_acme", "staging": staging}) == []


# Sources


def test_sources_with_the_same_id_are_told(tmp_path):
    several = {"web": ("s1", "./a"), "app": ("s1", "./b"), "shop": ("s2", "./c"), "blog": ("s1", "./d")}
    (said,) = warnings(tmp_path, several)
    assert said.startswith("sources web, app and blog have the same id, s1: ")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("./events", "events/"),
        ("./events", "./x/../events"),
        ("./events", "./linked"),
        ("./events", "file://{folder}/events"),
        ("s3://bucket/events", "s3://bucket/events/"),
        ("s3://bucket/a%20b", "s3://bucket/a b"),
        ("gs://bucket/events", "gcs://bucket/events"),
        ("abfs://c@acme/events", "abfss://c@acme/events"),
    ],
)
def test_sources_with_the_same_path_are_told(tmp_path, one, other):
    (tmp_path / "linked").symlink_to("events")
    (said,) = warnings(tmp_path, {"web": ("s1", one), "app": ("s2", other.format(folder=tmp_path))})
    assert said.startswith("sources web and app have the same path: each file there is read once for each of the two")


@pytest.mark.parametrize(
    ("outer", "inner"),
    [
        ("./events", "./events/app"),
        (".", "./events"),
        ("/", "./events/app/first.jsonl"),
        ("s3://bucket", "s3://bucket/events/app"),
        ("s3://bucket/events/", "s3://bucket/events/app"),
    ],
)
def test_a_source_inside_another_one_is_told_in_either_order(tmp_path, outer, inner):
    several = {"all": ("s1", outer), "app": ("s2", inner)}
    for sources in (several, dict(reversed(several.items()))):
        (said,) = warnings(tmp_path, sources)
        assert said.startswith("source app lies inside all: each file there is read once for each of the two")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("./events", "./events-of-app"),
        ("./events/web", "./events/app"),
        ("./events", "./events/_later"),
        ("./events", "./events/.later/app"),
        ("s3://bucket/events", "s3://bucket/events2"),
        ("s3://bucket/events", "s3://other/events"),
        ("s3://bucket/events", "gs://bucket/events"),
    ],
)
def test_sources_beside_each_other_need_no_word(tmp_path, one, other):
    assert warnings(tmp_path, {"web": ("s1", one), "app": ("s2", other)}) == []


def test_a_file_of_two_sources_is_read_twice_and_the_run_is_a_success(tmp_path):
    app = "  app: {id: source_2, name: App, path: ./events/}\nwarehouses:\n"
    without_id = {name: value for name, value in EVENTS[0].items() if name != "messageId"}
    settings = a_space(tmp_path, SETTINGS.replace("warehouses:\n", app), [without_id])
    code, out, _ = in_process("run", "--settings", settings, "--json")
    assert (code, json.loads(out)["lines"]["read"], json.loads(out)["warnings"]) == (0, 2, [])
    assert query(tmp_path, "SELECT event_source_id FROM acme.pages ORDER BY 1") == [("source_1",), ("source_2",)]
    assert "warning: source website lies inside app: " in in_process("check", "--settings", settings)[1]


# Warehouses


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"path": "./a.duckdb"}, {"path": "./x/../a.duckdb"}),
        ({"path": "./a.duckdb"}, {"path": "./linked.duckdb"}),
        ({"path": "./a.duckdb"}, {"path": "./a.duckdb", "schema": "acme"}),
        ({"path": "./a.duckdb", "schema": "other"}, {"path": "./a.duckdb", "schema": "Other"}),
    ],
)
def test_warehouses_that_write_the_same_tables_are_told(tmp_path, one, other):
    (tmp_path / "linked.duckdb").symlink_to("a.duckdb")
    (said,) = warnings(tmp_path, warehouses={"one": one, "other": other})
    schema = one.get("schema", "acme")
    where = f"schema {schema} of the DuckDB file {tmp_path}/a.duckdb"
    assert said.startswith(f"warehouses one and other write the same tables, in {where}: ")


@pytest.mark.parametrize(
    "other",
    [
        {"path": "./b.duckdb"},
        {"path": "./a.duckdb", "schema": "other"},
        {"path": "./a.duckdb", "enabled": False},
    ],
)
def test_warehouses_apart_from_each_other_need_no_word(tmp_path, other):
    assert warnings(tmp_path, warehouses={"one": {"path": "./a.duckdb"}, "other": other}) == []


def test_the_same_warehouse_twice_is_a_success_and_sends_once(tmp_path):
    settings = a_space(tmp_path, SETTINGS + "  again: {type: duckdb, path: ./acme.duckdb}\n")
    code, out, _ = in_process("run", "--settings", settings, "--json")
    shown = json.loads(out)
    assert (code, shown["warnings"], shown["warehouses"]["again"]["rows"]) == (0, [], 0)
    assert query(tmp_path, "SELECT count(*) FROM acme.pages") == [(1,)]
    assert "warning: warehouses local and again write the same tables" in in_process("check", "--settings", settings)[1]
