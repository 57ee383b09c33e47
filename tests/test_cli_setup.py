"""`warehouse setup-sql` and `data-graph setup-sql`: what they print, and what they refuse."""

import json

import pytest

from profiles_sync import data_graph
from profiles_sync.warehouses import setup
from tests.commands import SETTINGS, in_process, written

pytestmark = pytest.mark.usefixtures("no_settings_in_the_environment")
EGRESS = "egress_addresses: [203.0.113.7, '2001:db8::/48']\n"


@pytest.mark.parametrize("kind", setup.SCRIPTS)
def test_each_kind_has_a_set_up(kind):
    code, out, err = in_process("warehouse", "setup-sql", kind)
    assert (code, err) == (0, "")
    assert out == setup.written(kind, setup.SCRIPTS, {}, {}).text()


@pytest.mark.parametrize("kind", data_graph.SCRIPTS)
def test_each_kind_with_a_guide_has_one_for_the_data_graph(kind):
    code, out, err = in_process("data-graph", "setup-sql", kind, "--profiles-schema", "acme", "--schema", "erp")
    assert (code, err) == (0, "")
    given = {"profiles_schema": "acme", "schemas": ("erp",)}
    assert out == setup.written(kind, data_graph.SCRIPTS, given, {}).text()


def test_the_options_name_what_is_made():
    code, out, _ = in_process("warehouse", "setup-sql", "snowflake", "--user", "u", "--database", "d", "--role", "r")
    assert code == 0
    assert 'GRANT ROLE "R" TO USER "U";' in out
    assert 'CREATE DATABASE IF NOT EXISTS "D";' in out


def test_the_addresses_are_those_of_the_settings(tmp_path):
    settings = written(tmp_path, SETTINGS, EGRESS)
    out = in_process("warehouse", "setup-sql", "postgres", "--settings", settings)[1]
    assert 'hostssl "segment" "segment" 203.0.113.7/32 scram-sha-256' in out
    assert 'hostssl "segment" "segment" 2001:db8::/48 scram-sha-256' in out
    assert "egress_addresses" in in_process("warehouse", "setup-sql", "postgres")[1]


def test_the_settings_may_be_named_by_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("PROFILES_SYNC_SETTINGS", str(written(tmp_path, SETTINGS, EGRESS)))
    assert "203.0.113.7/32" in in_process("warehouse", "setup-sql", "postgres")[1]


def test_a_warehouse_of_the_settings_may_be_named(tmp_path):
    code, out, _ = in_process("warehouse", "setup-sql", "local", "--settings", written(tmp_path, SETTINGS))
    assert (code, out) == (0, setup.written("duckdb", setup.SCRIPTS, {}, {}).text())


def test_the_schema_is_made_as_the_warehouse_keeps_its_name(tmp_path):
    fields = "type: redshift, host: h, database: d, username: u, password: x, s3_bucket: rows, schema: 2026_Acme"
    settings = written(tmp_path, SETTINGS, f"  rs: {{{fields}}}\n")
    assert 'SCHEMA "2026_acme"' in in_process("warehouse", "setup-sql", "rs", "--settings", settings)[1]
    out = in_process("data-graph", "setup-sql", "rs", "--settings", settings)[1]
    assert 'GRANT USAGE ON SCHEMA "2026_acme" TO ROLE' in out


def test_the_profiles_schema_is_that_of_the_settings(tmp_path):
    settings = written(tmp_path, SETTINGS.replace("slug: acme", "slug: acme-eu"))
    code, out, _ = in_process("data-graph", "setup-sql", "redshift", "--settings", settings)
    assert code == 0
    assert 'GRANT USAGE ON SCHEMA "acme_eu" TO ROLE "segment_linked_role";' in out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["warehouse", "setup-sql", "mysql"], "no kind of warehouse 'mysql'; expected one of duckdb, postgres"),
        (["warehouse", "setup-sql", "postgres", "--role", "r"], "--role: postgres has no such thing here"),
        (["warehouse", "setup-sql", "postgres", "--user", "a\nb"], "has characters that are not shown"),
        (["warehouse", "setup-sql", "synapse", "--user", "public"], "a built-in user or role"),
        (["data-graph", "setup-sql", "postgres"], "expected one of redshift, snowflake, bigquery, databricks"),
        (["data-graph", "setup-sql", "redshift"], "--profiles-schema"),
        (["data-graph", "setup-sql", "databricks", "--role", "r"], "--role: databricks has no such thing here"),
    ],
)
def test_what_makes_no_sense_is_one_line_and_exit_2(arguments, said):
    code, out, err = in_process(*arguments)
    assert (code, out) == (2, "")
    assert said in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("group", ["warehouse", "data-graph"])
def test_no_option_takes_a_password(group):
    code, out, err = in_process(group, "setup-sql", "postgres", "--password", "hunter2")
    assert (code, out) == (2, "")
    assert "hunter2" not in err


@pytest.mark.parametrize("wrong", ["203.0.113.7/24", "example.com", "203.0.113.300"])
def test_an_address_that_is_none_is_refused(tmp_path, wrong):
    code, _, err = in_process("check", "--settings", written(tmp_path, SETTINGS, f"egress_addresses: ['{wrong}']\n"))
    assert code == 2
    assert "egress_addresses.0: not an IP address or a network" in err


def test_check_shows_the_addresses(tmp_path):
    shown = json.loads(in_process("check", "--settings", written(tmp_path, SETTINGS, EGRESS), "--json")[1])
    assert shown["settings"]["egress_addresses"]["value"] == ["203.0.113.7/32", "2001:db8::/48"]
