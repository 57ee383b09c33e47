"""What Redshift and Synapse do about a lock that is lost, and about one that somebody else does not let go of."""

import pyarrow as pa
import pytest

from profiles_sync.errors import WarehouseBusy, WarehouseSlow
from profiles_sync.spec.tables import Change, Column, Group, Table, Type
from profiles_sync.sync.run import sync_warehouse
from profiles_sync.warehouses.base import Cursor
from tests.at_hand import Rows
from tests.lakes import Twin
from tests.sync.steps import bought, call
from tests.warehouses.contract.places import RedshiftPlace, SynapsePlace
from tests.warehouses.contract.steps import assert_same, sync, synced_same

TABLE = Table("notes", Group.TRACK, Change.APPEND, ("id",), (Column("id", Type.STRING, ""),), "")
SMALL = [bought("m1", total=5), call("identify", "i1", userId="u1", traits={"plan": "pro"})]
MORE = [bought("m2", 6, total=6), call("identify", "i2", 6, userId="u2", traits={"plan": "free"})]


@pytest.fixture(params=["redshift", "synapse"])
def place(request, tmp_path):
    if request.param == "redshift":
        made = RedshiftPlace(request.getfixturevalue("redshift_cluster"))
    else:
        made = SynapsePlace(request.getfixturevalue("postgres_server"), tmp_path)
    yield made
    made.close()


@pytest.fixture
def twin(tmp_path):
    return Twin(tmp_path)


def with_its_sessions(place):
    """A warehouse, and its sessions as they are opened: that of the statements, then that which holds the lock."""
    opened, sessions = place.open(), []
    really = opened._open

    def noted():
        sessions.append(really())
        return sessions[-1]

    opened._open = noted
    return opened, sessions


def test_a_sync_whose_lock_was_lost_commits_nothing_once_another_has_it(twin, place, monkeypatch):
    twin.land(SMALL)
    mine, sessions = with_its_sessions(place)
    connection = place.statements[0]
    transaction, others = connection.transaction, []

    def lost_before(self):
        if self._owner is not None and not others:
            sessions[1].close()  # as a gateway ends a connection that says nothing
            others.append(None)
            others[0] = sync(twin, place, "2")
        return transaction(self)

    monkeypatch.setattr(connection, "transaction", lost_before)
    result = sync_warehouse(mine, twin.lake, "1")
    assert (others[0].status, others[0].error) == ("Success", None)
    assert "has taken the place of this one" in result.error
    assert result.may_pass
    assert place.run(f"SELECT DISTINCT sync_id FROM {place.quote('_profiles_sync', 'cursors_acme')}") == [("2",)]
    monkeypatch.undo()
    twin.land(MORE)
    synced_same(twin, place)


def test_a_sync_whose_lock_was_lost_goes_on_while_nobody_else_has_it(place):
    mine, sessions = with_its_sessions(place)
    with mine.connect() as first, first.only_sync("acme"):
        sessions[1].close()
        with first.transaction():
            pass
        with place.open(patience=0).connect() as second, second.only_sync("acme"):
            with pytest.raises(WarehouseBusy, match="whose lock was lost"), first.transaction():
                pass
            with second.transaction():
                pass


def test_rows_that_two_stage_who_believe_to_have_the_lock_lie_apart_and_the_next_sync_removes_them(place):
    mine, sessions = with_its_sessions(place)
    with mine.connect() as first, first.only_sync("acme"):
        loaded(first, mine, "0")
        sessions[1].close()
        with place.open().connect() as second, second.only_sync("acme"):
            staged = {one: loaded(one, mine, id) for one, id in ((first, "1"), (second, "2"))}
            found = [one.query(f"SELECT id FROM {what.source}") for one, what in staged.items()]
            assert found == [[("1",)], [("2",)]]
    with place.open().connect() as third, third.only_sync("acme"):
        assert third.columns("_profiles_sync").keys() | {"cursors_acme"} == place.internal


def loaded(connection, warehouse, id):
    """A row of a table that is not there yet, staged."""
    batch = Rows(pa.table({"id": [id]}), TABLE, Cursor("t", 1))
    return connection.load(batch, warehouse.dialect.staging("acme", TABLE.name), {"id": "id"})


def test_what_somebody_locks_fails_its_table_in_bounded_time_and_no_other(twin, place):
    twin.land(SMALL)
    assert sync(twin, place).status == "Success"
    twin.land(MORE)
    place.run("BEGIN")
    place.run("LOCK TABLE acme.bought IN EXCLUSIVE MODE")
    result = sync(twin, place, statement_timeout=1)
    assert [name for name, done in result.tables.items() if done.error] == ["bought"]
    assert f"{place.kind} took longer than it may for INSERT INTO" in result.tables["bought"].error
    assert result.tables["bought"].problem.error_class == "capacity"
    place.run("ROLLBACK")
    assert_same(twin, place, but=["bought"])
    synced_same(twin, place)


def test_a_statement_may_take_an_hour_and_that_is_a_setting(place):
    assert place.settings.statement_timeout == 3600
    with (
        place.open(statement_timeout=1).connect() as connection,
        pytest.raises(WarehouseSlow, match="changed nothing"),
    ):
        connection.query("SELECT 1 FROM pg_sleep(30)")
