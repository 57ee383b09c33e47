"""The Postgres set-up, run by psql against a real server on loopback."""

import pytest

from profiles_sync.warehouses import setup
from tests.psql import needs_postgres, psql, server

__all__ = ["server"]
NASTY = "o'dd \"name\"; DROP :'x' = $$"
pytestmark = [pytest.mark.lake, needs_postgres]


def set_up(server, folder, typed="secret\nsecret\n", **given):
    script = folder / "setup.sql"
    script.write_text(setup.written("postgres", setup.SCRIPTS, given, {}, ("203.0.113.7/32",)).text())
    return psql(server, "admin", "postgres", "-f", str(script), typed=typed)


def test_the_set_up_may_be_run_twice_and_asks_for_the_password_once(server, tmp_path):
    first, second = set_up(server, tmp_path), set_up(server, tmp_path, typed="")
    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    kept = psql(server, "admin", "postgres", "-c", "SELECT rolpassword FROM pg_authid WHERE rolname = 'segment'")
    assert kept.stdout.startswith("SCRAM-SHA-256$")


def test_the_user_can_do_what_a_sync_does_and_no_more(server, tmp_path):
    assert set_up(server, tmp_path, user="narrow", database="narrow").returncode == 0
    sync = "CREATE SCHEMA acme; CREATE TABLE acme.t (id text); INSERT INTO acme.t VALUES ('1'); DELETE FROM acme.t; "
    sync += "ALTER TABLE acme.t ADD COLUMN n bigint; DROP TABLE acme.t"
    assert psql(server, "narrow", "narrow", "-c", sync).returncode == 0
    assert "permission denied" in psql(server, "narrow", "narrow", "-c", "CREATE DATABASE other").stderr
    assert "permission denied" in psql(server, "narrow", "postgres", "-c", "CREATE SCHEMA other").stderr


def test_names_arrive_as_they_are(server, tmp_path):
    done = set_up(server, tmp_path, user=f"u{NASTY}", database=f"d{NASTY}", schema=f"s{NASTY}")
    assert done.returncode == 0, done.stderr
    listed = psql(
        server, "admin", "postgres", "-c", "SELECT rolname FROM pg_roles UNION SELECT datname FROM pg_database"
    )
    assert {f"u{NASTY}", f"d{NASTY}"} <= set(listed.stdout.splitlines())
    inside = NASTY.replace("'", "\\'")
    schemas = psql(server, "admin", f"dbname='d{inside}'", "-c", "SELECT nspname FROM pg_namespace")
    assert f"s{NASTY}" in schemas.stdout.splitlines()
    again = set_up(server, tmp_path, typed="", user=f"u{NASTY}", database=f"d{NASTY}", schema=f"s{NASTY}")
    assert again.returncode == 0, again.stderr


def test_a_database_is_never_taken_for_a_connection_string(server, tmp_path):
    done = set_up(server, tmp_path, user="one", database="host=127.0.0.9 dbname=other", schema="acme")
    assert done.returncode == 0, done.stderr


def test_it_ends_at_the_first_error(server, tmp_path):
    refused = psql(server, "admin", "postgres", "-c", "CREATE ROLE small LOGIN")
    assert refused.returncode == 0
    script = tmp_path / "setup.sql"
    script.write_text(setup.written("postgres", setup.SCRIPTS, {"user": "nobody-new"}, {}).text())
    done = psql(server, "small", "postgres", "-f", str(script), typed="secret\nsecret\n")
    assert done.returncode == 3
    assert done.stderr.count("ERROR") == 1
