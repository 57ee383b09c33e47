"""What stands beside a statement in a warehouse's history, and beside a job in Spark's, says where it is from."""

import json

import pytest

from profiles_sync.warehouses.bigquery.labels import labels_of, where
from profiles_sync.watching import tags
from profiles_sync.watching.here import at
from profiles_sync.watching.tally import counting

pytestmark = pytest.mark.usefixtures("no_settings_in_the_environment")
THERE = {"space": "acme", "sync": "17", "warehouse": "pg", "step": "sync", "table": "pages"}


def test_a_statement_outside_of_a_sync_is_as_it_was():
    assert tags.commented("SELECT 1") == "SELECT 1"
    assert (tags.as_json(100), tags.plain(63), where()) == (None, "profiles-sync", {})


def test_a_comment_names_everything_and_nothing_can_end_it():
    with at(**THERE | {"table": "it's */ DROP TABLE x; --"}):
        told = tags.commented("SELECT 1")
    assert told == (
        "SELECT 1 /*application='profiles-sync',space='acme',sync='17',warehouse='pg',"
        "table='it%27s%20%2A%2F%20DROP%20TABLE%20x%3B%20--',step='sync'*/"
    )


def test_json_is_as_long_as_may_be_and_whole():
    with at(**THERE):
        assert json.loads(tags.as_json(2000)) == {"application": "profiles-sync"} | THERE
        for longest in range(120):
            told = tags.as_json(longest)
            assert told is None or (len(told) <= longest and json.loads(told)["application"] == "profiles-sync")


def test_words_are_short_and_ascii():
    with at(**THERE | {"table": "é" * 40}):
        assert tags.plain(63).startswith("profiles-sync acme 17 pg %C3%A9")
        assert len(tags.plain(63)) == 63


def test_labels_are_what_bigquery_takes_and_name_everything():
    with at(**THERE | {"table": "Order É"}):
        assert labels_of({"team": "data"}, **where()) == {"product": "profiles-sync", "team": "data"} | THERE | {
            "table": "order__"
        }


def test_jobs_of_spark_say_where_they_are_from_and_count_for_the_run(spark):
    context = spark.sparkContext
    with counting() as tally:
        tally.group = "profiles-sync acme 17"
        with at(**THERE):
            tags.named(spark).range(3).collect()
            assert context.getLocalProperty("spark.job.description") == "profiles-sync acme 17 pg pages sync"
            assert tally.spark_jobs == 1
        tags.unnamed()
    assert context.getLocalProperty("spark.job.description") is None
    assert context.getLocalProperty("spark.jobGroup.id") is None


def test_a_job_group_of_somebody_elses_stays(spark):
    spark.sparkContext.setJobGroup("of-a-notebook", "a cell")
    try:
        with counting() as tally, at(**THERE):
            tally.group = "profiles-sync acme 17"
            tags.named(spark)
            assert spark.sparkContext.getLocalProperty("spark.jobGroup.id") == "of-a-notebook"
            assert tally.spark_jobs is None
    finally:
        spark.sparkContext.setLocalProperty("spark.jobGroup.id", None)
        spark.sparkContext.setLocalProperty("spark.job.description", None)
