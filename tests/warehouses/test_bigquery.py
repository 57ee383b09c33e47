"""What is BigQuery's own: how it is reached, what it says, its transactions, its lock, its views."""

import io
import signal
import subprocess
import sys
import time
from types import SimpleNamespace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from google.api_core.exceptions import BadRequest, Conflict, Forbidden, NotFound
from google.auth.exceptions import RefreshError
from google.cloud import bigquery

from profiles_sync.errors import ProfilesSyncError, WarehouseBusy, WarehouseRefused, WarehouseUnreachable
from profiles_sync.settings import load
from profiles_sync.spec.tables import FIXED_TABLES
from profiles_sync.sync.trial import try_out
from profiles_sync.warehouses import setup
from profiles_sync.warehouses.base import Cast
from profiles_sync.warehouses.bigquery import BigQueryDialect, BigQueryWarehouse, lease, loading
from profiles_sync.warehouses.bigquery.faults import told
from profiles_sync.warehouses.bigquery.labels import labels_of
from profiles_sync.warehouses.setup.rights import Right
from tests.commands import SETTINGS, in_process, written
from tests.lakes import Twin
from tests.servers import free_port
from tests.sync.steps import bought, call
from tests.warehouses.contract.places import BigQueryPlace
from tests.warehouses.contract.steps import in_lake, in_warehouse, sync

SQL = BigQueryDialect()
pytestmark = pytest.mark.slow  # a statement takes the stand-in a second


@pytest.fixture
def place(bigquery_server):
    made = BigQueryPlace(bigquery_server)
    yield made
    made.close()


@pytest.fixture
def connection(place):
    with place.open().connect() as opened:
        yield opened


@pytest.fixture
def table(place):
    """A table with one row."""
    place.run("CREATE SCHEMA acme")
    place.run("CREATE TABLE acme.t (id STRING, n INT64)")
    place.run("INSERT INTO acme.t VALUES ('a', 1)")
    return "acme.t"


# How it is reached


def test_its_fields_are_read_and_the_key_is_a_file_beside_the_settings(tmp_path):
    fields = "type: bigquery, project: acme-1, location: EU, credentials: key.json, labels: {team: data}"
    bq = load(written(tmp_path, SETTINGS, f"  bq: {{{fields}}}\n")).warehouses["bq"]
    assert (bq.location, bq.credentials, bq.labels) == ("EU", str(tmp_path / "key.json"), {"team": "data"})
    assert BigQueryWarehouse("bq", bq, "acme").place == "dataset acme of the BigQuery project acme-1"


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ("location: EU", "warehouses.bq.project: required"),
        ("project: p, location: Frankfurt am Main", "warehouses.bq.location: "),
        ("project: p, endpoint: localhost", "warehouses.bq.endpoint: "),
        ("project: p, labels: {Team: data}", "warehouses.bq.labels"),
        ("project: p, labels: {team: Data!}", "warehouses.bq.labels.team: "),
    ],
)
def test_what_is_wrong_in_its_fields_is_named(tmp_path, fields, says):
    path = written(tmp_path, SETTINGS, f"  bq: {{type: bigquery, {fields}}}\n")
    code, _, err = in_process("check", "--settings", path)
    assert (code, says in err) == (2, True), err


def refused(settings, **changed):
    opened = BigQueryWarehouse("bq", settings.model_copy(update=changed), "acme", patience=0)
    with pytest.raises(ProfilesSyncError) as error, opened.connect():
        pass
    assert "\n" not in str(error.value)
    return error.value


def test_what_keeps_it_from_being_reached_is_told_in_one_line(place, tmp_path, monkeypatch):
    started = time.monotonic()
    dead = refused(place.settings, endpoint=f"http://127.0.0.1:{free_port()}")
    assert (type(dead), "cannot be reached; nothing was written" in str(dead)) == (WarehouseUnreachable, True)
    assert time.monotonic() - started < 20
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "nothing.json"))
    none = refused(place.settings, endpoint=None)
    assert (type(none), "no default credentials" in str(none)) == (WarehouseRefused, True)


@pytest.mark.parametrize(
    "text", [None, "hunter2", "{}", '{"private_key": "hunter2", "client_email": "a@b", "token_uri": "u"}']
)
def test_a_key_that_cannot_be_used_is_told_and_never_shown(place, tmp_path, text):
    path = tmp_path / "key.json"
    if text is not None:
        path.write_text(text)
    error = refused(place.settings, endpoint="https://127.0.0.1:1", credentials=str(path))
    assert (type(error), "hunter2" in str(error)) == (WarehouseRefused, False)
    assert f"no key of a service account can be read from {path}" in str(error)


def test_labels_are_what_bigquery_takes():
    assert labels_of({"team": "data"}, table="Bought É" + "x" * 70) == {
        "product": "profiles-sync", "table": "bought__" + "x" * 55, "team": "data"
    }  # fmt: skip


# What it says


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (BadRequest("Bad int64 value: hunter2"), "refused INSERT: Bad int64 value: …"),
        (BadRequest("Could not parse 'hunter2' as TIMESTAMP"), "Could not parse … as TIMESTAMP"),
        (BadRequest("Unrecognized name: plan at [1:8]\nhunter2"), "Unrecognized name: plan at [1:8]"),
        (
            Forbidden("x", [{"reason": "accessDenied", "message": "Access Denied: Table acme-1:acme.t: 'x'"}]),
            "Access Denied: Table acme-1:acme.t: 'x' (accessDenied)",
        ),
    ],
)
def test_a_message_tells_names_and_no_values(error, says):
    with pytest.raises(WarehouseRefused) as shown, told("INSERT"):
        raise error
    assert says in str(shown.value)
    assert "hunter2" not in str(shown.value)


def test_a_value_that_a_statement_stumbles_over_is_not_told(connection, table):
    with pytest.raises(WarehouseRefused) as shown:
        connection.execute(f"INSERT INTO {table} (n) SELECT CAST('hunter2' AS INT64)")
    assert "hunter2" not in str(shown.value)


@pytest.mark.parametrize(
    ("error", "found"),
    [
        (
            Forbidden("Access Denied: Project p: User does not have bigquery.datasets.create permission in project p."),
            "permission",
        ),
        (Forbidden("Quota exceeded: Your project exceeded quota for free query bytes scanned."), "capacity"),
        (NotFound("Not found: Dataset p:acme was not found in location US"), "schema"),
        (RefreshError("invalid_grant: Invalid JWT Signature.", {"error": "invalid_grant"}), "credentials"),
    ],
)
def test_an_error_has_its_class(error, found):
    with pytest.raises(WarehouseRefused) as shown, told("CREATE SCHEMA"):
        raise error
    assert shown.value.problem.error_class == found


def test_test_connection_finds_every_right_and_leaves_nothing(place):
    trial = try_out(place.open(), setup.fields_of(place.settings.model_dump(by_alias=True)))
    assert trial.ok, trial
    assert [check.check for check in trial.checks] == list(Right)
    assert [one.dataset_id for one in place.owner.list_datasets() if "profiles" in one.dataset_id] == []


# Values


@pytest.mark.parametrize(
    ("value", "cast", "kept"),
    [
        ("' 9 '", Cast("STRING", "INT64"), 9),
        ("'9.5'", Cast("STRING", "INT64"), 10),
        ("'99999999999999999999'", Cast("STRING", "INT64"), None),
        ("'x'", Cast("STRING", "INT64"), None),
        ("9.99", Cast("FLOAT64", "INT64"), 10),
        ("1e300", Cast("FLOAT64", "INT64"), None),
        ("TRUE", Cast("BOOL", "FLOAT64"), 1.0),
        ("TRUE", Cast("BOOL", "STRING"), "true"),
        ("7", Cast("INT64", "STRING"), "7"),
        ("7", Cast("INT64", "TIMESTAMP"), None),
        ("'abcdef'", Cast("STRING", "STRING(3)"), "abc"),
        ("1234", Cast("INT64", "STRING(3)"), None),
        ("123", Cast("INT64", "STRING(3)"), "123"),
        ("TIMESTAMP '2026-01-05 10:00:00+00'", Cast("TIMESTAMP", "INT64"), None),
        ("'{x'", Cast("STRING", "JSON"), None),
    ],
)
def test_a_value_is_cast_or_empty_and_never_an_error(connection, value, cast, kept):
    assert connection.query(f"SELECT {SQL.cast(value, cast)}") == [(kept,)]


# Transactions


def test_a_transaction_that_fails_takes_all_back(place, connection, table):
    with pytest.raises(ZeroDivisionError), connection.transaction():
        assert connection.execute(f"INSERT INTO {table} (id, n) VALUES ('b', 2), ('c', 3)") == 2
        assert connection.execute(f"DELETE FROM {table} WHERE id = 'a'") == 1
        raise ZeroDivisionError
    assert place.run(f"SELECT id FROM {table}") == [("a",)]
    with connection.transaction():
        connection.execute(f"INSERT INTO {table} (id, n) VALUES ('b', 2)")
    assert sorted(place.run(f"SELECT id FROM {table}")) == [("a",), ("b",)]


def test_a_statement_that_fails_inside_takes_back_those_before_it(place, connection, table):
    with pytest.raises(WarehouseRefused), connection.transaction():
        connection.execute(f"DELETE FROM {table} WHERE TRUE")
        connection.execute("INSERT INTO acme.nothing (id) VALUES ('b')")
    assert place.run(f"SELECT id FROM {table}") == [("a",)]


def test_who_changes_what_another_transaction_has_changed_is_told_so(place, connection, table):
    with connection.transaction():
        connection.execute(f"UPDATE {table} SET n = 2 WHERE id = 'a'")
        with place.open().connect() as other, pytest.raises(WarehouseBusy, match="another sync"), other.transaction():
            other.execute(f"DELETE FROM {table} WHERE id = 'a'")
    assert place.run(f"SELECT n FROM {table}") == [(2,)]


@pytest.mark.standin  # minutes
def test_more_tables_than_one_transaction_may_change_take_two(place, tmp_path):
    twin = Twin(tmp_path)
    twin.land([bought(f"m{n}", event=f"Event {n}") for n in range(110)])
    done = sync(twin, place)
    assert (done.error, len(done.tables)) == (None, 110 + len(FIXED_TABLES))


def test_a_transaction_in_which_nothing_happens_is_none(place, connection, monkeypatch):
    monkeypatch.setattr(connection, "_run", lambda *given: pytest.fail("nothing to run"))
    with connection.transaction():
        pass


# One sync at a time


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(lease, "SILENCE", 2.0)
    monkeypatch.setattr(lease, "_EVERY", 0.5)


def test_who_stays_and_is_slow_keeps_the_lock(place, impatient):
    with place.open().connect() as connection, connection.only_sync("acme"):
        time.sleep(3)
        with place.open(patience=4).connect() as other, pytest.raises(WarehouseBusy), other.only_sync("acme"):
            pass
    with place.open(patience=0).connect() as other, other.only_sync("acme"):
        assert set(place.columns("_profiles_sync")) == {"lock-acme"}
    assert place.columns("_profiles_sync") == {}


def test_who_is_silent_loses_the_lock_and_what_it_had_begun(place, table, impatient):
    with place.open().connect() as silent, silent.only_sync("acme"):
        silent._lease.rest()  # as if its process had been stopped
        with pytest.raises(WarehouseBusy), silent.transaction():
            silent.execute(f"DELETE FROM {table} WHERE TRUE")
            with place.open(patience=20).connect() as other, other.only_sync("acme"):
                assert place.run(f"SELECT id FROM {table}") == [("a",)]
                with other.transaction():
                    other.execute(f"UPDATE {table} SET n = 2 WHERE id = 'a'")
                silent.execute(f"INSERT INTO {table} (id, n) VALUES ('late', 0)")
        with pytest.raises(WarehouseBusy):
            silent._still_ours()
    assert place.run(f"SELECT id, n FROM {table}") == [("a", 2)]


_BEGUN = """
import sys, time
from profiles_sync.warehouses import BigQuerySettings, open_warehouse
settings = BigQuerySettings(type="bigquery", location="EU", project=sys.argv[1], endpoint=sys.argv[2])
with open_warehouse("bq", settings, "acme").connect() as connection, connection.only_sync("acme"):
    with connection.transaction():
        connection.execute("DELETE FROM acme.t WHERE TRUE")
        print("begun", flush=True)
        time.sleep(600)
"""


def test_a_process_that_was_killed_in_its_transaction_is_in_nobodys_way(place, table, tmp_path):
    told = [sys.executable, "-c", _BEGUN, place.settings.project, place.settings.endpoint]
    with subprocess.Popen(told, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "begun\n"
        process.send_signal(signal.SIGKILL)
    assert place.run(f"SELECT id FROM {table}") == []  # the stand-in shows what is not committed
    twin = Twin(tmp_path)
    twin.land([bought("m1")])
    assert sync(twin, place).error is None
    assert place.run(f"SELECT id FROM {table}") == [("a",)]


# What stands in the dataset


# What is on its way when a sync is killed


def one_row(value):
    return SimpleNamespace(
        types={"id": "string"}, table=SimpleNamespace(name="bought"), arrow=pa.table({"id": [value]}).to_reader
    )


def test_a_load_job_of_a_killed_sync_that_comes_late_changes_nothing(place):
    with place.open().connect() as connection:
        connection._loads.clear = lambda schema: setattr(connection._loads, "_schema", loading._digest(schema))
        with connection.only_sync("acme"):
            killed = connection.load(one_row("old"), SQL.staging("acme", "bought"), {"id": "id"})
            other = connection.load(one_row("x"), SQL.staging("acme", "other"), {"id": "id"})
            connection._loads.settle()
    elsewhere = "_profiles_sync.acme_2__bought__" + loading._digest("acme_2") + "_0a1b0a1b0a1b0a1b"
    place.run(f"CREATE TABLE {elsewhere} (id STRING)")
    with place.open().connect() as connection, connection.only_sync("acme"):
        assert set(place.columns("_profiles_sync")) == {"lock-acme", elsewhere.partition(".")[2]}
        staged = connection.load(one_row("new"), SQL.staging("acme", "bought"), {"id": "id"})
        late = connection._loads._table(killed.source)
        assert staged.source not in (killed.source, other.source)
        with pytest.raises((NotFound, BadRequest)), io.BytesIO() as file:  # the latter where the stand-in says it
            pq.write_table(pa.table({"id": ["old"]}), file)
            connection._loads._upload(file, late, {"id": "STRING"}, "bought").result()
        assert connection.query(f"SELECT id FROM {staged.source}") == [("new",)]
        connection.unload(staged)


def test_a_load_job_whose_answer_is_lost_is_not_sent_twice(place, monkeypatch):
    sent, send, get = {}, bigquery.Client.load_table_from_file, bigquery.Client.get_job

    def lost(self, *given, job_id, **named):
        sent[job_id] = send(self, *given, job_id=job_id, **named).job_id
        raise Conflict(f"Already Exists: Job {job_id}")

    def found(self, job_id, **named):
        return get(self, sent[job_id], **named)  # the stand-in gives jobs with a file names of its own

    monkeypatch.setattr(bigquery.Client, "load_table_from_file", lost)
    monkeypatch.setattr(bigquery.Client, "get_job", found)
    with place.open().connect() as connection, connection.only_sync("acme"):
        staged = connection.load(one_row("a"), SQL.staging("acme", "bought"), {"id": "id"})
        assert connection.query(f"SELECT id FROM {staged.source}") == [("a",)]
        connection.unload(staged)
    assert len(sent) == 1


def test_small_and_hidden_datasets_are_asked_in_other_ways_and_answer_the_same(place, connection):
    columns = {"a": "STRING", "b": "INT64", "c": "FLOAT64", "d": "BOOL", "e": "TIMESTAMP"}
    for schema in ("acme", "_acme"):
        connection.execute(*SQL.create_schema(schema))
        connection.execute(f"CREATE TABLE {schema}.t ({', '.join(f'{name} {kind}' for name, kind in columns.items())})")
        connection.execute(f"CREATE VIEW {schema}.v AS SELECT * FROM {schema}.t")
        assert connection.columns(schema) == {"t": columns}
    assert connection.columns("nothing") == connection.columns("_nothing") == {}


def test_the_view_has_the_latest_row_of_each_id(place, connection):
    connection.execute(*SQL.create_schema("acme"))
    connection.execute(
        *SQL.create_table("acme", "pages", {"id": "STRING", "n": "INT64", "uuid_ts": "TIMESTAMP"}, ["id"])
    )
    rows = "('a', 1, TIMESTAMP '2026-01-05 10:00:00+00'), ('a', 2, TIMESTAMP '2026-01-06 10:00:00+00'), ('b', 3, NULL)"
    place.run(f"INSERT INTO acme.pages (id, n, uuid_ts) VALUES {rows}")
    assert sorted(place.run("SELECT id, n FROM acme.pages_view")) == [("a", 2), ("b", 3)]


def test_an_event_that_is_called_like_a_view_gets_its_table(tmp_path, place):
    twin = Twin(tmp_path)
    twin.land([bought("m1"), call("page", "p1", userId="u1")])
    assert sync(twin, place).error is None
    assert "bought_view" not in place.columns()
    twin.land([bought("m2", 6, event="Bought View", total=1)])
    done = sync(twin, place)
    assert (done.error, done.tables["bought_view"].rows) == (None, 1)
    assert in_warehouse(twin, place, "bought_view") == in_lake(twin, "bought_view")
    assert place.run("SELECT id FROM acme.bought_view_view") == [("m2",)]
