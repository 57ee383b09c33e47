"""What the README and its neighbours say is what the code does: their examples are run, their lists compared."""

import ast
import contextlib
import gzip
import io
import json
import re
import tomllib
from pathlib import Path

import duckdb
import pytest
import typer
import yaml
from pydantic import TypeAdapter, ValidationError

from profiles_sync.cli import EXIT, WRONG_USAGE, app
from profiles_sync.generator.case_study import case_study_events
from profiles_sync.settings import load
from profiles_sync.settings.expectations import expectations_in
from profiles_sync.spec import events, json_text, reference, tables
from profiles_sync.spec.events import Rejected, Source, read_line
from profiles_sync.spec.rules import DEFAULT_TYPES, RECOMMENDED, default_rules
from profiles_sync.sync.hourly import lake_of, run
from profiles_sync.warehouses import (
    BigQuerySettings,
    DatabricksSettings,
    PostgresSettings,
    RedshiftSettings,
    SnowflakeSettings,
    SynapseSettings,
    WarehouseSettings,
)
from tests import documents
from tests.warehouses.contract import matrix

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
SOURCE = Source("website", "source_1", "Website")


def blocks(language):
    """The README's fenced blocks of a language."""
    return documents.blocks(README, language)


def block(language, holding):
    (one,) = [body for body in blocks(language) if holding in body]
    return one


def table(heading):
    """The rows of the Markdown table whose first column has that heading."""
    (body,) = re.findall(rf"^\| {re.escape(heading)} \|.*\n\|[-|]+\n((?:\|.*\n)+)", README, re.M)
    return [[cell.strip() for cell in row.strip("|").split(" | ")] for row in body.splitlines()]


@pytest.fixture(scope="module")
def acme(tmp_path_factory):
    """The README's settings file, run on the case study without a JVM: its folder and what `run --json` prints."""
    folder = tmp_path_factory.mktemp("readme")
    (folder / "acme.yml").write_text(block("yaml", "sources:\n  website: {"))
    settings = load(folder / "acme.yml")
    path = Path(settings.sources["website"].path)
    path.mkdir(parents=True)
    (path / "events.jsonl").write_text("\n".join(map(json.dumps, case_study_events())))
    return folder, run(settings, lambda: pytest.fail("four events need no Spark")).shown()


def test_the_table_reference_is_that_of_the_declarations():
    command = ".venv/bin/python -m profiles_sync.spec.reference"
    assert command in README
    assert reference.rewritten(README) == README, f"stale; run {command}"


def test_the_settings_are_those_of_the_example():
    assert block("yaml", "# Every setting") == (ROOT / "conf" / "example.yml").read_text()


def test_the_settings_file_runs_and_prints_what_the_readme_shows(acme):
    assert block("json", '"status"') == json.dumps(acme[1], indent=2) + "\n"


def test_the_shown_event_is_taken():
    assert read_line(block("json", '"type"').strip().encode(), SOURCE, 0).type == "page"


def test_the_shown_rules_load(acme, tmp_path):
    (tmp_path / "acme.yml").write_text((acme[0] / "acme.yml").read_text() + block("yaml", "  rules:\n    anonymous"))
    rules = load(tmp_path / "acme.yml").rules.by_type
    assert (rules["anonymous_id"].frequency, rules["app_id"].limit, rules["app_id"].priority) == ("Weekly", 2, 3)
    assert [rules["user_id"].blocked.has(value) for value in ("guest", "test-1", "null")] == [True, True, False]


SQL = documents.queries(README)


def test_every_query_shows_its_result():
    assert len(SQL) == len(list(blocks("sql"))) >= 2


@pytest.mark.parametrize(("query", "shown"), SQL)
def test_a_query_gives_the_result_beside_it(acme, query, shown):
    with documents.opened(acme[0] / "acme.duckdb") as warehouse:
        assert documents.as_shown(warehouse, query) == shown.splitlines()


@pytest.mark.parametrize("snippet", list(blocks("python")))
def test_a_python_snippet_runs(acme, monkeypatch, snippet):
    monkeypatch.chdir(acme[0])
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(snippet, {})
    assert printed.getvalue()


# Odd input: a line for every reason
_IDS = ("messageId", "anonymousId", "userId", "groupId", "previousId")
_TIMES = ("receivedAt", "sentAt", "originalTimestamp", "timestamp")
ODD = {
    "broken JSON": b"{broken",
    "number too large for a double": b'{"type": "page", "properties": {"size": 1e999}}',
    "nested too deeply": b'{"type": "page", "properties": {"list": ' + b"[" * 1023 + b"]" * 1023 + b"}}",
    "not an object": b"[1]",
    "missing type": {},
    "unknown type": {"type": "visit"},
    "track without a text event": {"type": "track"},
    **{f"{name} is not text": {"type": "page", name: {}} for name in _IDS},
    **{f"{name} is not an object": {"type": "page", name: 1} for name in ("context", "traits", "properties")},
    **{f"unreadable {name}": {"type": "page", name: "yesterday"} for name in _TIMES},
    "older than 1970": {"type": "page", "timestamp": "1969-12-31T23:59:59Z"},
    "more than 300 traits": {"type": "identify", "traits": dict.fromkeys(map(str, range(301)))},
    "more than 10000 properties": {"type": "page", "properties": {"nested": dict.fromkeys(map(str, range(10_001)))}},
    "messageId longer than 100 characters": {"type": "page", "messageId": "m" * 101},
    "groupId longer than 500 characters": {"type": "group", "groupId": "g" * 501},
    "empty groupId": {"type": "group", "groupId": ""},
    "empty context.groupId": {"type": "track", "event": "Opened", "context": {"groupId": ""}},
}
BROKEN_OFF = "unreadable from here on (...)"


@pytest.mark.parametrize("reason", ODD)
def test_an_odd_line_has_the_reason_that_the_readme_gives(reason):
    line = ODD[reason] if isinstance(ODD[reason], bytes) else json.dumps(ODD[reason]).encode()
    with pytest.raises(Rejected) as refused:
        read_line(line, SOURCE, 0)
    assert str(refused.value) == reason


def test_the_readme_gives_every_reason():
    listed = [reason for row in table("reason") for reason in re.findall("`([^`]+)`", row[0])]
    assert sorted(listed) == sorted([*ODD, BROKEN_OFF])


def test_every_reason_in_the_code_has_an_odd_line():
    tree = ast.parse(Path(events.__file__).read_text())
    calls = [one for one in ast.walk(tree) if isinstance(one, ast.Call) and ast.unparse(one.func) == "Rejected"]
    for call in calls:
        (said,) = call.args
        for part in (said.body, said.orelse) if isinstance(said, ast.IfExp) else (said,):
            pieces = part.values if isinstance(part, ast.JoinedStr) else [part]
            pattern = "".join(re.escape(one.value) if isinstance(one, ast.Constant) else ".+" for one in pieces)
            assert any(re.fullmatch(pattern, reason) for reason in ODD), ast.unparse(call)
    assert {json_text.BROKEN, json_text.TOO_LARGE, json_text.TOO_DEEP} <= ODD.keys()


def test_the_lines_before_a_break_in_a_file_are_taken(tmp_path):
    (tmp_path / "events" / "website").mkdir(parents=True)
    packed = gzip.compress(b"".join(b'{"type": "page", "userId": "u%d"}\n' % number for number in range(9999)))
    (tmp_path / "events" / "website" / "events.gz").write_bytes(packed[:-500])
    (tmp_path / "acme.yml").write_text(block("yaml", "sources:\n  website: {"))
    lines = run(load(tmp_path / "acme.yml"), lambda: pytest.fail("no need of Spark")).shown()["lines"]
    (reason,) = lines["by_reason"]
    assert re.fullmatch(re.escape(BROKEN_OFF).replace(re.escape("..."), ".+"), reason)
    assert lines["by_reason"][reason] == 1
    assert lines["events"] > 1000


def test_odd_names_and_numbers_become_what_the_readme_says(tmp_path):
    odd = {"size": 9, "order": 1, "id": "p1", "名前": "x", "cut": "\ud83d"}
    calls = [
        {"type": "track", "event": "Pages", "userId": "u1", "properties": odd, "context": {"名前": 1}},
        {"type": "track", "event": "Pages", "userId": "u1", "properties": {"size": 9.99}, "messageId": "later"},
        {"type": "track", "event": "名前", "userId": "u1"},
    ]
    (tmp_path / "events" / "website").mkdir(parents=True)
    (tmp_path / "events" / "website" / "events.jsonl").write_text("\n".join(map(json.dumps, calls)))
    (tmp_path / "acme.yml").write_text(block("yaml", "sources:\n  website: {"))
    settings = load(tmp_path / "acme.yml")
    shown = run(settings, lambda: pytest.fail("no need of Spark")).shown()
    assert {name: rows for name, rows in shown["tables"].items() if name.startswith("_")} == {
        "_pages": 2,
        "_unnamed_d54d12f9": 1,
    }
    assert shown["cast_to_null"] == {}
    added = lake_of(settings).types("_pages").keys() - tables.TRACK_TABLE.types.keys()
    assert added == {"size", "order", "_id", "cut"}
    with duckdb.connect(str(tmp_path / "acme.duckdb"), read_only=True) as warehouse:
        kept = warehouse.sql("SELECT event, size, _order, _id, cut FROM acme.acme._pages ORDER BY _id").fetchall()
    assert kept == [("pages", 9, 1, "p1", "\ufffd"), ("pages", 9, None, None, None)]
    for said in (
        "9.99 becomes 9",
        "`_id`",
        "`_order`",
        "`_pages`",
        "`pages`",
        "`名前`",
        "`_unnamed_d54d12f9`",
        "U+FFFD",
    ):
        assert said in README


# The lists
def test_the_commands_are_those_of_the_command_line():
    commands = typer.main.get_command(app).commands
    assert [row[0] for row in table("command") if "profiles-sync" in row[0]] == [
        f"`profiles-sync {n}`" for n in commands
    ]
    inner = [one for group in commands.values() for one in getattr(group, "commands", {}).values()]
    options = {option for one in (*commands.values(), *inner) for parameter in one.params for option in parameter.opts}
    assert set(re.findall(r"`(--[a-z-]+)", README)) <= options
    for name in ("run", "plan", "status", "check"):
        assert {"--settings", "--json"} <= {option for parameter in commands[name].params for option in parameter.opts}


@pytest.mark.parametrize("words", list(documents.commands(README)), ids=" ".join)
def test_the_command_line_takes_every_command_that_is_shown(monkeypatch, words):
    monkeypatch.setenv("PROFILES_SYNC_SETTINGS", "acme.yml")
    command = typer.main.get_command(app)
    while hasattr(command, "commands"):
        word, *words = words
        command = command.commands[word]
    command.make_context(command.name, words)  # reads them and does nothing


def test_the_exit_codes_are_those_of_the_command_line():
    said = {int(code): meaning for code, meaning in table("exit code of `run`")}
    assert said.keys() == {*EXIT.values(), WRONG_USAGE}
    assert all(said[code].startswith(status) for status, code in EXIT.items())


def test_the_identity_rules_are_the_defaults():
    (said,) = re.findall(
        r"`user_id` has the best priority, then `email`, then the others by name: (.*?)\. So", README, re.S
    )
    assert ["user_id", "email", *re.findall("`(.+?)`", said)] == list(DEFAULT_TYPES)
    assert [(rule.type, rule.limit) for rule in default_rules() if rule.limit != 5] == [("user_id", 1)]
    (blocked,) = re.findall(r"become external IDs: (.*?), and whatever has only\s+zeroes", README, re.S)
    assert re.findall("`(.+?)`", blocked) == list(RECOMMENDED.exact)


def test_the_shown_expectations_are_those_of_the_example_and_are_taken():
    folder = ROOT / "conf" / "expectations"
    assert block("yaml", "expectations:\n  -") == (folder / "order_completed.yml").read_text()
    ((table, made),) = expectations_in(str(folder)).items()
    words = ["not_null", "unique", "between", "length", "matches", "in"]
    assert (table, [str(one.kind) for one in made]) == ("order_completed", words)


def test_the_spark_lanes_are_those_that_are_installed():
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]
    wanted = [[f"pyspark=={row[1]}", f"delta-spark=={row[2]}"] for row in table("lane")]
    assert wanted == [groups["spark-4"][:2], groups["spark-3"][:2]]


def test_the_make_targets_are_those_that_make_help_shows():
    targets = re.findall(r"^([a-z0-9-]+):.*?## (.*)$", (ROOT / "Makefile").read_text(), re.M)
    assert [row for row in README.splitlines() if row.startswith("| `make ")] == [
        f"| `make {name}` | {about} |" for name, about in targets
    ]


@pytest.mark.parametrize(("name", "status"), table("warehouse"))
def test_a_warehouse_works_exactly_when_the_settings_know_its_type(name, status):
    with pytest.raises(ValidationError) as incomplete:  # every kind needs more than its type
        TypeAdapter(WarehouseSettings).validate_python({"type": name.split()[-1].lower()})
    unknown = {"literal_error", "union_tag_invalid"} & {error["type"] for error in incomplete.value.errors()}
    assert (status == "not yet") == bool(unknown)


def test_what_warehouses_were_seen_to_do_is_what_the_contract_tests_say():
    assert matrix.parts(README)[1] == f"\n{matrix.table()}\n"


def test_the_postgres_settings_are_all_there_with_their_defaults():
    written = yaml.safe_load(block("yaml", "type: postgres"))["warehouses"]["pg"]
    fields = {field.alias or name: field for name, field in PostgresSettings.model_fields.items()}
    assert written.keys() == fields.keys()
    shown = {name for name, field in fields.items() if not field.is_required()} - {"password"}
    assert {name: written[name] for name in shown} == {name: fields[name].default for name in shown}
    assert PostgresSettings(**written).password.get_secret_value() == "x"


@pytest.mark.parametrize(
    ("name", "settings", "chosen"), [("rs", RedshiftSettings, {"iam_role"}), ("az", SynapseSettings, set())]
)
def test_the_settings_of_what_loads_from_a_bucket_are_all_there_with_their_defaults(name, settings, chosen):
    written = yaml.safe_load(block("yaml", f"  {name}:\n"))["warehouses"][name]
    fields = {field.alias or key: field for key, field in settings.model_fields.items()}
    assert written.keys() == fields.keys()
    shown = {key for key, field in fields.items() if not field.is_required()} - chosen
    assert {key: written[key] for key in shown} == {key: fields[key].default for key in shown}
    assert settings(**written).password.get_secret_value() == "x"


def test_the_snowflake_settings_are_all_there_with_their_defaults():
    written = yaml.safe_load(block("yaml", "type: snowflake"))["warehouses"]["sf"]
    fields = {field.alias or name: field for name, field in SnowflakeSettings.model_fields.items()}
    assert written.keys() == fields.keys()
    shown = {name for name, field in fields.items() if not field.is_required()} - {
        "private_key_path",
        "private_key_passphrase",
    }
    assert {name: written[name] for name in shown} == {name: fields[name].default for name in shown}
    assert SnowflakeSettings(**written).private_key_passphrase.get_secret_value() == "x"


def test_the_bigquery_settings_are_all_there_with_their_defaults():
    written = yaml.safe_load(block("yaml", "type: bigquery"))["warehouses"]["bq"]
    fields = {field.alias or name: field for name, field in BigQuerySettings.model_fields.items()}
    assert written.keys() == fields.keys()
    shown = {name for name, field in fields.items() if not field.is_required()} - {"credentials"}
    assert {name: written[name] for name in shown} == {name: fields[name].default for name in shown}
    assert BigQuerySettings(**written).project == "acme-warehouse"


def test_the_databricks_settings_are_all_there():
    written = yaml.safe_load(block("yaml", "type: databricks"))["warehouses"]["dbx"]
    assert written.keys() == {field.alias or name for name, field in DatabricksSettings.model_fields.items()}
    assert DatabricksSettings(**written).client_secret.get_secret_value() == "x"


def test_every_file_that_is_named_is_there():
    for document in ("README.md", "CONTRIBUTING.md", "DECISIONS.md"):
        text = (ROOT / document).read_text(encoding="utf-8")
        named = re.findall(r"(?<![\w./<-])[\w.]+(?:/[\w.-]+)+\.(?:py|yml|sh|toml|txt|in)\b", text)
        named += re.findall(r"\]\((?!#|https?:)([^)#]+)", text)
        missing = [one for one in named if not ((ROOT / one).exists() or (ROOT / "profiles_sync" / one).exists())]
        assert missing == [], document


def test_contributing_gives_the_order_of_the_imports():
    config = tomllib.loads((ROOT / "pyproject.toml").read_text())
    layers = [name.strip("()") for name in config["tool"]["importlinter"]["contracts"][0]["layers"]]
    there = [name for name in layers if list((ROOT / "profiles_sync").glob(f"{name}*"))]
    assert " → ".join(there) in " ".join((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").split())


def test_a_decision_record_is_numbered_and_short():
    records = re.split(r"^## ", (ROOT / "DECISIONS.md").read_text(encoding="utf-8"), flags=re.M)[1:]
    assert [int(record.split(".")[0]) for record in records] == list(range(1, len(records) + 1))
    for record in records:
        assert len(record.strip().splitlines()) <= 15, record.splitlines()[0]
        assert all(f"**{part}**" in record for part in ("Question.", "Options.", "Outcome.", "Would change it:")), (
            record
        )
