"""Two spaces, each synced to a DuckDB file and to a Postgres server: the case study, and a generated stream."""

import json
from dataclasses import dataclass, field
from datetime import datetime

import pytest

from profiles_sync.generator.case_study import case_study_events
from profiles_sync.generator.stream import Shape
from profiles_sync.generator.write import write_events
from profiles_sync.lake.opening import lake_of
from profiles_sync.lake.tables import scan
from profiles_sync.settings import load
from profiles_sync.sync.asking import answer
from profiles_sync.sync.hourly import run
from tests.queries.subscriptions import subscriptions
from tests.servers import postgres

SOURCES = ("website", "mobile", "server")


@dataclass
class Asked:
    """A space that is there: its settings, and what its lake holds."""

    settings: object
    read: dict = field(default_factory=dict)

    def rows(self, table):
        """Of the lake's table, times in UTC without a zone."""
        if table not in self.read:
            found = scan(lake_of(self.settings).open(table)).to_pylist()
            self.read[table] = [{name: _naive(value) for name, value in row.items()} for row in found]
        return list(self.read[table])

    def columns(self, table):
        return list(lake_of(self.settings).types(table))

    def answer(self, name, warehouse="duckdb", **given):
        return answer(self.settings, name, given, warehouse)


def _naive(value):
    return value.replace(tzinfo=None) if isinstance(value, datetime) else value


def a_space(folder, slug, server):
    """Settings of a space that is synced to both; its events are in `events/<source>`."""
    listed = "".join(f"  {name}: {{id: s_{name}, name: {name}, path: ./events/{name}}}\n" for name in SOURCES)
    pg = ", ".join(f"{name}: {value}" for name, value in server.settings.items())
    (folder / "space.yml").write_text(
        f"space: {{name: {slug}, slug: {slug}}}\nlake: ./lake\nsources:\n{listed}"
        f"warehouses:\n  duckdb: {{type: duckdb, path: ./w.duckdb}}\n  postgres: {{{pg}}}\n"
    )
    return folder / "space.yml"


def written(folder, name, events):
    (folder / "events" / "website").mkdir(parents=True, exist_ok=True)
    (folder / "events" / "website" / name).write_text("".join(json.dumps(one) + "\n" for one in events))


def taken(settings):
    """The job, without a JVM."""
    done = run(settings, lambda: pytest.fail("so few events need no Spark"))
    assert done.status == "Success", done
    return Asked(settings)


@pytest.fixture(scope="session")
def server():
    with postgres() as started:
        started.admin("CREATE EXTENSION IF NOT EXISTS pgcrypto")
        yield started


@pytest.fixture(scope="session")
def case_study(tmp_path_factory, server):
    folder = tmp_path_factory.mktemp("case_study")
    settings = load(a_space(folder, "case-study", server))
    for source in SOURCES:
        (folder / "events" / source).mkdir(parents=True)
    written(folder, "0.jsonl", case_study_events())
    return taken(settings)


@pytest.fixture(scope="session")
def generated(tmp_path_factory, server):
    """Forty hours in two batches, so that the second one merges profiles of the first."""
    folder = tmp_path_factory.mktemp("generated")
    settings = load(a_space(folder, "shop", server))
    shape = Shape(events=2500, hours=40, event_names=4)
    write_events(folder / "events", shape, last_hour=20)
    taken(settings)
    write_events(folder / "events", shape, first_hour=20)
    nobody = {"type": "track", "event": "Order Completed", "anonymousId": "null", "messageId": "n", "properties": {}}
    written(folder, "subscriptions.jsonl", [*subscriptions(), nobody | {"receivedAt": "2026-01-05T12:00:00Z"}])
    return taken(settings)
