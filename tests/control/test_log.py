"""The control log: changes come back in their order, and of two that are made at once one is refused."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from profiles_sync.control.log import Log, note
from profiles_sync.errors import ChangedMeanwhile
from profiles_sync.lake.catalog import CatalogLake
from profiles_sync.lake.paths import PathLake
from profiles_sync.settings import CatalogSettings
from tests.commands import environment

OPERATOR = """
import sys
from profiles_sync.control.log import Log
from profiles_sync.errors import ChangedMeanwhile
from profiles_sync.lake.paths import PathLake
log = Log.read(PathLake(sys.argv[1], "acme"))
print(log.last, flush=True)
sys.stdin.readline()
try:
    log.add(sys.argv[2], "disabled", "warehouse", "pg")
    print("made")
except ChangedMeanwhile:
    print("refused")
"""


@pytest.fixture
def lake(tmp_path):
    return PathLake(str(tmp_path), "acme")


def names(lake):
    return [(one.number, one.who, one.action) for one in Log.read(lake).changes]


def test_changes_come_back_as_they_were_made(lake):
    log = Log.read(lake)
    assert log.last == 0
    log = log.add("ann", "created", "warehouse", "pg", {"fields": {"host": 'it\'s "odd"✓'}})
    log.add("bob", "tested", "warehouse", "pg")
    first, second = Log.read(lake).changes
    assert (first.number, first.who, first.action, first.about, first.name) == (1, "ann", "created", "warehouse", "pg")
    assert first.details == {"fields": {"host": 'it\'s "odd"✓'}}
    assert (second.number, second.who, second.details) == (2, "bob", {})
    assert first.at <= second.at
    assert first.shown()["at"].endswith("+00:00")


def test_a_change_against_a_log_that_went_on_is_refused_and_not_made(lake):
    Log.read(lake).add("ann", "created", "warehouse", "pg")
    seen_by_both = Log.read(lake)
    seen_by_both.add("ann", "disabled", "warehouse", "pg")
    with pytest.raises(ChangedMeanwhile, match=r"warehouse pg: somebody made another change .* do it again"):
        seen_by_both.add("bob", "deleted", "warehouse", "pg")
    assert names(lake) == [(1, "ann", "created"), (2, "ann", "disabled")]


def test_of_two_processes_that_change_at_once_one_is_refused(lake):
    Log.read(lake).add("ann", "created", "warehouse", "pg")
    operators = [
        subprocess.Popen(
            [sys.executable, "-c", OPERATOR, lake.root, who],
            env=environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for who in ("ann", "bob")
    ]
    assert [one.stdout.readline() for one in operators] == ["1\n"] * 2
    for one in operators:
        one.stdin.write("go\n")
        one.stdin.flush()
    assert sorted(one.communicate(timeout=60)[0] for one in operators) == ["made\n", "refused\n"]
    assert [number for number, _, _ in names(lake)] == [1, 2]


def test_of_many_threads_that_change_at_once_one_is_not_refused(lake):
    for last in range(3):
        log = Log.read(lake)

        def attempt(who, log=log):
            try:
                return bool(log.add(str(who), "disabled", "warehouse", "pg"))
            except ChangedMeanwhile:
                return False

        with ThreadPoolExecutor(8) as operators:
            assert sum(operators.map(attempt, range(8))) == 1
        assert Log.read(lake).last == last + 1


def test_what_is_only_noted_waits_for_its_turn(lake):
    with ThreadPoolExecutor(4) as operators:
        list(operators.map(lambda who: note(lake, str(who), "denied", "warehouse", "pg"), range(4)))
    assert [number for number, _, _ in names(lake)] == [1, 2, 3, 4]
    assert sorted(who for _, who, _ in names(lake)) == ["0", "1", "2", "3"]


def test_the_log_is_no_table_of_the_space_and_lives_through_upkeep(lake):
    log = Log.read(lake)
    for _ in range(12):
        log = log.add("ann", "disabled", "warehouse", "pg")
    assert lake.public_tables() == []
    assert lake.keep_up("_control/changes", 1) > 0
    log.add("ann", "enabled", "warehouse", "pg")
    assert [number for number, _, _ in names(lake)] == list(range(1, 14))


@pytest.mark.slow
def test_a_lake_in_a_catalog_has_the_same_log(tmp_path, spark):
    spark.sql(f"CREATE SCHEMA spark_catalog.acme_control LOCATION '{tmp_path / 'warehouse'}'")
    try:
        catalog = CatalogSettings(catalog="spark_catalog", schema="acme", staging=str(tmp_path))
        lake = CatalogLake(catalog, "acme", lambda: spark)
        log = Log.read(lake)
        log = log.add("ann", "created", "warehouse", "pg", {"a": [1]})
        log.add("ann", "disabled", "warehouse", "pg")
        with pytest.raises(ChangedMeanwhile):
            log.add("bob", "deleted", "warehouse", "pg")
        assert names(lake) == [(1, "ann", "created"), (2, "ann", "disabled")]
        log = Log.read(lake)
        with ThreadPoolExecutor(2) as operators:
            made = list(operators.map(lambda who: _made(log, who), ("ann", "bob")))
        assert sorted(made) == [False, True]
        assert Log.read(lake).last == 3
    finally:
        spark.sql("DROP SCHEMA spark_catalog.acme_control CASCADE")


def _made(log, who):
    try:
        return bool(log.add(who, "enabled", "warehouse", "pg"))
    except ChangedMeanwhile:
        return False
