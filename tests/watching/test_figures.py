"""Figures get to a file, to a Pushgateway and to whoever scrapes the schedule; what goes wrong fails no sync."""

import json
import re
import shutil
import subprocess
import sys
import threading
import time
import urllib.request
from base64 import b64encode
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from prometheus_client.parser import text_string_to_metric_families

from profiles_sync.errors import SettingsError
from profiles_sync.settings import load
from profiles_sync.sync.hourly import run
from profiles_sync.sync.steps import ingest_events
from profiles_sync.watching import delivery, figures
from profiles_sync.watching.figures import METRICS, PREFIX, Figures
from tests.commands import BIN, EVENTS, SETTINGS, a_space, environment, in_process, profiles_sync, write_events, written
from tests.servers import free_port

pytestmark = pytest.mark.usefixtures("no_settings_in_the_environment")
FILE = "metrics: {file: ./figures.prom}\n"
SECRET = "hunter2"


def no_spark():
    raise AssertionError("no JVM is needed here")


def read(path):
    """Metric, without the prefix, to the values of its label sets, the space left out."""
    found = {}
    for family in text_string_to_metric_families(path if isinstance(path, str) else path.read_text()):
        for one in family.samples:
            labels = tuple(sorted((name, value) for name, value in one.labels.items() if name != "space"))
            found.setdefault(one.name.removeprefix(PREFIX), {})[labels] = one.value
    return found


def did(folder, step=run):
    return step(load(folder / "acme.yml"), no_spark, lambda what: None)


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    """A run with two Track events, a line in quarantine and a blocked value: folder, and figures."""
    folder = tmp_path_factory.mktemp("space")
    more = [EVENTS[2] | {"messageId": "m4", "event": "Cart Abandoned"}, EVENTS[0] | {"messageId": "m5", "userId": "-1"}]
    a_space(folder, SETTINGS + FILE, [*EVENTS, *more, "no JSON"])
    assert did(folder).status == "Success"
    shutil.copytree(folder / "lake", folder / "then")
    return folder, read(folder / "figures.prom")


def test_names_and_labels_are_as_prometheus_wants_them():
    for metric in METRICS:
        assert re.fullmatch(r"[a-z]+(_[a-z]+)*", metric.name)
        assert not metric.name.endswith(("_total", "_count", "_sum", "_bucket")), "these are counters'"
        assert ("When " in metric.about or "newest" in metric.about) == metric.name.endswith("_timestamp_seconds")
        assert metric.about.endswith(".")
    assert len({metric.name for metric in METRICS}) == len(METRICS)


def test_a_run_tells_what_became_of_each_line(first):
    _, told = first
    assert told["run_lines"] == {
        (("outcome", "event"),): 5,
        (("outcome", "duplicate"),): 0,
        (("outcome", "quarantined"),): 1,
    }
    assert told["run_quarantined_lines"] == {(("reason", "broken JSON"),): 1}
    assert told["run_violations"] == {(("type", "ID value blocked"),): 1}
    assert told["quarantine_lines"] == {(): 1}


def test_a_run_tells_rows_seconds_commits_and_bytes(first):
    _, told = first
    rows = {dict(labels)["table"]: value for labels, value in told["run_synced_rows"].items()}
    assert rows["pages"] == 2
    assert {dict(labels)["warehouse"] for labels in told["run_synced_rows"]} == {"local"}
    steps = {dict(labels)["step"] for labels in told["step_duration_seconds"]}
    assert {"run", "read", "resolve", "write", "write events", "write identity", "merge", "sync", "backfill"} == steps
    assert told["run_commits"][()] > 20
    assert told["run_written_bytes"][()] > 10_000
    assert "run_spark_jobs" not in told


def test_all_commits_of_a_run_are_counted_and_all_bytes_of_their_files(first):
    folder, told = first
    logs = (folder / "then").rglob("_delta_log/*.json")
    entries = [[json.loads(line) for line in path.read_text().splitlines()] for path in logs]
    assert told["run_commits"][()] == len(entries)
    assert told["run_written_bytes"][()] == sum(one["add"]["size"] for all in entries for one in all if "add" in one)


def test_track_event_tables_are_one_unless_each_is_asked_for(first, tmp_path):
    _, told = first
    tables = {dict(labels)["table"] for labels in told["run_synced_rows"]}
    assert "track event tables" in tables
    assert not tables & {"order_completed", "cart_abandoned"}
    a_space(tmp_path, SETTINGS + "metrics: {file: ./figures.prom, tables: each}\n")
    did(tmp_path)
    tables = {dict(labels)["table"] for labels in read(tmp_path / "figures.prom")["run_synced_rows"]}
    assert "order_completed" in tables


def test_how_far_a_warehouse_is_stays_where_its_last_success_left_it(tmp_path):
    settings = a_space(tmp_path, SETTINGS + FILE)
    did(tmp_path)
    before = read(tmp_path / "figures.prom")
    newest = 1767571202.0  # 2026-01-05T00:00:02Z
    assert before["synced_newest_event_timestamp_seconds"] == {(("warehouse", "local"),): newest}
    settings.write_text(settings.read_text().replace("./acme.duckdb", "./acme.yml"))
    write_events(tmp_path, "second.jsonl", [EVENTS[0] | {"messageId": "m9", "receivedAt": "2026-01-06T00:00:00Z"}])
    assert did(tmp_path).status == "Failed"
    after = read(tmp_path / "figures.prom")
    assert after["last_success_timestamp_seconds"] == before["last_success_timestamp_seconds"]
    assert after["synced_newest_event_timestamp_seconds"] == before["synced_newest_event_timestamp_seconds"]
    assert after["lake_newest_event_timestamp_seconds"] == {(): 1767657600.0}
    assert after["warehouse_status"][("status", "Failed"), ("warehouse", "local")] == 1


def test_a_lake_that_cannot_be_read_is_a_run_that_failed(tmp_path):
    a_space(tmp_path, SETTINGS + FILE)
    did(tmp_path)
    before = read(tmp_path / "figures.prom")
    for entry in (tmp_path / "lake/acme/_control/landed/_delta_log").iterdir():
        entry.write_text("no JSON")
    assert did(tmp_path).status == "Failed"
    after = read(tmp_path / "figures.prom")
    assert after["run_status"][("status", "Failed"),] == 1
    assert after["last_success_timestamp_seconds"] == before["last_success_timestamp_seconds"]


def test_a_run_leaves_nothing_of_the_run_before_it(first):
    folder, _ = first
    before = read(folder / "figures.prom")
    assert did(folder).status == "Success"
    told = read(folder / "figures.prom")
    assert told["run_lines"] == dict.fromkeys(before["run_lines"], 0)
    assert "run_quarantined_lines" not in told
    assert told["quarantine_lines"] == {(): 1}
    assert told["synced_newest_event_timestamp_seconds"] == before["synced_newest_event_timestamp_seconds"]


def test_a_step_by_itself_leaves_what_it_does_not_know(tmp_path):
    a_space(tmp_path, SETTINGS + FILE)
    did(tmp_path)
    write_events(tmp_path, "second.jsonl", [EVENTS[0] | {"messageId": "m9"}])
    did(tmp_path, ingest_events)
    told = read(tmp_path / "figures.prom")
    assert told["run_lines"][("outcome", "event"),] == 1
    assert told["warehouse_status"][("status", "Success"), ("warehouse", "local")] == 1


def test_each_space_has_a_file_of_its_own_in_a_folder(tmp_path):
    (tmp_path / "textfiles").mkdir()
    a_space(tmp_path, SETTINGS + "metrics: {file: ./textfiles/}\n")
    did(tmp_path)
    (file,) = (tmp_path / "textfiles").iterdir()
    assert file.name == "profiles_sync_acme.prom"
    assert file.stat().st_mode & 0o777 == 0o644


def test_two_spaces_do_not_share_a_file(tmp_path):
    one = a_space(tmp_path / "one", SETTINGS + f"metrics: {{file: {tmp_path}/figures.prom}}\n")
    two = a_space(tmp_path / "two", SETTINGS.replace("acme", "other") + f"metrics: {{file: {tmp_path}/figures.prom}}\n")
    code, _, told = in_process("run", "--settings", one, "--settings", two)
    assert code == 2
    assert "figures.prom is taken by the space of" in " ".join(told.split())


class Gateway(BaseHTTPRequestHandler):
    def do_PUT(self):
        self.server.got.append(
            (self.command, self.path, self.headers, self.rfile.read(int(self.headers["Content-Length"])))
        )
        self.send_response(self.server.answer)
        self.end_headers()

    do_POST = do_PUT

    def log_message(self, *_):
        pass


@contextmanager
def gateway(answer=200):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Gateway)
    server.got, server.answer = [], answer
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def pushed(folder, port):
    a_space(folder, SETTINGS + f"metrics: {{push: 'http://ops:{SECRET}@127.0.0.1:{port}'}}\n")
    return did(folder)


def test_a_gateway_gets_the_figures_of_the_space_in_place_of_what_it_has(tmp_path):
    with gateway() as server:
        assert pushed(tmp_path, server.server_port).report.warnings == []
    command, path, headers, body = server.got[-1]
    assert (command, path) == ("PUT", "/metrics/job/profiles-sync/space/acme")
    assert headers["Authorization"] == f"Basic {b64encode(f'ops:{SECRET}'.encode()).decode()}"
    assert read(body.decode())["run_lines"][("outcome", "event"),] == 3


@pytest.mark.parametrize("answer", [None, 500])
def test_figures_that_are_not_delivered_are_a_warning_without_the_url(tmp_path, answer):
    with gateway(answer) as server:
        port = server.server_port if answer else free_port()
        done = pushed(tmp_path, port)
    assert done.status == "Success"
    (warning,) = done.report.warnings
    assert warning.startswith("metrics.push: the figures were not delivered (")
    assert SECRET not in json.dumps(done.shown())


def test_a_file_that_cannot_be_written_is_a_warning(tmp_path):
    a_space(tmp_path, SETTINGS + "metrics: {file: ./not/there.prom}\n")
    done = did(tmp_path)
    assert done.status == "Success"
    assert "metrics.file: the figures were not delivered (No such file or directory)" in done.report.warnings[0]


@pytest.mark.parametrize("listen", [":99999", "localhost", "127.0.0.1:"])
def test_an_address_that_nobody_can_listen_at_is_refused(tmp_path, listen):
    settings = a_space(tmp_path, SETTINGS + f"metrics: {{listen: '{listen}'}}\n")
    with pytest.raises(SettingsError, match=r"metrics.listen: expected an address and a port"):
        load(settings)


def test_without_a_place_to_go_the_library_is_not_even_imported(tmp_path):
    a_space(tmp_path)
    program = "try: main()\nfinally: print('prometheus_client' in sys.modules)"
    given = ("run", "--settings", tmp_path / "acme.yml")
    done = profiles_sync(
        f"import sys; from profiles_sync.cli import main\n{program}", *given, program=(sys.executable, "-c")
    )
    assert done.stdout.splitlines()[-1] == "False"


@pytest.mark.slow
def test_the_schedule_serves_the_figures_of_its_last_run(tmp_path):
    port = free_port()
    settings = a_space(tmp_path, SETTINGS + f"metrics: {{listen: ':{port}'}}\n")
    with scheduled(settings):
        deadline, told = time.monotonic() + 90, {}
        while "run_status" not in told and time.monotonic() < deadline:
            time.sleep(0.2)
            told = scraped(port)
    assert told["run_status"][("status", "Success"),] == 1


@contextmanager
def scheduled(settings):
    """A schedule that is running; ended by its own pid."""
    program = [BIN / "profiles-sync", "schedule", "--settings", settings, "--now"]
    with subprocess.Popen(program, env=environment(), stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as process:
        yield
        process.terminate()


def scraped(port):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
            return read(answer.read().decode())
    except OSError:
        return {}


@pytest.mark.slow
def test_an_address_that_is_taken_is_a_warning_of_the_schedule(tmp_path):
    with gateway() as server:
        settings = a_space(tmp_path, SETTINGS + f"metrics: {{listen: '127.0.0.1:{server.server_port}'}}\n")
        done = profiles_sync("schedule", "--settings", settings, "--now", "--runs", "1")
    assert done.returncode == 0
    assert "cannot be listened at: Address already in use" in " ".join(done.stderr.split())
    assert "the run has ended: Success" in done.stderr


@pytest.mark.parametrize(
    "given, key",
    [("push: gateway", "metrics.push"), ("listen: here", "metrics.listen"), ("tables: all", "metrics.tables")],
)
def test_settings_that_cannot_be_are_named(tmp_path, given, key):
    done = in_process("check", "--settings", written(tmp_path, SETTINGS, f"metrics: {{{given}}}\n"))
    assert done[0] == 2
    assert f"{key}: " in done[2]


def test_where_a_gateway_is_stays_masked(tmp_path):
    settings = written(tmp_path, SETTINGS, f"metrics: {{push: 'http://ops:{SECRET}@127.0.0.1:9'}}\n")
    assert SECRET not in "".join(map(str, in_process("check", "--settings", settings)))


def test_figures_of_another_space_in_a_file_are_not_kept(tmp_path):
    for space in ("one", "two"):
        made = Figures(space, is_whole=False)
        made.set(figures.QUARANTINE if space == "one" else figures.UNREAD, 1)
        delivery.write(made, tmp_path / "figures.prom")
    assert read(tmp_path / "figures.prom") == {"run_unread_sources": {(): 1}}
