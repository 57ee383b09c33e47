"""The Data Graph's own connection, on the stand-in for Redshift: tested, kept, validated and deleted."""

import io
import json
from contextlib import suppress

import pytest

from profiles_sync import data_graph
from profiles_sync.control import vault
from profiles_sync.control.linked import linked
from profiles_sync.control.log import Log
from profiles_sync.control.policy import USER as WHO
from profiles_sync.errors import CredentialsMissing
from profiles_sync.settings import load
from profiles_sync.sync.hourly import lake_of, run
from profiles_sync.warehouses import setup
from tests.commands import a_space, in_process
from tests.console.exploring import Client, console
from tests.data_graph.test_redshift_on_postgres import on_postgres
from tests.psql import needs_postgres, psql
from tests.redshift_server import ROLE, redshift
from tests.servers import PASSWORD, postgres
from tests.stores import s3_server
from tests.warehouses.contract.places import RedshiftPlace

pytestmark = [pytest.mark.lake, pytest.mark.slow, needs_postgres]
USER, BOOKS, SECRET = "segment_linked_user", "segment_linked_profiles_db", "o'nly-the-graph's"
KEY = "T0K8Wm0rEnKk0hU2qfT3cUcSBkZPxq5y4rPZ0v2Jm9E="
OWN = [f"username={USER}", f"database={BOOKS}"]
FROM_FILE = """\
space: {{name: Acme, slug: acme}}
lake: ./lake
sources:
  website: {{id: source_1, name: Website, path: ./events/website/}}
warehouses:
  rs: {{type: redshift, host: 127.0.0.1, port: {port}, database: {database}, username: segment, password: {password},
    sslmode: disable, s3_bucket: {bucket}, s3_region: {region}, iam_role: '{role}'}}
  local: {{type: duckdb, path: ./acme.duckdb}}
"""


@pytest.fixture(scope="module")
def space(tmp_path_factory):
    """A space that is synced to a cluster, where the set-up for the Data Graph has been run."""
    with postgres() as server, s3_server() as s3, redshift(server, s3) as cluster:
        place = RedshiftPlace(cluster)
        region, folder = cluster.s3["AWS_REGION"], tmp_path_factory.mktemp("linked")
        filled = {"port": cluster.port, "database": place.database, "password": PASSWORD, "role": ROLE}
        settings = a_space(folder, FROM_FILE.format(**filled, bucket=place.bucket, region=region))
        done = run(load(settings), lambda: pytest.fail("three events need no Spark"))
        assert done.shown()["status"] == "Success"
        place.run("SELECT 1")
        set_up(server, place.database, folder)
        yield place, settings
        place.close()


def set_up(server, database, folder):
    server.admin("CREATE VIEW svv_roles AS SELECT rolname AS role_name FROM pg_roles", "postgres")
    given = {"profiles_schema": "acme", "profiles_database": database}
    script = folder / "setup.sql"
    script.write_text(on_postgres(setup.written("redshift", data_graph.SCRIPTS, given, {}).text()))
    where = ["-h", "127.0.0.1", "-p", str(server.port)]
    known = {"PGPASSWORD": PASSWORD, "SEGMENT_PASSWORD": SECRET}
    done = psql(where, "postgres", "postgres", "-f", str(script), **known)
    assert done.returncode == 0, done.stderr


@pytest.fixture(autouse=True)
def key(monkeypatch):
    monkeypatch.setenv(vault.KEY, KEY)


@pytest.fixture
def command(space, monkeypatch):
    """`profiles-sync data-graph …`: exit code, what `--json` shows, and what is said of an error."""

    def done(name, *fields, typed="", warehouse="rs", group="data-graph", to="--json"):
        monkeypatch.setattr("sys.stdin", io.StringIO(typed))
        options = ["--password-stdin"] if typed else []
        code, out, err = in_process(group, name, warehouse, *fields, "--settings", space[1], to, *options)
        assert SECRET not in out + err
        return code, json.loads(out) if out.startswith("{") else out, err

    return done


@pytest.fixture
def connected(command):
    code, shown, err = command("connect", *OWN, typed=SECRET)
    assert (code, err) == (0, ""), [check for check in shown["checks"] if not check["ok"]]
    return shown


def kept(space):
    return linked(Log.read(lake_of(load(space[1]))), "rs")


def in_vault(space):
    """What was typed for the Data Graph, None where nothing is kept."""
    with suppress(CredentialsMissing):
        lake = lake_of(load(space[1]))
        files = vault.files_of(lake, "rs.data-graph")
        return vault.read(lake, "rs.data-graph", *files) if files else None


def failing(shown):
    return [check for check in shown["checks"] if not check["ok"]]


def test_a_wrong_password_is_refused_and_nothing_is_kept(space, command):
    before = kept(space), in_vault(space)
    code, shown, _ = command("connect", *OWN, typed="wrong")
    assert (code, shown["ok"], {check["error_class"] for check in failing(shown)}) == (1, False, {"credentials"})
    assert (kept(space), in_vault(space)) == before


def test_the_linked_user_reads_the_tables_writes_none_and_makes_its_schema_in_its_own_database(space, connected):
    told = [check["check"] for check in connected["checks"]]
    profiles = space[0].database
    assert (
        f'in {BOOKS} this is answered, if only with no row: CREATE SCHEMA IF NOT EXISTS "__segment_reverse_etl"' in told
    )
    assert f'in {profiles} this is refused: CREATE SCHEMA "__segment_reverse_etl"' in told
    for table in ("user_traits", "id_graph_updates"):
        assert f'in {profiles} this is refused: DELETE FROM "acme"."{table}" WHERE 1 = 0' in told
        assert any(one.endswith(f'SELECT * FROM "{profiles}"."acme"."{table}" LIMIT 10') for one in told)
    assert all(check["ok"] for check in connected["checks"])
    made = space[0].server.admin("SELECT 1 FROM pg_namespace WHERE nspname = '__segment_reverse_etl'", BOOKS)
    assert made == [], "taken back"


def test_it_is_apart_from_the_syncs_connection_and_without_a_secret(space, connected):
    one = kept(space)
    assert (one.fields["username"], one.fields["database"]) == (USER, BOOKS)
    assert (one.fields["port"], one.profiles_database, one.profiles_schema) == (
        space[0].cluster.port,
        space[0].database,
        "acme",
    )
    assert one.secrets["password"].startswith("kept:rs.data-graph.")
    assert "password" not in one.fields
    assert in_vault(space) == {"password": SECRET}
    last = Log.read(lake_of(load(space[1]))).changes[-1]
    assert (last.about, last.action) == ("data graph", "connected")


def test_validate_uses_what_is_kept_and_tells_that_nothing_is_lacking(command, connected):
    code, shown, err = command("validate")
    assert (code, failing(shown), shown["lacking"], err) == (0, [], [], "")
    assert shown["checks"] == connected["checks"]


@pytest.mark.parametrize(
    ("taken", "given", "failed"),
    [
        (
            "REVOKE SELECT ON acme.user_traits FROM segment_linked_role",
            "GRANT SELECT ON acme.user_traits TO segment_linked_role",
            ['LIMIT 10 "user_traits"'],
        ),
        (
            "GRANT DELETE ON acme.user_traits TO segment_linked_role",
            "REVOKE DELETE ON acme.user_traits FROM segment_linked_role",
            ['WHERE 1 = 0 "user_traits"'],
        ),
    ],
)
def test_validate_names_the_check_that_fails(space, command, connected, taken, given, failed):
    space[0].run(taken)
    try:
        code, shown, _ = command("validate")
    finally:
        space[0].run(given)
    assert code == 1
    named = [f'{check["check"][-30:].rpartition(chr(34))[2].strip()} "user_traits"' for check in failing(shown)]
    assert named == failed
    assert all("user_traits" in check["check"] and "setup-sql" in check["advice"] for check in failing(shown))


def test_a_schema_that_may_not_be_used_is_not_listed(space, command, connected):
    space[0].run("REVOKE USAGE ON SCHEMA acme FROM segment_linked_role")
    try:
        shown = command("validate")[1]
    finally:
        space[0].run("GRANT USAGE ON SCHEMA acme TO segment_linked_role")
    assert "not among them: acme" in [check["error"] for check in failing(shown)]


@pytest.mark.parametrize(
    ("fields", "warehouse", "code", "said"),
    [
        ([*OWN, f"password={SECRET[2:4]}x"], "rs", 2, "password cannot stand in a command"),
        ([f"database={BOOKS}"], "rs", 2, "username"),
        (OWN, "rs", 2, "password"),
        (OWN, "local", 2, "is of type duckdb"),
        ([*OWN, "type=postgres"], "rs", 2, "type is redshift"),
    ],
)
def test_what_is_wrong_is_told_before_anything_is_tried(command, fields, warehouse, code, said):
    found, _, err = command("connect", *fields, warehouse=warehouse)
    assert found == code
    assert said in " ".join(err.split())


def test_a_reference_will_do_instead_of_a_typed_password(space, command, monkeypatch):
    monkeypatch.setenv("OF_THE_GRAPH", SECRET)
    assert command("connect", *OWN, "password=env:OF_THE_GRAPH")[0] == 0
    assert kept(space).secrets == {"password": "env:OF_THE_GRAPH"}
    assert in_vault(space) is None


def test_only_an_admin_may(space, connected, command, monkeypatch):
    text = space[1].read_text()
    monkeypatch.setenv(WHO, "ann")
    space[1].write_text(text + "roles: {ann: [Unify and Engage read-only], bob: [Unify and Engage Admin]}\n")
    try:
        found = [command(name) for name in ("connect", "validate")]
    finally:
        space[1].write_text(text)
    assert [(code, "ann may not" in " ".join(err.split())) for code, _, err in found] == [(1, True)] * 2


def test_it_goes_with_the_warehouse(space, connected, command):
    for name, more in (("disable", ()), ("delete", ("--yes",))):
        assert command(name, *more, group="warehouse")[0] == 0
    assert (kept(space), in_vault(space)) == (None, None)
    code, _, err = command("connect", *OWN, typed=SECRET)
    assert (code, "is deleted" in err, kept(space)) == (1, True, None)
    assert command("add", group="warehouse")[0] == 0
    code, _, err = command("validate")
    assert (code, "not connected" in err) == (1, True)


def test_the_console_connects_validates_and_looks(space):
    browser = Client(console(space[1]))
    found = browser.sends("/data-graph/rs/connect", username=USER, database=BOOKS, password="wrong")
    assert "Not connected." in found.text
    found = browser.sends("/data-graph/rs/connect", username=USER, database=BOOKS, password=SECRET)
    assert "Connected." in found.text and "nly-the-graph" not in found.text
    found = browser.sends("/data-graph/rs/validate")
    assert "All is as it should be." in found.text and "✗" not in found.text
    found = browser.sends("/data-graph/rs/prerequisites")
    assert "All tables that the Data Graph needs are there." in found.text
