"""Every statement for BigQuery, as Google's own analyzer of its dialect sees it: names, types and all.

A sync's, the sample queries, and what an admin is told to run. Its build takes minutes and gigabytes, so it is looked
for and not made: `make install-gsqlcheck`.
"""

import json
import os
import subprocess
from pathlib import Path

import pytest

from profiles_sync import data_graph
from profiles_sync.data_graph.reads import reads
from profiles_sync.queries import library
from profiles_sync.spec.tables import BY_NAME
from profiles_sync.warehouses import setup
from profiles_sync.warehouses.base import OPERATION
from profiles_sync.warehouses.bigquery import CAPABILITIES, catalog
from tests.queries.test_library import as_written
from tests.warehouses import every
from tests.warehouses.setup.test_scripts import all_scripts
from tests.warehouses.test_bigquery_sql import CASTS, SQL, kinds, statements

PROGRAM = Path(os.environ.get("GSQLCHECK", Path(__file__).parents[2] / ".tools/gsqlcheck"))
pytestmark = [
    pytest.mark.standin,
    pytest.mark.skipif(not PROGRAM.exists(), reason="no build of Google's analyzer; make install-gsqlcheck makes one"),
]
PARTED = " PARTITION BY _PARTITIONDATE"  # Google gives it to CREATE TABLE so; Go cannot tell the analyzer of it
WIDE = {one.beside: one.kind for one in every.widened(CAPABILITIES)}
BOUGHT = next(every.widened(CAPABILITIES)).columns | WIDE
PAGES = kinds("pages") | {"url": "STRING"} | {name: cast.kept for name, cast in CASTS.items()}
STAGED = {
    **kinds("user_traits"),
    **PAGES,
    **{name: cast.staged for name, cast in CASTS.items()},
    "note": "STRING",
    "n": "INT64",
    OPERATION: "STRING",
}
CURSORS = dict.fromkeys(("schema_name", "table_name", "table_id", "commit_digest", "sync_id"), "STRING")
SCHEMA = "acme.INFORMATION_SCHEMA"
TABLES = {
    "acme.pages": PAGES,
    "acme.page_view": kinds("tracks"),
    "acme.user_traits": kinds("user_traits"),
    "acme.bought": BOUGHT,
    "_profiles_sync.acme__pages": STAGED,
    "_profiles_sync.cursors_acme": CURSORS | {"version": "INT64"},
    f"{SCHEMA}.TABLES": dict.fromkeys(("table_schema", "table_name", "table_type"), "STRING"),
    f"{SCHEMA}.COLUMNS": dict.fromkeys(
        ("table_schema", "table_name", "column_name", "data_type", "is_hidden"), "STRING"
    )
    | {"ordinal_position": "INT64"},
}
#: As `as_written` fills the parameters in: a table `order`, and a column `select` wherever one is named.
LAKE = {f"acme.{name}": kinds(name) | {"_select": "STRING"} for name in BY_NAME} | {
    "acme._order": kinds("tracks") | {"_select": "FLOAT64"},
    "acme.channel_subscription_updated": kinds("tracks") | dict.fromkeys(("channel", "_id", "status"), "STRING"),
    **{name: columns for name, columns in TABLES.items() if SCHEMA in name},
}


def wrong(*asked, tables=TABLES):
    """What the analyzer says of each statement that it does not take."""
    given = json.dumps({"tables": tables, "statements": [one.replace(PARTED, "") for one in asked]})
    told = subprocess.run([PROGRAM], input=given, capture_output=True, text=True, check=True).stdout
    return {one: said for one, said in zip(asked, json.loads(told), strict=True) if said}


def test_googles_analyzer_takes_every_statement():
    ended = SQL.widen("acme", every.broken_off(CAPABILITIES))
    rest = [one for one in statements() if one not in ended]
    assert wrong(*rest, "BEGIN TRANSACTION", "COMMIT TRANSACTION", "ROLLBACK TRANSACTION") == {}
    cut_short = {name: kind for name, kind in BOUGHT.items() if name != "total"}
    assert wrong(*ended, tables=TABLES | {"acme.bought": cut_short}) == {}


def test_it_takes_the_question_which_columns_there_are():
    assert wrong(catalog.statement(SQL, "acme")) == {}


def test_it_takes_every_sample_query():
    assert wrong(*(as_written(query, "bigquery") for query in library().values()), tables=LAKE) == {}


def test_it_takes_what_an_admin_is_told_to_run():
    project = setup.bigquery.PROJECT
    asked = [one for script in all_scripts("bigquery") for one in script.statements]
    checks = data_graph.bigquery.checks(project, project, "EU", reads("acme", (), ("acme.user_traits",)))
    tables = {f"{project}.{name}": columns for name, columns in LAKE.items()}
    tables[f"{project}.region-eu.INFORMATION_SCHEMA.SCHEMATA"] = {"schema_name": "STRING"}
    assert asked and checks
    assert wrong(*asked, *(one.query for one in checks), tables=tables) == {}


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("DELETE FROM `acme`.`pages`", "WHERE"),
        ("SELECT nothing FROM `acme`.`pages`", "nothing"),
        ("UPDATE `acme`.`bought` SET `total` = 'x' WHERE TRUE", "STRING"),
        (
            "MERGE INTO `acme`.`bought` AS t USING `_profiles_sync`.`acme__pages` AS s ON t.`id` = s.`id` "
            "WHEN MATCHED THEN UPDATE SET `total` = s.`url`",
            "STRING",
        ),
        ("CREATE TABLE `acme`.`t` (`a` varchar(10))", "varchar"),
        ("INSERT INTO `acme`.`pages` (`id`) VALUES ('a') ON CONFLICT DO NOTHING", ""),
    ],
)
def test_it_finds_what_the_grammar_does_not(statement, said):
    (found,) = wrong(statement).values()
    assert said.lower() in found.lower()
