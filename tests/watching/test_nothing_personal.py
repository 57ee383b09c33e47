"""Logs, figures, tags and names of jobs of a run hold nobody's identifiers or traits, and no secret.

The run takes the case study and a generated stream, with lines for quarantine, violations, a warehouse that refuses,
one that says no and quotes the row, and figures that go nowhere.
"""

import io
import json
import socketserver
import threading
from contextlib import redirect_stderr
from pathlib import Path
from urllib.parse import quote

import pytest

from profiles_sync.generator.case_study import case_study_events
from profiles_sync.generator.stream import Shape
from profiles_sync.generator.write import write_events
from profiles_sync.settings import load
from profiles_sync.sync.hourly import run
from profiles_sync.watching import logs
from tests.commands import written
from tests.servers import PASSWORD, free_port
from tests.watching.test_figures import read

pytestmark = pytest.mark.usefixtures("no_settings_in_the_environment")
CONF = Path(__file__).parents[2] / "conf"
SECRETS = ("hunter2-of-push", "hunter3-of-down", PASSWORD)
SHAPE = Shape(events=800, broken=0.01, poison=0.05, repeats=0.02)
ODD = [
    '{"type": "page", "userId": "user-of-jane"',
    '{"type": "anonymous-of-jane", "userId": "user-of-jane"}',
    '{"type": "identify", "userId": "user-of-jane", "traits": "plan-of-jane"}',
    '{"type": "track", "event": "x", "userId": "user-of-jane", "timestamp": "jane.of@example.com"}',
    '{"type": "identify", "userId": "-1", "traits": {"email": "jane.of@example.com", "number": 918273645}}',
    '{"type": "group", "userId": "user-of-jane", "groupId": ""}',
]
CANARIES = {"user-of-jane", "anonymous-of-jane", "plan-of-jane", "jane.of@example.com", "918273645"}
QUOTES_THE_ROW = """
CREATE FUNCTION acme.no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'not %', NEW; END $$;
CREATE TRIGGER no BEFORE INSERT ON acme.identifies FOR EACH ROW EXECUTE FUNCTION acme.no()
"""


def texts(value, name=""):
    """Every text and number of an event that says who it is about, or of what kind they are."""
    if isinstance(value, dict):
        for key, one in value.items():
            yield from texts(one, key)
    elif isinstance(value, list):
        for one in value:
            yield from texts(one, name)
    elif value is not None and not isinstance(value, bool):
        yield str(value)


PERSONAL = ("userId", "anonymousId", "previousId", "groupId", "traits")


def values_of(folder):
    """The identifiers and traits of all events, but for words that are too short to look for."""
    found = set(CANARIES)
    for path in folder.rglob("*.jsonl"):
        for line in path.read_text().splitlines():
            try:
                event = json.loads(line)
            except ValueError:
                continue
            about = [event.get(name) for name in PERSONAL] + [event.get("context", {}).get("device", {}).get("id")]
            found |= {text for text in texts(about) if len(text) >= 6}
    return found - {"retail", "anonymous", "undefined"}


def found_in(text, values):
    """Those of the values that stand in a text, however written."""
    return sorted(
        one for one in values if any(form in text for form in (one, quote(one, safe=""), json.dumps(one)[1:-1]))
    )


def a_space(folder, port, warehouses, more=""):
    """The space; at the port is something that is no database."""
    write_events(folder / "events", SHAPE)
    for number, lines in enumerate(([json.dumps(one) for one in case_study_events()], ODD)):
        (folder / "events" / "website" / f"odd-{number}.jsonl").write_text("\n".join(lines) + "\n")
    sources = "".join(
        f"  {name}: {{id: {name}_1, name: {name.title()}, path: ./events/{name}/}}\n" for name in SHAPE.sources
    )
    push = f"http://ops:{SECRETS[0]}@127.0.0.1:{free_port()}"
    fields = f"host: 127.0.0.1, port: {port}, database: x, username: x, password: {SECRETS[1]}, sslmode: require"
    return written(
        folder,
        f"space: {{name: Acme, slug: acme}}\nlake: ./lake\nsources:\n{sources}",
        f"warehouses:\n  wrong: {{type: postgres, {fields}}}\n{warehouses}",
        f"metrics: {{file: ./figures.prom, push: '{push}', tables: each}}\n",
        f"log: {{format: json, level: debug}}\nretries: {{times: 0}}\n{more}",
    )


def heard(settings, spark=None):
    """A run, and what it told on the standard error and in its figures."""
    loaded, told = load(settings), io.StringIO()
    with redirect_stderr(told):
        logs.set_up(loaded.log.format, loaded.log.level)
        try:
            done = run(loaded, lambda: spark)
        finally:
            logs.take_down()
    return done, told.getvalue() + (settings.parent / "figures.prom").read_text()


class NoTLS(socketserver.BaseRequestHandler):
    """What a server says that is asked for an encrypted connection and has none."""

    def handle(self):
        self.request.recv(8)
        self.request.sendall(b"N")


@pytest.fixture
def elsewhere():
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), NoTLS) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


def test_what_is_looked_for_would_be_found():
    assert found_in("... jane.of%40example.com ...", CANARIES) == ["jane.of@example.com"]
    assert found_in(json.dumps({"n": 918273645}), CANARIES) == ["918273645"]


def test_a_run_tells_nothing_of_anybody(tmp_path, elsewhere):
    settings = a_space(tmp_path, elsewhere, "  local: {type: duckdb, path: ./acme.duckdb}\n")
    values = values_of(tmp_path / "events")
    assert len(values) > 150
    done, told = heard(settings)
    assert done.status == "Partial success", done.shown()
    assert {"lines in quarantine", "rule violations", "sync failed", "run ended"} <= {
        one["message"] for one in map(json.loads, filter(lambda line: line.startswith("{"), told.splitlines()))
    }
    assert "metrics.push: the figures were not delivered" in told
    assert found_in(told, values | {*SECRETS}) == []


def test_dashboard_and_rules_are_about_nobody():
    text = (CONF / "grafana/profiles-sync.json").read_text() + (CONF / "prometheus/alerts.yml").read_text()
    assert found_in(text, CANARIES | {*SECRETS}) == []


@pytest.mark.slow
def test_neither_spark_nor_a_warehouse_is_told_of_anybody(tmp_path, elsewhere, spark, postgres_server):
    for statement in (
        "SET log_statement = 'all'",
        "SET log_line_prefix = '%a '",
        "SET log_min_error_statement = 'error'",
    ):
        postgres_server.admin(f"ALTER SYSTEM {statement}")
    postgres_server.admin("SELECT pg_reload_conf()")
    fields = ", ".join(f"{name}: {value}" for name, value in postgres_server.settings.items())
    by_spark = "engine: {executor: spark}\nidentity: {path: distributed}\n"
    settings = a_space(tmp_path, elsewhere, f"  pg: {{{fields}}}\n", by_spark)
    values = values_of(tmp_path / "events")
    first, told = heard(settings, spark)
    assert first.warehouses["pg"].status == "Success", first.shown()
    assert read(tmp_path / "figures.prom")["run_spark_jobs"][()] >= 3
    postgres_server.admin(QUOTES_THE_ROW)
    again = [one | {"messageId": f"again-{one['messageId']}"} for one in case_study_events()]
    (tmp_path / "events/website/more.jsonl").write_text("\n".join(map(json.dumps, again)) + "\n")
    second, more = heard(settings, spark)
    assert second.warehouses["pg"].tables["identifies"].error
    jobs = [job.description().get() for job in jobs_of(spark) if job.description().isDefined()]
    ours = [one for one in jobs if one.startswith("profiles-sync acme")]
    assert any(one.endswith("resolve") for one in ours)
    said = [
        line for line in (postgres_server.data / "log").read_text().splitlines() if line.startswith("profiles-sync")
    ]
    tagged = [line for line in said if "space='acme'" in line and "raise" not in line.lower()]
    assert any("table='identifies'" in line for line in tagged)
    kept = "\n".join([told, more, *ours, *(line for line in said if " ERROR: " not in line)])
    assert found_in(kept, values | {*SECRETS}) == []


def jobs_of(spark):
    """Spark's own record of its jobs."""
    jobs = spark.sparkContext._jsc.sc().statusStore().jobsList(None)
    return [jobs.apply(number) for number in range(jobs.size())]
