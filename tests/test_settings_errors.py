"""What is wrong in the settings is one line that names the key, without a value, and exit code 2."""

import pytest

from profiles_sync.errors import SettingsError
from profiles_sync.settings import load
from tests.commands import SETTINGS, in_process, profiles_sync, written

pytestmark = pytest.mark.usefixtures("no_settings_in_the_environment")
SECRET = "hunter2"


MYSQL = "  my: {type: mysql, host: 127.0.0.1, port: 5432, database: acme, username: segment, password: hunter2}\n"
UNKNOWN = (
    "warehouses.my.type: expected 'duckdb', 'postgres', 'snowflake', 'bigquery', 'redshift', 'synapse' or 'databricks'"
)
WRONG = {
    "a wrong value": ("engine: {slots: many}\n", "engine.slots: expected a valid integer"),
    "a value out of range": ("engine: {slots: 0}\n", "engine.slots: expected greater than or equal to 1"),
    "a wrong choice": ("identity: {path: fast}\n", "identity.path: expected 'auto', 'driver' or 'distributed'"),
    "an unknown key": ("laek: ./lake\n", "laek: unknown key"),
    "an unknown key further in": ("engine: {slot: 3}\n", "engine.slot: unknown key"),
    "a required key that is missing": ("  x: {type: duckdb}\n", "warehouses.x.path: required"),
    "text where keys belong": ("engine: fast\n", "engine: expected keys below it"),
    "broken YAML": ("identity: {path: [\n", "not readable as YAML near line 8"),
    "an unknown kind of warehouse": (MYSQL, UNKNOWN),
    "a warehouse without its kind": ("  my: {path: x}\n", "warehouses.my.type: required and missing"),
    "a warehouse that is no group of keys": ("  my: 5\n", "warehouses.my: expected keys below it"),
    "a wrong value in a warehouse": (
        "  pg: {type: postgres, host: h, database: d, username: u, password: hunter2, port: 99999}\n",
        "warehouses.pg.port: expected less than or equal to 65535",
    ),
    "two ways to log in": (
        "  sf: {type: snowflake, account: a, username: u, database: d, warehouse: w, password: hunter2, "
        "private_key_path: k}\n",
        "warehouses.sf: one of private_key_path and password is needed, and only one",
    ),
    "a way into Databricks without what it needs": (
        "  d: {type: databricks, catalog: c, via: sql, host: h, token: hunter2}\n",
        "warehouses.d: via: sql needs http_path",
    ),
    "half a login for Databricks": (
        "  d: {type: databricks, catalog: c, client_secret: hunter2}\n",
        "warehouses.d: client_id and client_secret belong together, give both",
    ),
    "two logins for Databricks": (
        "  d: {type: databricks, catalog: c, client_id: i, client_secret: hunter2, token: hunter2}\n",
        "warehouses.d: a token or client_id with client_secret, not both",
    ),
    "a name that no variable can hold": ("  My Shop: {type: duckdb, path: x}\n", "warehouses.My Shop"),
    "a schema that is ours": ("  x: {type: duckdb, path: x, schema: _profiles_sync}\n", "warehouses.x.schema: "),
    "a broken pattern": (
        'identity: {rules: {email: {blocked: {patterns: ["ok", "[a"]}}}}\n',
        "identity.rules.email.blocked.patterns.1: not a regular expression: unterminated character set",
    ),
    "a date that there is none of": ("engine: {master: 2026-13-45}\n", "not readable as YAML"),
    "a wrong sibling of a secret": (f"storage: {{key: {SECRET}, other: [1]}}\n", "storage.other: "),
    "a secret that is no text": ("storage: {key: [hunter2]}\n", "storage.key: "),
    "a secret where keys belong": (f"storage: {SECRET}\n", "storage: expected keys below it"),
    "a secret in a broken file": (f"storage: {{key: {SECRET}\n", "not readable as YAML"),
}


def assert_one_line(said, names):
    assert said.startswith("error: ")
    assert said.count("\n") == 1
    assert names in said
    assert "Traceback" not in said
    assert SECRET not in said


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_in_the_file_is_one_line_that_names_the_key(tmp_path, what):
    added, names = WRONG[what]
    path = written(tmp_path, SETTINGS, added)
    for subcommand in ("run", "plan", "status", "check"):
        code, out, err = in_process(subcommand, "--settings", path)
        assert (code, out) == (2, "")
        assert_one_line(err, names)
        assert str(path) in err
    assert [one.name for one in tmp_path.iterdir()] == ["acme.yml"]


REPEATED = {
    "a section": ("lake: ./other\n", "lake: stands twice, in lines 2 and 7;"),
    "a key on the same line": ("engine: {slots: 3, slots: 3}\n", "engine.slots: stands twice, in line 7;"),
    "a key further in": (
        "identity:\n  rules:\n    email:\n      limit: 1\n      limit: 2\n",
        "identity.rules.email.limit: stands twice, in lines 10 and 11;",
    ),
    "a key in other quotes": ('engine: {"slots": 3, slots: 4}\n', "engine.slots: stands twice"),
    "a key in a list": (
        "identity: {rules: {email: {blocked: {exact: [a, {b: 1, b: 2}]}}}}\n",
        "identity.rules.email.blocked.exact.1.b: stands twice",
    ),
    "a warehouse": ("  local: {type: duckdb, path: ./b.duckdb}\n", "warehouses.local: stands twice, in lines 6 and 7;"),
    "a secret": (f"storage: {{key: a, key: {SECRET}}}\n", "storage.key: stands twice, in line 7;"),
    "an option in capitals": ("storage: {AWS_REGION: a, aws_region: b}\n", "storage.aws_region: stands twice"),
    "a key that a merge key brings": ("engine: {<<: {slots: 2, slots: 3}}\n", "engine.slots: stands twice"),
    "a key beside itself": ("engine: &engine {slots: *engine, slots: 3}\n", "engine.slots: stands twice"),
}


@pytest.mark.parametrize("what", REPEATED)
def test_a_key_that_stands_twice_is_refused_with_its_path_and_lines(tmp_path, what):
    added, says = REPEATED[what]
    code, out, err = in_process("check", "--settings", written(tmp_path, SETTINGS, added))
    assert (code, out) == (2, "")
    assert_one_line(err, f"acme.yml: {says}")
    assert err.endswith("keep one of the two\n")


def test_the_same_key_may_stand_in_several_places_and_override_a_merge_key(tmp_path):
    shop, app = "{<<: *website, id: source_2}", "{<<: [*website, *shop], <<: {name: App}, id: source_3}"
    text = SETTINGS.replace("website: {", "website: &website {")
    text = text.replace("warehouses:\n", f"  shop: &shop {shop}\n  app: {app}\nwarehouses:\n")
    settings = load(written(tmp_path, text))
    assert [one.id for one in settings.sources.values()] == ["source_1", "source_2", "source_3"]
    assert len({one.path for one in settings.sources.values()}) == 1
    assert settings.sources["shop"].name == "Website"


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (b"", "space: required and missing"),
        (b"space: {name: Acme}\n", "space.slug: required and missing"),
        (b"space: {name: Acme, slug: Acme Inc}\n", "space.slug: "),
        (b"spaces: {name: Acme, slug: acme}\n", "spaces: unknown key"),
        (b"- space\n", "`space:`"),
        (b"space\n", "`space:`"),
        (b"1: acme\n", "`space:`"),
        (b"space: {name: \xe9, slug: acme}\n", "encoding"),
    ],
)
def test_a_file_that_is_no_settings_file_is_told_in_one_line(tmp_path, text, names):
    (tmp_path / "acme.yml").write_bytes(text)
    code, out, err = in_process("check", "--settings", tmp_path / "acme.yml")
    assert (code, out) == (2, "")
    assert_one_line(err, names)


@pytest.mark.parametrize("name", ["nothing.yml", "."])
def test_a_path_that_is_no_file_is_told_in_one_line(tmp_path, name):
    code, out, err = in_process("run", "--settings", tmp_path / name)
    assert (code, out) == (2, "")
    assert_one_line(err, "no file at")


def test_a_folder_where_one_space_is_asked_for_is_told_as_one(tmp_path):
    code, _, err = in_process("check", "--settings", tmp_path)
    assert code == 2
    assert_one_line(err, "is a folder")


@pytest.mark.parametrize(
    ("name", "value", "names"),
    [
        ("PROFILES_SYNC_ENGINE__SLOTS", "many", "engine.slots (environment PROFILES_SYNC_ENGINE__SLOTS)"),
        ("PROFILES_SYNC_ENGINE__SLOT", "3", "engine.slot (environment PROFILES_SYNC_ENGINE__SLOT): unknown key"),
        ("PROFILES_SYNC_SPACE", '{"labl": "x"}', "space.labl (environment PROFILES_SYNC_SPACE): unknown key"),
        ("PROFILES_SYNC_STORAGE", '{"key": "hunter2"', "PROFILES_SYNC_STORAGE: not readable as JSON"),
        ("PROFILES_SYNC_STORAGE", SECRET, "PROFILES_SYNC_STORAGE: not readable as JSON"),
        ("PROFILES_SYNC_STORAGE", '{"key": ["hunter2"]}', "storage.key (environment PROFILES_SYNC_STORAGE): "),
        ("PROFILES_SYNC_IDENTITY__RULES", "{", "PROFILES_SYNC_IDENTITY__RULES: not readable as JSON"),
    ],
)
def test_what_is_wrong_in_the_environment_names_the_variable(tmp_path, monkeypatch, name, value, names):
    monkeypatch.setenv(name, value)
    code, out, err = in_process("check", "--settings", written(tmp_path, SETTINGS))
    assert (code, out) == (2, "")
    assert_one_line(err, names)


def test_of_many_problems_the_first_few_are_told(tmp_path):
    with pytest.raises(SettingsError) as refused:
        load(written(tmp_path, SETTINGS, "a: 1\nb: 1\nc: 1\nd: 1\ne: 1\n"))
    assert str(refused.value).endswith("a: unknown key; b: unknown key; c: unknown key (2 more)")


def test_a_path_with_brackets_in_it_is_shown_as_it_is(tmp_path):
    (tmp_path / "[/red]").mkdir(parents=True)
    code, _, err = in_process("check", "--settings", written(tmp_path / "[/red]", "laek: 1\n"))
    assert code == 2
    assert_one_line(err, "[/red]/acme.yml")


def test_the_installed_command_says_it_the_same_way(tmp_path):
    done = profiles_sync("run", "--settings", written(tmp_path, SETTINGS, MYSQL))
    assert (done.returncode, done.stdout) == (2, "")
    assert_one_line(done.stderr, UNKNOWN)
