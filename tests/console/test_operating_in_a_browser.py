"""The console's overview, syncs, settings and login as a person uses them in Chromium, on a lake of the real job."""

import re
import shutil

import pytest

from profiles_sync.console.app import application
from profiles_sync.console.login import hashed
from profiles_sync.settings import load
from tests.browser import chromium
from tests.console.browser import SCREENS, browser, opened, served
from tests.console.exploring import OWEN, people

__all__ = ["browser", "chromium", "people"]
pytestmark = [pytest.mark.slow, pytest.mark.lake]


@pytest.fixture(scope="module")
def space(people, tmp_path_factory):
    folder = shutil.copytree(people.parent, tmp_path_factory.mktemp("operated") / "space")
    text = (folder / "acme.yml").read_text()
    (folder / "acme.yml").write_text(text + "schedule: {every_minutes: 60}\negress_addresses: [203.0.113.16/28]\n")
    return folder / "acme.yml"


@pytest.fixture(scope="module")
def url(space):
    with served(application(load(space), lambda _: OWEN)) as at:
        yield at


def test_somebody_sees_how_the_syncs_go(browser):
    page = browser.goes("/")
    browser.looks("overview")
    assert page.get_by_role("img", name="Rows synced to local per day").is_visible()
    page.locator("#of-local").locator("xpath=../..").get_by_role("link").filter(has=page.locator("time")).click()
    pane = page.get_by_role("region", name="Sync of local")
    pane.wait_for()
    assert "35 rows in identity graph tables" in pane.inner_text()
    browser.looks("sync")
    pane.get_by_role("link", name="Close").click()
    browser.looks("syncs")
    page.get_by_label("Sync status").select_option("Failed")
    page.get_by_role("button", name="Filter").click()
    page.get_by_text("No sync is like that.").wait_for()


def test_somebody_adds_a_warehouse_and_deletes_it(browser, space):
    name = f"by-{browser.screen}"
    page = browser.goes("/")
    page.get_by_role("link", name="Add warehouse").click()
    browser.looks("add-1-choose")
    page.get_by_role("link", name="DuckDB").click()
    browser.looks("add-2-set-up")
    page.get_by_role("link", name="Next").click()
    assert page.get_by_role("button", name="Next").is_disabled()
    page.get_by_label("Name of the warehouse").fill(name)
    page.get_by_label("Path", exact=True).fill(str(space / "second.duckdb"))
    page.get_by_role("button", name="Test Connection").click()
    page.get_by_role("heading", name="Test Connection: something failed").wait_for()
    browser.looks("add-3-failed")
    page.get_by_label("Path", exact=True).fill(str(space.parent / f"{name}.duckdb"))
    page.get_by_role("button", name="Test Connection").click()
    page.get_by_role("heading", name="Test Connection: it works").wait_for()
    browser.looks("add-3-connected")
    page.get_by_role("link", name="Next").click()
    page.get_by_label("Track event tables").uncheck()
    page.get_by_role("button", name="Save groups").click()
    page.get_by_text("Saved.").wait_for()
    browser.looks("add-4-select")
    page.get_by_role("link", name="Next").click()
    browser.looks("add-5-done")
    page.get_by_role("button", name="Enable the sync").click()
    page.get_by_role("link", name="Disable").click()
    browser.looks("settings-sure")
    page.get_by_role("button", name="Disable").click()
    page.get_by_role("link", name="Delete warehouse").click()
    page.get_by_role("button", name="Delete warehouse").click()
    row = page.get_by_role("row").filter(has_text=name)
    row.filter(has_text="Deleted").wait_for()
    browser.looks("settings")


def test_somebody_sets_a_warehouse_up(browser):
    page = browser.goes("/add-warehouse/snowflake")
    page.get_by_label("Role").fill("SYNC_ROLE")
    page.get_by_role("button", name="Fill in these names").click()
    page.get_by_role("region", name="The script").filter(has_text='CREATE ROLE IF NOT EXISTS "SYNC_ROLE"').wait_for()
    assert page.get_by_text("203.0.113.16/28", exact=True).is_visible()
    browser.looks("add-2-snowflake")
    page.get_by_role("link", name="Next").click()
    assert page.get_by_label("Role").input_value() == "SYNC_ROLE"


def test_somebody_selects_what_is_synced(browser):
    page = browser.goes("/settings/local")
    browser.looks("settings-basic")
    page.get_by_role("link", name="Selective Sync").click()
    browser.looks("settings-selection")
    page.get_by_label("Search 16 tables").fill("order completed")
    page.get_by_role("button", name="Search").click()
    page.get_by_label("order_completed").uncheck()
    page.get_by_role("button", name="Save tables").click()
    page.get_by_text("Saved.").wait_for()
    assert not page.get_by_label("order_completed").is_checked()
    page.get_by_label("order_completed").check()
    page.get_by_role("button", name="Save tables").click()
    page.get_by_text("Saved.").wait_for()
    page.get_by_role("link", name="Columns of order_completed").click()
    assert page.get_by_label("received_at").is_disabled()
    browser.looks("settings-columns")
    page.get_by_role("link", name="Sync schedule").click()
    page.get_by_text("Syncs are due every 60 minutes").wait_for()
    browser.looks("settings-schedule")


def test_somebody_tests_a_connection(browser):
    page = browser.goes("/settings/cluster/connection")
    browser.looks("settings-connection")
    assert page.get_by_text("********").is_visible()
    page = browser.goes("/settings/local/connection")
    page.get_by_role("button", name="Test Connection").click()
    page.get_by_role("heading", name="Test Connection: it works").wait_for()
    browser.looks("settings-tested")


def test_somebody_uses_the_keyboard_and_the_other_theme(chromium, url):
    with opened(chromium, url, "light", timezone_id="Asia/Tokyo") as browser:
        page = browser.goes("/")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "Skip to the page"
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "content"
        paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
        page.get_by_role("button", name="Dark theme").click()
        page = browser.goes("/syncs")
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") != paper, "the choice is kept"
        time = page.locator("tbody time").first
        hours = [
            page.evaluate(f"new Date(document.querySelector('tbody time').dateTime).{get}()")
            for get in ("getHours", "getUTCHours")
        ]
        assert (hours[0] - hours[1]) % 24 == 9 and re.search(rf"\b0?{hours[0] % 12 or 12}:\d\d", time.inner_text())


@pytest.mark.parametrize("screen", SCREENS)
def test_somebody_logs_in_and_out(chromium, space, screen):
    own = space.with_name("users.yml")
    own.write_text(space.read_text() + f"console: {{users: {{owen: '{hashed('pa ss')}'}}}}\n")
    with served(application(load(own))) as url, opened(chromium, url, screen) as browser:
        page = browser.goes("/settings/local")
        page.get_by_label("User").fill("owen")
        page.get_by_label("Password").fill("wrong")
        page.get_by_role("button", name="Log in").click()
        page.get_by_role("alert").wait_for()
        browser.looks("login")
        page.get_by_label("User").fill("owen")
        page.get_by_label("Password").fill("pa ss")
        page.get_by_role("button", name="Log in").click()
        page.get_by_role("heading", name="local").wait_for()  # one goes on where one wanted to
        page.get_by_role("button", name="Log out").click()
        page.get_by_role("heading", name="Log in").wait_for()
