"""What an admin is told to run: to the letter, by each dialect's grammar, and whatever the names are."""

import ipaddress
import os
import re
import shlex
import subprocess

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from profiles_sync import data_graph
from profiles_sync.errors import SettingsError
from profiles_sync.warehouses import setup
from profiles_sync.warehouses.setup.names import SNOWFLAKE
from tests.snapshots import same
from tests.warehouses.setup.grammar import DIALECTS, RIGHTS, UNKNOWN, parses, problems

EGRESS = ("203.0.113.7/32", "198.51.100.0/28", "2001:db8::/48")
FULL = {"schema": "acme"}
LINKED = {"profiles_schema": "acme", "schemas": ("erp",), "tables": ("crm.accounts",)}
COMMENT = {kind: "#" if kind == "bigquery" else "--" for kind in setup.SCRIPTS}


def sync(kind, egress=EGRESS, **given):
    return setup.written(kind, setup.SCRIPTS, given, {}, egress)


def graph(kind, **given):
    return setup.written(kind, data_graph.SCRIPTS, given, {})


def all_scripts(kind):
    yield sync(kind)
    yield sync(kind, (), **(FULL if kind != "duckdb" else {}))
    if kind in data_graph.SCRIPTS:
        yield graph(kind, **LINKED, existing_reverse_etl=True)
        yield graph(kind, profiles_schema="acme")
        if kind != "redshift":
            yield graph(kind)


def suffix(kind):
    return "sh" if kind == "bigquery" else "sql"


# To the letter


@pytest.mark.parametrize("kind", setup.SCRIPTS)
def test_the_set_up_is_the_reviewed_one(kind):
    assert same(f"setup/{kind}.{suffix(kind)}", sync(kind, **(FULL if kind != "duckdb" else {})).text())


@pytest.mark.parametrize("kind", data_graph.SCRIPTS)
def test_the_data_graphs_set_up_is_the_reviewed_one(kind):
    assert same(f"data_graph/{kind}.{suffix(kind)}", graph(kind, **LINKED, existing_reverse_etl=True).text())


# By the grammar


@pytest.mark.parametrize("kind", DIALECTS)
def test_every_statement_is_one_of_its_dialect(kind):
    statements = [statement for script in all_scripts(kind) for statement in script.statements]
    assert statements or kind == "bigquery"
    assert {one: found for one in statements if (found := list(problems(kind, one)))} == {}


@pytest.mark.parametrize(
    ("kind", "statement"),
    [
        ("redshift", 'CREATE USER IF NOT EXISTS "u" PASSWORD DISABLE'),
        ("redshift", 'GRANT CONNECT ON DATABASE "d" TO "u"'),
        ("redshift", 'GRANT SELECT ON FUTURE TABLES IN SCHEMA "s" TO ROLE "r"'),
        ("postgres", 'CREATE DATABASE IF NOT EXISTS "d"'),
        ("postgres", 'GRANT USAGE ON DATABASE "d" TO "u"'),
        ("snowflake", 'GRANT USAGE ON SCHEMA "s" TO "r"'),
        ("snowflake", 'GRANT CREATE ON DATABASE "d" TO ROLE "r"'),
        ("synapse", "CREATE USER IF NOT EXISTS [u] FOR LOGIN [u]"),
        ("synapse", "GRANT USAGE ON DATABASE::[d] TO [u]"),
        ("databricks", "GRANT CREATE DATABASE ON CATALOG `c` TO `u`"),
        ("databricks", "GRANT SELECT ON FUTURE TABLES IN SCHEMA `c`.`s` TO `u`"),
        ("bigquery", "CREATE DATABASE IF NOT EXISTS `p`.`d`"),
        ("bigquery", "DELETE FROM `p`.`d`.`t`"),
    ],
)
def test_a_statement_of_another_dialect_is_noticed(kind, statement):
    assert list(problems(kind, statement))


def test_every_rule_is_used():
    for kind, patterns in UNKNOWN.items():
        statements = [one for script in all_scripts(kind) for one in script.statements]
        assert [p for p in patterns if not any(re.fullmatch(p, one) for one in statements)] == []
    for kind in RIGHTS:
        text = "".join(script.text() for script in all_scripts(kind))
        assert [place for place in RIGHTS[kind] if f" ON {place}" not in text and "FUTURE" not in place] == []


# Again


@pytest.mark.parametrize("kind", setup.SCRIPTS)
def test_what_is_there_is_not_made_twice(kind):
    for script in all_scripts(kind):
        inside = False
        for line in script.text().splitlines():
            inside = (inside or line.startswith("\\if")) and not line.startswith("\\endif")
            if re.match("CREATE |.*gcloud .* create", line) and not line.startswith(COMMENT[kind]):
                guarded = "IF NOT EXISTS" in line or inside or " || " in line
                assert guarded or line.startswith("CREATE LOGIN"), line


# Whatever the names are

QUOTED = {
    "postgres": (r'"((?:[^"]|"")*)"', '"'),
    "redshift": (r'"((?:[^"]|"")*)"', '"'),
    "snowflake": (r'"((?:[^"]|"")*)"', '"'),
    "synapse": (r"\[((?:[^\]]|\]\])*)\]", "]"),
    "databricks": ("`((?:[^`]|``)*)`", "`"),
}
NASTY = ['"', "'", "`", "]", "[", ";", "--", "/*", "*/", "\\", "$$", "$(x)", ":'x'", ":x", "\n", "\r", "\0", "\u2028"]
NASTY += ["&x", "<% x %>", "\\q", "GO", "=", " ", "é", "名", "a", "B", "1", "public", "'; DROP TABLE t; --", '"; DROP']
names = st.lists(st.sampled_from(NASTY), min_size=1, max_size=6).map("".join) | st.text(min_size=1, max_size=12)


def skeleton(kind, script):
    """The commands without names, texts and comments; a scanner of its own, which knows only quotes."""
    quoted, _ = QUOTED[kind]
    tokens = re.compile(rf"{quoted}|(?P<text>'(?:[^']|'')*')|--[^\n]*", re.S)
    return tokens.sub(lambda found: "" if found[0].startswith("--") else "«»", script.text())


def with_names(kind, name):
    """A script with the name wherever one can stand, or nothing where it is refused."""
    everywhere = {"user": name, "database": name, "schema": name, "warehouse": name, "role": name}
    linked = {f"profiles_{what}": name for what in ("database", "schema")} | {
        "tables": (f"of_the_tables_named.{name}",)
    }
    try:
        yield setup.written(kind, setup.SCRIPTS, {}, everywhere, EGRESS)
        if kind in data_graph.SCRIPTS:
            yield setup.written(kind, data_graph.SCRIPTS, {}, everywhere | linked, ())
    except SettingsError:
        return


@pytest.mark.parametrize("kind", QUOTED)
@given(name=names)
def test_a_name_changes_nothing_but_the_name(kind, name):
    found, plain = list(with_names(kind, name)), list(with_names(kind, "plain"))
    assume(found)
    assert [skeleton(kind, one) for one in found] == [skeleton(kind, one) for one in plain[: len(found)]]
    for script in found:
        assert name.upper() in unquoted(kind, script) or name in unquoted(kind, script)


def unquoted(kind, script):
    quoted, closes = QUOTED[kind]
    code = "".join(line for line in script.text().splitlines(True) if not line.startswith("--"))
    without_texts = re.sub(r"'(?:[^']|'')*'", "", code) if "'" not in closes else code
    return {one.replace(closes * 2, closes) for one in re.findall(quoted, code + without_texts)}


FIELDS = ["user", "database", "schema", "location", "profiles_database", "profiles_schema", "schemas", "tables"]


@given(field=st.sampled_from(FIELDS), name=names | st.text("ab0-_.:@ ;$`'", min_size=2, max_size=12))
def test_in_the_shell_a_name_changes_nothing_but_the_name(field, name):
    known = {field: {"schemas": (name,), "tables": (f"crm.{name}",)}.get(field, name)}
    for scripts in (setup.SCRIPTS, data_graph.SCRIPTS):
        try:
            script = setup.written("bigquery", scripts, {}, known, EGRESS)
        except SettingsError:
            continue
        for line in script.text().splitlines():
            if not line.startswith("#"):
                words = shlex.split(line)
                assert not words or words[0] in {"set", "gcloud", "bq", "test"}, line
                assert not re.search(r"[$`;]", re.sub(r"'[^']*'|umask 077;", "", line)), line


def test_the_shell_script_is_one():
    for script in all_scripts("bigquery"):
        assert subprocess.run(["sh", "-n"], input=script.text(), text=True, check=False).returncode == 0


@pytest.mark.parametrize("is_there", [False, True])
def test_the_shell_hands_each_statement_on_as_one_word_and_makes_only_what_is_not_there(tmp_path, is_there):
    called = tmp_path / "called"
    for name in ("gcloud", "bq"):
        body = (
            f'printf \'%s\\n\' {name} "$@" . >> {called}; case "$*" in *describe*) exit {0 if is_there else 1};; esac\n'
        )
        (tmp_path / name).write_text(f"#!/bin/sh\n{body}")
        (tmp_path / name).chmod(0o755)
    script = graph("bigquery", **LINKED)
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    subprocess.run(["sh"], input=script.text(), text=True, check=True, cwd=tmp_path, env={"PATH": path})
    words = called.read_text().splitlines()
    assert [word for word in words if word.startswith(("CREATE", "GRANT"))] == list(script.statements)
    assert (["create", "segment-linked-user"] in [words[n : n + 2] for n in range(len(words))]) != is_there


@pytest.mark.parametrize("kind", ["postgres", "redshift", "snowflake", "synapse", "databricks"])
@pytest.mark.parametrize("name", ["", " ", "a\nb", "a\0b", "a\u2028b", "a\u202eb", "a\\b", "\ud800", "n" * 300])
def test_a_name_that_cannot_be_written_safely_is_refused(kind, name):
    with pytest.raises(SettingsError, match="name "):
        sync(kind, database=name)


@pytest.mark.parametrize(
    ("kind", "name"), [("synapse", "$(x)"), ("snowflake", "&x"), ("snowflake", "<% x %>"), ("bigquery", "a`b")]
)
def test_what_a_client_would_replace_is_refused(kind, name):
    with pytest.raises(SettingsError, match="name "):
        sync(kind, user=name)


@pytest.mark.parametrize("kind", ["postgres", "redshift", "snowflake", "synapse", "databricks"])
@pytest.mark.parametrize("name", ["public", "PUBLIC", "guest", "ACCOUNTADMIN", "pg_monitor"])
def test_rights_are_not_given_to_everybody_nor_to_a_built_in_role(kind, name):
    with pytest.raises(SettingsError, match="built-in"):
        sync(kind, user=name)
    if kind == "snowflake":
        with pytest.raises(SettingsError, match="built-in"):
            sync(kind, role=name)


def test_a_plain_name_means_on_snowflake_what_snowflake_makes_of_it():
    assert SNOWFLAKE.name("acme", "Sales$1") == '"ACME"."SALES$1"'
    assert SNOWFLAKE.name("acme-eu", "1a") == '"acme-eu"."1a"'
    assert SNOWFLAKE.text("acme") == "'acme'"


@pytest.mark.parametrize(
    ("user", "project", "email"),
    [
        ("segment-sync", "acme-data", "segment-sync@acme-data.iam.gserviceaccount.com"),
        ("segment-sync", "example.com:acme-data", "segment-sync@acme-data.example.com.iam.gserviceaccount.com"),
        ("one@acme.iam.gserviceaccount.com", "acme-data", "one@acme.iam.gserviceaccount.com"),
    ],
)
def test_a_service_account_is_named_by_its_address(user, project, email):
    script = sync("bigquery", user=user, database=project).text()
    assert f"serviceAccount:{email}" in script
    assert ("service-accounts create" in script) == ("@" not in user)


# Passwords and addresses


@pytest.mark.parametrize("kind", setup.SCRIPTS)
def test_a_password_of_the_settings_reaches_no_script(kind):
    fields = setup.fields_of({"username": "one-sync", "password": "hunter2", "private_key": "hunter2", "port": 1})
    assert fields == {"user": "one-sync"}
    assert "hunter2" not in setup.written(kind, setup.SCRIPTS, {}, fields, EGRESS).text()


def test_each_client_asks_for_the_password_or_reads_a_variable():
    assert '\\password "segment"' in sync("postgres").text()
    assert "\\getenv password SEGMENT_PASSWORD" in sync("redshift").text()
    assert "PASSWORD = '$(SEGMENT_PASSWORD)'" in sync("synapse").text()
    for kind in ("snowflake", "databricks", "bigquery"):
        assert "PASSWORD" not in sync(kind).text().upper().replace("HAS NO PASSWORD", "")


@pytest.mark.parametrize("kind", [kind for kind in setup.SCRIPTS if kind != "duckdb"])
def test_every_address_is_to_be_let_in(kind):
    script = sync(kind).text()
    for network in map(ipaddress.ip_network, EGRESS):
        used = script.split(f"{', '.join(EGRESS)}", 1)[1]
        assert str(network) in used or f"'{network[0]}', '{network[-1]}'" in used
    assert "egress_addresses" not in script
    assert "egress_addresses" in sync(kind, ()).text()


def test_what_a_kind_does_not_have_is_refused_when_asked_for_and_passed_by_when_known():
    with pytest.raises(SettingsError, match="--role: postgres has no such thing"):
        sync("postgres", role="r")
    assert setup.written("postgres", setup.SCRIPTS, {}, {"role": "r"}).text() == sync("postgres", ()).text()


@pytest.mark.parametrize(
    ("word", "kind"), [("azure", "synapse"), ("Azure-Synapse", "synapse"), ("Redshift", "redshift")]
)
def test_a_kind_may_be_called_as_segment_calls_it(word, kind):
    assert setup.kind_of(word, setup.SCRIPTS) == kind


def test_a_kind_that_is_none_is_refused():
    with pytest.raises(SettingsError, match="expected one of redshift, snowflake, bigquery, databricks"):
        setup.kind_of("postgres", data_graph.SCRIPTS)


def test_sqlfluff_is_there_to_check_with():
    assert parses("postgres", "SELECT 1")
    assert not parses("postgres", "this is not sql")
