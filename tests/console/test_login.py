"""Who may open the console: by password, by a trusted proxy's header, or nobody but whoever runs it."""

import io
import re
import subprocess
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import yaml
from argon2 import PasswordHasher
from fastapi.testclient import TestClient

from profiles_sync.console import login
from profiles_sync.console.app import application
from profiles_sync.console.login import LONGEST, Tries, hashed
from profiles_sync.control.policy import USER
from profiles_sync.errors import SettingsError
from profiles_sync.settings import load
from tests.commands import BIN, a_space, environment, in_process, written

ROOT = Path(__file__).parents[2]
PASSWORD = "correct horse battery"
HASH = hashed(PASSWORD)
HERE = ("127.0.0.1", "localhost", "[::1]", "testserver")


def browser(path, address="127.0.0.1", **more):
    return TestClient(
        application(load(path), hosts=HERE), client=(address, 50000), follow_redirects=False, headers=more or None
    )


def token(client, page="/login"):
    return re.search(r'name="csrf" value="(\w+)"', client.get(page).text)[1]


def logs_in(client, who="ann", password=PASSWORD, **more):
    return client.post("/login", data={"who": who, "password": password, "csrf": token(client), **more})


@pytest.fixture
def folder(tmp_path):
    a_space(tmp_path, events=[])
    return tmp_path


@pytest.fixture
def with_users(folder):
    text = (folder / "acme.yml").read_text()
    roles = "roles: {ann: Unify and Engage Admin, bob: Unify and Engage read-only}\n"
    return written(folder, text, roles, f"console: {{users: {{ann: '{HASH}', bob: '{HASH}'}}}}\n")


@pytest.fixture
def behind_a_proxy(folder):
    text = (folder / "acme.yml").read_text()
    return written(folder, text, "console: {trusted_header: X-Forwarded-Email, proxies: [10.1.0.0/16]}\n")


def test_without_a_login_one_is_who_runs_it(folder, monkeypatch):
    monkeypatch.setenv(USER, "whoever")
    assert "whoever" in browser(folder / "acme.yml").get("/").text


def test_nobody_sees_anything_before_they_log_in(with_users):
    client = browser(with_users)
    found = client.get("/syncs?status=Failed")
    assert (found.status_code, found.headers["location"]) == (303, "/login?then=/syncs%3Fstatus%3DFailed")
    assert client.post("/settings/local/sure/disable", data={"csrf": token(client)}).status_code == 401
    assert client.get("/login").status_code == client.get("/static/console.css").status_code == 200


def test_who_logs_in_goes_where_they_wanted_and_out_again(with_users):
    client = browser(with_users)
    found = logs_in(client, then="/syncs?status=Failed")
    assert (found.status_code, found.headers["location"]) == (303, "/syncs?status=Failed")
    session = client.cookies["profiles_sync_session"]
    assert "ann, " in re.sub("<.*?>", "", client.get("/").text)
    client.post("/logout", data={"csrf": token(client, "/")})
    client.cookies.set("profiles_sync_session", session)
    assert client.get("/").status_code == 303, "a session that was ended is none any more"


@pytest.mark.parametrize("then", ["//evil.example", "https://evil.example", "/\\evil.example", "/a\nb"])
def test_nobody_is_sent_elsewhere_after_they_log_in(with_users, then):
    assert logs_in(browser(with_users), then=then).headers["location"] == "/"


@pytest.mark.parametrize(
    ("who", "password"), [("ann", "wrong"), ("eve", PASSWORD), ("ann", ""), ("ann", "x" * (LONGEST + 1))]
)
def test_a_wrong_password_is_none(with_users, who, password):
    client = browser(with_users)
    assert logs_in(client, who, password).status_code in (400, 401)
    assert "profiles_sync_session" not in client.cookies and client.get("/").status_code == 303


def test_a_session_that_nobody_signed_is_none(with_users):
    client = browser(with_users)
    logs_in(client)
    signed = client.cookies["profiles_sync_session"]
    for forged in (signed[:-2] + "xx", "WyJhbm4iLCJ4Il0.x.y", browser(with_users).app.state.access.session("ann")):
        client.cookies.set("profiles_sync_session", forged, domain="testserver.local", path="/")
        assert client.get("/").status_code == 303


def test_who_guesses_has_to_wait(with_users):
    client = browser(with_users)
    assert [logs_in(client, password="wrong").status_code for _ in range(5)] == [401] * 5
    found = logs_in(client)
    assert (found.status_code, found.headers["retry-after"]) == (429, "900")
    assert logs_in(client, "bob").status_code == 303, "somebody else may log in"


def test_of_one_address_only_so_many_logins_fail():
    tries = Tries()
    assert all(tries.begin(f"user {number}", "1.2.3.4", 0) for number in range(30))
    assert not tries.begin("another", "1.2.3.4", 1)
    assert tries.begin("another", "1.2.3.5", 1) and tries.begin("another", "1.2.3.4", 901)


def test_many_logins_at_once_do_not_take_all_memory(with_users, monkeypatch):
    now, most = [], []

    class Counting(PasswordHasher):
        def verify(self, *given):
            now.append(1)
            most.append(len(now))
            try:
                return super().verify(*given)
            finally:
                now.pop()

    monkeypatch.setattr(login, "_hasher", Counting())
    access = browser(with_users).app.state.access
    with ThreadPoolExecutor(8) as threads:
        assert not any(threads.map(lambda _: access.is_right("ann", "wrong"), range(8)))
    assert len(most) == 8 and max(most) <= 2


def test_a_login_that_went_well_counts_as_none():
    tries = Tries()
    for at in range(40):
        assert tries.begin("ann", "1.2.3.4", at)
        tries.done("ann", "1.2.3.4")


def test_a_form_of_another_site_logs_nobody_in(with_users):
    client = browser(with_users)
    client.get("/login")
    assert client.post("/login", data={"who": "ann", "password": PASSWORD}).status_code == 403


@pytest.mark.parametrize("sent", ["", "é", "\ud800".encode("utf-8", "surrogatepass")])
def test_a_token_that_is_none_is_refused(folder, sent):
    found = browser(folder / "acme.yml").post("/identity/profile", data={"csrf": sent})
    assert (found.status_code, found.headers["x-frame-options"]) == (403, "DENY")


@pytest.mark.parametrize(
    "content", [b"who=" + b"x" * (1 << 20), iter([b"who=ann"])], ids=["long", "of no known length"]
)
def test_nobody_makes_the_console_keep_a_long_form_before_they_log_in(with_users, content):
    headers = {"content-type": "application/x-www-form-urlencoded"}
    assert browser(with_users).post("/login", content=content, headers=headers).status_code == 413


def test_a_proxys_word_counts_only_where_it_comes_from_there(behind_a_proxy):
    named = {"x-forwarded-email": "ann@acme.example"}
    assert "ann@acme.example" in browser(behind_a_proxy, "10.1.2.3", **named).get("/").text
    assert browser(behind_a_proxy, "10.2.0.1", **named).get("/").status_code == 303
    assert browser(behind_a_proxy, "10.1.2.3").get("/").status_code == 303


def test_who_comes_past_the_proxy_logs_in(with_users):
    path = written(
        with_users.parent, with_users.read_text().replace("console: {", "console: {trusted_header: X-User, ")
    )
    assert browser(path, "127.0.0.1", **{"x-user": "bob"}).get("/").status_code == 200
    client = browser(path, "10.1.2.3", **{"x-user": "bob"})
    assert client.get("/").status_code == 303 and logs_in(client).status_code == 303
    assert "ann, " in re.sub("<.*?>", "", client.get("/").text)


def test_a_header_is_nothing_unless_it_is_switched_on(with_users):
    assert browser(with_users, **{"x-forwarded-email": "ann", "remote-user": "ann"}).get("/").status_code == 303


@pytest.mark.parametrize(
    ("console", "why"),
    [
        ("{users: {ann: hunter2}}", "not a password"),
        ("{trusted_header: X-User, proxies: [somewhere]}", "not an IP address"),
    ],
)
def test_settings_that_cannot_be_are_refused_without_a_secret(folder, console, why):
    path = written(folder, (folder / "acme.yml").read_text(), f"console: {console}\n")
    with pytest.raises(SettingsError, match=why) as refused:
        load(path)
    assert "hunter2" not in str(refused.value) and HASH not in str(refused.value)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.com"])
def test_it_does_not_listen_beyond_loopback_without_a_login(folder, host):
    code, _, error = in_process("console", "--settings", folder / "acme.yml", "--host", host)
    assert code == 2 and "listens on loopback only" in error and "console.users" in error


def test_a_password_is_made_a_hash_that_lets_one_in(folder, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("pa ss\n"))
    code, made, _ = in_process("console-password")
    assert (code, made.count("\n")) == (0, 1)
    path = written(folder, (folder / "acme.yml").read_text(), f"console: {{users: {{ann: '{made.strip()}'}}}}\n")
    assert logs_in(browser(path), password="pa ss").status_code == 303
    assert logs_in(browser(path), password="pass").status_code == 401


def test_what_a_databricks_app_is_given_are_settings(folder, monkeypatch):
    app = yaml.safe_load((ROOT / "conf" / "databricks_app" / "app.yaml").read_text())
    for one in app["env"]:
        monkeypatch.setenv(one["name"], one.get("value", "x"))
    assert (
        browser(folder / "acme.yml", "10.9.8.7", **{"x-forwarded-email": "ann@acme.example"}).get("/").status_code
        == 200
    )
    assert app["command"][:2] == ["profiles-sync", "console"]
    monkeypatch.setenv("DATABRICKS_APP_PORT", "no port")
    code, _, error = in_process(*app["command"][1:])
    assert code == 2 and "DATABRICKS_APP_PORT" in error


@pytest.mark.slow
def test_the_command_prints_where_it_is_and_the_overview_is_there(folder):
    program = [BIN / "profiles-sync", "console", "--settings", folder / "acme.yml", "--port", "0"]
    with subprocess.Popen(program, env=environment(), stdout=subprocess.PIPE, text=True) as serving:
        try:
            url = serving.stdout.readline().strip()
            with urllib.request.urlopen(url) as answer:
                text = answer.read().decode()
        finally:
            serving.terminate()
    assert url.startswith("http://127.0.0.1:") and "<h1>Overview</h1>" in text and "No sync yet" in text


def test_a_host_that_is_not_ours_is_refused(folder):
    client = browser(folder / "acme.yml")
    assert client.get("/", headers={"host": "rebound.example:8765"}).status_code == 421
    assert client.get("/", headers={"host": "localhost:8765"}).status_code == 200


def test_behind_a_proxys_folder_all_links_are_below_it(folder):
    path = written(folder, (folder / "acme.yml").read_text(), "console: {root_path: /profiles}\n")
    text = browser(path).get("/").text
    assert 'href="/profiles/syncs"' in text and 'src="/profiles/static/console.js"' in text
    assert re.findall(r'(?:href|src|action)="(?!/profiles|#)', text) == []
    assert browser(path).get("/static/console.css").status_code == 200
    assert 'href="/profiles/syncs" aria-current="page"' in browser(path).get("/syncs").text


def test_no_answer_may_load_or_be_loaded_by_anything_else(folder):
    found = browser(folder / "acme.yml").get("/")
    assert found.headers["content-security-policy"].startswith("default-src 'self'")
    assert found.headers["cross-origin-resource-policy"] == "same-origin"
    assert found.headers["x-content-type-options"] == "nosniff" and found.headers["cache-control"] == "no-store"
    assert "http://" not in found.text.replace("http://www.w3.org", "") and "https://" not in found.text
    assert (
        "samesite=strict" in found.headers["set-cookie"].lower() and "httponly" in found.headers["set-cookie"].lower()
    )
