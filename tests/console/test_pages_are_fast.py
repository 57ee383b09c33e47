"""With 1,000 syncs and 2,000 track event tables no page takes much longer than to read the same Delta tables once."""

import shutil
import time

import pytest

from profiles_sync.control import history
from profiles_sync.control.history import Sync
from profiles_sync.lake.opening import lake_of
from profiles_sync.lake.paths import PathLake
from profiles_sync.lake.tables import scan
from profiles_sync.settings import load
from tests.console.exploring import OWEN, Client, console, people

__all__ = ["people"]
pytestmark = [pytest.mark.slow, pytest.mark.lake]
SYNCS, TABLES = 1000, 2000
BEGAN = 1_790_000_000_000_000
PAGES = [
    "/",
    "/syncs",
    "/syncs?status=Failed&page=3",
    f"/syncs?sync={BEGAN}&of=local",
    "/settings",
    "/settings/local",
    "/settings/local/connection",
    "/settings/local/selection",
    "/settings/local/selection?search=event_19&page=2",
    "/settings/local/selection?table=event_0001",
    "/settings/local/schedule",
    "/add-warehouse",
    "/identity",
    "/tables",
    "/tables/event_0001",
    "/queries",
    "/queries/track_events",
    "/data-graph",
    "/data-graph/cluster",
]
MOST = 4  # times as long as to read the lake's control tables


@pytest.fixture(scope="module")
def large(people, tmp_path_factory):
    folder = shutil.copytree(people.parent, tmp_path_factory.mktemp("large") / "space")
    lake = lake_of(load(folder / "acme.yml"))
    for number in range(TABLES):
        shutil.copytree(lake.path("order_completed"), lake.path(f"event_{number:04d}"))
    rows = {f"event_{number:04d}": number for number in range(0, TABLES, 10)}
    history.record(lake, [_sync(number, rows) for number in range(SYNCS)])
    return folder / "acme.yml"


def _sync(number, tables):
    began = BEGAN + number * 3_600_000_000
    status = "Failed" if number % 7 == 3 else "Success"
    return Sync(str(began), "local", status, began, began + 9_000_000, sum(tables.values()), tables, schema="acme")


def took(what):
    begun = time.perf_counter()
    what()
    return time.perf_counter() - begun


def test_every_page_is_there_in_a_moment(large):
    lake = lake_of(load(large))
    names = lake.control_tables()

    def read():
        for name in names:
            if (table := lake.open(name)) is not None:
                scan(table).to_pylist()
        lake.public_tables()

    assert len(lake.public_tables()) > TABLES
    once, slow = min(took(read) for _ in range(3)), {}
    for page in PAGES:
        clients = [Client(console(large), OWEN) for _ in range(3)]  # none of them remembers anything
        best = min(took(lambda at=page, one=client: one.get(at)) for client in clients)
        print(f"{page}: {best:.2f} s; to read {once:.2f} s")
        assert clients[0].get(page).status_code == 200, page
        if best > MOST * once:
            slow[page] = best / once
    assert slow == {}


@pytest.mark.parametrize("page", PAGES)
def test_no_page_opens_the_log_of_more_than_one_of_the_tables(large, page, monkeypatch):
    opened = set()

    def spied(name):
        was = getattr(PathLake, name)
        monkeypatch.setattr(PathLake, name, lambda lake, table, *more: opened.add(table) or was(lake, table, *more))

    for name in ("open", "types", "cursor", "changes", "table_id"):
        spied(name)
    assert Client(console(large), OWEN).get(page).status_code == 200
    assert len([table for table in opened if table.startswith("event_")]) <= 1
