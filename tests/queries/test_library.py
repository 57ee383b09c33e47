"""The sample queries as files: their heads, and that each is SQL in the words of every kind of warehouse."""

import re
from pathlib import Path
from typing import get_args

import pytest

from profiles_sync.errors import SettingsError
from profiles_sync.queries import Place, library, named, written
from profiles_sync.queries.words import WORDS
from profiles_sync.warehouses import WarehouseSettings, open_warehouse
from tests.test_release import WAREHOUSES
from tests.warehouses.setup.grammar import DIALECTS, parses

DECLARED = {one.model_fields["type"].annotation.__args__[0]: one for one in get_args(get_args(WarehouseSettings)[0])}
#: Parameter kind to a value that needs quoting where that is possible.
GIVEN = {"text": "it's", "number": "3", "date": "2026-01-05", "table": "order", "column": "select"}


def opened(kind):
    import yaml

    fields = yaml.safe_load("w:\n" + WAREHOUSES)["w"][kind]
    return open_warehouse(kind, DECLARED[kind](**fields), "acme")


def as_written(query, kind):
    return written(query, Place(opened(kind)), {name: GIVEN[one.kind] for name, one in query.parameters.items()})[0]


def test_every_kind_of_warehouse_has_its_words():
    assert WORDS.keys() == DECLARED.keys()


@pytest.mark.parametrize("query", library().values(), ids=lambda one: one.name)
def test_a_file_says_what_it_is_for(query):
    assert library()[query.name] is query
    assert re.fullmatch(r"[A-Z].*\.", query.purpose)
    assert all(re.fullmatch(r"[A-Z].*\.", one.about) for one in query.parameters.values())
    assert query.bodies.keys() | query.notes.keys() <= DECLARED.keys()
    for body in [query.body, *query.bodies.values()]:
        used = set(re.findall(r":(\w+)", body))
        assert used == set(query.parameters), "a parameter is not used, or not declared"


@pytest.mark.slow
@pytest.mark.parametrize("kind", DIALECTS)
def test_every_query_is_sql_in_the_dialect(kind):
    refused = [name for name, query in library().items() if not parses(kind, as_written(query, kind))]
    assert refused == []


def test_the_grammar_refuses_what_is_no_sql():
    assert not parses("postgres", as_written(named("sessions"), "postgres").replace("GROUP BY", "GROUP"))


@pytest.mark.parametrize("kind", DECLARED)
def test_a_query_begins_with_a_word_by_which_drivers_know_it(kind):
    assert {as_written(query, kind).split()[0] for query in library().values()} == {"SELECT", "WITH"}


def test_names_and_values_are_the_warehouses_own():
    text = as_written(named("events_with_a_value"), "bigquery")
    assert "FROM `acme`.`_order` AS e" in text
    assert r"CAST(e.`_select` AS STRING) = 'it\'s'" in text
    assert '"ACME"."ID_GRAPH"' in as_written(named("segment_ids_per_profile"), "snowflake")
    assert "acme.INFORMATION_SCHEMA.TABLES" in as_written(named("track_event_tables"), "bigquery").replace("`", "")


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({}, "profile is missing"),
        ({"profile": "p", "trait": "a b"}, "trait has to be a column"),
        ({"profile": "p", "trait": "a", "when": "now"}, "unknown parameters when; it takes trait, profile"),
    ],
)
def test_a_parameter_that_does_not_fit_is_refused_without_its_value(given, told):
    with pytest.raises(SettingsError, match=told) as error:
        named("sources_of_a_trait").values({"trait": "plan"} | given)
    assert "a b" not in str(error.value)


def test_numbers_and_dates_are_read_before_they_are_written():
    assert named("rows_of_a_day").values({"day": "20260105"}) == {"table": "tracks", "day": "2026-01-05"}
    for query, given in (("rows_of_a_day", {"day": "today"}), ("sessions", {"minutes": "1 OR 1"})):
        with pytest.raises(SettingsError):
            named(query).values(given)


def test_what_a_value_holds_is_not_read_as_a_part_of_the_query():
    text = written(
        named("profile_of_an_external_id"), Place(opened("duckdb")), {"type": "email", "value": "{table pages}"}
    )
    assert "'{table pages}'" in text[0]


def test_there_is_no_query_of_another_name():
    with pytest.raises(SettingsError, match="queries list"):
        named("everything")


def test_the_readme_lists_every_query():
    text = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    rows = [
        f"| `{one.name}` | {one.purpose} | {', '.join(map(asked, one.parameters.items()))} |"
        for one in library().values()
    ]
    assert [row for row in text.splitlines() if row.startswith(tuple(f"| `{name}` |" for name in library()))] == rows


def asked(parameter):
    name, about = parameter
    return f"`{name}`" if about.default is None else f"`{name}={about.default}`"
