"""Alerts get where they are sent, in the form that is expected there; one that does not is a line, and no secret."""

import json
import logging
import socket
import socketserver
import sys
import threading
from contextlib import contextmanager
from email import message_from_string, policy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from profiles_sync.control.alerts import Event, tell
from profiles_sync.errors import SettingsError
from profiles_sync.problems import ErrorClass, Problem
from profiles_sync.settings import load
from profiles_sync.settings.alerts import Occasion
from tests.commands import SETTINGS, in_process, written

pytestmark = pytest.mark.usefixtures("no_settings_in_the_environment")
SECRET = "hunter2"
FAILED = Event(
    Occasion.SYNC_FAILED,
    "the warehouse refused it; grant the right",
    "local",
    3,
    (Problem(ErrorClass.PERMISSION, "let an admin grant it"),),
    "17",
)


def settings(folder, **alerts):
    return load(written(folder, SETTINGS, f"alerts: {json.dumps(alerts)}\n"))


class Hook(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append((self.path, self.headers, json.loads(body)))
        self.send_response(self.server.answer)
        self.end_headers()

    def log_message(self, *_):
        pass


class Mail(socketserver.StreamRequestHandler):
    """As much of SMTP as a client that sends one mail needs."""

    def handle(self):
        self.say("220 here")
        for line in iter(self.rfile.readline, b""):
            word = line.split()[0].upper()
            if word == b"DATA":
                self.say("354 go on")
                body = b"".join(iter(self.rfile.readline, b".\r\n"))
                self.server.got.append(message_from_string(body.decode(), policy=policy.default))
            self.say("250 taken" if word != b"QUIT" else "221 bye")

    def say(self, what):
        self.wfile.write(f"{what}\r\n".encode())


@contextmanager
def serving(server):
    server.got = []
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def hook():
    with serving(ThreadingHTTPServer(("127.0.0.1", 0), Hook)) as server:
        server.answer = 200
        server.url = f"http://127.0.0.1:{server.server_port}/hooks/{SECRET}"
        yield server


@pytest.fixture
def mail():
    with serving(socketserver.ThreadingTCPServer(("127.0.0.1", 0), Mail)) as server:
        yield server


def test_a_webhook_gets_the_json_that_slack_takes(tmp_path, hook):
    assert tell(settings(tmp_path, ops={"to": f"{hook.url}?channel=a%20b&token={SECRET}"}), [FAILED]) == []
    ((path, headers, body),) = hook.got
    assert path == f"/hooks/{SECRET}?channel=a+b&token={SECRET}"
    assert headers["Content-Type"].startswith("application/json")
    assert body["text"].splitlines() == [
        "Sync failed: Acme, warehouse local",
        FAILED.text,
        "permission: let an admin grant it",
        "3 in a row did not succeed",
        "`profiles-sync status --sync 17` shows it; the next run repeats what is missing",
    ]
    assert set(body) == {"text"}


def test_a_url_of_apprise_is_taken_as_it_is(tmp_path, hook):
    assert tell(settings(tmp_path, ops={"to": hook.url.replace("http://", "json://")}), [FAILED]) == []
    ((_, _, body),) = hook.got
    assert (body["title"], body["message"]) == ("Sync failed: Acme, warehouse local", FAILED.body())


def test_slack_s_own_webhooks_are_known(tmp_path):
    from profiles_sync.control.delivery import _known

    assert _known(f"https://hooks.slack.com/services/{'T' * 9}/{'B' * 9}/{'c' * 24}").service_name == "Slack"


def test_an_e_mail_has_what_happened_as_its_subject(tmp_path, mail):
    port = mail.server_address[1]
    to = f"mailto://127.0.0.1:{port}?mode=insecure&from=sync@example.com&to=ops@example.com&format=text"
    assert tell(settings(tmp_path, ops={"to": to}), [FAILED]) == []
    (message,) = mail.got
    assert message["Subject"] == "Sync failed: Acme, warehouse local"
    assert (message["To"], "sync@example.com" in message["From"]) == ("ops@example.com", True)
    assert FAILED.text in message.as_string().replace("=\n", "").replace("\n", " ")


def test_a_file_gets_a_line_of_json_for_each_event_and_needs_no_library(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "apprise", None)
    made = settings(tmp_path, ops={"to": "./alerts.jsonl"}, url={"to": f"file://{tmp_path}/second.jsonl"})
    assert tell(made, [FAILED]) + tell(made, [Event(Occasion.SYNC_SKIPPED, "é")]) == []
    for name in ("alerts.jsonl", "second.jsonl"):
        first, second = map(json.loads, (tmp_path / name).read_text(encoding="utf-8").splitlines())
        assert first.pop("at").endswith("+00:00")
        assert first == {
            "space": "acme",
            "occasion": "sync_failed",
            "warehouse": "local",
            "in_a_row": 3,
            "text": FAILED.text,
            "problems": [{"class": "permission", "advice": "let an admin grant it"}],
            "sync_id": "17",
        }
        assert (second["occasion"], second["warehouse"], second["in_a_row"], second["text"]) == (
            "sync_skipped",
            None,
            None,
            "é",
        )


def test_without_the_library_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "apprise", None)
    (said,) = tell(settings(tmp_path, ops={"to": f"https://chat.example.com/{SECRET}"}), [FAILED])
    assert said.startswith("alert ops was not delivered: to send alerts, apprise is needed")
    assert "pip install 'profiles-sync[alerts]'" in said


@pytest.mark.parametrize("occasion", Occasion)
def test_each_occasion_has_a_title_and_goes_to_those_who_want_it(tmp_path, occasion):
    others = [one for one in Occasion if one is not occasion]
    made = settings(
        tmp_path,
        every={"to": "./every"},
        this={"to": "./this", "when": [occasion]},
        others={"to": "./others", "when": others},
    )
    event = Event(occasion)
    assert tell(made, [event]) == []
    assert [(tmp_path / name).exists() for name in ("every", "this", "others")] == [True, True, False]
    assert event.title("Acme").endswith(": Acme")


@pytest.mark.parametrize(("in_a_row", "told"), [(1, False), (2, False), (3, True), (4, True), (None, True)])
def test_an_alert_waits_for_so_many_in_a_row(tmp_path, in_a_row, told):
    tell(settings(tmp_path, ops={"to": "./alerts", "after": 3}), [Event(Occasion.SYNC_FAILED, "x", "local", in_a_row)])
    assert (tmp_path / "alerts").exists() is told


def closed_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


UNDELIVERED = {
    "nobody there": (lambda hook: f"http://127.0.0.1:{closed_port()}/{SECRET}", "nobody answers there"),
    "refused": (lambda hook: hook.url, "the other side answered 404"),
    "nobody there for mail": (
        lambda hook: (
            f"mailto://jane:{SECRET}@127.0.0.1:{closed_port()}?mode=insecure&from=a@example.com&to=b@example.com"
        ),
        "nobody answers there",
    ),
    "no such service": (lambda hook: f"nonsense://{SECRET}", "expected `to` to be"),
    "no host": (lambda hook: f"https:///{SECRET}", "expected `to` to be"),
    "no such folder": (lambda hook: f"/no/such/folder/{SECRET}", "its file cannot be written: No such file"),
}


@pytest.mark.parametrize("what", UNDELIVERED)
def test_what_is_not_delivered_is_one_line_and_no_secret(tmp_path, hook, caplog, capfd, what):
    caplog.set_level(logging.DEBUG)
    hook.answer = 404
    to, why = UNDELIVERED[what]
    (said,) = tell(settings(tmp_path, ops={"to": to(hook)}), [FAILED, FAILED])
    assert said.startswith(f"alert ops was not delivered: {why}")
    assert "\n" not in said
    assert len(hook.got) == (what == "refused")  # the second event is not tried
    assert [text for text in (said, caplog.text, *capfd.readouterr()) if SECRET in text] == []


def test_what_is_delivered_leaves_no_secret_in_the_logs_either(tmp_path, hook, caplog, capfd):
    caplog.set_level(logging.DEBUG)
    assert tell(settings(tmp_path, ops={"to": hook.url}), [FAILED]) == []
    assert [text for text in (caplog.text, *capfd.readouterr()) if SECRET in text] == []
    loggers = [logging.getLogger(name) for name in ("apprise", "urllib3", "requests")]
    assert all(one.propagate for one in loggers)


def test_one_that_fails_does_not_stop_the_others(tmp_path, hook):
    hook.answer = 500
    assert len(tell(settings(tmp_path, web={"to": hook.url}, file={"to": "./alerts"}), [FAILED, FAILED])) == 1
    assert len((tmp_path / "alerts").read_text().splitlines()) == 2


@pytest.mark.parametrize(
    ("alert", "said"),
    [
        ({}, "alerts.ops.to: required and missing"),
        ({"to": "x", "when": ["on_fire"]}, "alerts.ops.when.0: expected 'sync_failed', "),
        ({"to": "x", "after": 0}, "alerts.ops.after: expected greater than or equal to 1"),
        ({"to": [SECRET]}, "alerts.ops.to: expected a valid string"),
    ],
)
def test_what_is_wrong_in_the_settings_is_told_by_its_key(tmp_path, alert, said):
    with pytest.raises(SettingsError) as refused:
        settings(tmp_path, ops=alert)
    assert said in str(refused.value)
    assert SECRET not in str(refused.value)


def test_check_masks_a_url_and_shows_a_file(tmp_path, hook):
    path = written(tmp_path, SETTINGS, f"alerts: {{web: {{to: '{hook.url}'}}, file: {{to: ./alerts}}}}\n")
    code, out, _ = in_process("check", "--settings", path, "--json")
    shown = json.loads(out)
    assert (code, SECRET in out) == (0, False)
    assert shown["settings"]["alerts.web.to"]["value"] == "********"
    assert shown["settings"]["alerts.file.to"]["value"] == str(tmp_path / "alerts")
    assert shown["warnings"] == ["alerts.web.to: a secret stands in the file; the environment is a safer place"]
