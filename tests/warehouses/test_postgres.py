"""What is Postgres's own: how it is reached, what it says, how values are cast, what keeps its statements fast."""

import json
import shutil
import subprocess
import sys
import time

import pytest

from profiles_sync.errors import (
    ProfilesSyncError,
    WarehouseBusy,
    WarehouseConflict,
    WarehouseRefused,
    WarehouseUnreachable,
)
from profiles_sync.settings import load, origins
from profiles_sync.warehouses import PostgresSettings
from profiles_sync.warehouses.base import Cast
from profiles_sync.warehouses.postgres import CAPABILITIES, DIALECT, PostgresWarehouse
from tests.commands import SETTINGS, written
from tests.servers import PASSWORD
from tests.warehouses.contract.places import PostgresPlace

SECRET = "hunter2 'and\\more"


@pytest.fixture
def place(postgres_server):
    made = PostgresPlace(postgres_server)
    yield made
    made.close()


@pytest.fixture
def connection(place):
    with place.open().connect() as opened:
        yield opened


def refused(place, **changed):
    """How a connection fails, at once."""
    with pytest.raises(ProfilesSyncError) as told, place.open(patience=0, **changed).connect():
        pass
    assert PASSWORD not in str(told.value)
    assert "hunter2" not in str(told.value)
    return told.value


# How it is reached


def test_the_settings_of_the_contract_are_read(tmp_path):
    fields = "type: postgres, host: 127.0.0.1, port: 5432, database: acme, username: segment, password: x"
    path = written(tmp_path, SETTINGS, f"  pg: {{{fields}}}\n")
    pg = load(path).warehouses["pg"]
    assert (pg.host, pg.port, pg.sslmode, pg.enabled) == ("127.0.0.1", 5432, "prefer", True)
    shown = {key: value for key, value, _ in origins(path, {})}
    assert shown["warehouses.pg.password"] == "********"
    assert PostgresWarehouse("pg", pg, "acme").place == "schema acme of the Postgres database acme at 127.0.0.1:5432"


def test_a_certificate_is_a_file_beside_the_settings(tmp_path):
    fields = "type: postgres, host: h, database: d, username: u, sslmode: verify-full"
    for given, found in (("ca.pem", str(tmp_path / "ca.pem")), ("system", "system")):
        path = written(tmp_path, SETTINGS, f"  pg: {{{fields}, sslrootcert: {given}}}\n")
        assert load(path).warehouses["pg"].sslrootcert == found


def test_a_password_may_hold_anything_and_is_never_told(place):
    place.run("CREATE USER odd PASSWORD 'hunter2 ''and\\more'")
    with place.open(username="odd", password=settings_secret(SECRET)).connect() as connection:
        assert connection.query("SELECT current_user::text") == [("odd",)]
    told = refused(place, username="odd", password=settings_secret(SECRET + "x"))
    assert 'password authentication failed for user "odd"' in str(told)
    while place.run("SELECT 1 FROM pg_stat_activity WHERE usename = 'odd'"):  # what was its own goes when it ends
        time.sleep(0.05)
    place.run("DROP USER odd")


def settings_secret(text):
    return PostgresSettings(type="postgres", host="h", database="d", username="u", password=text).password


@pytest.mark.parametrize(
    ("changed", "error", "says"),
    [
        ({"password": None}, WarehouseRefused, "no password supplied"),
        ({"database": "nope"}, WarehouseRefused, 'database "nope" does not exist'),
        ({"username": "nobody"}, WarehouseRefused, 'password authentication failed for user "nobody"'),
        ({"sslmode": "require"}, WarehouseRefused, "does not support SSL"),
        ({"port": 9}, WarehouseUnreachable, "Connection refused"),
        ({"host": "no-such-host.invalid"}, WarehouseUnreachable, "could not translate host name"),
    ],
)
def test_what_keeps_it_from_being_reached_is_told_in_one_line(place, changed, error, says):
    told = refused(place, **changed)
    assert (type(told), says in str(told), "\n" in str(told)) == (error, True, False), told


def test_a_server_that_is_full_may_be_reached_later(place):
    place.run("ALTER USER segment CONNECTION LIMIT 0")
    try:
        assert isinstance(refused(place), WarehouseUnreachable)
    finally:
        place.run("ALTER USER segment CONNECTION LIMIT -1")


def test_a_database_of_another_encoding_is_refused(place):
    place.run("CREATE DATABASE latin ENCODING LATIN1 LOCALE 'C' TEMPLATE template0")
    assert "encoding UTF8, got 15 with LATIN1" in str(refused(place, database="latin")).replace("got 16", "got 15")
    place.run("DROP DATABASE latin")


def test_who_only_looks_cannot_write_and_makes_nothing(place):
    with place.open().connect(read_only=True) as connection, pytest.raises(WarehouseRefused, match="read-only"):
        connection.execute("CREATE SCHEMA acme")
    assert place.columns() == {}


def test_a_schema_that_is_there_needs_no_right_to_make_one(place):
    place.run(f"REVOKE CREATE ON DATABASE {place.database} FROM segment")
    with place.open().connect() as connection:
        with pytest.raises(WarehouseRefused, match="permission denied for database"):
            connection.execute(*DIALECT.create_schema("acme"))
        place.run("CREATE SCHEMA acme AUTHORIZATION segment")
        connection.execute(*DIALECT.create_schema("acme"))


HOLDER = """
import sys
from profiles_sync.warehouses.postgres import PostgresSettings, PostgresWarehouse
settings = PostgresSettings.model_validate_json(sys.argv[1])
with PostgresWarehouse("pg", settings, "acme").connect() as connection, connection.only_sync("acme"):
    print("held", flush=True)
    connection.query("SELECT pg_sleep(600)::text")
"""


def test_a_sync_that_was_killed_in_a_long_statement_lets_go_of_its_schema(place):
    given = json.dumps(place.server.settings | {"database": place.database})
    with subprocess.Popen([sys.executable, "-c", HOLDER, given], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout.readline() == "held\n"
        with place.open(patience=0).connect() as second, pytest.raises(WarehouseBusy), second.only_sync("acme"):
            pass
        holder.kill()
    with place.open(patience=20).connect() as third, third.only_sync("acme"):
        pass


def test_a_table_that_somebody_keeps_locked_fails_alone_and_in_time(place, connection):
    connection.execute(*DIALECT.create_schema("acme"), "CREATE TABLE acme.t (id text)", "SET lock_timeout = '1s'")
    with place.server.connect(place.database) as other, other.transaction():
        other.execute("LOCK TABLE acme.t")
        started = time.monotonic()
        with pytest.raises(WarehouseConflict, match="lock timeout"):
            connection.execute("INSERT INTO acme.t VALUES ('a')")
        assert time.monotonic() - started < 20


def test_a_question_that_is_refused_does_not_spoil_the_transaction_it_was_asked_in(connection):
    connection.execute(*DIALECT.create_schema("acme"), "CREATE TABLE acme.t (id text)")
    with connection.transaction():
        connection.execute("INSERT INTO acme.t VALUES ('a')")
        with pytest.raises(WarehouseRefused):
            connection.query("SELECT 1 FROM acme.none")
        connection.execute("INSERT INTO acme.t VALUES ('b')")
    assert connection.query("SELECT id FROM acme.t ORDER BY id") == [("a",), ("b",)]


# What it says


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        ("INSERT INTO acme.t VALUES ('jane', 50)", "new row for relation … (SQLSTATE 23514)"),
        ("INSERT INTO acme.t VALUES ('jane', 1), ('jane', 2)", "duplicate key value violates unique constraint …"),
        ("INSERT INTO acme.t SELECT 'x', 'jane'::int", "invalid input syntax for type integer: …"),
        (
            "DO $$ BEGIN RAISE EXCEPTION 'about %', 'jane'; END $$",
            "postgres refused DO $$ BEGIN: an error of its own (SQLSTATE P0001)",
        ),
        ("INSERT INTO acme.none VALUES ('jane')", 'relation "acme.none" does not exist'),
    ],
)
def test_an_error_names_what_is_wrong_and_nobodys_data(connection, statement, says):
    connection.execute(*DIALECT.create_schema("acme"), "CREATE TABLE acme.t (id text UNIQUE, n int CHECK (n < 10))")
    with pytest.raises(WarehouseRefused) as told:
        connection.execute(statement)
    assert says in str(told.value)
    assert "jane" not in str(told.value)


# Names


def test_the_reserved_words_are_those_that_need_quotes_and_those_of_the_system(connection):
    words = {
        word for (word,) in connection.query("SELECT word::text FROM pg_get_keywords() WHERE catcode IN ('R', 'T')")
    }
    later = {"system_user"}  # since Postgres 16
    columns = connection.query(
        "SELECT attname::text FROM pg_attribute WHERE attrelid = 'pg_class'::regclass AND attnum < 0"
    )
    assert words | later | {name for (name,) in columns} == CAPABILITIES.reserved


@pytest.mark.parametrize("table", ["bought", "x" * 59, "x" * 60, "é" * 31])
def test_no_table_can_be_called_like_the_index_of_another(connection, table):
    connection.execute(*DIALECT.create_schema("acme"))
    connection.execute(*DIALECT.create_table("acme", table, {"id": "text"}, ["id"]))
    ((index,),) = connection.query("SELECT indexname::text FROM pg_indexes WHERE schemaname = 'acme'")
    assert " " in index and len(index.encode()) <= 63


# Values


CASTS = [
    ("text", "integer", ["1", "x", " 9 ", "9.5", "1e3", "99999999999", "", "NaN"], [1, None, 9, 10, 1000] + [None] * 3),
    ("text", "boolean", ["true", "0", "x"], [True, False, None]),
    ("text", "jsonb", ['{"a": 1}', "x"], ['{"a": 1}', None]),
    ("text", "character varying(3)", ["éééé", "abc"], ["ééé", "abc"]),
    ("text", "numeric(5,2)", ["999.994", "999.995", "x", "NaN"], ["999.99", None, None, None]),
    ("text", "uuid", ["x", "6b1e9d0e-0000-4000-8000-000000000000"], [None, "6b1e9d0e-0000-4000-8000-000000000000"]),
    ("bigint", "text", [5], ["5"]),
    ("bigint", "smallint", [5, 40000], [5, None]),
    ("bigint", "character varying(3)", [999, 1000], ["999", None]),
    ("double precision", "bigint", [9.99, 1e300, "'NaN'"], [10, None, None]),
    ("boolean", "integer", ["true", "false"], [1, 0]),
    ("boolean", "numeric(5,2)", ["true"], ["1.00"]),
    ("timestamp without time zone", "date", ["'2026-01-05 10:00'"], ["2026-01-05"]),
    ("timestamp without time zone", "timestamp with time zone", ["'2026-01-05 10:00'"], ["2026-01-05 10:00:00+00"]),
    ("timestamp without time zone", "bigint", ["'2026-01-05 10:00'"], [None]),
]


@pytest.mark.parametrize(("staged", "kept", "given", "found"), CASTS)
def test_a_value_is_cast_to_its_columns_type_or_is_empty_and_never_an_error(connection, staged, kept, given, found):
    connection.execute(f"CREATE TEMPORARY TABLE kept (v {kept})")
    for value, expected in zip(given, found, strict=True):
        literal = DIALECT.text(value) if staged == "text" else str(value)
        cast = DIALECT.cast(f"({literal}::{staged})", Cast(staged, kept))
        connection.execute("TRUNCATE kept")
        connection.execute(f"INSERT INTO kept SELECT {cast}")
        ((shown,),) = connection.query("SELECT v::text FROM kept")
        as_text = str(expected).lower() if isinstance(expected, bool | int) else expected
        assert shown == (None if expected is None else as_text), value
    assert connection.query(f"SELECT {DIALECT.cast(f'NULL::{staged}', Cast(staged, kept))}") == [(None,)]


# Speed


def test_rows_are_found_by_an_index_before_anybody_analysed_the_table(place, connection):
    connection.execute(*DIALECT.create_schema("acme"))
    columns = {"id": "text", "uuid_ts": "timestamp", "received_at": "timestamp"}
    connection.execute(*DIALECT.create_table("acme", "t", columns, ["id"]))
    connection.execute("INSERT INTO acme.t SELECT n::text, now(), now() FROM generate_series(1, 200000) AS n")
    connection.execute("CREATE TABLE acme.s AS SELECT *, 'U' AS _op FROM acme.t LIMIT 10")
    values = DIALECT.values(list(columns), {})
    for statement in (
        *DIALECT.append("acme", "t", "acme.s", "id", values),
        *DIALECT.merge("acme", "t", "acme.s", ["id"], values),
    ):
        plan = "\n".join(line for (line,) in place.run(f"EXPLAIN {statement}"))
        assert "Index" in plan and "Seq Scan on t" not in plan, plan


# TLS


@pytest.fixture
def certificate(postgres_server):
    """The server speaks TLS, with a certificate of its own for `localhost`."""
    data = postgres_server.data
    crt, key = data / "server.crt", data / "server.key"
    named = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    made = ["openssl", "req", "-new", "-x509", "-days", "2", "-nodes", *named, "-out", crt, "-keyout", key]
    subprocess.run(made, check=True, capture_output=True)
    for path in (crt, key):
        shutil.chown(path, data.owner(), data.group())
        path.chmod(0o600)
    postgres_server.admin("ALTER SYSTEM SET ssl = on")
    postgres_server.admin("SELECT pg_reload_conf()")
    yield crt
    postgres_server.admin("ALTER SYSTEM RESET ssl")
    postgres_server.admin("SELECT pg_reload_conf()")


def test_a_connection_is_encrypted_as_the_settings_say(place, certificate):
    def is_encrypted(**changed):
        with place.open(patience=0, **changed).connect() as connection:
            return connection.query("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")[0][0]

    assert [is_encrypted(sslmode=mode) for mode in ("disable", "prefer", "require")] == [False, True, True]
    assert is_encrypted(sslmode="verify-full", host="localhost", sslrootcert=str(certificate))
    told = refused(place, sslmode="verify-full", sslrootcert=str(certificate))  # 127.0.0.1 is not localhost
    assert isinstance(told, WarehouseRefused) and "certificate" in str(told)
