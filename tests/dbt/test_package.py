"""The dbt package as files: what it says of tables is what the declarations say."""

import re

import pytest
import yaml

from profiles_sync import __version__
from profiles_sync.spec.tables import BY_NAME, RAW_TABLES, VIEWS
from tests.dbt.running import PROJECT

SOURCES = yaml.safe_load((PROJECT / "models" / "sources.yml").read_text())["sources"][0]["tables"]
MODELS = yaml.safe_load((PROJECT / "models" / "schema.yml").read_text())["models"]


def test_there_is_a_model_for_each_view_and_a_source_for_each_raw_table():
    assert [one["name"] for one in SOURCES] == [one.name for one in RAW_TABLES]
    assert [one["name"] for one in MODELS] == [one.name for one in VIEWS]
    assert {path.stem for path in (PROJECT / "models").glob("*.sql")} == {one.name for one in VIEWS}


@pytest.mark.parametrize("table", [*SOURCES, *MODELS], ids=lambda one: one["name"])
def test_a_table_is_described_as_it_is_declared(table):
    declared = BY_NAME[table["name"]]
    assert table["description"] == declared.about
    assert {one["name"]: one["description"] for one in table["columns"]} == {
        column.name: column.about for column in declared.columns
    }


def test_every_column_but_the_declared_ones_is_a_trait():
    macro = (PROJECT / "macros" / "profiles_sync.sql").read_text()
    (listed,) = re.findall(r"set fixed = \[(.*?)\]", macro, re.S)
    assert set(re.findall(r"'(\w+)'", listed)) == set(BY_NAME["profile_traits_updates"].types)


def test_the_package_has_the_products_version_and_needs_no_other():
    assert yaml.safe_load((PROJECT / "dbt_project.yml").read_text())["version"] == __version__
    assert not [*PROJECT.glob("packages.y*ml"), *PROJECT.glob("dependencies.y*ml")]
