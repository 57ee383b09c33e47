"""Test Connection: what a warehouse lacks is named, with its class, advice and grant; nothing stays behind."""

import socket
import threading
from contextlib import contextmanager, suppress

import pyarrow as pa
import pytest
from pydantic import SecretStr

from profiles_sync.errors import WarehouseRefused, WarehouseUnreachable
from profiles_sync.problems import ErrorClass
from profiles_sync.sync.trial import try_out
from profiles_sync.warehouses import setup
from profiles_sync.warehouses.redshift.staging import Folder
from profiles_sync.warehouses.setup.rights import Right
from tests.redshift_server import Refused
from tests.servers import PASSWORD, free_port
from tests.warehouses.contract.places import (
    BigQueryPlace,
    DuckDBPlace,
    PostgresPlace,
    RedshiftPlace,
    SnowflakePlace,
    SynapsePlace,
)

RIGHTS = [str(right) for right in Right]


@pytest.fixture
def place(postgres_server):
    made = PostgresPlace(postgres_server)
    yield made
    made.close()


def tried(place, **changed):
    declared = place.settings.model_copy(update=changed)
    trial = try_out(place.open(patience=0, **changed), setup.fields_of(declared.model_dump(by_alias=True)))
    assert PASSWORD not in str(trial)
    assert list(dict.fromkeys(check.check for check in trial.checks)) == RIGHTS
    return trial


def failed(trial):
    """The only check that failed."""
    (check,) = [check for check in trial.checks if check.ok is False]
    assert not trial.ok
    return check


def schemas(place):
    return place.run("SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'")


# What is well


def test_the_stand_ins_of_snowflake_and_bigquery_give_every_right_and_nothing_stays(snowflake_server, bigquery_server):
    for made in (SnowflakePlace(snowflake_server), BigQueryPlace(bigquery_server)):
        trial = tried(made)
        assert trial.ok, trial
        assert made.columns("_profiles_sync") == {}
        made.close()


def test_a_duckdb_file_gives_every_right_and_holds_nothing_afterwards(tmp_path):
    place = DuckDBPlace(tmp_path)
    trial = tried(place)
    assert trial.ok, trial
    found = place.run("SELECT schema_name FROM duckdb_schemas() WHERE NOT internal AND schema_name LIKE '%profiles%'")
    assert found == []


def test_the_user_that_setup_makes_has_every_right_and_nothing_stays(place):
    before = schemas(place)
    trial = tried(place)
    assert trial.ok, trial
    assert schemas(place) == before


def test_the_statements_change_the_rows_that_they_are_for(place, monkeypatch):
    from profiles_sync.sync.scratch import Scratch

    held = []
    for right in ("insert", "update", "delete"):
        step = getattr(Scratch, right)

        def watched(self, step=step):
            step(self)
            held.append(self.connection.query(f"SELECT count(*) FROM {self.dialect.quote(self.schema, self.table)}"))

        monkeypatch.setattr(Scratch, right, watched)
    assert tried(place).ok
    assert [int(rows[0][0]) for rows in held] == [1, 1, 0]


# Rights that are missing


def test_who_may_not_create_schemas_is_told_the_grant_and_it_mends_that(place):
    place.run(f"REVOKE CREATE ON DATABASE {place.database} FROM segment")
    trial = tried(place)
    check = failed(trial)
    assert (check.check, check.error_class) == ("create schema", "permission")
    assert check.grant == f'GRANT CREATE ON DATABASE "{place.database}" TO "segment";'
    assert [one.check for one in trial.checks if one.ok is None] == RIGHTS[2:]
    place.run(check.grant)
    assert tried(place).ok


def test_who_may_not_create_schemas_may_sync_where_an_admin_made_them(place):
    place.run(f"REVOKE CREATE ON DATABASE {place.database} FROM segment")
    place.run("CREATE SCHEMA acme AUTHORIZATION segment; CREATE SCHEMA _profiles_sync AUTHORIZATION segment")
    assert tried(place).ok
    assert place.columns() == {} == place.columns("_profiles_sync")
    assert len(schemas(place)) == 3  # with public


def test_a_schema_that_the_user_may_only_look_into_needs_a_grant_for_tables(place):
    place.run(f"REVOKE CREATE ON DATABASE {place.database} FROM segment")
    place.run("CREATE SCHEMA acme; CREATE SCHEMA _profiles_sync; GRANT USAGE ON SCHEMA acme, _profiles_sync TO segment")
    check = failed(tried(place))
    assert (check.check, check.error_class) == ("create table", "permission")
    assert check.grant == 'GRANT USAGE, CREATE ON SCHEMA "acme", "_profiles_sync" TO "segment";'
    place.run(check.grant)
    assert tried(place).ok


def test_who_may_not_make_temporary_tables_is_told_the_grant(place):
    place.run(f"REVOKE TEMPORARY ON DATABASE {place.database} FROM PUBLIC")
    check = failed(tried(place))
    assert check.error_class == "permission"
    place.run(check.grant)
    assert tried(place).ok


def test_who_may_not_connect_is_told_the_grant(place):
    place.run(f"REVOKE ALL ON DATABASE {place.database} FROM PUBLIC")
    place.run(f"REVOKE ALL ON DATABASE {place.database} FROM segment")
    check = failed(tried(place))
    assert (check.check, check.error_class) == ("connect", "permission")
    place.run(check.grant)
    assert failed(tried(place)).check == "create schema"


def test_a_trigger_that_refuses_inserts_leaves_nothing_behind(place):
    """Also what no grant mends is named, and the scratch schema goes."""
    place.run("CREATE FUNCTION no() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''no''; END'")
    place.run("CREATE EVENT TRIGGER no ON ddl_command_start WHEN TAG IN ('ALTER TABLE') EXECUTE FUNCTION no()")
    before = schemas(place)
    check = failed(tried(place))
    assert check.check == "add column"
    assert schemas(place) == before


def test_what_cannot_be_removed_is_told_with_the_statements_for_it(place):
    place.run("CREATE FUNCTION no() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''no''; END'")
    place.run("CREATE EVENT TRIGGER no ON ddl_command_start WHEN TAG IN ('DROP SCHEMA') EXECUTE FUNCTION no()")
    trial = try_out(place.open(patience=0), {})
    check = failed(trial)
    assert (check.check, "run DROP SCHEMA" in check.error) == ("clean up", True)


def test_a_connection_that_is_cut_leaves_the_other_rights_untried(place, monkeypatch):
    from profiles_sync.sync.scratch import Scratch

    monkeypatch.setattr(Scratch, "add_column", lambda self: (place.cut_off(), self.connection.query("SELECT 1")))
    trial = try_out(place.open(patience=0), {})
    told = {check.check: check for check in trial.checks}
    assert (told["add column"].ok, told["add column"].error_class) == (False, "connectivity")
    assert told["insert"].ok is None
    assert "DROP SCHEMA" in told["clean up"].error


# Nobody there, or somebody else


@pytest.mark.parametrize(
    ("changed", "error_class", "advice"),
    [
        ({"password": SecretStr("wrong")}, "credentials", "see both"),
        ({"username": "nobody"}, "credentials", "see both"),
        ({"database": "nope"}, "schema", "no such database"),
        ({"host": "no-such-host.invalid"}, "connectivity", "no such host"),
        ({"host": "db.example.invalid.example.invalid"}, "connectivity", "twice"),
        ({"port": free_port()}, "connectivity", "nothing listens"),
        ({"sslmode": "require"}, "connectivity", "SSL"),
    ],
)
def test_what_keeps_it_from_being_reached_has_a_class_and_advice(place, changed, error_class, advice):
    check = failed(tried(place, **changed))
    assert (check.check, check.error_class, advice in check.advice) == ("connect", error_class, True), check
    assert check.grant is None


@pytest.mark.parametrize("said", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"SSH-2.0-OpenSSH_9.2\r\n", b""])
def test_another_product_on_the_port_is_told(place, said):
    with answering(said) as port:
        check = failed(tried(place, port=port))
    assert (check.check, check.error_class, "product" in check.advice) == ("connect", "connectivity", True), check


@contextmanager
def answering(said):
    """A port where everybody is told the same."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer():
            with suppress(OSError):
                while True:
                    caller, _ = listening.accept()
                    with caller:
                        caller.recv(1024)
                        caller.sendall(said)

        threading.Thread(target=answer, daemon=True).start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)


def test_a_file_that_is_not_duckdbs_is_another_product(tmp_path):
    place = DuckDBPlace(tmp_path)
    (tmp_path / "other.duckdb").write_text("something else\n" * 1000)
    check = failed(tried(place, path=str(tmp_path / "other.duckdb")))
    assert (check.check, check.error_class) == ("connect", "schema")
    assert "another product" in check.advice


@pytest.mark.parametrize(
    ("error", "error_class"),
    [
        (WarehouseUnreachable("warehouse w: read timeout"), ErrorClass.CONNECTIVITY),
        (WarehouseUnreachable("warehouse w: nobody knows"), ErrorClass.CONNECTIVITY),
        (WarehouseRefused("redshift refused COPY: (SQLSTATE 57014)"), ErrorClass.CAPACITY),
        (WarehouseRefused("redshift refused CREATE: 1040 (SQLSTATE XX000) too many tables"), ErrorClass.CAPACITY),
        (WarehouseRefused("refused: permission denied (SQLSTATE 42501)"), ErrorClass.PERMISSION),
        (WarehouseRefused('refused: schema "x" does not exist (SQLSTATE 3F000)'), ErrorClass.PERMISSION),
        (WarehouseRefused('refused: role "x" is not permitted to log in (SQLSTATE 28000)'), ErrorClass.CREDENTIALS),
        (WarehouseRefused('syntax error at or near "ENCODE" (SQLSTATE 42601)'), ErrorClass.SCHEMA),
        (WarehouseRefused("snowflake: Object does not exist or not authorized (002003)"), ErrorClass.PERMISSION),
        (WarehouseRefused("warehouse w: acme refused the connection: 404 Not Found (290404)"), ErrorClass.CONNECTIVITY),
        (WarehouseRefused("synapse: Cannot create a row of size 8111 which is greater than …"), ErrorClass.CAPACITY),
        (WarehouseRefused("snowflake: 002318 invalid column definition name"), ErrorClass.SCHEMA),
        (WarehouseRefused("x.database.windows.net.database.windows.net:1433 gone"), ErrorClass.CONNECTIVITY),
        (WarehouseRefused("x.database.windows.net:1433 said what nobody knows"), ErrorClass.INTERNAL),
        (WarehouseRefused("127.0.0.1:5432 said what nobody knows"), ErrorClass.INTERNAL),
    ],
)
def test_segments_errors_have_their_class(error, error_class):
    assert error.problem.error_class is error_class
    assert error.problem.advice


# Grants


KNOWN = {"user": "segment", "database": "acme-project", "schema": "acme", "warehouse": "w", "path": "/a b/acme.duckdb"}


@pytest.mark.parametrize("kind", setup.SCRIPTS)
def test_every_kind_has_a_grant_for_every_right(kind):
    for right in Right:
        grant = setup.grant_of(kind, right, KNOWN)
        assert ("GRANT" in grant) or grant.startswith(("gcloud", "chmod")), (right, grant)


def test_a_kind_without_grants_of_its_own_still_answers():
    assert setup.grant_of("oracle", Right.INSERT, KNOWN) == "the right to insert"
    assert "setup-sql postgres" in setup.grant_of("postgres", Right.INSERT, {**KNOWN, "user": "postgres"})
    assert "setup-sql postgres" in setup.grant_of("postgres", Right.INSERT, {})


# Redshift


@pytest.fixture
def redshift_place(redshift_cluster):
    made = RedshiftPlace(redshift_cluster)
    yield made
    made.close()


def test_the_user_that_setup_makes_has_every_right_on_redshift_and_nothing_stays(redshift_place):
    before = schemas(redshift_place)
    trial = tried(redshift_place)
    assert trial.ok, trial
    assert schemas(redshift_place) == before
    assert redshift_place.cluster.keys(redshift_place.bucket) == []


def test_what_redshift_lacks_is_told_with_the_grant_that_mends_it(redshift_place):
    place = redshift_place
    place.run(f"REVOKE CREATE ON DATABASE {place.database} FROM segment")
    check = failed(tried(place))
    assert (check.check, check.error_class) == ("create schema", "permission")
    place.run(check.grant)
    place.run(f"REVOKE TEMPORARY ON DATABASE {place.database} FROM PUBLIC")
    check = failed(tried(place))
    assert (check.check, check.error_class) == ("load staging", "permission")
    place.run(check.grant)
    assert tried(place).ok


@pytest.mark.parametrize(
    ("changed", "check", "error_class"),
    [
        ({"password": SecretStr("wrong")}, "connect", "credentials"),
        ({"host": "no-such-host.invalid"}, "connect", "connectivity"),
        ({"port": free_port()}, "connect", "connectivity"),
        ({"sslmode": "verify-full"}, "connect", "connectivity"),
        ({"s3_bucket": "no-such-bucket"}, "load staging", "permission"),
    ],
)
def test_what_keeps_redshift_or_its_bucket_from_being_used_has_a_class(redshift_place, changed, check, error_class):
    found = failed(tried(redshift_place, **changed))
    assert (found.check, found.error_class) == (check, error_class), found


@pytest.mark.parametrize(
    ("operation", "grant"),
    [
        ("ListObjectsV2", "allow s3:ListBucket on arn:aws:s3:::{0}"),
        ("PutObject", "allow s3:PutObject on arn:aws:s3:::{0}/profiles-sync/*"),
        ("DeleteObjects", "allow s3:DeleteObject on arn:aws:s3:::{0}/profiles-sync/*"),
    ],
)
def test_the_actions_that_the_staging_bucket_denies_are_the_grant(
    redshift_place, denied, monkeypatch, operation, grant
):
    denied(operation)
    folder = Folder("w", redshift_place.settings, "acme")
    with pytest.raises(WarehouseRefused, match=f"refused {operation}: AccessDenied") as told:
        folder.clear() if operation == "ListObjectsV2" else folder.put([(pa.py_buffer(b"x"), 1)])
        folder._remove(folder._keys)
    assert told.value.problem.error_class == "permission"
    assert told.value.grant == grant.format(redshift_place.bucket) + ", for the AWS identity that the sync runs as"
    monkeypatch.undo()
    folder.clear()


def test_a_bucket_that_denies_rows_is_told_with_the_action_and_not_with_a_grant_of_the_database(redshift_place, denied):
    denied("PutObject")
    check = failed(tried(redshift_place))
    assert (check.check, check.error_class) == ("load staging", "permission")
    assert check.grant.startswith(f"allow s3:PutObject on arn:aws:s3:::{redshift_place.bucket}/profiles-sync/*, for")


def test_a_bucket_that_keeps_rows_is_told_where_staging_is_dropped(redshift_place, denied, monkeypatch):
    denied("DeleteObjects")
    check = failed(tried(redshift_place))
    assert (check.check, check.error_class) == ("drop staging", "permission")
    assert check.grant.startswith("allow s3:DeleteObject on")
    monkeypatch.undo()
    with redshift_place.open().connect() as connection, connection.only_sync("acme"):
        pass


def test_a_bucket_that_may_not_be_listed_is_told_at_the_lock_under_which_a_sync_looks_there(redshift_place, denied):
    denied("ListObjectsV2")
    check = failed(tried(redshift_place))
    assert (check.check, check.error_class) == ("lock", "permission")
    assert check.grant.startswith(f"allow s3:ListBucket on arn:aws:s3:::{redshift_place.bucket}, for")


def test_a_trial_leaves_the_files_of_a_sync_that_is_under_way(redshift_place):
    folder = Folder("w", redshift_place.settings, "acme")
    folder.put([(pa.py_buffer(b"x"), 1)])
    before = redshift_place.cluster.keys(redshift_place.bucket)
    with redshift_place.open().connect() as connection, connection.only_sync("acme"):
        folder.put([(pa.py_buffer(b"x"), 1)])  # the lock was taken, and what a sync before had left is gone
        assert tried(redshift_place).ok
        assert len(redshift_place.cluster.keys(redshift_place.bucket)) == len(before) == 1
    folder.empty()


def test_who_may_not_update_what_says_who_has_the_lock_is_told_so(redshift_place, monkeypatch):
    from profiles_sync.warehouses.redshift.dialect import RedshiftDialect

    monkeypatch.setattr(RedshiftDialect, "own", lambda self, schema, owner: ["DELETE FROM pg_class"])
    check = failed(tried(redshift_place))
    assert (check.check, check.error_class) == ("lock", "permission")


def test_a_bucket_that_is_not_there_is_told_with_the_command_that_makes_it(redshift_place):
    assert failed(tried(redshift_place, s3_bucket="no-such-bucket")).grant == "aws s3 mb s3://no-such-bucket"


def test_a_role_that_the_cluster_has_not_is_told_with_the_command_that_attaches_it(redshift_place):
    role = redshift_place.settings.iam_role + "2"
    check = failed(tried(redshift_place, iam_role=role))
    attach = "aws redshift modify-cluster-iam-roles --cluster-identifier CLUSTER --add-iam-roles"
    assert (check.check, check.grant) == ("load staging", f"{attach} {role}")


def test_a_bucket_that_the_role_may_not_read_is_told_with_the_roles_actions(redshift_place):
    folder = Folder("w", redshift_place.settings, "acme")
    said = "redshift refused COPY staged_0 FROM: S3ServiceException:Access Denied,Status 403 (SQLSTATE XX000)"
    role = redshift_place.settings.iam_role
    with pytest.raises(WarehouseRefused) as told, folder.read_by(role):
        raise WarehouseRefused(said)
    bucket = f"arn:aws:s3:::{redshift_place.bucket}"
    rights = f"allow s3:ListBucket on {bucket} and allow s3:GetObject on {bucket}/profiles-sync/*"
    assert told.value.grant == f"{rights}, for {role}"


@pytest.fixture
def denied(monkeypatch, redshift_place):
    """Has S3 deny one operation to all but the stand-in's own COPY, which has a role."""
    from botocore.client import BaseClient
    from botocore.exceptions import ClientError

    really = BaseClient._make_api_call

    def deny(operation):
        def call(self, name, given):
            if self is redshift_place.cluster.client:
                return really(self, name, given)
            if name == operation == "DeleteObjects":
                return {"Errors": [{"Key": "k", "Code": "AccessDenied"}]}
            if name == operation:
                said = {"Error": {"Code": "AccessDenied"}, "ResponseMetadata": {"HTTPStatusCode": 403}}
                raise ClientError(said, name)
            return really(self, name, given)

        monkeypatch.setattr(BaseClient, "_make_api_call", call)

    return deny


# Synapse


def test_what_a_pools_storage_denies_is_told_with_the_role_that_is_missing(postgres_server, tmp_path, monkeypatch):
    from obstore.exceptions import PermissionDeniedError

    place = SynapsePlace(postgres_server, tmp_path)

    class Denies:
        def put(self, *given):
            raise PermissionDeniedError("no")

    with monkeypatch.context() as patched:
        patched.setattr("profiles_sync.warehouses.synapse.staging.opened", lambda warehouse, settings: Denies())
        check = failed(tried(place))
    assert (check.check, check.error_class) == ("load staging", "permission")
    assert check.grant.startswith("az role assignment create --role 'Storage Blob Data Contributor' --assignee SYNC_")
    assert check.grant.endswith("/storageAccounts/staging/blobServices/default/containers/rows")
    said = "Not able to validate external location because The remote server returned an error: (403) Forbidden."
    with monkeypatch.context() as patched:
        patched.setattr(place.pool, "parquet", lambda url: (_ for _ in ()).throw(Refused("42000", said)))
        check = failed(tried(place))
    assert (check.check, check.error_class) == ("load staging", "permission")
    assert check.grant.startswith("az role assignment create --role 'Storage Blob Data Reader' --assignee POOL_")
    place.close()


def test_every_right_is_tried_on_synapses_stand_in_and_nothing_stays(postgres_server, tmp_path):
    place = SynapsePlace(postgres_server, tmp_path)
    before = schemas(place)
    trial = tried(place)
    assert trial.ok, trial
    assert schemas(place) == before
    place.run(f"REVOKE CREATE ON DATABASE {place.database} FROM segment")
    check = failed(tried(place))
    assert (check.check, check.error_class) == ("create schema", "permission")
    assert check.grant == f"GRANT CONTROL ON DATABASE::[{place.database}] TO [segment];"
    place.close()
