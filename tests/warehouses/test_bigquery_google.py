"""Every statement for BigQuery, as Google's own analyzer of its dialect sees it: names, types and all.

Its build takes minutes and gigabytes, so it is looked for and not made: `make install-gsqlcheck`.
"""

import json
import os
import subprocess
from pathlib import Path

import pytest

from profiles_sync.spec.tables import BY_NAME
from profiles_sync.warehouses.base import OPERATION
from profiles_sync.warehouses.bigquery import CAPABILITIES
from tests.warehouses import every
from tests.warehouses.test_bigquery_sql import CASTS, kinds, statements

PROGRAM = Path(os.environ.get("GSQLCHECK", Path(__file__).parents[2] / ".tools/gsqlcheck"))
pytestmark = [
    pytest.mark.standin,
    pytest.mark.skipif(not PROGRAM.exists(), reason="no build of Google's analyzer; make install-gsqlcheck makes one"),
]
WIDE = {one.beside: one.kind for one in every.widened(CAPABILITIES)}
PAGES = kinds("pages") | {name: cast.kept for name, cast in CASTS.items()}
STAGED = {
    **kinds("pages"),
    **kinds("user_traits"),
    **{name: cast.staged for name, cast in CASTS.items()},
    "note": "STRING",
    "n": "INT64",
    OPERATION: "STRING",
}
CURSORS = dict.fromkeys(("schema_name", "table_name", "table_id", "commit_digest", "sync_id"), "STRING")
TABLES = {
    "acme.pages": PAGES,
    "acme.page_view": kinds("tracks"),
    "acme.user_traits": kinds("user_traits"),
    "acme.bought": next(every.widened(CAPABILITIES)).columns | WIDE,
    "_profiles_sync.acme__pages": STAGED,
    "_profiles_sync.cursors_acme": CURSORS | {"version": "INT64"},
}
assert BY_NAME["user_traits"].key


def wrong(*asked):
    """What the analyzer says of each statement, nothing where it takes it."""
    given = json.dumps({"tables": TABLES, "statements": asked})
    return json.loads(subprocess.run([PROGRAM], input=given, capture_output=True, text=True, check=True).stdout)


def test_googles_analyzer_takes_every_statement():
    told = list(statements())
    assert {one: said for one, said in zip(told, wrong(*told), strict=True) if said} == {}


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
    (found,) = wrong(statement)
    assert found and said.lower() in found.lower()
