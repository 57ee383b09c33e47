"""What the Redshift set-up lets the linked user do, seen on Postgres, which has the same rights under other words."""

import re

import pytest

from profiles_sync import data_graph
from profiles_sync.data_graph import redshift
from profiles_sync.data_graph.reads import reads
from profiles_sync.data_graph.validation import Answer
from profiles_sync.warehouses import setup
from tests.psql import needs_postgres, psql, server

__all__ = ["server"]
pytestmark = [pytest.mark.lake, needs_postgres]
USER, BOOKS = "segment_linked_user", "segment_linked_profiles_db"
TABLES = ("id_graph_updates", "external_id_mapping_updates", "profile_traits_updates")
TABLES += ("profile_merges", "user_identifiers", "user_traits")


def on_postgres(text):
    """Postgres says `GRANT "role" TO` where Redshift says `GRANT ROLE "role" TO`, and has no `TO ROLE`."""
    return re.sub("TO ROLE ", "TO ", re.sub("GRANT ROLE ", "GRANT ", text))


def run_script(server, folder, **environment):
    script = folder / "setup.sql"
    written = setup.written("redshift", data_graph.SCRIPTS, {"profiles_schema": "acme"}, {})
    script.write_text(on_postgres(written.text()))
    return psql(server, "admin", "postgres", "-f", str(script), **environment)


@pytest.fixture(scope="module")
def linked(server, tmp_path_factory):
    """A space's tables, made by the sync's user, and the set-up after that, twice."""
    roles = "CREATE VIEW svv_roles AS SELECT rolname AS role_name FROM pg_roles"
    for database, *statements in (
        ("postgres", roles, "CREATE ROLE segment LOGIN"),
        ("postgres", "CREATE DATABASE segment OWNER segment"),
    ):
        for statement in statements:
            assert psql(server, "admin", database, "-c", statement).returncode == 0
    for statement in ("CREATE SCHEMA acme", *(f"CREATE TABLE acme.{table} (id text)" for table in TABLES)):
        assert psql(server, "segment", "segment", "-c", statement).returncode == 0
    folder = tmp_path_factory.mktemp("linked")
    without = run_script(server, folder)
    first = run_script(server, folder, SEGMENT_PASSWORD="o'ne")
    again = run_script(server, folder)
    return server, without, first, again


def test_without_a_password_it_stops_before_the_user_is_made(linked):
    _, without, first, _ = linked
    assert (without.returncode, without.stderr.count("ERROR")) == (3, 1)
    assert "CREATE ROLE" in first.stdout, "the user was not there yet"


def test_it_may_be_run_again_without_the_password(linked):
    _, _, first, again = linked
    assert (first.returncode, again.returncode) == (0, 0), first.stderr + again.stderr
    assert "CREATE" not in again.stdout


def test_the_checks_come_out_as_they_should(linked):
    server = linked[0]
    refused, answered = [], []
    for check in redshift.checks(BOOKS, "segment", reads("acme", (), ())):
        query = check.query.replace('"segment".', "")  # across databases one reads on Redshift only
        database = "segment" if query.startswith("SELECT") else check.database
        if check.answer is not Answer.LISTED:
            done = psql(server, USER, database, "-c", query)
            (answered if done.returncode == 0 else refused).append((check, done.stderr))
    assert [check for check, _ in answered if check.answer is Answer.REFUSED] == []
    assert [said for check, said in refused if check.answer is Answer.ANSWERED] == []
    assert all("permission denied" in said for _, said in refused)
    assert (len(answered), len(refused)) == (1 + len(TABLES), len(TABLES) + 1)


def test_a_track_table_that_the_sync_makes_later_is_read_too(linked):
    server = linked[0]
    assert psql(server, "segment", "segment", "-c", "CREATE TABLE acme.order_completed (id text)").returncode == 0
    read = psql(server, USER, "segment", "-c", "SELECT * FROM acme.order_completed")
    assert (read.returncode, read.stderr) == (0, "")
    assert "permission denied" in psql(server, USER, "segment", "-c", "DELETE FROM acme.order_completed").stderr
