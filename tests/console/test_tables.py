"""The list of tables opens no track event table, and sizes are those of the rows that are there."""

import time

import pytest

from profiles_sync.console.explorer.tables import explored, size_of, track_tables
from profiles_sync.console.remembered import Remembered
from profiles_sync.errors import WarehouseRefused, WarehouseSlow
from profiles_sync.lake import merging
from profiles_sync.lake.tables import scan
from profiles_sync.spec import diagram
from profiles_sync.spec.tables import FIXED_TABLES
from profiles_sync.warehouses import open_warehouse
from profiles_sync.warehouses.duckdb import DuckDBSettings
from tests.console.exploring import Client, console
from tests.lakes import Twin, random_events

pytestmark = pytest.mark.lake
MANY = [f"event_{number:04d}" for number in range(2000)]


@pytest.fixture(scope="module")
def twin(tmp_path_factory):
    """Two batches, the second of which marks rows as gone, as it does in large tables."""
    made = Twin(tmp_path_factory.mktemp("tables"))
    made.land(random_events(3, 120))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(merging, "LARGE", 0)
        made.land(random_events(4, 120, day=20))
    return made


def test_a_size_is_that_of_the_rows_that_are_left(twin):
    remembered = Remembered()
    sizes = {table.name: size_of(twin.lake, table.name, remembered) for table in FIXED_TABLES}
    there = {name: scan(twin.lake.open(name)).num_rows for name in sizes}
    assert {name: size.rows for name, size in sizes.items()} == there
    assert "deletionVectors" in twin.lake.open("user_traits").protocol().reader_features
    assert sizes["user_traits"].version > 0 and sizes["pages"].changed_at.year >= 2026


def test_a_tables_columns_are_told_as_declared_or_as_brought(twin):
    columns = {one.name: one for one in explored(twin.lake, "order_completed", Remembered()).columns}
    assert columns["id"].is_key and columns["id"].about.startswith("Unique identifier")
    assert columns["v"].is_added and "Property" in columns["v"].about
    assert explored(twin.lake, "../acme/pages", Remembered()) is None


def test_pages_of_two_thousand_tables():
    page = track_tables([*MANY, "pages"], "", 3)
    assert (page.names[0], page.number, page.pages, page.found, page.all) == ("event_0100", 3, 40, 2000, 2000)
    assert track_tables(MANY, "EVENT 19", 99).number == 2
    assert track_tables(MANY, "none", 1).names == ()


def test_the_list_of_two_thousand_tables_opens_none_of_them(twin):
    """Their logs cannot be read, so that whoever opens one of them fails."""
    for name in MANY:
        log = twin.folder / "lake" / "acme" / name / "_delta_log"
        log.mkdir(parents=True)
        (log / f"{0:020d}.json").write_text("no log")
    with Client(console(twin.folder / "acme.yml")) as client:
        client.get("/tables")
        began = time.monotonic()
        found = client.get("/tables", params={"page": 2})
        took = time.monotonic() - began
        assert client.get(f"/tables/{MANY[0]}").status_code == 500
    assert found.status_code == 200 and "Search 2," in found.text and MANY[60] in found.text
    assert took < 1, "on a busy machine, too: half of it is the drawing and the listing"


def test_the_diagram_has_every_table_and_every_relation():
    drawn = diagram.svg()
    assert all(f"{table.name}</text>" in drawn for table in FIXED_TABLES)
    assert "&lt;event&gt;</text>" in drawn
    assert drawn.count('class="relation"') == 2 * len(diagram.RELATIONS) == 2 * (7 + 3 + 5)


def test_a_query_is_stopped_and_reads_nothing_but_the_file(tmp_path):
    warehouse = open_warehouse("local", DuckDBSettings(type="duckdb", path=str(tmp_path / "a.duckdb")), "acme")
    with warehouse.connect() as connection:
        connection.execute("CREATE TABLE one AS SELECT 1 AS a")
    (tmp_path / "secret.csv").write_text("a\n1\n")
    with warehouse.connect(read_only=True) as connection:
        assert connection.first("SELECT a FROM range(10) t(a)", 3, 5) == [(0,), (1,), (2,)]
        with pytest.raises(WarehouseSlow, match=r"more than 0\.2 seconds"):
            connection.first("SELECT count(*) FROM range(100000000000) a, range(100) b", 1, 0.2)
        for refused in (f"SELECT * FROM read_csv('{tmp_path}/secret.csv')", "INSERT INTO one VALUES (2)"):
            with pytest.raises(WarehouseRefused):
                connection.first(refused, 1, 5)
        assert connection.first("SELECT a FROM one", 9, 5) == [(1,)], "it can be asked on"
