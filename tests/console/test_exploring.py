"""The pages that look into the lake, as each role gets them by direct requests."""

import pytest

from tests.console.exploring import ADMINS, ANN, BOB, NOBODY, READERS, SECRETS, Client, console, people

__all__ = ["people"]
pytestmark = pytest.mark.lake
JANE = {"kind": "email", "value": "jane.kim@segment.com"}
FIRST = "use_3k227k7lYiA9HGIISPNpSmUfeQW"
PAGES = ("/identity", "/tables", "/tables/pages", "/queries", "/queries/profile_of_an_external_id", "/data-graph")
PAGES += ("/data-graph/cluster",)


@pytest.fixture(scope="module")
def clients(people):
    made = console(people)
    return {who: Client(made, who) for who in (*ADMINS, *READERS, NOBODY)}


@pytest.mark.parametrize("path", PAGES)
def test_every_role_may_look_and_nobody_else(clients, path):
    for who in (*ADMINS, *READERS):
        found = clients[who].get(path)
        assert found.status_code == 200, found.text
        assert not [one for one in SECRETS if one in found.text], "no page shows anybody before they are looked up"
    assert clients[NOBODY].get(path).status_code == 403


@pytest.mark.parametrize("who", ADMINS)
def test_an_admin_sees_who_a_profile_is(clients, who):
    found = clients[who].sends("/identity/profile", **(JANE))
    assert found.status_code == 200
    for told in ("5285bc35-05ef-4d21", "b50e18a5-1b8d-451c", "event_4", FIRST, "Export as JSON"):
        assert told in found.text


@pytest.mark.parametrize("who", READERS)
@pytest.mark.parametrize("asked", [JANE, {"kind": "user_id", "value": "u-77"}, {"kind": "segment_id", "value": FIRST}])
def test_a_reader_sees_how_a_profile_came_to_be_and_no_value(clients, who, asked):
    found = clients[who].sends("/identity/profile", **(asked))
    assert found.status_code == 200 and "••••••••" in found.text and '<th scope="row">email</th>' in found.text
    assert not [one for one in SECRETS if one in found.text]
    assert "Export" not in found.text


def test_only_an_admin_may_export(clients):
    for who in ADMINS:
        found = clients[who].sends("/identity/export", **({"segment_id": FIRST}))
        assert found.json()["external_ids"][1]["value"] == "jane.kim@segment.com"
        assert "attachment" in found.headers["content-disposition"]
    for who in (*READERS, NOBODY):
        found = clients[who].sends("/identity/export", **({"segment_id": FIRST}))
        assert found.status_code == 403 and "jane" not in found.text


@pytest.mark.parametrize("who", [ANN, BOB])
def test_who_is_not_there_is_not_found(clients, who):
    found = clients[who].sends("/identity/profile", **({"kind": "email", "value": "no@example.com"}))
    assert found.status_code == 404 and "No such profile" in found.text
    assert "no@example.com" not in found.text


def test_a_value_is_never_part_of_an_address(clients):
    assert clients[ANN].get("/identity/profile", params=JANE).status_code == 405
    assert 'action="/identity/profile"' in clients[ANN].get("/identity").text


def test_health_is_shown_in_figures_and_drawings(clients):
    text = clients[BOB].get("/identity").text
    assert text.count('<svg class="chart"') == 3 and text.count("The figures as a table") == 3
    assert "ID value blocked: anonymous_id" in text and "broken JSON" in text
    assert "of 7, 14.29 %" in text, "one event of seven has no profile"


def test_the_tables_are_there_with_rows_and_a_drawing(clients):
    text = clients[BOB].get("/tables").text
    assert 'href="/tables/order_completed"' in text and '<svg class="erd"' in text
    table = clients[BOB].get("/tables/order_completed").text
    assert "<code>coupon</code>" in table and "Property or context field that the event brought." in table
    assert clients[BOB].get("/tables/nothing").status_code == 404
    assert clients[BOB].get("/tables/_control").status_code == 404


def test_a_search_finds_a_table_by_its_events_name(clients):
    assert "order_completed" in clients[BOB].get("/tables", params={"search": "Order Comp"}).text
    nothing = clients[BOB].get("/tables", params={"search": "<script>"}).text
    assert "No table" in nothing and "<script>" not in nothing


def test_only_an_admin_may_ask_a_warehouse(clients):
    asked = {"warehouse": "local", "type": "email", "value": "jane.kim@segment.com"}
    for who in ADMINS:
        found = clients[who].sends("/queries/profile_of_an_external_id", **(asked))
        assert found.status_code == 200 and FIRST in found.text, found.text
    for who in (*READERS, NOBODY):
        found = clients[who].sends("/queries/profile_of_an_external_id", **(asked))
        assert found.status_code == 403 and FIRST not in found.text
    assert 'name="warehouse"' not in clients[BOB].get("/queries/track_events").text


@pytest.mark.parametrize(
    ("name", "given", "status", "told"),
    [
        ("profile_of_an_external_id", {}, 400, "value is missing"),
        ("history_of_a_trait", {"trait": "size"}, 400, "identifies has no column size"),
        ("track_events", {"warehouse": "cluster"}, 400, "is of type redshift"),
        ("nothing", {}, 404, "no query"),
    ],
)
def test_what_cannot_be_asked_is_told(clients, name, given, status, told):
    found = clients[ANN].sends(f"/queries/{name}", **({"warehouse": "local"} | given))
    assert found.status_code == status and told in found.text.replace("&#39;", "'"), found.text


def test_a_query_is_shown_in_the_words_of_its_warehouse(clients):
    assert 'FROM "acme"."tracks"' in clients[BOB].get("/queries/track_events").text.replace("&#34;", '"')


def test_prerequisites_are_those_of_selective_sync(clients):
    text = clients[BOB].get("/data-graph/cluster").text
    assert text.count("✓ selected") == 5 and text.count("✗ not selected") == 2
    assert "not all that is needed" in clients[BOB].get("/data-graph").text
    assert clients[BOB].get("/data-graph/local").status_code == 404


def test_the_script_has_a_persons_own_names(clients):
    asked = {"user": "Ana's graph", "schemas": "crm, shop", "existing_reverse_etl": "on"}
    text = clients[BOB].get("/data-graph/cluster", params=asked).text.replace("&#34;", '"').replace("&#39;", "'")
    assert 'CREATE USER "Ana\'s graph"' in text and 'ON SCHEMA "crm" TO' in text and "__segment_reverse_etl" in text
    assert 'SCHEMA "acme"' in text, "what is known stands there unasked"
    wrong = clients[BOB].get("/data-graph/cluster", params={"user": "a\x01b"})
    assert wrong.status_code == 400


def test_a_warehouse_that_does_not_answer_is_told_in_words(clients):
    found = clients[ANN].sends("/data-graph/cluster/validate")
    assert found.status_code == 400 and "the Data Graph is not connected to cluster" in found.text


@pytest.mark.parametrize("action", ["connect", "validate"])
def test_only_an_admin_may_connect_or_validate(clients, action):
    for who in (*READERS, NOBODY):
        found = clients[who].sends(f"/data-graph/cluster/{action}", **({"username": "x", "password": "typed-s3cret"}))
        assert found.status_code == 403 and "typed" not in found.text
    assert "Test and connect" not in clients[BOB].get("/data-graph/cluster").text
