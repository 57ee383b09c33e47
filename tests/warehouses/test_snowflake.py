"""What is Snowflake's own: how it is reached, what it says, what keeps another sync out, how rows travel."""

import datetime as dt
import socket
import threading
import time
from types import SimpleNamespace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from pydantic import SecretStr, ValidationError
from snowflake import connector
from snowflake.connector import platform_detection

from profiles_sync.errors import ProfilesSyncError, WarehouseBusy, WarehouseRefused, WarehouseUnreachable
from profiles_sync.settings import load, origins
from profiles_sync.sync.trial import try_out
from profiles_sync.warehouses import SnowflakeSettings, setup
from profiles_sync.warehouses.base import INTERNAL, Cast
from profiles_sync.warehouses.setup.rights import Right
from profiles_sync.warehouses.snowflake import SnowflakeWarehouse, files
from profiles_sync.warehouses.snowflake.connection import SnowflakeConnection
from profiles_sync.warehouses.snowflake.dialect import DIALECT
from profiles_sync.warehouses.snowflake.driver import telling
from profiles_sync.warehouses.snowflake.inline import MOST, first, inline
from tests.commands import SETTINGS, written
from tests.servers import free_port
from tests.warehouses.contract.places import SnowflakePlace

FIELDS = "type: snowflake, account: acme-eu1, username: SEGMENT_USER, database: SEGMENT_EVENTS, warehouse: W"
SECRET = "hunter2"


@pytest.fixture
def place(snowflake_server):
    made = SnowflakePlace(snowflake_server)
    yield made
    made.close()


@pytest.fixture
def connection(place):
    with place.open().connect() as opened:
        yield opened


def key(folder, passphrase):
    """The path of a private key, as openssl writes it."""
    made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    locked = serialization.BestAvailableEncryption(passphrase.encode()) if passphrase else serialization.NoEncryption()
    (folder / "rsa_key.p8").write_bytes(
        made.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, locked)
    )
    return str(folder / "rsa_key.p8")


def refused(place, **changed):
    """How a connection fails, at once."""
    with pytest.raises(ProfilesSyncError) as told, place.open(patience=0, **changed).connect():
        pass
    assert SECRET not in str(told.value)
    return told.value


# How it is reached


def test_the_settings_that_setup_sql_makes_a_user_for_are_read(tmp_path):
    added = f"  sf: {{{FIELDS}, private_key_path: keys/rsa_key.p8, private_key_passphrase: {SECRET}}}\n"
    path = written(tmp_path, SETTINGS, added)
    sf = load(path).warehouses["sf"]
    assert (sf.load, sf.role, sf.host, sf.connect_timeout) == ("native", None, None, 30)
    assert sf.private_key_path == str(tmp_path / "keys" / "rsa_key.p8")
    shown = {name: value for name, value, _ in origins(path, {})}
    assert shown["warehouses.sf.private_key_passphrase"] == "********"
    place = SnowflakeWarehouse("sf", sf, "acme").place
    assert place == "schema ACME of the Snowflake database SEGMENT_EVENTS in account acme-eu1"


@pytest.mark.parametrize("added", [{}, {"password": SECRET, "private_key_path": "rsa_key.p8"}])
def test_there_is_one_way_to_log_in(added):
    with pytest.raises(ValidationError, match="one of private_key_path and password is needed, and only one") as told:
        SnowflakeSettings(type="snowflake", account="a", username="u", database="d", warehouse="w", **added)
    assert SECRET not in str(told.value)


@pytest.mark.parametrize("passphrase", [None, SECRET])
def test_a_key_pair_logs_in(place, tmp_path, passphrase):
    declared = {"private_key_path": key(tmp_path, passphrase), "password": None}
    declared["private_key_passphrase"] = passphrase and SecretStr(passphrase)
    with place.open(**declared).connect() as connection:
        assert connection.query("SELECT 1") == [(1,)]


@pytest.mark.parametrize("wrong", ["no file", "no key", "another passphrase"])
def test_a_key_that_cannot_be_read_is_told_with_its_settings(place, tmp_path, wrong):
    path = key(tmp_path, SECRET)
    if wrong != "another passphrase":
        (tmp_path / "rsa_key.p8").write_text("x") if wrong == "no key" else (tmp_path / "rsa_key.p8").unlink()
    told = refused(place, private_key_path=path, password=None, private_key_passphrase=SecretStr(f"{SECRET}x"))
    assert isinstance(told, WarehouseRefused)
    assert "see private_key_path and private_key_passphrase" in str(told)


def test_a_server_that_does_not_answer_is_told_in_bounded_time(place):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        for port in (free_port(), silent.getsockname()[1]):
            started = time.monotonic()
            told = refused(place, port=port, connect_timeout=2)
            assert isinstance(told, WarehouseUnreachable)
            assert "127.0.0.1 cannot be reached" in str(told)
            assert "nothing was written" in str(told)
            assert time.monotonic() - started < 20


def test_the_driver_asks_no_metadata_address_of_a_cloud(place, monkeypatch):
    monkeypatch.delenv("SNOWFLAKE_DISABLE_PLATFORM_DETECTION", raising=False)
    with place.open().connect():
        assert platform_detection.detect_platforms(0.01) == ["disabled"]


@pytest.mark.parametrize("bound", [True, False])
def test_few_rows_are_bound_only_where_the_settings_let_them(place, bound):
    place.few = None
    batch = SimpleNamespace(types={"id": "string"}, arrow=pa.table({"id": ["a"]}).to_reader)
    with place.open(bound_rows=bound).connect() as connection, connection.only_sync("acme"):
        staged = connection.load(batch, DIALECT.staging("acme", "t"), {"id": "id"})
        assert staged.source.startswith("(") == bound
        connection.unload(staged)


def test_test_connection_sends_rows_the_way_that_takes_the_most_rights(place, monkeypatch):
    place.few, told, tell = None, [], SnowflakeConnection._run
    monkeypatch.setattr(SnowflakeConnection, "_run", lambda self, one: told.append(one) or tell(self, one))
    assert try_out(place.open(patience=0), {}).ok
    assert {"PUT", "CREATE TEMPORARY STAGE"} <= {" ".join(one.split()[:n]) for one in told for n in (1, 3)}

    def refused(self, statement):
        if statement.startswith("PUT"):
            raise WarehouseRefused("snowflake refused PUT: no host answers")
        return tell(self, statement)

    monkeypatch.setattr(SnowflakeConnection, "_run", refused)
    trial = try_out(place.open(patience=0), {})
    assert [check.check for check in trial.checks if check.ok is False] == [Right.LOAD_STAGING]


def test_test_connection_tries_every_right_and_leaves_nothing(place):
    trial = try_out(place.open(patience=0), setup.fields_of(place.settings.model_dump(by_alias=True)))
    assert trial.ok, trial
    assert place.run("SELECT SCHEMA_NAME FROM INFORMATION_SCHEMA.SCHEMATA WHERE SCHEMA_NAME LIKE '%TEST%'") == []


def test_a_password_that_is_typed_is_tried_in_place_of_the_key(place, tmp_path):
    with place.open(private_key_path=str(tmp_path / "nothing"), password=SecretStr("typed")).connect() as connection:
        assert connection.query("SELECT 1") == [(1,)]


# What it says


@pytest.mark.parametrize(
    ("error", "kind", "says"),
    [
        (
            connector.errors.ProgrammingError(
                msg="01b2-x: SQL compilation error:\nObject 'ACME.T' does not exist or not authorized.",
                errno=2003,
                sqlstate="42S02",
            ),
            WarehouseRefused,
            "Object 'ACME.T' does not exist or not authorized. (002003, SQLSTATE 42S02)",
        ),
        (
            connector.errors.ProgrammingError(
                msg="Numeric value 'hunter2' is not recognized", errno=100038, sqlstate="22018"
            ),
            WarehouseRefused,
            "Numeric value … is not recognized (100038, SQLSTATE 22018)",
        ),
        (
            connector.errors.OperationalError(msg="no answer", errno=250001, sqlstate="08001"),
            WarehouseUnreachable,
            "went away",
        ),
        (connector.errors.ProgrammingError(msg="log in again", errno=390104), WarehouseUnreachable, "went away"),
    ],
)
def test_an_error_names_what_is_wrong_and_nobodys_data(error, kind, says):
    with pytest.raises(kind) as told, telling("MERGE INTO t"):
        raise error
    assert says in str(told.value)
    assert SECRET not in str(told.value)
    assert "\n" not in str(told.value)


def test_a_statement_that_is_refused_in_a_transaction_takes_it_back(connection, place):
    connection.execute(*DIALECT.create_schema("acme"), *DIALECT.create_table("acme", "t", {"id": "VARCHAR"}, ["id"]))
    with pytest.raises(WarehouseRefused, match="snowflake refused INSERT INTO"), connection.transaction():
        connection.execute("INSERT INTO ACME.T VALUES ('a')")
        connection.execute("INSERT INTO ACME.NOTHING VALUES ('a')")
    assert place.run("SELECT count(*) FROM ACME.T") == [(0,)]
    with connection.transaction():
        assert connection.execute("INSERT INTO ACME.T VALUES ('a')") == 1
    assert place.run("SELECT count(*) FROM ACME.T") == [(1,)]


def test_a_schema_that_is_there_needs_no_right_to_make_one(connection, monkeypatch):
    connection.execute(*DIALECT.create_schema("acme"))
    tell = type(connection._opened.cursor()).execute

    def denied(self, statement, *given, **named):
        if statement.startswith("CREATE SCHEMA"):
            raise connector.errors.ProgrammingError(msg="Insufficient privileges", errno=3001, sqlstate="42501")
        return tell(self, statement, *given, **named)

    monkeypatch.setattr(type(connection._opened.cursor()), "execute", denied)
    assert connection.execute(*DIALECT.create_schema("acme")) == 0
    with pytest.raises(WarehouseRefused, match="Insufficient privileges") as told:
        connection.execute(*DIALECT.create_schema("other"))
    assert told.value.problem.error_class == "permission"


# What keeps another sync out


def held(place, **changed):
    opened = place.open(patience=0)
    opened.lease = changed.get("lease", 600)
    return opened


def test_a_sync_that_was_killed_is_followed_as_soon_as_its_time_is_over(place):
    with held(place).connect() as connection:
        connection.execute(*DIALECT.create_schema(INTERNAL), *DIALECT.create_lock("acme"))
        assert connection.execute(DIALECT.take_lock("acme", "killed", 3)) == 1
        with pytest.raises(WarehouseBusy, match="another sync of schema acme is under way"):
            connection.only_sync("acme").__enter__()
    started = time.monotonic()
    with place.open(patience=20).connect() as connection, connection.only_sync("acme"):
        assert time.monotonic() - started < 15


def test_a_sync_that_is_alive_keeps_the_lock_for_longer_than_one_lease(place):
    with held(place, lease=1.5).connect() as connection, connection.only_sync("acme"):
        time.sleep(4)
        with held(place).connect() as other, pytest.raises(WarehouseBusy):
            other.only_sync("acme").__enter__()


def test_a_sync_that_slept_past_its_time_commits_nothing_once_another_took_over(place, connection):
    connection.execute(*DIALECT.create_schema("acme"), *DIALECT.create_table("acme", "t", {"id": "VARCHAR"}, ["id"]))
    with connection.only_sync("acme"):
        place.run(f"UPDATE {DIALECT.lock('acme')} SET HOLDER = 'another'")
        with pytest.raises(WarehouseBusy, match="took over"), connection.transaction():
            connection.execute("INSERT INTO ACME.T VALUES ('a')")
    assert place.run("SELECT count(*) FROM ACME.T") == [(0,)]
    assert place.run(f"SELECT HOLDER FROM {DIALECT.lock('acme')}") == [("another",)]


def test_who_lost_the_lock_and_does_not_know_it_leaves_alone_what_its_follower_has_staged(place):
    def load(connection, *ids):
        batch = SimpleNamespace(types={"id": "string"}, arrow=pa.table({"id": ids}).to_reader)
        return connection.load(batch, DIALECT.staging("acme", "t"), {"id": "id"})

    with place.open().connect() as late, place.open().connect() as follower:
        late.few = follower.few = 0
        with late.only_sync("acme"):
            place.run(f"UPDATE {DIALECT.lock('acme')} SET HOLDER = ''")
            with follower.only_sync("acme"):
                staged = load(follower, "new")
                load(late, "old", "older")
                assert follower.query(f"SELECT * FROM {staged.source}") == [("new",)]
    with place.open().connect() as connection, connection.only_sync("acme"):
        assert set(connection.columns(INTERNAL)) == {"LOCK OF ACME"}  # what both left is gone


def test_no_thread_outlives_the_lock(place, connection):
    def renewing():
        return "snowflake lease" in {one.name for one in threading.enumerate()}

    with connection.only_sync("acme"):
        assert renewing()
    assert not renewing()


# How values are cast, and how rows travel


@pytest.mark.parametrize(
    ("staged", "kept", "given", "found"),
    [
        ("VARCHAR", "NUMBER(9,0)", ["8", " 9 ", "x", "", "99999999999"], [8, 9, None, None, None]),
        ("VARCHAR", "BOOLEAN", ["true", "x"], [True, None]),
        ("VARCHAR", "VARCHAR(3)", ["abcd", "ab"], ["abc", "ab"]),
        ("NUMBER(38,0)", "VARCHAR", [5, None], ["5", None]),
        ("NUMBER(38,0)", "VARCHAR(2)", [5, 555], ["5", None]),
        ("NUMBER(38,0)", "NUMBER(2,0)", [5, 555], [5, None]),
        ("NUMBER(38,0)", "FLOAT", [5, None], [5.0, None]),
        ("BOOLEAN", "NUMBER(38,0)", [True, False, None], [1, 0, None]),
    ],
)
def test_a_value_is_cast_to_its_columns_type_or_is_empty_and_never_an_error(connection, staged, kept, given, found):
    cast = DIALECT.cast("v", Cast(staged, kept))
    rows = [
        connection.query(f"SELECT {cast} FROM (SELECT CAST({_literal(one)} AS {staged}) AS v) AS s") for one in given
    ]
    assert [row[0][0] for row in rows] == found


def _literal(value):
    return "NULL" if value is None else DIALECT.text(value) if isinstance(value, str) else str(value)


ENDS = {
    "id": ["", "\\N", "NULL", "it's \\ ?", "é🦆", " x ", "a\tb\nc"],
    "n": [2**63 - 1, -(2**63), 0, None, 1, 2, 3],
    "f": [1.7976931348623157e308, -5e-324, 0.1, None, -0.0, 1e15, 2.5],
    "b": [True, False, None, True, True, False, True],
    "t": [dt.datetime(1, 1, 1), dt.datetime(9999, 12, 31, 23, 59, 59, 999999), None, *[dt.datetime(2026, 1, 5)] * 4],
}


@pytest.mark.parametrize("precise", [True, False])
@pytest.mark.parametrize("few", [0, MOST])
def test_rows_are_the_same_whether_they_go_by_a_file_or_with_the_statement(connection, few, precise):
    rows = pa.table(ENDS | ({"f": [1.5, -2.25, 0.1, None, -0.0, 1e15, 1 / 3]} if precise else {}))
    kinds = dict(zip(ENDS, ("string", "bigint", "double", "boolean", "timestamp"), strict=True))
    batch = SimpleNamespace(types=kinds, arrow=rows.to_reader)
    connection.few = few
    with connection.only_sync("acme"):
        staged = connection.load(batch, DIALECT.staging("acme", "t"), {name: name for name in ENDS})
        assert (staged.rows, staged.source.startswith("(")) == (7, bool(few) and precise)
        found = connection.query(f"SELECT * FROM {staged.source} AS s")
        assert found == list(zip(*rows.to_pydict().values(), strict=True))
        connection.unload(staged)
    assert not set(connection.columns(INTERNAL)) - {"cursors_acme", "LOCK OF ACME"}


def test_values_that_are_bound_stand_in_no_statement():
    made = inline(pa.table({"id": ["hunter2"], "n": [5]}), {"id": "VARCHAR", "n": "NUMBER(38,0)"}, 1)
    assert made.values == ("hunter2", "5")
    assert SECRET not in made.source


def test_what_is_too_much_for_a_statement_is_left_whole():
    for rows, most in ((pa.table({"id": ["x"] * 11}), 10), (pa.table({"id": ["x" * 200_000]}), 10)):
        few, left = first(rows.to_reader(max_chunksize=3), most)
        assert few is None
        assert left.read_all().equals(rows)


def test_a_batch_is_files_of_a_bounded_size_under_the_warehouses_names(monkeypatch):
    monkeypatch.setattr(files, "_SIZE", 1000)
    rows = pa.table({"id_1": [f"é{n}" for n in range(1000)], "at": pa.array(range(1000), pa.timestamp("us", "UTC"))})
    with files.written(files.naive(rows.to_reader(max_chunksize=100))) as made:
        assert (made.rows, made.cut, len(made.paths)) == (1000, 0, 10)
        found = pa.concat_tables([pq.read_table(path) for path in made.paths])
        assert found.schema.names == ["ID_1", "AT"]
        assert found.schema.field("AT").type == pa.timestamp("us")
        assert found["ID_1"].to_pylist() == rows["id_1"].to_pylist()
    assert not made.folder.exists()


def test_a_text_that_no_column_takes_is_cut_and_counted(monkeypatch):
    monkeypatch.setattr(files, "LONGEST", 5)
    rows = pa.table({"id": ["éééé", "abc", None, "abcdefg"], "n": [1, 2, 3, 4]})
    with files.written(rows.to_reader()) as made:
        assert made.cut == 2
        assert pq.read_table(made.paths[0])["ID"].to_pylist() == ["éé", "abc", None, "abcde"]
