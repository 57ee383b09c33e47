"""What the Data Graph's user is let do, and how that is checked."""

import re

import pytest

from profiles_sync import data_graph
from profiles_sync.data_graph import bigquery, databricks, redshift, snowflake
from profiles_sync.data_graph.prerequisite import NEEDED
from profiles_sync.data_graph.reads import reads
from profiles_sync.data_graph.validation import Answer
from profiles_sync.errors import SettingsError
from profiles_sync.warehouses import setup
from tests.warehouses.setup.grammar import problems

BULK = reads("acme", (), ())
CHECKS = {
    "redshift": redshift.checks("books", "wh", BULK),
    "snowflake": snowflake.checks("books", "wh", BULK),
    "bigquery": bigquery.checks("books-project", "wh-project", "EU", BULK),
    "databricks": databricks.checks("books", "wh", BULK),
}
READ_ONLY = {"SELECT", "USAGE", "USE CATALOG", "USE SCHEMA", "roles/bigquery.dataViewer"}


def statements(kind, **given):
    return list(setup.written(kind, data_graph.SCRIPTS, {"profiles_schema": "acme"} | given, {}).statements)


def granted(kind, *places, **given):
    """The rights on what is read."""
    found = [one for one in statements(kind, **given) if any(place.upper() in one.upper() for place in places)]
    grants = [match for one in found if (match := re.search(r"GRANT ([A-Z, ]+|`[\w/.]+`) ON", one))]
    return {right for match in grants for right in match[1].strip("`").split(", ")}


@pytest.mark.parametrize("kind", data_graph.SCRIPTS)
def test_what_is_read_is_only_read(kind):
    given = {"schemas": ("erp",), "tables": ("crm.accounts",)}
    rights = granted(kind, "acme", "erp", "crm", **given)
    assert rights
    assert rights <= READ_ONLY


@pytest.mark.parametrize("kind", data_graph.SCRIPTS)
def test_a_schema_of_which_a_table_is_named_is_not_read_whole(kind):
    named = [one for one in statements(kind, tables=("acme.user_traits",)) if "ACME" in one.upper()]
    assert any("USER_TRAITS" in one.upper() for one in named)
    assert [one for one in named if re.search("ALL|FUTURE|DEFAULT|SELECT ON SCHEMA|dataViewer` ON SCHEMA", one)] == []


@pytest.mark.parametrize("kind", data_graph.SCRIPTS)
def test_a_schema_that_is_read_whole_is_read_with_the_tables_to_come(kind):
    future = {
        "redshift": "ALTER DEFAULT PRIVILEGES FOR USER",
        "snowflake": "GRANT SELECT ON FUTURE TABLES IN SCHEMA",
        "bigquery": "dataViewer` ON SCHEMA",
        "databricks": "SELECT ON SCHEMA",
    }
    assert [one for one in statements(kind) if future[kind] in one and "ACME" in one.upper()]


def test_on_redshift_the_tables_to_come_are_those_that_the_sync_makes():
    (default,) = [one for one in statements("redshift", schemas=("erp",), sync_user="s") if "DEFAULT" in one]
    assert default.startswith('ALTER DEFAULT PRIVILEGES FOR USER "s" IN SCHEMA "acme" ')


@pytest.mark.parametrize("kind", data_graph.SCRIPTS)
def test_a_schema_that_reverse_etl_left_is_opened(kind):
    opened = [one for one in statements(kind, existing_reverse_etl=True) if "__SEGMENT_REVERSE_ETL" in one.upper()]
    assert opened
    if kind != "bigquery":  # where the dataset is opened in any case
        assert [one for one in statements(kind) if "__SEGMENT_REVERSE_ETL" in one.upper()] == []


def test_on_redshift_a_schema_has_to_be_named():
    with pytest.raises(SettingsError, match="--profiles-schema"):
        setup.written("redshift", data_graph.SCRIPTS, {}, {})


def test_a_table_has_to_be_named_with_its_schema():
    for name in ("accounts", ".accounts", "crm."):
        with pytest.raises(SettingsError, match="expected schema"):
            reads(None, (), (name,))
    assert reads(None, (), ("crm.a.b",)).tables == (("crm", "a.b"),)


@pytest.mark.parametrize("kind", CHECKS)
def test_the_checks_read_every_needed_table_and_are_refused_to_write_it(kind):
    for table in NEEDED:
        about = [check for check in CHECKS[kind] if re.search(rf"\b{table}\b", check.query, re.I)]
        assert {check.query.split()[0]: check.answer for check in about} == {
            "SELECT": Answer.ANSWERED,
            "DELETE": Answer.REFUSED,
        }


@pytest.mark.parametrize("kind", CHECKS)
def test_the_checks_list_the_schemas_and_write_the_bookkeeping(kind):
    (listed,) = [check for check in CHECKS[kind] if check.answer is Answer.LISTED]
    assert [name.lower() for name in listed.names] == ["acme"]
    (own,) = [check for check in CHECKS[kind] if check.query.startswith("CREATE") and check.answer is Answer.ANSWERED]
    assert "__SEGMENT_REVERSE_ETL" in own.query.upper()
    assert own.database.startswith("books")


def test_on_redshift_the_schema_is_refused_outside_of_the_bookkeeping():
    (other,) = [check for check in CHECKS["redshift"] if check.query.startswith('CREATE SCHEMA "__')]
    assert (other.database, other.answer) == ("wh", Answer.REFUSED)


@pytest.mark.parametrize("kind", CHECKS)
def test_the_checks_are_statements_of_their_dialect_and_change_no_row(kind):
    assert {check.query: found for check in CHECKS[kind] if (found := list(problems(kind, check.query)))} == {}
    for check in CHECKS[kind]:
        assert not check.query.startswith("DELETE") or check.query.endswith(("WHERE FALSE", "WHERE 1 = 0"))


@pytest.mark.parametrize("kind", CHECKS)
def test_the_script_shows_the_checks(kind):
    script = setup.written(kind, data_graph.SCRIPTS, {"profiles_schema": "acme"}, {})
    text = script.text()
    assert sum(line.strip("-# ").startswith("DELETE FROM") for line in text.splitlines()) == len(NEEDED)
    assert "is refused:" in text
