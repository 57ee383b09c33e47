"""The pages that look into the lake, as a person uses them in Chromium: found, drawn and readable."""

import pytest

from profiles_sync.console.app import application
from profiles_sync.settings import load
from tests.browser import chromium
from tests.console.browser import browser, served
from tests.console.exploring import ANN, people

__all__ = ["browser", "chromium", "people"]
pytestmark = [pytest.mark.slow, pytest.mark.lake]


@pytest.fixture(scope="module")
def url(people):
    with served(application(load(people), lambda _: ANN)) as where:
        yield where


def looks_up(browser, kind, value):
    page = browser.goes("/identity")
    page.get_by_label("Look up by").select_option(kind)
    page.get_by_label("Value").fill(value)
    page.get_by_role("button", name="Find profile").click()
    return page


def test_somebody_finds_out_why_two_profiles_merged(browser):
    page = browser.goes("/identity")
    browser.looks("identity")
    page = looks_up(browser, "email", "jane.kim@segment.com")
    page.get_by_role("img", name="How this profile came to be").wait_for()
    browser.looks("profile")
    row = page.get_by_role("region", name="Merges").get_by_role("row").nth(1)
    assert "event_4" in row.inner_text() and "identify" in row.inner_text()
    assert "jane" not in page.url


def test_somebody_meets_nobody(browser):
    page = looks_up(browser, "user_id", "nobody at all")
    page.get_by_role("heading", name="No such profile").wait_for()
    browser.looks("no-profile")


def test_somebody_explores_the_tables_and_asks(browser):
    page = browser.goes("/tables")
    browser.looks("tables")
    page.get_by_label("Search").fill("order")
    page.get_by_role("button", name="Search").click()
    page.get_by_role("link", name="order_completed").click()
    page.get_by_role("rowheader", name="coupon").wait_for()
    browser.looks("table")
    page = browser.goes("/queries")
    browser.looks("queries")
    page.get_by_role("link", name="Track events", exact=True).click()
    page.get_by_role("button", name="Run").click()
    page.get_by_role("cell", name="Order Completed").wait_for()
    browser.looks("query")


def test_somebody_sets_up_the_data_graph(browser):
    page = browser.goes("/data-graph")
    browser.looks("data-graph")
    page.get_by_role("link", name="cluster").click()
    page.get_by_label("Its user").fill("acme_graph")
    page.get_by_role("button", name="Write the script").click()
    page.wait_for_url("**/cluster?user=acme_graph*")
    assert 'CREATE USER "acme_graph"' in page.get_by_role("region", name="The script").inner_text()
    browser.looks("data-graph-of-a-warehouse")
