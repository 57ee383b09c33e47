"""Each notebook is run as a script on the lake of a space; its plots are kept in build/notebooks."""

import runpy
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import pytest

from profiles_sync import exploring
from profiles_sync.errors import MissingExtra

ROOT = Path(__file__).parents[2]
PLOTS = ROOT / "build" / "notebooks"
pytestmark = pytest.mark.slow


@pytest.fixture(scope="session")
def asked():
    """The queries of all notebooks that have been run, with their answers."""
    return []


@pytest.fixture(scope="session")
def ran(shop, asked):
    """Runs a notebook once and gives what its cells left behind."""
    done = {}

    def run(name):
        if name not in done:
            with pytest.MonkeyPatch.context() as patch, listened(asked, patch):
                patch.setenv("SPACE_SETTINGS", str(shop))
                patch.setattr(exploring, "active_session", lambda: None)
                done[name] = runpy.run_path(str(ROOT / "notebooks" / f"{name}.py"))
            keep_plots(name)
        return done[name]

    return run


@contextmanager
def listened(asked, patch):
    answer = exploring.Explored.sql

    def sql(self, query):
        rows = answer(self, query)
        asked.append((self, query, rows.copy()))
        return rows

    patch.setattr(exploring.Explored, "sql", sql)
    yield


def keep_plots(name):
    import matplotlib.pyplot as plt

    PLOTS.mkdir(parents=True, exist_ok=True)
    assert plt.get_fignums(), "a notebook shows something"
    for number in plt.get_fignums():
        plt.figure(number).savefig(PLOTS / f"{name}-{number}.png", dpi=110)
    plt.close("all")


def test_the_case_study_ends_as_segment_says(ran):
    left = ran("01_a_visit_becomes_a_profile")
    assert left["history"][["segment_id", "canonical_segment_id", "triggering_event_id"]].to_numpy().tolist() == [
        ["profile_1", "profile_1", "event_1"],
        ["profile_2", "profile_2", "event_3"],
        ["profile_2", "profile_1", "event_4"],
    ]


def test_exploring_finds_the_shops_visitors(ran):
    left = ran("02_explore_a_space")
    assert left["daily"]["created"].sum() > left["daily"]["merged_away"].sum() > 100
    assert set(left["causes"]["cause"]) <= {"identify from Website", "identify from Mobile"}
    assert 300 < len(left["golden"]) < 500


def test_attribution_finds_that_the_newsletter_brings_nobody_and_brings_many_back(ran):
    left = ran("03_journeys_and_attribution")
    newsletter = left["earned"].loc["email"]
    assert newsletter["first touch"] < newsletter["last touch"] / 10
    assert left["alone"]["first_touch_is_too_late"] > left["alone"]["orders"] / 5


def test_the_churn_model_finds_why_customers_leave(ran):
    left = ran("04_predict_churn")
    weights = left["weights"]
    assert left["area"] > left["lazy"] > 0.6
    assert weights["plan_team"] < weights["plan_pro"] < 0 < weights["help_requested"]


def test_the_plan_has_the_files_that_wait_and_what_selective_sync_leaves_out(ran):
    left = ran("05_what_would_this_sync_do")
    assert len(left["files"]) == 2 and left["lacking"].empty and not left["errors"]
    assert set(left["left_out"]) == {"pages", "user_traits"}


def test_tuning_finds_that_a_family_is_kept_apart_by_the_limit_of_one_user_id(ran):
    table = ran("06_tune_identity_rules")["table"]
    several = table["profiles with several addresses"]
    assert several["as it is"] == 0 < several["user_id: limit 5"]
    profiles = table["profiles"]
    assert profiles["anonymous_id: limit 1"] > profiles["anonymous_id: limit 2"] > profiles["as it is"]


def test_tuning_by_the_rules_as_they_are_makes_the_profiles_that_the_job_made(ran):
    """But for the files of the last day, which the job has not taken."""
    waiting, made = ran("06_tune_identity_rules"), ran("02_explore_a_space")
    last = max(event.received_at for event in waiting["events"]) // 86_400_000_000
    taken = [event for event in waiting["events"] if event.received_at // 86_400_000_000 < last]
    waiting["outcome"].__globals__["events"] = taken
    assert waiting["outcome"](waiting["now"])["profiles"] == made["daily"]["living"].iloc[-1]


def test_without_duckdb_and_without_spark_the_extra_is_named(shop, monkeypatch):
    monkeypatch.setattr(exploring, "active_session", lambda: None)
    monkeypatch.setitem(__import__("sys").modules, "duckdb", None)
    with pytest.raises(MissingExtra, match="duckdb"):
        exploring.explore(shop).sql("SELECT 1 AS one")


def test_spark_gives_the_rows_that_duckdb_gives(ran, asked, shop, spark):
    """Asked the longest query, which has most of the words."""
    ran("03_journeys_and_attribution")
    longest = max((query for where, query, _ in asked if where.settings.space.slug == "shop"), key=len)
    compare(explored_by_spark(shop), [one for one in asked if one[1] == longest][:1])
    assert not spark.catalog.listTables(), "no view is left behind"


@pytest.mark.standin
def test_spark_gives_the_rows_that_duckdb_gives_to_every_query(ran, asked, shop, spark):
    for name in ("02_explore_a_space", "03_journeys_and_attribution", "04_predict_churn", "05_what_would_this_sync_do"):
        ran(name)
    ours = [one for one in asked if one[0].settings.space.slug == "shop"]
    assert len(ours) > 15
    compare(explored_by_spark(shop), ours)


def explored_by_spark(shop):
    space = exploring.explore(shop)
    assert space.spark is not None
    return space


def compare(space, asked):
    for _, query, rows in asked:
        assert_same(space.sql(query), rows, query)


def assert_same(one, other, query):
    """The same rows; those of a query without an order are put into one."""
    assert list(one) == list(other), query
    order = [name for name in one if one[name].dtype.kind != "f"] or list(one)
    one, other = (rows.sort_values(order).reset_index(drop=True) for rows in (one, other))
    for name in one:
        if other[name].dtype.kind == "M":
            one[name], other[name] = one[name].astype("datetime64[us]"), other[name].astype("datetime64[us]")
    pd.testing.assert_frame_equal(one, other, check_dtype=False, obj=query)
