"""Opening a DuckDB file: held by another process, not there, not a database, or only to be looked at."""

import datetime as dt
import subprocess
import sys
from types import SimpleNamespace

import duckdb
import pyarrow as pa
import pytest

from profiles_sync.errors import WarehouseRefused, WarehouseUnreachable
from profiles_sync.spec.tables import BY_NAME
from profiles_sync.sync.run import sync_warehouse
from profiles_sync.warehouses import duckdb as duckdb_warehouse
from profiles_sync.warehouses.duckdb import DuckDBSettings, DuckDBWarehouse
from tests.lakes import Twin
from tests.sync.steps import bought

HOLDER = """
import sys, duckdb
opened = duckdb.connect(sys.argv[1])
print("held", flush=True)
sys.stdin.readline()
opened.close()
print("released", flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def held(tmp_path):
    """A DuckDB file that another process has open until it is told to close it."""
    path = tmp_path / "held.duckdb"
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout.readline() == "held\n"
        yield path, holder
        holder.kill()


@pytest.mark.parametrize("read_only", [False, True])
def test_a_file_that_another_process_holds_is_tried_again_and_then_told(held, read_only):
    path, _ = held
    local = DuckDBWarehouse("local", DuckDBSettings(type="duckdb", path=str(path)), "acme", patience=1)
    started = dt.datetime.now()
    with pytest.raises(WarehouseUnreachable) as refused, local.connect(read_only):
        pass
    assert dt.datetime.now() - started > dt.timedelta(seconds=0.9)
    assert str(refused.value).startswith(f"warehouse local: another process holds {path}; nothing was written, ")


def test_a_file_that_is_let_go_meanwhile_is_opened(held, tmp_path):
    path, holder = held
    local = DuckDBWarehouse("local", DuckDBSettings(type="duckdb", path=str(path)), "acme", patience=60)
    attempts = []
    attempt = local._open

    def watched(read_only):
        attempts.append(read_only)
        if len(attempts) == 2:
            holder.stdin.write("close\n")
            holder.stdin.flush()
            assert holder.stdout.readline() == "released\n"
        return attempt(read_only)

    local._open = watched
    twin = Twin(tmp_path / "space")
    twin.land([bought("m1")])
    assert sync_warehouse(local, twin.lake, "1").status == "Success"
    assert len(attempts) == 2


def test_a_file_that_this_process_has_open_is_told_the_same_way(tmp_path):
    path = tmp_path / "acme.duckdb"
    local = DuckDBWarehouse("local", DuckDBSettings(type="duckdb", path=str(path)), "acme", patience=0)
    with (
        duckdb.connect(str(path)),
        pytest.raises(WarehouseUnreachable, match="another process holds"),
        local.connect(),
    ):
        pass


def test_what_stands_in_the_way_for_good_is_not_tried_again(tmp_path):
    (tmp_path / "acme.duckdb").write_text("not a database")
    path = str(tmp_path / "acme.duckdb")
    local = DuckDBWarehouse("local", DuckDBSettings(type="duckdb", path=path), "acme", patience=20)
    started = dt.datetime.now()
    with pytest.raises(WarehouseRefused, match="cannot open"), local.connect():
        pass
    assert dt.datetime.now() - started < dt.timedelta(seconds=10)


def test_to_look_at_a_file_that_is_not_there_makes_none(tmp_path):
    path = tmp_path / "folder" / "acme.duckdb"
    local = DuckDBWarehouse("local", DuckDBSettings(type="duckdb", path=str(path)), "acme")
    with local.connect(read_only=True) as connection:
        assert connection.columns("acme") == {}
    assert list(tmp_path.iterdir()) == []


ROWS = pa.table({"id": ["a", "b"], "at": pa.array([0, 1], pa.timestamp("us", "UTC"))})


@pytest.mark.parametrize(("most", "source"), [(10**6, '"_staged_1"'), (0, '"_profiles_sync"."acme__t"')])
def test_a_small_batch_is_read_where_it_is_and_a_large_one_is_staged_in_the_file(tmp_path, monkeypatch, most, source):
    monkeypatch.setattr(duckdb_warehouse, "_IN_MEMORY", most)
    local = DuckDBWarehouse("local", DuckDBSettings(type="duckdb", path=str(tmp_path / "acme.duckdb")), "acme")
    with local.connect() as connection:
        connection.execute(*local.dialect.create_schema("_profiles_sync"))
        for _ in range(2):  # what a killed sync left is replaced
            reader = pa.RecordBatchReader.from_batches(ROWS.schema, ROWS.to_batches(max_chunksize=1))
            batch = SimpleNamespace(arrow=lambda reader=reader: reader, table=BY_NAME["pages"])
            staged = connection.load(batch, local.dialect.staging("acme", "t"), {"at": "_at"})
            assert (staged.rows, staged.keys_differ) == (2, most > 0)
            assert connection.query(f"SELECT id, epoch_us(_at) FROM {staged.source} ORDER BY id") == [
                ("a", 0),
                ("b", 1),
            ]
        assert staged.source == source
        assert set(connection.columns("_profiles_sync")) == ({"acme__t"} if most == 0 else set())
        for _ in range(2):
            connection.unload(staged)
        with pytest.raises(WarehouseRefused, match="CatalogException"):
            connection.query(f"FROM {staged.source}")


def test_who_only_looks_cannot_write(tmp_path):
    local = DuckDBWarehouse("local", DuckDBSettings(type="duckdb", path=str(tmp_path / "acme.duckdb")), "acme")
    with local.connect() as connection:
        connection.execute("CREATE SCHEMA acme")
    with local.connect(read_only=True) as connection, pytest.raises(WarehouseRefused, match="read-only"):
        connection.execute("CREATE TABLE acme.pages (id VARCHAR)")
