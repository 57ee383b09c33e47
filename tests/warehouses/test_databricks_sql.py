"""The SQL warehouse's way, with the real connector, against a workspace that has the tests' own Spark behind it."""

import pytest
from pydantic import SecretStr

from profiles_sync.errors import WarehouseRefused, WarehouseUnreachable
from profiles_sync.generator.case_study import case_study_events
from profiles_sync.sync.trial import try_out
from profiles_sync.warehouses import DatabricksSettings
from profiles_sync.warehouses.databricks.sql_warehouse import SqlConnection
from tests.lakes import Twin
from tests.sync.steps import bought, call
from tests.warehouses.contract.places import DatabricksPlace
from tests.warehouses.contract.steps import assert_same, sync, synced_same
from tests.warehouses.workspace import CLIENT, SECRET, TOKEN, serving


class SqlPlace(DatabricksPlace):
    """The same schemas, reached as a SQL warehouse."""

    statements = (SqlConnection, ("_rows", "_put"))

    def __init__(self, folder, session, workspace):
        super().__init__(folder, session)
        self.workspace = workspace
        self.settings = DatabricksSettings(
            type="databricks",
            catalog="spark_catalog",
            via="sql",
            host="127.0.0.1",
            port=workspace.port,
            http_path="/sql/1.0/warehouses/0a1b",
            client_id=CLIENT,
            client_secret=SECRET,
        )

    def waiting(self):
        """The files in the volume."""
        return list(self.workspace.folder.rglob("*.parquet"))


@pytest.fixture
def place(spark, tmp_path, monkeypatch):
    with serving(spark, tmp_path / "workspace", monkeypatch) as workspace:
        made = SqlPlace(tmp_path, spark, workspace)
        yield made
        made.close()


@pytest.fixture
def twin(tmp_path, place):
    return Twin(tmp_path)


@pytest.mark.standin
def test_what_a_lake_holds_arrives_and_nothing_is_left_in_the_volume(twin, place):
    twin.land(case_study_events())
    assert synced_same(twin, place).rows == 25
    twin.land([bought("m1", note="it's\\ é 🦆", total=2**63 - 1), call("identify", "i1", 6, userId="u1")])
    synced_same(twin, place)
    assert place.waiting() == []
    assert sync(twin, place).rows == 0
    assert {statement.split()[0] for statement in place.workspace.said} >= {"PUT", "REMOVE", "MERGE", "CREATE"}


@pytest.mark.standin
def test_test_connection_finds_every_right_and_leaves_nothing(place):
    trial = try_out(place.open(), {})
    assert trial.ok, trial.shown()
    assert place.waiting() == []
    assert not [name for (name,) in place.run("SHOW SCHEMAS IN spark_catalog") if "_test_" in name]


def test_a_login_that_is_not_taken_is_refused_and_no_secret_is_told(place):
    wrong = [
        {"client_secret": SecretStr("x-hunter2")},
        {"client_id": None, "client_secret": None, "token": SecretStr("y-hunter2")},
    ]
    for changed in wrong:
        with pytest.raises(WarehouseRefused) as told, place.open(patience=1, **changed).connect():
            pass
        assert told.value.problem.error_class == "credentials"
        assert "hunter2" not in str(told.value)
    with place.open(client_id=None, client_secret=None, token=SecretStr(TOKEN)).connect() as connection:
        assert connection.query("SELECT 1") == [(1,)]


def test_a_statement_that_is_refused_is_told_without_what_it_was_about(place):
    with place.open().connect() as connection:
        connection.query("SET spark.sql.ansi.enabled = true")  # as a SQL warehouse has it; Spark 3.5 has not
        with pytest.raises(WarehouseRefused, match=r"CAST_INVALID_INPUT(?: \(SQLSTATE 22018\))?$"):
            connection.query("SELECT CAST('ann@example.com' AS INT)")
        connection.query("RESET spark.sql.ansi.enabled")
        with pytest.raises(WarehouseRefused, match="TABLE_OR_VIEW_NOT_FOUND"):
            connection.query("SELECT * FROM spark_catalog.acme.nowhere")
        assert connection.query("SELECT 1, 'x', CAST(NULL AS STRING)") == [(1, "x", None)]


def test_a_sql_warehouse_that_is_stopped_is_waited_for(place):
    place.workspace.starts = 1
    with place.open(patience=1, start_timeout=20).connect() as connection:
        assert connection.query("SELECT 1") == [(1,)]
    place.workspace.starts = 60
    with pytest.raises(WarehouseUnreachable, match="not started within 5 s: start it beforehand, or raise start_timeo"):
        place.open(patience=1, start_timeout=5).connect().__enter__()
    assert place.workspace.starts > 50


def test_a_workspace_that_goes_away_is_unreachable(place):
    with place.open(patience=1).connect() as connection:
        place.workspace.is_away = True
        with pytest.raises(WarehouseUnreachable, match="went away during SELECT 1"):
            connection.query("SELECT 1")


@pytest.mark.standin
def test_files_that_a_killed_sync_left_in_the_volume_go_with_the_next_one(twin, place):
    left = place.workspace.place("/Volumes/spark_catalog/_profiles_sync/staging/acme/pages-0-0.parquet")
    left.parent.mkdir(parents=True)
    left.write_bytes(b"")
    twin.land([bought("m1")])
    synced_same(twin, place)
    assert not left.exists()
    assert_same(twin, place)
