"""Many spaces of one installation: apart from each other, in one run with one session."""

import json
import os
import stat

import pytest
import yaml

from profiles_sync.control import history
from profiles_sync.control.lock import only_run
from profiles_sync.lake.opening import lake_of
from profiles_sync.settings import load, spaces_of
from tests.commands import EVENTS, in_process, query, write_events

pytestmark = pytest.mark.usefixtures("no_settings_in_the_environment")
SPACE = """\
space: {{name: "Brand {slug}", slug: {slug}}}
lake: ./lake
sources:
  website: {{id: source_1, name: Website, path: ./{slug}/events/website/}}
warehouses:
  local: {{type: duckdb, path: ./acme.duckdb}}
"""


def spaces(folder, slugs, more=""):
    """A settings file for each in one folder; all share the lake's root, the warehouse and their people's ids."""
    for slug in slugs:
        events = [one | {"messageId": f"{slug}-{one['messageId']}"} for one in EVENTS]
        write_events(folder / slug, "first.jsonl", events)
        (folder / f"{slug}.yml").write_text(SPACE.format(slug=slug) + more)
    return folder


def ran(*settings):
    """Exit code and the object of a run over these."""
    code, out, _ = in_process("run", *(part for one in settings for part in ("--settings", one)), "--json")
    return code, json.loads(out)


def by_space(shown):
    return {one["space"]: one["status"] for one in shown["spaces"]}


@pytest.mark.slow
def test_twenty_spaces_in_one_run_are_apart_in_lake_schema_lock_and_history(tmp_path):
    slugs = [f"brand-{number:02}" for number in range(20)]
    folder = spaces(tmp_path, slugs)
    with only_run(lake_of(load(folder / "brand-07.yml"))):
        code, shown = ran(folder)
    assert code == 1
    assert by_space(shown) == {slug: "Failed" if slug == "brand-07" else "Success" for slug in slugs}
    code, shown = ran(folder)
    assert (code, shown["status"], set(by_space(shown).values())) == (0, "Success", {"Success"})
    profiles = set()
    for slug in slugs:
        lake, schema = lake_of(load(folder / f"{slug}.yml")), slug.replace("-", "_")
        assert query(folder, f"SELECT id FROM {schema}.tracks") == [(f"{slug}-m3",)]
        profiles.update(query(folder, f"SELECT segment_id FROM {schema}.tracks"))
        assert len(history.syncs(lake)) == 1 + (slug != "brand-07")
    assert len(profiles) == len(slugs)


def test_the_worst_space_gives_the_exit_code_and_stops_no_other(tmp_path):
    folder = spaces(tmp_path, ["a", "b", "c"])
    (folder / "b.yml").write_text(SPACE.format(slug="b").replace("acme.duckdb", "b.yml"))
    assert ran(folder / "a.yml", folder / "b.yml", folder / "c.yml")[0] == 1
    (folder / "b.yml").write_text("laek: ./lake\n")
    code, out, err = in_process("run", "--settings", folder)
    ended = [line for line in out.splitlines() if line in {"Success", "Failed"}]
    assert (code, ended) == (2, ["Success", "Failed", "Success"])
    assert "laek: unknown key" in err


def test_without_json_each_space_is_named(tmp_path):
    code, out, _ = in_process("run", "--settings", spaces(tmp_path, ["a", "b"]))
    assert (code, [line for line in out.splitlines() if line in {"a", "b", "Success"}]) == (
        0,
        ["a", "Success", "b", "Success"],
    )


def test_the_variable_holds_several_files(tmp_path, monkeypatch):
    folder = spaces(tmp_path, ["a", "b"])
    monkeypatch.setenv("PROFILES_SYNC_SETTINGS", f"{folder / 'a.yml'}{os.pathsep}{folder / 'b.yml'}")
    code, out, _ = in_process("run", "--json")
    assert (code, by_space(json.loads(out))) == (0, {"a": "Success", "b": "Success"})


@pytest.mark.parametrize(
    ("change", "taken"),
    [({"slug: b": "slug: a"}, "lake/a"), ({"acme.duckdb}": "acme.duckdb, schema: a}"}, "warehouse")],
)
def test_a_space_that_would_get_into_another_is_refused(tmp_path, change, taken):
    folder = spaces(tmp_path, ["a", "b"])
    text = (folder / "b.yml").read_text()
    for old, new in change.items():
        text = text.replace(old, new)
    (folder / "b.yml").write_text(text)
    code, shown = ran(folder)
    assert (code, by_space(shown)) == (2, {"a": "Success", None: "Failed"})
    error = shown["spaces"][1]["error"]
    assert taken in error
    assert "is taken by the space of" in error
    assert query(folder, "SELECT id FROM a.tracks") == [("a-m3",)]


CATALOG = """\
space: {{name: A, slug: {slug}}}
lake: {{catalog: main, schema: {schema}, staging: {staging}}}
"""


@pytest.mark.parametrize(
    ("slug", "schema", "staging", "taken"),
    [
        ("b", "acme", "/s", None),
        ("b", "Profiles", "/s", "lake main.profiles is taken"),
        ("b", "profiles_control", "/s", "lake main.profiles_control is taken"),
        ("a", "acme", "/s/", "lake /s/a is taken"),
        ("a", "acme", "/t", None),
    ],
)
def test_of_spaces_in_a_catalog_none_gets_into_the_tables_state_or_staged_files_of_another(
    tmp_path, slug, schema, staging, taken
):
    for name, text in (
        ("1.yml", CATALOG.format(slug="a", schema="profiles", staging="/s")),
        ("2.yml", CATALOG.format(slug=slug, schema=schema, staging=staging)),
    ):
        (tmp_path / name).write_text(text)
    errors = [one.error for one in spaces_of([tmp_path])]
    assert errors[0] is None
    assert (errors[1] is None) if taken is None else (taken in errors[1])


def test_a_file_that_is_given_twice_is_one_space(tmp_path):
    folder = spaces(tmp_path, ["a"])
    assert by_space(ran(folder, folder / "a.yml")[1]) == {"a": "Success"}


def test_an_empty_folder_is_wrong_usage(tmp_path):
    code, _, err = in_process("run", "--settings", tmp_path)
    assert (code, "ends in .yml or .yaml" in err) == (2, True)
    code, shown = ran(tmp_path)
    assert (code, shown["status"], shown["spaces"]) == (2, "Failed", [])
    assert shown["error"].startswith("settings: no file at")


def jobs_so_far(spark):
    """Of all groups; the status tracker forgets old ones, and tells those of one group."""
    return spark.sparkContext._jsc.sc().dagScheduler().numTotalJobs()


@pytest.mark.slow
def test_twenty_spaces_share_the_session_that_is_there(tmp_path, spark):
    jobs = jobs_so_far(spark)
    folder = spaces(tmp_path, [f"s{number}" for number in range(20)], "engine: {executor: spark, slots: 1}\n")
    code, shown = ran(folder)
    assert (code, len(shown["spaces"])) == (0, 20)
    assert jobs_so_far(spark) >= jobs + 20
    assert spark.range(3).count() == 3


POLICY = """\
space: {{name: A, slug: a, label: Prod, connection_policy: [{policy}]}}
sources:
  web: {{id: s, name: W, path: ./e{label}}}
"""


@pytest.mark.parametrize(
    ("policy", "label", "problem"),
    [
        ("Prod", ", label: Prod", None),
        ("Prod, Dev", ", label: Dev", None),
        ("Prod", ", label: Dev", "web has Dev, and space.connection_policy lets Prod connect"),
        ("Prod", "", "web has no label"),
        ("", ", label: Prod", "lets no source connect"),
    ],
)
def test_a_connection_policy_lets_only_sources_of_its_labels_in(tmp_path, policy, label, problem):
    (tmp_path / "a.yml").write_text(POLICY.format(policy=policy, label=label))
    code, _, err = in_process("check", "--settings", tmp_path / "a.yml")
    assert code == (2 if problem else 0)
    assert (problem or "") in err


RULES = """
identity:
  path: driver
  max_merges: 7
  rules:
    email: {limit: 2, frequency: Weekly, priority: 1, blocked: {exact: ["a@b.c"], patterns: []}}
    app_id: {limit: 3}
"""


@pytest.fixture
def two(tmp_path):
    folder = spaces(tmp_path, ["dev", "prod"])
    with (folder / "prod.yml").open("a") as out:
        out.write(RULES)
    with (folder / "dev.yml").open("a") as out:
        out.write("# a comment that stays")
    (folder / "dev.yml").chmod(0o600)
    return folder


def imported(folder):
    return in_process("import-rules", "--from", folder / "prod.yml", "--settings", folder / "dev.yml", "--json")


def test_rules_are_copied_into_a_new_space(two):
    code, out, _ = imported(two)
    assert (code, json.loads(out)["identity"]["max_merges"]) == (0, 7)
    prod, dev = (load(two / f"{name}.yml") for name in ("prod", "dev"))
    assert dev.rules == prod.rules
    assert dev.identity.path == "auto"  # where it is worked out is no rule
    text = (two / "dev.yml").read_text()
    assert "# a comment that stays\n" in text
    assert yaml.safe_load(text)["space"]["slug"] == "dev"
    assert stat.S_IMODE((two / "dev.yml").stat().st_mode) == 0o600
    (two / "prod.yml").write_text(SPACE.format(slug="prod"))
    assert load(two / "dev.yml").rules == prod.rules  # a copy, no reference


def test_rules_are_not_imported_twice_nor_into_a_space_that_has_begun(two):
    assert ran(two / "dev.yml")[0] == 0
    before = (two / "dev.yml").read_text()
    code, _, err = imported(two)
    assert (code, "imported into a new space" in err, (two / "dev.yml").read_text()) == (1, True, before)
    (two / "dev.yml").write_text(SPACE.format(slug="newer") + "identity: {}\n")
    code, _, err = imported(two)
    assert (code, "identity: stands there already" in err) == (2, True)


def test_a_space_without_rules_of_its_own_has_none_to_give(two):
    (two / "prod.yml").write_text(SPACE.format(slug="prod"))
    code, _, err = imported(two)
    assert (code, "no identity rules but the defaults" in err) == (2, True)
    assert not list(two.glob(".*"))
