"""Databricks without one: its statements as text, how it is reached and told, and who may sync."""

import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from profiles_sync.errors import WarehouseBusy, WarehouseRefused, WarehouseUnreachable
from profiles_sync.spec.tables import BY_NAME
from profiles_sync.sync.plan import plan_table
from profiles_sync.warehouses import DatabricksSettings, open_warehouse
from profiles_sync.warehouses.base import Cast, Cursor
from profiles_sync.warehouses.databricks import CAPABILITIES, DatabricksDialect, faults, staging
from profiles_sync.warehouses.databricks.lease import Lease
from profiles_sync.warehouses.databricks.login import ServicePrincipal
from tests.at_hand import Rows
from tests.warehouses import every
from tests.warehouses.setup.grammar import parses

SNAPSHOT = Path(__file__).parents[1] / "snapshots/warehouses/databricks.sql"
SQL = DatabricksDialect("main")
CASTS = {"n": Cast("string", "int"), "v": Cast("string", "varchar(3)"), "d": Cast("timestamp", "date")}
HOST = {"type": "databricks", "catalog": "main", "via": "sql", "host": "127.0.0.1", "http_path": "/sql/1.0/x"}


def statements():
    """Every statement that a sync or a trial can send."""
    columns = {"id": "string", "received_at": "timestamp", "n": "bigint"}
    values = SQL.values(tuple(columns), {"n": CASTS["n"]})
    keys = ("canonical_segment_id", "type")
    staged = SQL.files("/Volumes/main/_profiles_sync/staging/acme/t-0a1b-*.parquet", columns)
    was, now = Cursor("it's", 3, "c"), Cursor("a\\b", 4, "d")
    yield from SQL.create_schema("acme")
    yield from SQL.create_cursors("acme")
    yield from SQL.claim("acme", "0a1b", 60)
    yield SQL.read_cursors("acme")
    yield SQL.columns("acme")
    yield SQL.any_row("acme", "t")
    yield SQL.sum_keys("acme", "t", ["id"], None)
    yield SQL.sum_keys("acme", "m", keys, staged)
    yield from SQL.move_cursors("acme", {}, {"t": Cursor("t", -1)}, "7")
    yield from SQL.create_table("acme", "t", columns, ("id",))
    yield from SQL.create_table("acme", "m", dict.fromkeys(keys, "string"), keys)
    yield from SQL.add_columns("acme", "t", {"n": "bigint", "m": "double"})
    yield from every.widenings(SQL, False)
    yield SQL.count_misfits(staged, CASTS, True)
    yield from SQL.append("acme", "t", staged, "id", values)
    yield from SQL.append("acme", "t", staged, "id", values, keys_differ=True)
    yield from SQL.delete_all("acme", "t")
    yield from SQL.delete_missing("acme", "m", staged, ["id"], values)
    yield from SQL.replace("acme", "t", staged, "id", values)
    yield from SQL.replace("acme", "m", staged, None, values)
    yield from SQL.merge("acme", "m", staged, ["id"], values)
    yield from SQL.move_cursors("acme", {"t": was}, {"t": now, "m": now}, "7")
    yield from SQL.let_go("acme", "0a1b")
    yield from SQL.drop_staging(SQL.quote("acme", "t"))
    yield from SQL.drop_schema("scratch")


# Statements


def test_the_statements_are_those_that_were_read_over():
    assert SNAPSHOT.read_text() == ";\n".join(statements()) + ";\n"


@pytest.mark.parametrize("statement", list(statements()))
def test_each_statement_is_databricks_grammar(statement):
    assert parses("databricks", statement)


def test_names_and_texts_are_quoted_so_that_nothing_gets_out():
    assert SQL.quote("a", "b`c") == "`main`.`a`.`b``c`"
    assert SQL.quote("id") == "`id`"
    assert SQL.text("it's a \\") == "'it\\'s a \\\\'"
    assert DatabricksDialect("main", makes_volumes=False).drop_schema("s") == ["DROP SCHEMA `main`.`s`"]


def test_a_table_of_one_kind_of_events_is_laid_out_by_time_and_a_merged_one_by_its_keys():
    events = plan_table(Rows(pa.table({}), BY_NAME["pages"], Cursor("t", 1)), None, CAPABILITIES)[0]
    assert SQL.create_table("acme", "pages", events.columns, events.keys)[0].endswith("CLUSTER BY (`received_at`)")
    merged = plan_table(Rows(pa.table({}), BY_NAME["user_traits"], Cursor("t", 1)), None, CAPABILITIES)[0]
    laid_out = SQL.create_table("acme", "user_traits", merged.columns, merged.keys)[0]
    assert laid_out.endswith("CLUSTER BY (`canonical_segment_id`, `name`)")


# Errors


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (
            "[CAST_INVALID_INPUT] The value 'ann@example.com' of the type STRING is bad. SQLSTATE: 22018\n== SQL ==",
            "CAST_INVALID_INPUT (SQLSTATE 22018)",
        ),
        (
            "[SCHEMA_NOT_FOUND] The schema `a` cannot be found. Verify the 'x'. SQLSTATE: 42704;\n'Plan",
            "SCHEMA_NOT_FOUND: The schema `a` cannot be found. Verify the … (SQLSTATE 42704)",
        ),
        ("ann@example.com has no class", "ValueError"),
        ("[SOME_FAULT] ann@example.com", "SOME_FAULT"),
    ],
)
def test_an_error_is_told_without_peoples_data(said, told):
    assert faults.kind(ValueError(said)) == told


def test_another_writer_and_a_server_that_is_gone_are_told_apart():
    conflict = ValueError("[DELTA_CONCURRENT_APPEND] Files were added")
    gone = ValueError("Cannot call methods on a stopped SparkContext.")
    assert (faults.is_conflict(conflict), faults.is_gone(conflict)) == (True, False)
    assert (faults.is_conflict(gone), faults.is_gone(gone)) == (False, True)


# Which way


def opened(**fields):
    return open_warehouse("d", DatabricksSettings(**fields), "acme")


def test_spark_does_it_on_databricks_and_a_sql_warehouse_elsewhere(monkeypatch):
    declared = DatabricksSettings(type="databricks", catalog="main")
    monkeypatch.delenv("DATABRICKS_RUNTIME_VERSION", raising=False)
    assert not declared.by_spark
    with pytest.raises(WarehouseRefused, match="that needs host and http_path and client_id and client_secret, or tok"):
        opened(type="databricks", catalog="main").connect().__enter__()
    monkeypatch.setenv("DATABRICKS_RUNTIME_VERSION", "17.3")
    assert declared.by_spark
    assert not DatabricksSettings(**HOST, token="x").by_spark
    with pytest.raises(WarehouseRefused, match="this command has no session"):
        opened(type="databricks", catalog="main").connect().__enter__()


def test_two_warehouses_that_write_the_same_tables_have_one_place():
    one, other = opened(**HOST, token="x"), opened(**HOST, client_id="i", client_secret="s")
    assert one.place == other.place == "schema acme of the Databricks catalog main at 127.0.0.1"


def test_a_dead_host_is_told_in_bounded_time_and_with_no_secret():
    declared = DatabricksSettings(**HOST, token="dapi-hunter2", port=9)
    warehouse = open_warehouse("d", declared, "acme")
    warehouse.patience = 1
    started = time.monotonic()
    with pytest.raises(WarehouseUnreachable, match=r"127\.0\.0\.1:9 cannot be reached") as told:
        warehouse.connect().__enter__()
    assert time.monotonic() - started < 60
    assert "hunter2" not in f"{told.value}{declared!r}"


# A token for a service principal


class Tokens(BaseHTTPRequestHandler):
    """Gives tokens that end at once, to one pair of ID and secret."""

    asked = 0

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        is_known = self.headers["Authorization"] == "Basic aWQ6c2VjcmV0"
        assert body == "grant_type=client_credentials&scope=all-apis"
        Tokens.asked += 1
        self.send_response(200 if is_known else 401)
        self.end_headers()
        seconds = 3600 if Tokens.asked > 1 else 60
        self.wfile.write(b'{"access_token": "t%d", "expires_in": %d}' % (Tokens.asked, seconds) if is_known else b"")

    def log_message(self, *said):
        """Nothing."""


def test_a_service_principal_gets_a_token_and_a_new_one_before_it_ends():
    Tokens.asked = 0
    with HTTPServer(("127.0.0.1", 0), Tokens) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        headers = ServicePrincipal(url, "id", "secret")()
        told = [headers()["Authorization"] for _ in range(3)]
        with pytest.raises(WarehouseRefused, match="does not take client_id and client_secret") as refused:
            ServicePrincipal(url, "id", "wrong")()()
        server.shutdown()
    assert told == ["Bearer t1", "Bearer t2", "Bearer t2"]
    assert refused.value.problem.error_class == "credentials"
    with pytest.raises(WarehouseUnreachable, match="gives no token"):
        ServicePrincipal(url, "id", "secret")()()


# Rows on their way


def test_rows_become_files_of_a_bounded_size_and_none_is_lost(monkeypatch):
    monkeypatch.setattr(staging, "_AT_MOST", 1000)
    rows = pa.table({"n": list(range(1000))})
    made = list(staging.parquet_files(rows.to_reader(max_chunksize=100), "t"))
    assert [count for _, _, count in made] == [200] * 5
    assert len({name for name, _, _ in made}) == 5
    assert pa.concat_tables(pq.read_table(pa.BufferReader(contents)) for _, contents, _ in made) == rows
    assert list(staging.parquet_files(rows.slice(0, 0).to_reader(), "t")) == []


# Who may sync


class Shared:
    """The row that says whose a schema is."""

    def __init__(self):
        self.owner, self.until, self.renewed, self.is_away = None, 0.0, 0, False

    def lease(self, owner, seconds):
        def claim():
            if self.is_away:
                raise WarehouseUnreachable("gone")
            if self.owner not in (None, owner) and self.until > time.monotonic():
                return False
            self.renewed += self.owner == owner
            self.owner, self.until = owner, time.monotonic() + seconds
            return True

        def let_go():
            self.owner = None

        return Lease(claim, let_go, "another sync", seconds)


def test_one_sync_at_a_time_has_a_schema_and_keeps_it_while_it_lives():
    shared = Shared()
    with shared.lease("one", 0.3).held(0):
        time.sleep(1)
        assert shared.renewed >= 2
        with pytest.raises(WarehouseBusy), shared.lease("two", 0.3).held(0):
            pass
    with shared.lease("two", 0.3).held(0):
        assert shared.owner == "two"


def test_the_hold_of_a_sync_that_was_killed_ends_and_the_next_one_waits_for_that():
    shared = Shared()
    shared.owner, shared.until = "killed", time.monotonic() + 1
    with shared.lease("next", 60).held(5):
        assert shared.owner == "next"


def test_a_hold_that_is_just_being_renewed_is_waited_for():
    shared, slow = Shared(), threading.Event()
    lease = shared.lease("one", 0.3)
    claim = lease.claim

    def slowly():
        if not slow.is_set():
            return claim()
        slow.clear()
        time.sleep(0.6)
        shared.owner = None
        return claim()

    lease.claim = slowly
    with lease.held(0):
        slow.set()
        while slow.is_set():
            time.sleep(0.01)
        shared.owner, shared.until = "the renewal, not done", time.monotonic() + 60
        time.sleep(0.35)
        lease.check()


def test_a_sync_that_could_not_renew_its_hold_changes_nothing_once_another_has_it():
    shared = Shared()
    lease = shared.lease("one", 0.3)
    with lease.held(0):
        lease.check()
        shared.is_away = True
        time.sleep(0.8)
        shared.is_away = False
        lease.check()  # nobody wanted it
        shared.owner, shared.until = "two", time.monotonic() + 60
        time.sleep(0.8)
        with pytest.raises(WarehouseBusy):
            lease.check()
