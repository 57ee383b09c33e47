"""What is a dedicated pool's own: what its SQL looks like, how values are cut and cast, what it says."""

import re
import threading

import pyarrow as pa
import pytest
from mssql_python import OperationalError, ProgrammingError

from profiles_sync.errors import (
    ProfilesSyncError,
    WarehouseBusy,
    WarehouseRefused,
    WarehouseSlow,
    WarehouseUnreachable,
)
from profiles_sync.settings import load, origins
from profiles_sync.spec.tables import Change, Column, Group, Table, Type
from profiles_sync.warehouses import open_warehouse
from profiles_sync.warehouses.base import Cast, Cursor
from profiles_sync.warehouses.synapse.dialect import CAPABILITIES, DIALECT
from profiles_sync.warehouses.synapse.session import Session
from tests.at_hand import Rows
from tests.commands import SETTINGS, written
from tests.redshift_server import Refused
from tests.servers import PASSWORD, free_port
from tests.snapshots import same
from tests.synapse_pool import Words
from tests.sync.steps import bought
from tests.warehouses import every
from tests.warehouses.contract.places import SynapsePlace
from tests.warehouses.setup.grammar import problems

FIELDS = (
    "type: synapse, server: acme, database: d, username: u, password: hunter2, storage_account: rows, "
    "storage_container: staging"
)
RETYPED = ("nvarchar(20)", "int", "bigint", "decimal(5,2)", "float", "bit", "date", "datetime2(7)", "varbinary(8)")


@pytest.fixture
def place(postgres_server, tmp_path):
    made = SynapsePlace(postgres_server, tmp_path)
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
    yield from every.statements(DIALECT, RETYPED)
    staging = DIALECT.staging("acme", "bought")
    for statement in DIALECT.create_staged(
        staging, {"id": "nvarchar(4000)", "at": "datetime2(7)", "_op": "nvarchar(1)"}
    ):
        yield "staging", statement
    yield "copy", DIALECT.copy(staging, "https://rows.dfs.core.windows.net/staging/it's/*.parquet")
    for statement in (*DIALECT.create_lock("acme"), *DIALECT.take_lock("acme")):
        yield "lock", statement
    for statement in (*DIALECT.own("acme", "0a1b"), DIALECT.still_own("acme", "0a1b")):
        yield "owner", statement


def test_its_statements_are_the_reviewed_ones():
    assert same("sql/synapse.sql", every.as_text(all_statements()))


def test_its_statements_follow_the_grammar_and_the_rules_that_the_grammar_lacks():
    casts, words = [], Words()
    for title, statement in all_statements():
        if title.startswith("from"):
            casts.append(re.sub("^SELECT (.*) FROM .*", r"\1", statement))
        elif title != "copy":
            assert list(problems("synapse", statement)) == [], statement
        if title != "copy":
            words.tsql(statement)
    whole = f"SELECT {', '.join(dict.fromkeys(casts))} FROM staged AS s"
    assert list(problems("synapse", whole)) == []


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE [a].[t] ([c] bit NULL)",
        "CREATE TABLE IF NOT EXISTS [a].[t] ([c] bit NULL) WITH (DISTRIBUTION = ROUND_ROBIN, HEAP)",
        "SELECT 1 FROM [a].[t] LIMIT 1",
        "INSERT INTO [a].[t] (c) VALUES (1), (2)",
        "ALTER TABLE [a].[t] ADD COLUMN [c] bit",
        "DELETE t FROM [a].[t] AS t JOIN [a].[s] AS s ON t.c = s.c",
        "MERGE INTO [a].[t] USING [a].[s] ON t.c = s.c",
        "SET LOCK_TIMEOUT 1000",
    ],
)
def test_the_stand_in_refuses_what_a_pool_has_not(statement):
    with pytest.raises(Refused):
        Words().tsql(statement)


# How it is reached


def test_the_settings_are_read_and_its_secret_is_not_shown(tmp_path):
    path = written(tmp_path, SETTINGS, f"  az: {{{FIELDS}}}\n")
    az = load(path).warehouses["az"]
    assert (az.port, az.host, az.storage_prefix) == (1433, "acme.database.windows.net", "profiles-sync")
    assert az.model_copy(update={"server": "acme.sql.azuresynapse.net"}).host == "acme.sql.azuresynapse.net"
    assert {key: value for key, value, _ in origins(path, {})}["warehouses.az.password"] == "********"
    place = open_warehouse("az", az, "acme").place
    assert place == "schema acme of the Synapse pool d at acme.database.windows.net:1433"


@pytest.mark.parametrize(
    ("changed", "error", "says", "error_class"),
    [
        ({"database": "nope"}, WarehouseRefused, 'Cannot open database "nope"', "schema"),
        ({"username": "nobody"}, WarehouseRefused, "Login failed for user 'nobody'", "credentials"),
        ({"port": 9}, WarehouseUnreachable, "cannot be reached: ", "connectivity"),
    ],
)
def test_what_keeps_it_from_being_reached_is_told_in_one_line(place, changed, error, says, error_class):
    told = refused(place, **changed)
    assert (type(told), says in str(told), "\n" in str(told)) == (error, True, False), told
    assert told.problem.error_class == error_class


def test_the_drivers_own_connection_is_tried_and_told(monkeypatch):
    """The real driver, and a port that nobody listens on."""
    from profiles_sync.warehouses import SynapseSettings

    given = SynapseSettings(
        type="synapse",
        server="127.0.0.1",
        port=free_port(),
        database="d",
        username="u",
        password="hunter2}; x",
        connect_timeout=2,
        storage_account="rows",
        storage_container="rows",
    )
    warehouse = open_warehouse("az", given, "acme")
    warehouse.patience = 0
    with pytest.raises(ProfilesSyncError) as told, warehouse.connect():
        pass
    assert isinstance(told.value, WarehouseUnreachable), told.value
    assert "hunter2" not in str(told.value)


# The staging container


TABLE = Table(
    "notes",
    Group.TRACK,
    Change.APPEND,
    ("id",),
    (Column("id", Type.STRING, ""), Column("note", Type.STRING, "")),
    "",
)


def loaded(connection, ids=("1",), notes=("x",), width=4000):
    columns = {"id": CAPABILITIES.types[Type.STRING], "note": f"nvarchar({width})"}
    connection.execute(*DIALECT.create_schema("acme"), *DIALECT.create_schema("_profiles_sync"))
    connection.execute(*DIALECT.create_table("acme", "notes", columns, ["id"]))
    batch = Rows(pa.table({"id": pa.array(ids), "note": pa.array(notes, pa.string())}), TABLE, Cursor("t", 1))
    return connection.load(batch, DIALECT.staging("acme", "notes"), {"id": "id", "note": "note"})


def test_texts_are_cut_to_the_units_of_their_column_between_two_characters_and_counted(connection):
    staged = loaded(connection, ("1", "2", "3", "4"), ("é" * 600, "x" + "🦆" * 300, "x" * 512, None), width=512)
    assert (staged.rows, staged.cut) == (4, 2)
    found = dict(connection.query(f"SELECT id, note FROM {staged.source}"))
    assert found == {"1": "é" * 512, "2": "x" + "🦆" * 255, "3": "x" * 512, "4": None}


def test_a_key_is_never_cut(connection):
    with pytest.raises(WarehouseRefused, match=r"notes\.id holds 4000 letters in the warehouse and 1 keys are longer"):
        loaded(connection, ("é" * 4001, "x"), ("a", "b"))


def test_keys_that_differ_in_spaces_behind_or_in_capitals_are_two(connection):
    staged = loaded(connection, ("a", "a ", "A", "a"), ("1", "2", "3", "4"))
    connection.execute("INSERT INTO [acme].[notes] ([id], [note]) SELECT N'a ', N'0'")
    wide = {"id": "s.[id]", "note": "s.[note]"}
    (statement,) = DIALECT.append("acme", "notes", staged.source, "id", wide, keys_differ=True)
    assert "DATALENGTH([acme].[notes].[id]) = DATALENGTH(s.[id])" in statement
    assert connection.execute(statement) == 3
    (placed,) = DIALECT.append("acme", "notes", staged.source, "id", wide)
    assert "PARTITION BY [id], DATALENGTH([id])" in placed
    (created,) = DIALECT.create_table("acme", "notes", {"id": "nvarchar(4000)", "n": "bigint"}, ["id"])
    assert "[id] nvarchar(4000) COLLATE Latin1_General_100_BIN2 NULL, [n] bigint NULL" in created


def test_what_a_killed_sync_left_is_removed_by_the_next_one_and_nothing_else(place):
    mine = place.folder / "profiles-sync" / "127.0.0.1" / place.database
    for name in ("acme/0-0/00000.parquet", "acme2/0.parquet"):
        (mine / name).parent.mkdir(parents=True)
        (mine / name).touch()
    with place.open().connect() as connection, connection.only_sync("acme"):
        assert [path.parent.name for path in place.files()] == ["acme2"]
    (mine / "acme2" / "0.parquet").unlink()


def test_syncs_that_begin_at_one_moment_make_one_lock_and_wait_for_each_other(place):
    together, done = threading.Barrier(4), []

    def begin(schema):
        with place.open(patience=60).connect() as connection:
            together.wait()
            with connection.only_sync(schema):
                done.append(schema)

    for schema in ("acme", "other", "third"):
        every = [threading.Thread(target=begin, args=[schema]) for _ in range(4)]
        for one in every:
            one.start()
        for one in every:
            one.join()
        assert done.count(schema) == 4


def test_no_statement_holds_a_key(place, tmp_path, monkeypatch):
    from tests.lakes import Twin
    from tests.warehouses.contract.steps import sync

    told, run = [], Session.run
    monkeypatch.setattr(Session, "run", lambda self, statement: (told.append(statement), run(self, statement))[1])
    twin = Twin(tmp_path)
    twin.land([bought("m1", total=5)])
    assert sync(twin, place).status == "Success"
    assert any(statement.startswith("COPY INTO") for statement in told)
    assert not any(re.search("(?i)secret|of-the-test|signature", statement) for statement in told)


# What it says


class Broken:
    """A connection of the driver's on which every statement fails in one way."""

    def __init__(self, error):
        self.error = error

    def cursor(self):
        return self

    def execute(self, statement):
        raise self.error

    def close(self):
        pass


SAID = "[Microsoft][ODBC Driver 18 for SQL Server][SQL Server]"


@pytest.mark.parametrize(
    ("error", "kind", "says"),
    [
        (
            ProgrammingError(
                "Syntax error", f"{SAID}Conversion failed when converting the nvarchar value 'jane' to int."
            ),
            WarehouseRefused,
            "synapse refused INSERT INTO [acme].[t]: Conversion failed when converting the nvarchar value … to int.",
        ),
        (ProgrammingError("x", f"{SAID}Violation. The value is (jane)."), WarehouseRefused, "The value is …."),
        (
            ProgrammingError("x", f"{SAID}Invalid object name 'acme.t'."),
            WarehouseRefused,
            "Invalid object name 'acme.t'.",
        ),
        (
            OperationalError("Communication link failure", f"{SAID}TCP"),
            WarehouseUnreachable,
            "synapse went away during",
        ),
        (OperationalError("Timeout expired", f"{SAID}Query timeout expired"), WarehouseSlow, "took longer than it may"),
        (ProgrammingError("x", f"{SAID}was deadlocked"), WarehouseBusy, "another transaction"),
    ],
)
def test_an_error_names_what_is_wrong_and_nobodys_data(error, kind, says):
    with pytest.raises(kind) as told:
        Session(Broken(error)).run("INSERT INTO [acme].[t] SELECT N'jane'")
    assert says in str(told.value)
    assert "jane" not in str(told.value)


# Values


CASTS = [
    ("nvarchar(4000)", "int", ["1", "x", " 9 ", "9.5", "1e3", "99999999999", "", " "],
     [1, None, 9, 10, 1000, None, None, None]),
    ("nvarchar(4000)", "bigint", ["9007199254740993", "-1"], [9007199254740993, -1]),
    ("nvarchar(4000)", "bit", ["true", "0", "x", ""], [True, False, None, None]),
    ("nvarchar(4000)", "decimal(5,2)", ["999.994", "1000", "x"], ["999.99", None, None]),
    ("nvarchar(4000)", "date", ["2026-01-05", "soon", ""], ["2026-01-05", None, None]),
    ("bigint", "smallint", [5, 40000], [5, None]),
    ("bigint", "nvarchar(3)", [999, 1000], ["999", None]),
    ("bigint", "datetime2(7)", [5], [None]),
    ("float", "bigint", [9.99, 1e300], [10, None]),
    ("bit", "int", ["'true'", "'false'"], [1, 0]),
    ("bit", "nvarchar(4)", ["'true'", "'false'"], ["true", None]),
    ("bit", "date", ["'true'"], [None]),
    ("datetime2(7)", "date", ["'2026-01-05 10:00'"], ["2026-01-05"]),
    ("datetime2(7)", "bigint", ["'2026-01-05 10:00'"], [None]),
]  # fmt: skip


@pytest.mark.parametrize(("staged", "kept", "given", "found"), CASTS)
def test_a_value_is_cast_to_its_columns_type_or_is_empty_and_never_an_error(connection, staged, kept, given, found):
    connection.execute(*DIALECT.create_schema("acme"))
    for value, expected in zip(given, found, strict=True):
        literal = DIALECT.text(value) if staged.startswith("nv") else str(value)
        for table, kind in (("given", staged), ("kept", kept)):
            connection.execute(*DIALECT.create_staged(f"[acme].[{table}]", {"v": kind}))
        connection.execute(f"INSERT INTO [acme].[given] ([v]) SELECT CAST({literal} AS {staged})")
        connection.execute("INSERT INTO [acme].[given] ([v]) SELECT NULL")
        cast = DIALECT.cast("s.[v]", Cast(staged, kept))
        connection.execute(f"INSERT INTO [acme].[kept] ([v]) SELECT {cast} FROM [acme].[given] AS s")
        shown = [row[0] for row in connection.query("SELECT CAST([v] AS nvarchar(64)) FROM [acme].[kept]")]
        as_text = str(expected).lower() if isinstance(expected, bool | int) else expected
        assert shown == [None if expected is None else as_text, None], value
