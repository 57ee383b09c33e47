"""What is Redshift's own: how it is reached, what it says, how values are cut and cast, what its SQL looks like."""

import datetime as dt
import json
import re
import subprocess
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from profiles_sync.errors import (
    ProfilesSyncError,
    WarehouseBusy,
    WarehouseRefused,
    WarehouseUnreachable,
)
from profiles_sync.settings import load, origins
from profiles_sync.spec.tables import Change, Column, Group, Table, Type
from profiles_sync.warehouses import RedshiftSettings, open_warehouse
from profiles_sync.warehouses.base import Cast, Cursor
from profiles_sync.warehouses.files import parquet_files
from profiles_sync.warehouses.redshift.dialect import CAPABILITIES, DIALECT
from tests.at_hand import Rows
from tests.commands import SETTINGS, written
from tests.redshift_server import ROLE, Refused, Spelling, of_parquet
from tests.servers import PASSWORD, free_port
from tests.snapshots import same
from tests.sync.steps import bought
from tests.warehouses import every
from tests.warehouses.contract.places import RedshiftPlace
from tests.warehouses.setup.grammar import problems

FIELDS = (
    f"type: redshift, host: h, database: d, username: u, password: hunter2, s3_bucket: staging-rows, iam_role: '{ROLE}'"
)
RETYPED = (
    "character varying(20)",
    "character(4)",
    "smallint",
    "bigint",
    "numeric(5,2)",
    "double precision",
    "boolean",
    "date",
    "timestamp with time zone",
    "super",
)


@pytest.fixture
def place(redshift_cluster):
    made = RedshiftPlace(redshift_cluster)
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
    return told.value


# Its SQL


def all_statements():
    yield from every.statements(DIALECT, RETYPED, staged="staged_0")
    kinds = {"id": "character varying(512)", "_op": "character varying(1)"}
    yield "staging", DIALECT.create_staged("staged_0", kinds, "id")
    yield "copy", DIALECT.copy("staged_0", "s3://staging-rows/it's/", ROLE)
    yield "copy", DIALECT.copy("staged_0", "s3://staging-rows/acme/", "default")
    for statement in DIALECT.create_lock("acme"):
        yield "lock", statement
    yield "lock", f"LOCK TABLE {DIALECT.lock('acme')}"
    for statement in (*DIALECT.own("acme", "0a1b"), DIALECT.still_own("acme", "0a1b")):
        yield "owner", statement


def test_its_statements_are_the_reviewed_ones():
    assert same("sql/redshift.sql", every.as_text(all_statements()))


def test_its_statements_follow_the_grammar_and_the_rules_that_the_grammar_lacks():
    casts = []
    for title, statement in all_statements():
        if title.startswith("from"):
            casts.append(re.sub("^SELECT (.*) FROM staged_0.*", r"\1", statement))
            continue
        assert list(problems("redshift", statement)) == [], statement
        Spelling().of(statement)
    whole = f"SELECT {', '.join(dict.fromkeys(casts))} FROM staged_0 AS s"
    assert list(problems("redshift", whole)) == []
    Spelling().of(whole)


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE t ADD COLUMN IF NOT EXISTS c boolean",
        "INSERT INTO t SELECT 1 ON CONFLICT DO NOTHING",
        "MERGE INTO t AS x USING s ON x.id = s.id WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN INSERT VALUES (1)",
        "MERGE INTO t USING s ON t.id = s.id WHEN MATCHED AND s.a THEN DELETE WHEN NOT MATCHED THEN INSERT VALUES (1)",
        "MERGE INTO t USING (SELECT 1) AS s ON t.id = s.id WHEN MATCHED THEN DELETE",
        "MERGE INTO t USING s ON t.id = s.id WHEN MATCHED THEN DELETE",
        "CREATE INDEX i ON t (a)",
        "SAVEPOINT a",
        "SELECT pg_advisory_lock(1)",
        "CREATE TEMPORARY TABLE t (a boolean) ON COMMIT DROP",
    ],
)
def test_the_stand_in_refuses_what_redshift_has_not(statement):
    with pytest.raises(Refused):
        Spelling().of(statement)


def test_keys_that_differ_in_spaces_behind_are_two():
    """To Redshift's = they are one; Postgres tells them apart."""
    both = "OCTET_LENGTH({}) = OCTET_LENGTH({})"
    appended = DIALECT.append("acme", "t", "staged_0", "id", DIALECT.values(["id", "n"], {}))
    assert both.format('t."id"', 's."id"') in appended[0]
    assert 'PARTITION BY "id", OCTET_LENGTH("id")' in appended[0]
    values = DIALECT.values(["type", "value", "seq"], {})
    for statement in DIALECT.merge("acme", "t", "staged_0", ["type", "value"], values):
        assert both.format('"acme"."t"."value"', 's."value"') in statement


def test_times_are_written_in_the_one_form_that_copy_reads():
    ends = [
        dt.datetime(1, 1, 1),
        dt.datetime(9999, 12, 31, 23, 59, 59, 999999),
        None,
        dt.datetime(1969, 12, 31, 23, 59),
    ]
    rows = pa.table({"t": pa.array(ends, pa.timestamp("us")), "s": ["é", "", "x", None]})
    ((content, held),) = parquet_files(rows.to_reader())
    assert (held, of_parquet(content)) == (4, rows)
    other = pa.BufferOutputStream()
    pq.write_table(rows, other)
    with pytest.raises(Refused, match="not INT96"):
        of_parquet(other.getvalue())


def test_rows_are_written_as_files_of_about_a_size_and_none_where_there_is_no_row():
    rows = pa.table({"s": [str(n) * 50 for n in range(4000)]})
    files = list(parquet_files(rows.to_reader(max_chunksize=100), most=20_000))
    assert len(files) > 3
    assert pa.concat_tables(of_parquet(content) for content, _ in files) == rows
    assert sum(held for _, held in files) == 4000
    assert list(parquet_files(rows.slice(0, 0).to_reader())) == []


# How it is reached


def test_the_settings_are_read_and_its_secret_is_not_shown(tmp_path):
    path = written(tmp_path, SETTINGS, f"  rs: {{{FIELDS}}}\n")
    rs = load(path).warehouses["rs"]
    assert (rs.port, rs.sslmode, rs.query_group, rs.s3_prefix) == (5439, "verify-ca", "segment", "profiles-sync")
    assert {key: value for key, value, _ in origins(path, {})}["warehouses.rs.password"] == "********"
    assert open_warehouse("rs", rs, "acme").place == "schema acme of the Redshift database d at h:5439"


def test_a_role_is_a_role_and_no_key():
    with pytest.raises(ValueError, match="arn:aws:iam::ACCOUNT:role/NAME"):
        RedshiftSettings(
            type="redshift", host="h", database="d", username="u", password="x", s3_bucket="rows", iam_role="AKIA"
        )


@pytest.mark.parametrize(
    ("changed", "error", "says"),
    [
        ({"database": "nope"}, WarehouseRefused, 'database "nope" does not exist'),
        ({"username": "nobody"}, WarehouseRefused, 'password authentication failed for user "nobody"'),
        ({"sslmode": "verify-ca"}, WarehouseRefused, "Server refuses SSL"),
        ({"port": 9}, WarehouseUnreachable, "Connection refused"),
        ({"host": "no-such-host.invalid"}, WarehouseUnreachable, "cannot be reached: "),
    ],
)
def test_what_keeps_it_from_being_reached_is_told_in_one_line(place, changed, error, says):
    told = refused(place, **changed)
    assert (type(told), says in str(told), "\n" in str(told)) == (error, True, False), told


def test_another_product_of_that_protocol_is_refused(place, monkeypatch):
    monkeypatch.setattr(place.cluster.spelling, "version", "PostgreSQL 15.4 on x86_64")
    told = refused(place)
    assert "expected Redshift, got PostgreSQL 15.4" in str(told)
    assert told.problem.error_class == "schema"


def test_who_only_looks_cannot_write_and_makes_nothing(place):
    with place.open().connect(read_only=True) as connection, pytest.raises(WarehouseRefused, match="read-only"):
        connection.execute("CREATE SCHEMA acme")
    assert place.columns() == {}


def test_a_session_is_in_the_query_group_of_the_settings(place):
    with place.open(query_group="nightly").connect() as connection:
        assert connection.query("SELECT current_setting('redshift.query_group')") == [("nightly",)]


def test_a_schema_that_is_there_needs_no_right_to_make_one(place):
    place.run(f"REVOKE CREATE ON DATABASE {place.database} FROM segment")
    with place.open().connect() as connection:
        with pytest.raises(WarehouseRefused, match="permission denied for database"):
            connection.execute(*DIALECT.create_schema("acme"))
        place.run("CREATE SCHEMA acme AUTHORIZATION segment")
        connection.execute(*DIALECT.create_schema("acme"))


HOLDER = """
import sys
from profiles_sync.warehouses.redshift import RedshiftSettings, RedshiftWarehouse
settings = RedshiftSettings.model_validate_json(sys.argv[1])
with RedshiftWarehouse("rs", settings, "acme").connect() as connection, connection.only_sync("acme"):
    print("held", flush=True)
    connection.query("SELECT pg_sleep(600)::text")
"""


def test_a_sync_that_was_killed_in_a_long_statement_lets_go_of_its_schema(place):
    given = json.dumps(place.settings.model_dump(mode="json", by_alias=True) | {"password": PASSWORD})
    with subprocess.Popen([sys.executable, "-c", HOLDER, given], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout.readline() == "held\n"
        with place.open(patience=0).connect() as second, pytest.raises(WarehouseBusy), second.only_sync("acme"):
            pass
        holder.kill()
    with place.open(patience=20).connect() as third, third.only_sync("acme"):
        pass


# The staging bucket


TABLE = Table(
    "notes",
    Group.TRACK,
    Change.APPEND,
    ("id",),
    (Column("id", Type.STRING, ""), Column("note", Type.STRING, "")),
    "",
)


def loaded(connection, ids=("1",), notes=("x",)):
    """Stage rows of a table with two columns of 512 bytes."""
    columns = {"id": CAPABILITIES.types[Type.STRING], "note": CAPABILITIES.types[Type.STRING]}
    connection.execute(*DIALECT.create_schema("acme"), *DIALECT.create_table("acme", "notes", columns, ["id"]))
    batch = Rows(pa.table({"id": pa.array(ids), "note": pa.array(notes, pa.string())}), TABLE, Cursor("t", 1))
    return connection.load(batch, DIALECT.staging("acme", "notes"), {"id": "id", "note": "note"})


def test_texts_are_cut_to_the_bytes_of_their_column_between_two_characters_and_counted(place):
    with place.open().connect() as connection:
        staged = loaded(connection, ("1", "2", "3", "4"), ("é" * 300, "x" + "é" * 300, "x" * 512, None))
        assert (staged.rows, staged.cut) == (4, 2)
        found = dict(connection.query(f"SELECT id, note FROM {staged.source}"))
        assert found == {"1": "é" * 256, "2": "x" + "é" * 255, "3": "x" * 512, "4": None}
        place.run("ALTER TABLE acme.notes DROP CONSTRAINT note")
        place.run("ALTER TABLE acme.notes ALTER note TYPE character varying(1024)")
        staged = loaded(connection, ("1",), ("é" * 300,))
        assert (staged.cut, connection.query(f"SELECT note FROM {staged.source}")) == (0, [("é" * 300,)])


def test_a_key_is_never_cut(connection):
    with pytest.raises(WarehouseRefused, match=r"notes.id holds 512 bytes in the warehouse and 1 keys are longer"):
        loaded(connection, ("é" * 257, "x"), ("a", "b"))


def test_what_is_staged_is_gone_when_the_connection_is(place):
    with place.open().connect() as connection:
        loaded(connection)
        assert len(place.cluster.keys(place.bucket)) == 1
    assert place.cluster.keys(place.bucket) == []


def test_what_a_killed_sync_left_in_the_bucket_is_removed_by_the_next_one_and_nothing_else(place):
    left = f"profiles-sync/127.0.0.1/{place.database}/acme/0-0/00000.parquet"
    others = [left.replace("/acme/", "/acme2/"), "mine.parquet"]
    for key in (left, *others):
        place.cluster.client.put_object(Bucket=place.bucket, Key=key, Body=b"")
    with place.open().connect() as connection, connection.only_sync("acme"):
        assert set(place.cluster.keys(place.bucket)) == set(others)
    for key in others:
        place.cluster.client.delete_object(Bucket=place.bucket, Key=key)


@pytest.mark.parametrize(
    ("changed", "error", "says"),
    [
        ({"s3_bucket": "no-such-bucket"}, WarehouseRefused, "no-such-bucket refused PutObject: NoSuchBucket"),
        ({"iam_role": ROLE + "2"}, WarehouseRefused, "redshift refused COPY staged_0 FROM: the role is not attached"),
    ],
)
def test_a_bucket_or_a_role_that_is_not_there_is_told(place, changed, error, says):
    with place.open(**changed).connect() as connection, pytest.raises(error, match=says):
        loaded(connection)


def test_a_bucket_that_nobody_answers_for_may_be_reached_later(place, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setattr("profiles_sync.warehouses.redshift.staging._ATTEMPTS", 1)
    with place.open().connect() as connection, pytest.raises(WarehouseUnreachable, match="EndpointConnectionError"):
        loaded(connection)


def test_no_statement_holds_a_key(place, twin_of, monkeypatch):
    told = []
    from profiles_sync.warehouses.redshift.session import Session

    run = Session.run
    monkeypatch.setattr(Session, "run", lambda self, statement: (told.append(statement), run(self, statement))[1])
    twin_of([bought("m1", total=5)])
    assert any(statement.startswith("COPY") for statement in told)
    assert not any(re.search("(?i)access_key|of-the-test|credentials", statement) for statement in told)


@pytest.fixture
def twin_of(place, tmp_path):
    """A space that was synced once with some events."""
    from tests.lakes import Twin
    from tests.warehouses.contract.steps import sync

    def made(events):
        twin = Twin(tmp_path)
        twin.land(events)
        assert sync(twin, place).status == "Success"

    return made


# What it says


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        ("INSERT INTO acme.t SELECT 'jane'::integer", "invalid input syntax for type integer: …"),
        ("INSERT INTO acme.none VALUES ('jane')", 'relation "acme.none" does not exist'),
        ("INSERT INTO acme.t VALUES (1) ON CONFLICT DO NOTHING", "redshift refused INSERT INTO acme.t: syntax error"),
    ],
)
def test_an_error_names_what_is_wrong_and_nobodys_data(connection, statement, says):
    connection.execute(*DIALECT.create_schema("acme"), "CREATE TABLE acme.t (n integer)")
    with pytest.raises(WarehouseRefused) as told:
        connection.execute(statement)
    assert says in str(told.value)
    assert "jane" not in str(told.value)


# Values


CASTS = [
    ("character varying(512)", "integer", ["1", "x", " 9 ", "9.5", "1e3", "99999999999", "", " ", "NaN"],
     [1, None, 9, 10, 1000, None, None, None, None]),
    ("character varying(512)", "bigint", ["9007199254740993", "-1"], [9007199254740993, -1]),
    ("character varying(512)", "boolean", ["true", "0", "x", "", "Yes"], [True, False, None, None, True]),
    ("character varying(512)", "numeric(5,2)", ["999.994", "1000", "x"], ["999.99", None, None]),
    ("character varying(512)", "date", ["2026-01-05", "2026-13-05", "soon", ""], ["2026-01-05", None, None, None]),
    ("character varying(512)", "character varying(20)", ["abc", ""], ["abc", ""]),
    ("bigint", "smallint", [5, 40000], [5, None]),
    ("bigint", "boolean", [1, 0], [True, False]),
    ("bigint", "character varying(3)", [999, 1000], ["999", None]),
    ("bigint", "timestamp without time zone", [5], [None]),
    ("double precision", "bigint", [9.99, 1e300, "'NaN'"], [10, None, None]),
    ("double precision", "boolean", [1.5], [None]),
    ("boolean", "integer", ["true", "false"], [1, 0]),
    ("boolean", "numeric(5,2)", ["true"], ["1.00"]),
    ("boolean", "character varying(4)", ["true", "false"], ["true", None]),
    ("boolean", "date", ["true"], [None]),
    ("timestamp without time zone", "date", ["'2026-01-05 10:00'"], ["2026-01-05"]),
    ("timestamp without time zone", "timestamp with time zone", ["'2026-01-05 10:00'"], ["2026-01-05 10:00:00+00"]),
    ("timestamp without time zone", "bigint", ["'2026-01-05 10:00'"], [None]),
]  # fmt: skip


@pytest.mark.parametrize(("staged", "kept", "given", "found"), CASTS)
def test_a_value_is_cast_to_its_columns_type_or_is_empty_and_never_an_error(connection, staged, kept, given, found):
    for value, expected in zip(given, found, strict=True):
        literal = DIALECT.text(value) if staged.startswith("char") else str(value)
        connection.execute(f"CREATE TEMPORARY TABLE given (v {staged})", f"CREATE TEMPORARY TABLE kept (v {kept})")
        connection.execute(f"INSERT INTO given SELECT {literal}::{staged}", "INSERT INTO given SELECT NULL")
        cast = DIALECT.cast("s.v", Cast(staged, kept))
        connection.execute(f"INSERT INTO kept SELECT {cast} FROM given AS s")
        shown = [row[0] for row in connection.query("SELECT v::text FROM kept")]
        as_text = str(expected).lower() if isinstance(expected, bool | int) else expected
        assert shown == [None if expected is None else as_text, None], value
        connection.execute("DROP TABLE given", "DROP TABLE kept")
