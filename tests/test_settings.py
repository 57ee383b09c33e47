"""Settings come from one file and from the environment; `check` shows what is in force."""

import json
import os

import pytest

from profiles_sync.errors import SettingsError
from profiles_sync.settings import ENV_PREFIX, CatalogSettings, load, origins, unknown_variables
from profiles_sync.spec.events import Source
from profiles_sync.spec.rules import Blocked, Frequency, Rule, default_rules
from tests.commands import SETTINGS, a_space, in_process, written

pytestmark = pytest.mark.usefixtures("no_settings_in_the_environment")
SECRET = "hunter2"


# The file


def test_the_file_of_the_contract_is_all_one_needs(tmp_path):
    settings = load(written(tmp_path, SETTINGS))
    assert (settings.space.name, settings.space.slug, settings.schema_name) == ("Acme", "acme", "acme")
    assert settings.declared_sources == (Source("website", "source_1", "Website"),)
    assert settings.lake == str(tmp_path / "lake")
    assert settings.sources["website"].path == str(tmp_path / "events" / "website")
    assert settings.warehouses["local"].path == str(tmp_path / "acme.duckdb")
    assert settings.warehouses["local"].enabled
    assert settings.rules.rules == default_rules()


def test_paths_are_relative_to_the_file_wherever_the_command_runs(tmp_path, monkeypatch):
    (tmp_path / "conf").mkdir()
    (tmp_path / "elsewhere").mkdir()
    written(tmp_path / "conf", SETTINGS.replace("./events/website/", "../events"))
    monkeypatch.chdir(tmp_path / "elsewhere")
    settings = load(tmp_path / "elsewhere" / ".." / "conf" / "acme.yml")
    assert settings.lake == str(tmp_path / "conf" / "lake")
    assert settings.sources["website"].path == str(tmp_path / "events")
    monkeypatch.chdir(tmp_path / "conf")
    assert load(type(tmp_path)("acme.yml")) == settings


def test_absolute_paths_home_folders_and_urls_stay_what_they_are(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", "/home/somebody")
    text = SETTINGS.replace("./lake", "s3://bucket/lake").replace("./acme.duckdb", "~/acme.duckdb")
    settings = load(written(tmp_path, text.replace("./events/website/", "/data/events")))
    assert settings.lake == "s3://bucket/lake"
    assert settings.sources["website"].path == "/data/events"
    assert settings.warehouses["local"].path == "/home/somebody/acme.duckdb"


def test_the_lake_may_be_in_a_catalog(tmp_path, monkeypatch):
    catalog = SETTINGS.replace("./lake", "{catalog: main, schema: profiles_acme, staging: ./staging}")
    path = written(tmp_path, catalog)
    assert load(path).lake == CatalogSettings(catalog="main", schema="profiles_acme", staging=str(tmp_path / "staging"))
    assert effective(path)["lake.schema"] == ("profiles_acme", "file")
    monkeypatch.setenv("PROFILES_SYNC_LAKE__STAGING", "/Volumes/main/profiles_acme/staging")
    assert load(path).lake.staging == "/Volumes/main/profiles_acme/staging"
    assert effective(path)["lake.staging"][1] == "environment PROFILES_SYNC_LAKE__STAGING"


@pytest.mark.parametrize(
    ("lake", "said"),
    [
        ("{catalog: main, staging: x}", "lake.schema: required and missing"),
        ("{catalog: main, schema: x, staging: x, path: x}", "lake.path: unknown key"),
        ("7", "lake: expected a valid string"),
    ],
)
def test_what_is_wrong_with_the_lake_is_told_by_its_key(tmp_path, lake, said):
    with pytest.raises(SettingsError, match=f": {said}"):
        load(written(tmp_path, SETTINGS.replace("./lake", lake)))


@pytest.mark.parametrize(
    ("fields", "refused"),
    [
        ("catalog: main", None),
        ("catalog: main, schema: Profiles_Acme", "main.profiles_acme"),
        ("catalog: main, schema: profiles_acme_control", "main.profiles_acme_control"),
        ("catalog: analytics, schema: profiles_acme", None),
    ],
)
def test_a_warehouse_in_the_catalog_of_the_lake_has_another_schema(tmp_path, fields, refused):
    lake = SETTINGS.replace("./lake", "{catalog: main, schema: profiles_acme, staging: ./staging}")
    path = written(tmp_path, lake, f"  dbx: {{type: databricks, {fields}}}\n")
    if refused is None:
        assert load(path).schema_name == "acme"
    else:
        with pytest.raises(SettingsError, match=f"warehouses: dbx would be sent into {refused}, where the lake is"):
            load(path)


def test_a_link_to_a_settings_file_counts_where_the_link_is(tmp_path):
    # A mounted file is often a link into a folder whose name changes with each version of it.
    (tmp_path / "..2026_01_05").mkdir()
    written(tmp_path / "..2026_01_05", SETTINGS)
    (tmp_path / "acme.yml").symlink_to("..2026_01_05/acme.yml")
    assert load(tmp_path / "acme.yml").lake == str(tmp_path / "lake")


@pytest.mark.parametrize("section", ["sources", "warehouses", "identity", "engine", "storage", "egress_addresses"])
def test_a_section_left_empty_is_a_section_left_out(tmp_path, section):
    text = "space: {name: Acme, slug: acme}\n"
    assert load(written(tmp_path, text, f"{section}:\n")) == load(written(tmp_path, text))


def test_the_schema_is_the_slug_with_underscores(tmp_path):
    assert load(written(tmp_path, "space: {name: A, slug: acme-eu-2}\n")).schema_name == "acme_eu_2"


def test_a_rule_changes_what_it_names_and_keeps_the_default_of_the_rest(tmp_path):
    rules = "identity: {rules: {user_id: {limit: 2}, email: {frequency: Weekly}, app_id: {priority: 3}}}\n"
    made = {rule.type: rule for rule in load(written(tmp_path, SETTINGS, rules)).rules.rules}
    default = {rule.type: rule for rule in default_rules()}
    assert made.pop("user_id") == Rule("user_id", limit=2, priority=1)
    assert made.pop("email") == Rule("email", limit=5, frequency=Frequency.WEEKLY, priority=2)
    assert made.pop("app_id") == Rule("app_id", limit=5, priority=3)
    assert made == {kind: rule for kind, rule in default.items() if kind not in ("user_id", "email")}


@pytest.mark.parametrize("warehouses", ["", "warehouses:\n", "warehouses: {}\n", "DISABLED"])
def test_without_an_enabled_warehouse_the_lake_is_built_and_the_run_is_a_success(tmp_path, warehouses):
    begin = SETTINGS.partition("warehouses:")[0]
    off = "warehouses: {local: {type: duckdb, path: ./acme.duckdb, enabled: false}}\n"
    path = a_space(tmp_path, begin + (off if warehouses == "DISABLED" else warehouses))
    code, out, _ = in_process("run", "--settings", path, "--json")
    shown = json.loads(out)
    assert (code, shown["status"], shown["warehouses"]) == (0, "Success", {})
    assert shown["lines"]["events"] == 3
    assert (tmp_path / "lake" / "acme" / "pages" / "_delta_log").is_dir()
    assert not (tmp_path / "acme.duckdb").exists()


# The environment

FULL = """\
space: {name: Acme, slug: acme}
lake: ./lake
storage: {account_key: from_file}
sources: {website: {id: source_1, name: Website, path: ./events, label: Prod}}
warehouses: {local: {type: duckdb, path: ./acme.duckdb, schema: null, enabled: true, selective: {pages: false}}}
schedule: {every_minutes: 60}
alerts: {ops: {to: "json://hooks.example.com/of_file", when: [sync_failed], after: 1}}
identity: {rules: {app_id: {limit: 5, frequency: Ever, priority: 9, blocked: {exact: [none], patterns: ["0+"]}}}}
roles: {ann: Unify and Engage Admin}
console: {users: {ann: $argon2id$of_file}}
"""
CHANGED = {
    "space.name": ("Other", "Other"),
    "space.slug": ("other", "other"),
    "space.label": ("Dev", "Dev"),
    "space.connection_policy": ('["Prod"]', ("Prod",)),
    "lake": ("s3://bucket/lake", "s3://bucket/lake"),
    "sources.website.id": ("17", "17"),
    "sources.website.name": ("Shop", "Shop"),
    "sources.website.path": ("/data/events", "/data/events"),
    "sources.website.label": ("Dev", "Dev"),
    "warehouses.local.type": ("duckdb", "duckdb"),
    "warehouses.local.path": ("/data/other.duckdb", "/data/other.duckdb"),
    "warehouses.local.schema": ("other", "other"),
    "warehouses.local.enabled": ("false", False),
    "warehouses.local.selective.pages": ("true", True),
    "egress_addresses": ('["203.0.113.7"]', ["203.0.113.7/32"]),
    "identity.path": ("driver", "driver"),
    "identity.distributed_above": ("7", 7),
    "identity.edges_per_task": ("7", 7),
    "identity.events_per_task": ("7", 7),
    "identity.rules.app_id.limit": ("2", 2),
    "identity.rules.app_id.frequency": ("Weekly", "Weekly"),
    "identity.rules.app_id.priority": ("3", 3),
    "identity.rules.app_id.blocked.exact": ('["void"]', ("void",)),
    "identity.rules.app_id.blocked.patterns": ('["x+"]', ("x+",)),
    "identity.max_merges": ("50", 50),
    "identity.max_mappings": ("500", 500),
    "identity.max_traits": ("300", 300),
    "identity.ios_idfa_needs_tracking": ("true", True),
    "identity.normalize_email": ("true", True),
    "engine.executor": ("driver", "driver"),
    "engine.batch_bytes": ("1000", 1000),
    "engine.driver_bytes": ("1", 1),
    "engine.slots": ("3", 3),
    "engine.warehouses_at_once": ("2", 2),
    "engine.silent_minutes": ("30", 30),
    "engine.master": ("local[3]", "local[3]"),
    "engine.driver_memory": ("3g", "3g"),
    "limits.backfill_event_tables": ("3", 3),
    "limits.sync_bytes": ("1000", 1000),
    "backfill.history": ("actual", "actual"),
    "backfill.slice_seconds": ("5", 5),
    "quality.enabled": ("true", True),
    "quality.expectations": ("/own", "/own"),
    "upkeep.every_hours": ("12", 12),
    "upkeep.keep_hours": ("24", 24),
    "retries.times": ("5", 5),
    "retries.first_wait": ("1", 1),
    "retries.longest_wait": ("9", 9),
    "roles.ann": ('["Workspace Owner"]', ("Workspace Owner",)),
    "schedule.every_minutes": ("30", 30),
    "alerts.ops.to": (f"json://hooks.example.com/{SECRET}", "********"),
    "alerts.ops.when": ('["sync_late"]', ["sync_late"]),
    "alerts.ops.after": ("3", 3),
    "storage.account_key": (SECRET, "********"),
    "log.format": ("json", "json"),
    "log.level": ("debug", "debug"),
    "metrics.file": ("/data/figures.prom", "/data/figures.prom"),
    "metrics.push": (f"http://127.0.0.1:9091/{SECRET}", "********"),
    "metrics.listen": ("127.0.0.1:9102", "127.0.0.1:9102"),
    "metrics.tables": ("each", "each"),
    "console.users.ann": ("$argon2id$another", "********"),
    "console.trusted_header": ("X-User", "X-User"),
    "console.proxies": ('["10.0.0.0/8"]', ["10.0.0.0/8"]),
    "console.hosts": ('["a.example"]', ["a.example"]),
    "console.root_path": ("/profiles", "/profiles"),
}


def effective(path):
    return {key: (value, origin) for key, value, origin in origins(path, os.environ)}


def test_the_list_of_changed_keys_is_the_list_of_keys(tmp_path):
    assert set(effective(written(tmp_path, FULL))) == set(CHANGED)


@pytest.mark.parametrize("key", CHANGED)
def test_every_key_can_be_set_from_the_environment_and_wins_over_the_file(tmp_path, monkeypatch, key):
    path = written(tmp_path, FULL)
    before = effective(path)
    name = ENV_PREFIX + key.replace(".", "__").upper()
    text, value = CHANGED[key]
    monkeypatch.setenv(name, text)
    after = effective(path)
    assert after.pop(key) == (value, f"environment {name}")
    del before[key]
    assert after == before


def test_the_environment_alone_can_declare_a_warehouse(tmp_path, monkeypatch):
    monkeypatch.setenv("PROFILES_SYNC_WAREHOUSES__SECOND__TYPE", "duckdb")
    monkeypatch.setenv("PROFILES_SYNC_WAREHOUSES__SECOND__PATH", "./second.duckdb")
    settings = load(written(tmp_path, SETTINGS))
    assert settings.warehouses["second"].path == str(tmp_path / "second.duckdb")
    assert settings.warehouses["local"].path == str(tmp_path / "acme.duckdb")


def test_a_key_above_can_be_set_as_json_and_only_what_it_names_comes_from_there(tmp_path, monkeypatch):
    monkeypatch.setenv("PROFILES_SYNC_IDENTITY", '{"rules": {"android.id": {"limit": 2}}}')
    path = written(tmp_path, SETTINGS)
    assert load(path).rules.by_type["android.id"].limit == 2
    found = effective(path)
    assert found["identity.rules.android.id.limit"] == (2, "environment PROFILES_SYNC_IDENTITY")
    assert found["identity.max_merges"] == (100, "default")


@pytest.mark.parametrize("text", ["1234", "007", "1e5", "null", "true", '"quoted"', "{brace"])
def test_a_secret_of_the_environment_is_taken_letter_by_letter(tmp_path, monkeypatch, text):
    monkeypatch.setenv("PROFILES_SYNC_STORAGE__ACCOUNT_KEY", text)
    assert load(written(tmp_path, SETTINGS)).storage_options == {"account_key": text}


def test_an_option_of_the_object_store_is_the_same_in_capitals(tmp_path, monkeypatch):
    monkeypatch.setenv("PROFILES_SYNC_STORAGE__AWS_SECRET_ACCESS_KEY", "environment")
    path = written(tmp_path, SETTINGS, "storage: {AWS_SECRET_ACCESS_KEY: file, AWS_REGION: eu-west-1}\n")
    assert load(path).storage_options == {"aws_secret_access_key": "environment", "aws_region": "eu-west-1"}
    assert effective(path)["storage.aws_region"][1] == "file"


def test_check_tells_of_a_variable_that_is_no_setting(tmp_path, monkeypatch):
    monkeypatch.setenv("PROFILES_SYNC_LAEK", "./other")
    monkeypatch.setenv("PROFILES_SYNC_SETTINGS", "acme.yml")
    assert unknown_variables(os.environ) == ["PROFILES_SYNC_LAEK"]
    code, out, _ = in_process("check", "--settings", written(tmp_path, SETTINGS))
    assert code == 0
    assert "warning: environment PROFILES_SYNC_LAEK: no such key" in out


# What is in force


def test_check_shows_each_value_with_its_origin_and_no_secret(tmp_path, monkeypatch):
    monkeypatch.setenv("PROFILES_SYNC_ENGINE__SLOTS", "3")
    path = written(tmp_path, SETTINGS, f"storage: {{account_key: {SECRET}}}\n")
    code, out, err = in_process("check", "--settings", path, "--json")
    shown = json.loads(out)
    assert (code, err) == (0, "")
    assert shown["settings"]["engine.slots"] == {"value": 3, "origin": "environment PROFILES_SYNC_ENGINE__SLOTS"}
    assert shown["settings"]["lake"] == {"value": str(tmp_path / "lake"), "origin": "file"}
    assert shown["settings"]["warehouses.local.schema"] == {"value": None, "origin": "default"}
    assert shown["settings"]["storage.account_key"] == {"value": "********", "origin": "file"}
    assert shown["warnings"] == ["storage.account_key: a secret stands in the file; the environment is a safer place"]
    assert SECRET not in out


def test_check_shows_the_same_as_text(tmp_path, monkeypatch):
    monkeypatch.setenv("PROFILES_SYNC_ENGINE__MASTER", "local[3]")
    path = written(tmp_path, SETTINGS, f"storage: {{account_key: {SECRET}}}\n")
    code, out, err = in_process("check", "--settings", path)
    rows = {
        cells[0]: cells[1:]
        for line in out.splitlines()
        if len(cells := [c.strip() for c in line.split("│")[1:-1]]) == 3
    }
    assert (code, err) == (0, "")
    assert rows["engine.master"] == ["local[3]", "environment PROFILES_SYNC_ENGINE__MASTER"]
    assert rows["space.slug"] == ["acme", "file"]
    assert rows["warehouses.local.enabled"] == ["true", "default"]
    assert rows["storage.account_key"] == ["********", "file"]
    assert "warning: storage.account_key: a secret stands in the file" in out
    assert SECRET not in out


def test_a_secret_of_the_environment_is_masked_and_needs_no_warning(tmp_path, monkeypatch):
    monkeypatch.setenv("PROFILES_SYNC_STORAGE__ACCOUNT_KEY", SECRET)
    code, out, _ = in_process("check", "--settings", written(tmp_path, SETTINGS), "--json")
    shown = json.loads(out)
    assert (code, shown["warnings"]) == (0, [])
    assert shown["settings"]["storage.account_key"]["value"] == "********"
    assert SECRET not in out


def test_a_secret_does_not_show_in_the_settings_as_text(tmp_path):
    settings = load(written(tmp_path, SETTINGS, f"storage: {{account_key: {SECRET}}}\n"))
    assert settings.storage_options == {"account_key": SECRET}
    assert SECRET not in f"{settings!r} {settings} {settings.model_dump_json()}"


OPTIONS = {
    "aws_region": "eu-west-1",
    "aws_endpoint_url": "http://127.0.0.1:9000",
    "aws_allow_http": "true",
    "account_name": "acme",
    "azure_container": "abfss://events@acme.dfs.core.windows.net",
}
SECRETS = {
    "aws_access_key_id": SECRET,
    "AWS_SECRET_ACCESS_KEY": SECRET,
    "aws_session_token": SECRET,
    "azure_storage_sas": SECRET,
    "google_service_account_key": SECRET,
    "Password": SECRET,
    "proxy_url": f"http://jane:{SECRET}@proxy:3128",
}


def test_of_the_options_of_the_object_store_only_secrets_are_masked(tmp_path):
    path = written(tmp_path, SETTINGS, f"storage: {json.dumps(OPTIONS | SECRETS)}\n")
    code, out, _ = in_process("check", "--settings", path, "--json")
    shown = json.loads(out)
    values = {key: one["value"] for key, one in shown["settings"].items()}
    assert code == 0
    assert {name: values[f"storage.{name}"] for name in OPTIONS} == OPTIONS
    assert {values[f"storage.{name.lower()}"] for name in SECRETS} == {"********"}
    assert [line.partition(":")[0] for line in shown["warnings"]] == [f"storage.{name.lower()}" for name in SECRETS]
    settings = load(path)
    assert settings.storage_options == {name.lower(): value for name, value in (OPTIONS | SECRETS).items()}
    assert [text for text in (SECRET, "eu-west-1") if text in f"{settings!r} {settings.model_dump_json()}"] == []


def test_a_secret_in_capitals_in_the_json_of_a_variable_is_masked(tmp_path, monkeypatch):
    monkeypatch.setenv("PROFILES_SYNC_STORAGE", json.dumps({"AWS_SECRET_ACCESS_KEY": SECRET}))
    shown = ("********", "environment PROFILES_SYNC_STORAGE")
    assert effective(written(tmp_path, SETTINGS))["storage.AWS_SECRET_ACCESS_KEY"] == shown


def test_a_url_with_a_password_is_masked_wherever_it_stands(tmp_path):
    path = written(tmp_path, SETTINGS.replace("./lake", f"s3://jane:{SECRET}@bucket/lake"))
    assert effective(path)["lake"] == ("********", "file")
    assert SECRET not in "".join(in_process("check", "--settings", path)[1:])


def test_an_option_left_empty_is_shown_empty(tmp_path):
    code, out, _ = in_process("check", "--settings", written(tmp_path, SETTINGS, "storage: {key: ''}\n"), "--json")
    assert (code, json.loads(out)["settings"]["storage.key"]["value"]) == (0, "")
    assert json.loads(out)["warnings"] == []


# Blocked values

BLOCKED = [
    ("^[0-]*$", "000", True),
    ("^[0-]*$", "00-00", True),
    ("^[0-]*$", "", True),
    ("^[0-]*$", "000\n", True),  # trimmed first
    ("^[0-]*$", "\t 0 \r\n", True),
    ("^[0-]*$", "0x0", False),
    ("^[0-]*$", "0\n0", False),
    ("abc123", "abc123", True),
    ("abc123", " abc123 ", True),
    ("abc123", "xabc123", False),
    ("abc123", "abc1234", False),
    ("abc123", "abc123\nabc123", False),
    ("abc123", "ABC123", False),
    ("(?i:abc123)", "ABC123", True),
    ("void|none", "void", True),
    ("void|none", "none", True),
    ("void|none", "voided", False),
    ("void|none", "x none", False),
    ("^void|none$", "avoid", False),
    ("^void|none$", "nonesuch", False),
    ("a|ab", "ab", True),  # a match of the whole value, even if a shorter one comes first
    ("a.c", "abc", True),
    ("a.c", "a\nc", False),
    (r"a\|b", "a|b", True),
    (r"[a-c]{3}\d+", "abc42", True),
    (r"[a-c]{3}\d+", "abc", False),
    (r".*@test\.example", "jane@test.example", True),
    (r".*@test\.example", "jane@testXexample", False),
]


@pytest.mark.parametrize(("pattern", "value", "blocked"), BLOCKED)
def test_a_blocked_pattern_is_for_the_whole_trimmed_value(tmp_path, pattern, value, blocked):
    rules = f"identity: {{rules: {{email: {{blocked: {{exact: [], patterns: [{json.dumps(pattern)}]}}}}}}}}\n"
    made = load(written(tmp_path, SETTINGS, rules)).rules.by_type["email"].blocked
    assert made == Blocked((), (pattern,))
    assert made.has(value) == blocked


def test_spark_blocks_the_same_values(spark):
    from pyspark.sql import functions as F

    whole = F.concat(F.lit(r"\A(?:"), F.col("pattern"), F.lit(r")\z"))
    rows = spark.createDataFrame(BLOCKED, "pattern string, value string, blocked boolean")
    trimmed = rows.withColumn("value", F.regexp_replace("value", r"\A\s+|\s+\z", ""))
    found = trimmed.withColumn("found", F.rlike(F.col("value"), whole))
    assert found.where("found <> blocked").collect() == []
    assert found.count() == len(BLOCKED)
