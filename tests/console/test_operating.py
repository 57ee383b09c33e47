"""The pages by which a space is operated: what they show, and who may do what by them, also by direct requests."""

import re
import shutil
import socket
import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from profiles_sync.console.frame import Here
from profiles_sync.console.overview.days import days_of
from profiles_sync.console.overview.page import lag_of
from profiles_sync.console.settings.form import given
from profiles_sync.console.syncs.listed import Listed
from profiles_sync.control import backfills, history
from profiles_sync.control.history import Sync
from profiles_sync.control.log import Log
from profiles_sync.control.policy import USER
from profiles_sync.control.selecting import selections
from profiles_sync.control.warehouses import warehouses
from profiles_sync.lake.opening import lake_of
from profiles_sync.problems import ErrorClass, Problem
from profiles_sync.settings import load
from profiles_sync.spec.backfill import Window
from profiles_sync.spec.selection import filled
from profiles_sync.sync.connecting import add
from tests.console.exploring import ADMINS, ANN, BOB, EVE, NOBODY, OWEN, SECRETS, Client, console, people

__all__ = ["people"]
pytestmark = pytest.mark.lake


@pytest.fixture
def space(people, tmp_path):
    """A copy, to change; the path of its settings."""
    return shutil.copytree(people.parent, tmp_path / "space") / "acme.yml"


@pytest.fixture
def lake(space):
    return lake_of(load(space))


def statuses(space):
    return {name: str(one.status) for name, one in warehouses(load(space), lake_of(load(space))).items()}


PAGES = [
    "/",
    "/syncs",
    "/settings",
    "/settings/local",
    "/settings/local/connection",
    "/settings/local/selection",
    "/settings/local/selection?table=pages",
    "/settings/local/schedule",
]
#: A change, by whom it may be made, and what is sent.
CHANGES = {
    "/settings/local/sure/disable": (ADMINS, {}),
    "/settings/cluster/sure/enable": (ADMINS, {}),
    "/settings/cluster/sure/delete": (ADMINS, {}),
    "/settings/local/connection/test": (ADMINS, {}),
    "/settings/local/connection": (ADMINS, {"path": "other.duckdb"}),
    "/settings/local/selection": ((OWEN,), {"shown": "pages"}),
    "/add-warehouse/duckdb/connect": (ADMINS, {"name": "second", "path": "second.duckdb"}),
}
FOR_ADMINS = [
    "/add-warehouse",
    "/add-warehouse/postgres",
    "/add-warehouse/postgres/connect",
    "/settings/local/sure/disable",
]


@pytest.mark.parametrize("who", [ANN, OWEN, BOB, EVE])
def test_whoever_has_a_role_sees_history_and_settings_and_no_secret(people, who):
    client = Client(console(people), who)
    for page in PAGES:
        found = client.get(page)
        assert found.status_code == 200, page
        assert not any(secret in found.text for secret in SECRETS), page


def test_who_has_no_role_sees_nothing(people):
    client = Client(console(people), NOBODY)
    assert {client.get(page).status_code for page in (*PAGES, *FOR_ADMINS)} == {403}


@pytest.mark.parametrize("who", [BOB, EVE])
def test_who_reads_is_offered_no_change(people, who):
    client = Client(console(people), who)
    for page in PAGES:
        text = client.get(page).text
        assert 'method="post"' not in text or "disabled" in text, page
        assert "Add warehouse" not in text and "Save" not in text, page
    assert {client.get(page).status_code for page in FOR_ADMINS} == {403}


@pytest.mark.parametrize("path", CHANGES)
@pytest.mark.parametrize("who", [ANN, OWEN, BOB, EVE, NOBODY])
def test_a_change_takes_its_role_also_by_a_direct_request(space, lake, who, path, monkeypatch):
    monkeypatch.chdir(space.parent)
    may, fields = CHANGES[path]
    client, before = Client(console(space), who), Log.read(lake).changes
    found = client.sends(path, **fields)
    changed = [one for one in Log.read(lake).changes[len(before) :] if one.action != "denied"]
    if who in may:
        assert found.status_code in (200, 400), found.text[-500:]  # 400: the settings file's own cannot be modified
        assert bool(changed) is (path not in ("/settings/local/connection", "/settings/local/connection/test"))
        assert {one.who for one in changed} <= {who}
    else:
        assert found.status_code == 403 and not changed


@pytest.mark.parametrize("path", CHANGES)
def test_a_form_of_another_site_changes_nothing(space, lake, path):
    client, before = Client(console(space), OWEN), Log.read(lake).last
    client.get("/")
    for fields in (CHANGES[path][1], CHANGES[path][1] | {"csrf": "0" * 64}):
        assert client.post(path, data=fields).status_code == 403
    assert client.post(path, json=CHANGES[path][1]).status_code == 403
    assert Log.read(lake).last == before


def test_the_overview_tells_where_each_warehouse_stands(people):
    text = Client(console(people)).get("/").text
    local = text[text.index('id="of-local"') : text.index('id="of-cluster"')]
    assert "Success" in local and "<code>acme</code>" in local and "has what came until" in local
    assert "Rows synced per day, 43 in 30 days" in local and '<svg class="chart"' in local
    assert "none, it is disabled" in text[text.index('id="of-cluster"') :]


def test_a_backfill_is_a_banner_until_it_is_staged(space, lake):
    asked = backfills.Backfill("1000", "local", 0, ANN, ("pages", "identifies"), Window(None, None), 5)
    banner = "local gets its history"
    one = backfills.request(lake, asked)
    assert banner in Client(console(space)).get("/").text
    backfills.stop(lake, "local", 0, one, "the disk is full")
    assert "It waits: the disk is full" in Client(console(space)).get("/").text
    backfills.note(lake, one, backfills.Step.STAGED, {"tables": {"pages": [5, 100]}})
    text = Client(console(space)).get("/").text
    assert banner not in text and "0 of 2 tables are loaded" in text


def a_sync(number, status="Success", warehouse="local", **more):
    began = 1_790_000_000_000_000 + number * 3_600_000_000
    fields = {"rows": number, "tables": {"pages": number}, "schema": "acme"}
    return Sync(str(began), warehouse, status, began, began + 90_000_000, **fields | more)


def test_syncs_are_shown_newest_first_by_pages_and_by_status(space, lake):
    failed = {"error": "warehouse local: no such host", "problem": Problem(ErrorClass.CONNECTIVITY, "see host")}
    history.record(lake, [a_sync(number, "Failed" if number % 10 == 0 else "Success") for number in range(1, 60)])
    history.record(lake, [a_sync(60, "Failed", **failed)])
    client = Client(console(space))
    first = client.get("/syncs").text
    assert "61 syncs, newest first" in first and "1 of 3" in first
    assert re.findall(r'<th scope="col".*?>(.*?)</th>', first)[:4] == [
        "Sync status",
        "Duration",
        "Start time",
        "Synced rows",
    ]
    times = re.findall(r'<time datetime="(.*?)"', first)
    assert times == sorted(times, reverse=True) and "1.50 min" in first
    only = client.get("/syncs?status=Failed").text
    assert "6 syncs, newest first" in only and 'class="state good"' not in only
    pane = client.get(f"/syncs?sync={a_sync(60).sync_id}&of=local").text
    assert "no such host" in pane and "Connectivity: see host." in pane
    assert client.get("/syncs?sync=5&of=local").status_code == 404
    assert client.get("/syncs?page=0").status_code == 400


def test_the_pane_of_a_sync_has_its_rows_by_group_and_table(people):
    client = Client(console(people))
    link = re.search(r'href="(/syncs\?[^"]*sync=[^"]*)"', client.get("/syncs").text)[1].replace("&amp;", "&")
    text = re.sub(r"\s+", " ", client.get(link).text)
    assert "35 rows in identity graph tables" in text and "1 row in event tables" in text
    assert '<th scope="row"><code>order_completed</code></th><td class="number">1</td>' in text


def test_errors_are_told_with_what_to_do(space, lake):
    problem = Problem(ErrorClass.PERMISSION, "grant it")
    errors = {"pages": "denied", "tracks": "denied"}
    one = a_sync(9, "Partial success", errors=errors, problems={"pages": problem, "tracks": problem})
    history.record(lake, [one])
    text = re.sub(r"\s+", " ", Client(console(space)).get(f"/syncs?sync={one.sync_id}&of=local").text)
    assert "<strong>pages, tracks:</strong> denied" in text and "Permission: grant it." in text


def test_disabling_and_deleting_say_what_will_happen_first(space):
    client = Client(console(space))
    assert "credentials and its Selective Sync are kept" in client.get("/settings/local/sure/disable").text
    refused = client.sends("/settings/local/sure/delete")
    assert refused.status_code == 409 and "disable it first" in refused.text
    assert client.sends("/settings/local/sure/disable").status_code == 200 and statuses(space)["local"] == "disabled"
    assert "none, it is disabled" in client.get("/").text
    assert "What was synced stays" in client.get("/settings/local/sure/delete").text
    client.sends("/settings/local/sure/delete")
    assert statuses(space)["local"] == "deleted" and 'id="of-local"' not in client.get("/").text


def test_there_is_no_such_warehouse_or_action(people):
    client = Client(console(people))
    pages = ["/settings/none", "/settings/none/selection", "/settings/local/sure/explode", "/add-warehouse/oracle"]
    assert [client.get(page).status_code for page in pages] == [404] * 4
    assert client.sends("/settings/local/sure/explode").status_code == 404


def test_test_connection_is_told_in_words(space):
    nowhere = "warehouses:\n  nowhere: {type: duckdb, path: ./acme.yml/acme.duckdb, enabled: false}\n"
    space.write_text(space.read_text().replace("warehouses:\n", nowhere))
    client = Client(console(space))
    assert "it works" in client.sends("/settings/local/connection/test").text
    failed = client.sends("/settings/nowhere/connection/test").text
    assert "something failed" in failed and "not tried" in failed and "Internal: see" in failed
    typed = client.sends("/settings/local/connection/test", password="hidden word")
    assert typed.status_code == 400 and "has no password" in typed.text and "hidden word" not in typed.text


def test_a_warehouse_is_added_step_by_step(space, monkeypatch):
    monkeypatch.chdir(space.parent)
    client = Client(console(space), OWEN)
    assert "/add-warehouse/duckdb" in client.get("/add-warehouse").text
    script = client.get("/add-warehouse/postgres?user=robot").text
    assert "CREATE ROLE &#34;robot&#34; LOGIN" in script and "/add-warehouse/postgres/connect?username=robot" in script
    assert client.get("/add-warehouse/postgres?user=").status_code == 200
    missing = client.sends("/add-warehouse/duckdb/connect", name="second")
    assert missing.status_code == 400 and "path: required and missing" in missing.text
    added = client.sends("/add-warehouse/duckdb/connect", name="second", path="second.duckdb").text
    assert "it works" in added and "/settings/second/selection?adding=1" in added
    assert statuses(space)["second"] == "requested"
    client.sends("/settings/second/selection", shown="track-tables", adding="1")
    assert "Enable the sync" in client.get("/settings/second/schedule?adding=1").text
    client.sends("/settings/second/sure/enable")
    assert statuses(space)["second"] == "enabled"
    assert not selections(load(space), lake_of(load(space)))["second"].selection.has("order_completed")


def test_next_is_offered_only_after_a_test_that_went_well(space):
    fields = {"name": "second", "path": str(space / "second.duckdb")}
    found = Client(console(space)).sends("/add-warehouse/duckdb/connect", **fields, password="hidden word").text
    assert "has no password" in found and "hidden word" not in found
    found = Client(console(space)).sends("/add-warehouse/duckdb/connect", **fields).text
    assert "something failed" in found and '<button type="button" disabled>Next</button>' in found
    assert 'value="second"' in found and statuses(space)["second"] == "created"


def test_who_logs_in_names_no_file_and_no_variable_of_the_server(space):
    shutil.copy(space, space.with_name("own.yml"))
    space.write_text(space.read_text() + "console: {trusted_header: X-User}\n")
    client = Client(console(space))
    assert "/add-warehouse/duckdb" not in client.get("/add-warehouse").text
    assert client.sends("/add-warehouse/duckdb/connect", name="second", path="/tmp/second.duckdb").status_code == 404
    form = client.get("/add-warehouse/postgres/connect").text
    assert "Or where it is" not in form and "sslrootcert" not in form
    sent = {"name": "pg", "host": "h", "where": "env:HOME", "password": "env:HOME", "sslrootcert": "/etc/passwd"}
    theirs, own = (Here(None, load(path), None, ANN, None) for path in (space, space.with_name("own.yml")))
    assert given(theirs, "postgres", sent) == ({"host": "h"}, "env:HOME")
    assert given(own, "postgres", sent)[0] == {"host": "h", "password": "env:HOME", "sslrootcert": "/etc/passwd"}


@contextmanager
def who_asks_for_passwords():
    """A server that says it is Postgres, and wants a password in clear; gives its port and what it was sent."""
    sent = []
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve():
            while True:
                try:
                    with listening.accept()[0] as peer:
                        peer.recv(4096)
                        peer.sendall(b"R\0\0\0\x08\0\0\0\x03")
                        sent.append(peer.recv(4096))
                except OSError:
                    return

        threading.Thread(target=serve, daemon=True).start()
        yield listening.getsockname()[1], sent
        listening.shutdown(socket.SHUT_RDWR)


def test_who_logs_in_sends_no_password_of_the_servers_elsewhere(space, monkeypatch):
    monkeypatch.setenv("PG_PASSWORD", "kept-word")
    monkeypatch.setenv("PGPASSWORD", "own-word")
    fields = {"type": "postgres", "host": "127.0.0.1", "port": "1", "database": "acme", "username": "segment"}
    add(load(space), "pg", {**fields, "sslmode": "disable", "password": "env:PG_PASSWORD"}, None, ANN)
    space.write_text(space.read_text() + "console: {trusted_header: X-User}\n")
    client = Client(console(space))
    with who_asks_for_passwords() as (port, sent):
        found = client.sends("/settings/pg/connection", port=str(port))
        assert not sent and found.status_code == 400 and "type its password too" in found.text
        there = {**fields, "name": "other", "port": str(port), "sslmode": "disable"}
        found = client.sends("/add-warehouse/postgres/connect", **there)
        assert not sent and found.status_code == 400 and "type its password too" in found.text


def test_an_owner_picks_groups_tables_and_columns(space, lake):
    client = Client(console(space), OWEN)
    now = lambda: selections(load(space), lake)["local"].selection  # noqa: E731
    client.sends("/settings/local/selection", shown=["pages", "groups"], on=["groups"])
    assert not now().has("pages") and now().has("groups")
    client.sends("/settings/local/selection", shown=["pages.name", "pages.title"], on=["pages.title"], table="pages")
    assert not now().has_column("pages", "name")
    client.sends("/settings/local/selection", shown=["track-tables"])
    assert not now().has("order_completed") and not now().has("one_to_come")
    client.sends("/settings/local/selection", shown=["pages", "track-tables"], on=["pages", "track-tables"])
    assert now().has("pages") and now().has("one_to_come")
    text = client.get("/settings/local/selection?table=pages").text
    assert re.search(r'value="pages.received_at" checked disabled', text), "a sync cannot do without it"
    refused = client.sends("/settings/local/selection", shown="pages.received_at", table="pages")
    assert refused.status_code == 409 and "cannot be left out" in refused.text


def test_tables_are_found_by_a_word(people):
    text = Client(console(people), OWEN).get("/settings/local/selection?search=Order Comp").text
    assert re.findall(r'name="on" value="([a-z_.]+)"', text) == ["order_completed"]
    assert "Nothing is called like" in Client(console(people)).get("/settings/local/selection?search=zzz").text


def test_when_little_room_is_left_the_page_says_so(space, lake, monkeypatch):
    monkeypatch.setattr("profiles_sync.console.settings.selection.filled", partial(filled, limit=18))
    text = Client(console(space)).get("/settings/local/selection").text
    assert "the space has 16 tables, and Selective Sync manages 18" in text


def test_days_have_the_rows_of_one_warehouse_by_group():
    every = [
        Listed(a_sync(1), (1, 2, 3)),
        Listed(a_sync(2), (4, 0, 0)),
        Listed(a_sync(3, warehouse="other"), (9, 9, 9)),
    ]
    first = datetime.fromtimestamp(a_sync(1).started_at / 1e6, UTC).date()
    days = days_of("local", every, first + timedelta(days=29))
    assert len(days.rows) == 30 and days.rows[0] == (first, (5, 2, 3)) and days.with_rows == [days.rows[0]]
    assert "10 rows in 30 days" in days.chart and "5 identity graph tables" in days.chart
    assert days_of("local", every, first + timedelta(days=30)).total == 0


@pytest.mark.parametrize(
    ("seconds", "told"), [(0, "none"), (59, "59 s"), (3600, "1 h"), (90_061, "1 d 1 h"), (3_725, "1 h 2 min")]
)
def test_a_lag_is_told_in_two_units(seconds, told):
    assert lag_of(seconds * 1_000_000) == told


def test_an_empty_space_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv(USER, ANN)
    path = tmp_path / "acme.yml"
    path.write_text("space: {name: Acme, slug: acme}\nlake: ./lake\n")
    client = Client(console(path))
    assert "profiles-sync run" in client.get("/").text and "add a warehouse" in client.get("/").text
    assert "No sync yet" in client.get("/syncs").text and "There is none yet" in client.get("/settings").text
