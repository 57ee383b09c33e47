"""Every kind of warehouse as the contract tests see it: the real thing or its stand-in, one empty place per test.

A new kind is a class here and a line in `KINDS`. What a kind can never do raises `Never`.
"""

import datetime as dt
import itertools
from contextlib import contextmanager

import duckdb
import pyarrow as pa
import pytest

from profiles_sync.lake.fetched import fetched
from profiles_sync.spec.tables import Type
from profiles_sync.warehouses import (
    BigQuerySettings,
    DatabricksSettings,
    DuckDBSettings,
    PostgresSettings,
    RedshiftSettings,
    SnowflakeSettings,
    SynapseSettings,
    open_warehouse,
    redshift,
    synapse,
)
from profiles_sync.warehouses.bigquery import BigQueryConnection
from profiles_sync.warehouses.databricks.connection import DatabricksConnection
from profiles_sync.warehouses.databricks.spark import SparkConnection
from profiles_sync.warehouses.duckdb import DuckDBConnection
from profiles_sync.warehouses.postgres import PostgresConnection
from profiles_sync.warehouses.redshift import RedshiftConnection
from profiles_sync.warehouses.snowflake.connection import SnowflakeConnection
from profiles_sync.warehouses.synapse import SynapseConnection
from tests.redshift_server import ROLE, prepare
from tests.synapse_pool import FROM, PREPARE, Pool


class Never(NotImplementedError):
    """This kind of warehouse has no such thing."""


class Place:
    """An empty warehouse of one kind.

    A subclass has `kind`, `settings` (as declared), `statements` (class and methods through which every statement
    goes) and `run`.
    """

    kind: str
    statements: tuple = ()
    many_tables = 2000
    internal = frozenset({"cursors_acme"})  # the tables of the sync's own that stay
    session = None  # of Spark, for a kind that it writes

    def open(self, patience=20, schema="acme", **changed):
        """The warehouse as the sync opens it."""
        opened = open_warehouse("local", self.settings.model_copy(update=changed), schema, lambda: self.session)
        opened.patience = patience
        return opened

    def run(self, text):
        """Run SQL behind the sync's back, as who owns the warehouse; the rows of what answers with rows."""
        raise NotImplementedError

    def quote(self, *parts):
        return self.open().dialect.quote(*parts)

    def rows(self, table, columns, schema="acme"):
        """The rows, times as UTC without a zone."""
        return self.run(f"SELECT {', '.join(map(self.quote, columns))} FROM {self.quote(schema, table)}")

    @contextmanager
    def reading(self):
        """Many questions one after the other, and no sync meanwhile."""
        yield

    def columns(self, schema="acme"):
        with self.open().connect(read_only=True) as connection:
            return connection.columns(schema)

    def retype(self, table, column, kind):
        """The owner gives a column another type."""
        self.run(f"ALTER TABLE {self.quote('acme', table)} ALTER {self.quote(column)} TYPE {kind}")

    def give_a_column(self, table):
        """The owner adds a column, with a value."""
        self.run(f"ALTER TABLE {self.quote('acme', table)} ADD COLUMN mine {self.integer} DEFAULT 7")

    def as_if_all_were_new(self):
        """Put every cursor back to the first version."""
        self.run(f"UPDATE {self.quote('_profiles_sync', 'cursors_acme')} SET version = 0, commit_digest = ''")

    def drop(self, table):
        self.run(f"DROP TABLE {self.quote('acme', table)}")

    def close(self):
        """The test is over."""

    @contextmanager
    def revoked(self, table):
        """The sync may not write a table."""
        raise Never
        yield

    @contextmanager
    def hidden(self, table):
        """The sync may not read a table."""
        raise Never
        yield

    @contextmanager
    def stopped(self):
        """Nothing answers."""
        raise Never
        yield

    def cut_off(self):
        """Every connection is lost at once."""
        raise Never


class DuckDBPlace(Place):
    kind = "duckdb"
    integer = "INTEGER"
    statements = (DuckDBConnection, ("query", "load"))

    def __init__(self, folder):
        self.settings = DuckDBSettings(type="duckdb", path=str(folder / "acme.duckdb"))
        self.reader = None

    def run(self, text):
        if self.reader is not None:
            return self.reader.execute(text).fetchall()
        with self.reading():
            return self.run(text)

    @contextmanager
    def reading(self):
        """A file of thousands of tables takes a while to open."""
        with duckdb.connect() as self.reader:
            try:
                self.reader.execute(f"ATTACH '{self.settings.path}' AS w; USE w")
                yield
            finally:
                self.reader = None


_numbers = itertools.count()


class PostgresPlace(Place):
    kind = "postgres"
    integer = "integer"
    statements = (PostgresConnection, ("_run", "query", "load"))

    def __init__(self, server):
        self.server, self.database = server, f"acme_{next(_numbers)}"
        server.admin(f"CREATE DATABASE {self.database}", "postgres")
        server.admin(f"GRANT CREATE ON DATABASE {self.database} TO segment", "postgres")
        self.settings = PostgresSettings(**server.settings | {"database": self.database})
        self.owner = None

    def run(self, text):
        if self.owner is None or self.owner.closed:
            self.owner = self.server.connect(self.database)
        cursor = self.owner.execute(text)
        return cursor.fetchall() if cursor.description else []

    def retype(self, table, column, kind):
        altered = f"ALTER TABLE {self.quote('acme', table)} ALTER {self.quote(column)} TYPE {kind}"
        self.run(f"{altered} USING {self.quote(column)}::{kind}")

    def give_a_column(self, table):
        """One that is never empty, as the owner's may be."""
        self.run(f"ALTER TABLE {self.quote('acme', table)} ADD COLUMN mine {self.integer} NOT NULL DEFAULT 7")

    def close(self):
        if self.owner is not None:
            self.owner.close()
        self.server.admin(f"DROP DATABASE {self.database} (FORCE)", "postgres")

    @contextmanager
    def revoked(self, table):
        self.run(f"ALTER TABLE acme.{table} OWNER TO postgres")
        self.run(f"GRANT SELECT ON acme.{table} TO segment")
        yield
        self.run(f"ALTER TABLE acme.{table} OWNER TO segment")

    @contextmanager
    def hidden(self, table):
        self.run(f"ALTER TABLE acme.{table} OWNER TO postgres")
        yield
        self.run(f"ALTER TABLE acme.{table} OWNER TO segment")

    @contextmanager
    def stopped(self):
        self.server.stop()
        self.owner = None
        try:
            yield
        finally:
            self.server.start()

    def cut_off(self):
        self.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'profiles-sync'")


class RedshiftPlace(PostgresPlace):
    """A database of the stand-in, with a bucket for its rows."""

    kind = "redshift"
    many_tables = 200  # S3's stand-in takes a while
    statements = (RedshiftConnection, ("_run", "query", "load"))

    def __init__(self, cluster):
        super().__init__(cluster.server)
        self.cluster, self.bucket = cluster, self.database.replace("_", "-")
        prepare(cluster.server, self.database)
        cluster.client.create_bucket(
            Bucket=self.bucket, CreateBucketConfiguration={"LocationConstraint": cluster.s3["AWS_REGION"]}
        )
        self.environment = pytest.MonkeyPatch()
        for name, value in cluster.s3.items():
            self.environment.setenv(name, value)
        given = {"type": "redshift", "port": cluster.port, "database": self.database, "sslmode": "disable"}
        self.settings = RedshiftSettings(
            **cluster.server.settings | given, s3_bucket=self.bucket, s3_region=cluster.s3["AWS_REGION"], iam_role=ROLE
        )

    @property
    def internal(self):
        return frozenset({"cursors_acme", redshift.dialect.lock_name("acme"), redshift.dialect.owner_name("acme")})

    def run(self, text):
        if self.owner is None or self.owner.closed:
            self.owner = self.cluster.connect(self.database)
        cursor = self.owner.execute(text)
        return cursor.fetchall() if cursor.description else []

    def retype(self, table, column, kind):
        """A customer makes a new column, fills it, and gives it the old one's name."""
        checked = self.run(
            "SELECT conname FROM pg_constraint AS c JOIN pg_attribute AS a ON a.attrelid = conrelid "
            f"AND a.attnum = ANY (conkey) WHERE conrelid = 'acme.{table}'::regclass AND attname = '{column}'"
        )
        for (name,) in checked:
            self.run(f"ALTER TABLE acme.{table} DROP CONSTRAINT {self.quote(name)}")
        super().retype(table, column, kind)

    def close(self):
        self.environment.undo()
        left = self.cluster.keys(self.bucket)
        super().close()
        assert left == []

    @contextmanager
    def stopped(self):
        self.cluster.stop()
        self.owner = None
        try:
            yield
        finally:
            self.cluster.start()


class SynapsePlace(PostgresPlace):
    """A database of the stand-in, with a folder for its rows."""

    kind = "synapse"
    many_tables = 200
    statements = (SynapseConnection, ("_run", "query", "load"))

    def __init__(self, server, folder):
        from obstore.store import LocalStore

        super().__init__(server)
        prepare(server, self.database, FROM)
        server.admin(PREPARE, self.database)
        self.folder = folder / "container"
        self.folder.mkdir()
        self.pool = Pool(server, self.folder)
        self.replaced = pytest.MonkeyPatch()
        self.replaced.setattr("profiles_sync.warehouses.synapse.session.driver_connect", self.pool.connect)
        self.replaced.setattr(
            "profiles_sync.warehouses.synapse.staging.opened", lambda warehouse, settings: LocalStore(self.folder)
        )
        given = server.settings
        self.settings = SynapseSettings(
            type="synapse",
            server=given["host"],
            port=given["port"],
            database=self.database,
            username=given["username"],
            password=given["password"],
            storage_account="staging",
            storage_container="rows",
        )

    @property
    def internal(self):
        return frozenset({"cursors_acme", synapse.dialect.lock_name("acme"), synapse.dialect.owner_name("acme")})

    def run(self, text):
        return super().run(self.pool.words.names(text))

    def files(self):
        return [path for path in self.folder.rglob("*") if path.is_file()]

    def close(self):
        self.replaced.undo()
        super().close()
        assert self.files() == []


class SnowflakePlace(Place):
    """fakesnow: each test has a database, which goes with the server."""

    kind = "snowflake"
    integer = "NUMBER(9,0)"
    few = 30  # some tables go with the statement, the others by COPY; None: as it is shipped
    statements = (SnowflakeConnection, ("_run", "query", "load"))
    internal = frozenset({"cursors_acme", "LOCK OF ACME"})

    def __init__(self, server):
        self.server = server
        declared = server.settings | {"database": f"events_{next(_numbers)}"}
        self.settings = SnowflakeSettings(**declared)
        self.owner = None

    def open(self, patience=20, schema="acme", **changed):
        opened = super().open(patience, schema, **changed)
        opened.lease = 600  # in the stand-in, a lease that is renewed in the middle of a transaction breaks it off
        opened.few = opened.few if self.few is None else self.few
        return opened

    def run(self, text):
        if self.owner is None:
            self.owner = self.server.connect(self.settings.database)
        with self.owner.cursor() as cursor:
            return cursor.execute(text).fetchall()

    def retype(self, table, column, kind):
        """Snowflake makes no number of a text column; its owner makes the table anew."""
        named, column = self.quote("acme", table), self.quote(column)
        self.run(
            f"CREATE OR REPLACE TABLE {named} AS SELECT * REPLACE (CAST({column} AS {kind}) AS {column}) FROM {named}"
        )

    def close(self):
        if self.owner is not None:
            self.owner.close()

    @contextmanager
    def revoked(self, table):
        rights = f"INSERT, UPDATE, DELETE ON TABLE {self.quote('acme', table)}"
        self.run(f"REVOKE {rights} FROM ROLE SEGMENT")
        yield
        self.run(f"GRANT {rights} TO ROLE SEGMENT")

    @contextmanager
    def hidden(self, table):
        self.run(f"REVOKE ALL ON TABLE {self.quote('acme', table)} FROM ROLE SEGMENT")
        yield
        self.run(f"GRANT ALL ON TABLE {self.quote('acme', table)} TO ROLE SEGMENT")

    @contextmanager
    def stopped(self):
        self.server.stop()
        self.owner = None
        try:
            yield
        finally:
            self.server.start()

    def cut_off(self):
        self.owner = None
        self.server.cut_off()


class BigQueryPlace(Place):
    """A project of its own; the stand-in takes every one."""

    kind = "bigquery"
    integer = "INT64"
    statements = (BigQueryConnection, ("_run", "query", "load"))

    def __init__(self, server):
        self.server = server
        self.settings = BigQuerySettings(**server.settings(f"acme-{next(_numbers)}"))
        self.owner = server.client(self.settings.project)  # by Google's client, without anything of ours

    def open(self, patience=20, schema="acme", **changed):
        if self.server.lost:
            self.server.start()
        return super().open(patience, schema, **changed)

    def run(self, text):
        rows = self.owner.query(text, retry=None, job_retry=None).result(retry=None, job_retry=None)
        return [tuple(_naive(value) for value in row.values()) for row in rows]

    def retype(self, table, column, kind):
        """A type can only become wider; for another one the table is made anew."""
        quoted, cast = self.quote("acme", table), f"SAFE_CAST({self.quote(column)} AS {kind}) AS {self.quote(column)}"
        self.run(
            f"CREATE OR REPLACE TABLE {quoted} PARTITION BY _PARTITIONDATE AS SELECT * REPLACE ({cast}) FROM {quoted}"
        )

    def give_a_column(self, table):
        """A default is for rows to come, and is given to a column that is there."""
        quoted = self.quote("acme", table)
        self.run(f"ALTER TABLE {quoted} ADD COLUMN mine INT64")
        self.run(f"UPDATE {quoted} SET mine = 7 WHERE TRUE")

    def as_if_all_were_new(self):
        self.run(
            f"UPDATE {self.quote('_profiles_sync', 'cursors_acme')} SET version = 0, commit_digest = '' WHERE TRUE"
        )

    @contextmanager
    def revoked(self, table):
        who = "serviceAccount:segment@acme.iam.gserviceaccount.com"
        self.run(f"REVOKE `roles/bigquery.dataEditor` ON TABLE {self.quote('acme', table)} FROM '{who}'")
        yield

    hidden = revoked

    @contextmanager
    def stopped(self):
        self.server.stop()
        try:
            yield
        finally:
            self.server.start()

    def cut_off(self):
        """It answers again when somebody opens it anew."""
        self.server.stop()
        self.server.lost = True


def _naive(value):
    return value.replace(tzinfo=None) if isinstance(value, dt.datetime) else value


_NAMES = {"string": Type.STRING, "bigint": Type.BIGINT, "int": Type.BIGINT, "double": Type.DOUBLE}
_NAMES |= {"boolean": Type.BOOLEAN}


class DatabricksPlace(Place):
    """Schemas of Spark's own catalog, in a folder of the test."""

    kind = "databricks"
    integer = "int"
    statements = (SparkConnection, ("_rows", "_put", "_source"))
    schemas = ("acme", "_profiles_sync", "2026_acme", "order")

    def open(self, patience=400, **changed):
        """A sync takes its time here, and so does the one that waits for it."""
        return super().open(patience, **changed)

    def __init__(self, folder, session):
        self.session = session
        DatabricksConnection.hold = 120  # a statement takes a minute where the machine has other things to do
        for schema in self.schemas:
            session.sql(f"CREATE SCHEMA spark_catalog.{schema} LOCATION '{folder / 'warehouse' / schema}'")
        self.settings = DatabricksSettings(
            type="databricks", catalog="spark_catalog", via="spark", volume=str(folder / "volume")
        )

    def run(self, text):
        rows = self.session.sql(text)
        if not rows.columns:
            return []
        kinds = [_NAMES.get(field.dataType.simpleString(), Type.TIMESTAMP) for field in rows.schema.fields]
        numbered = [f"c{number}" for number in range(len(kinds))]
        found = fetched(rows.toDF(*numbered), dict(zip(numbered, kinds, strict=True)))
        naive = [
            column.cast(pa.timestamp("us")) if pa.types.is_timestamp(column.type) else column
            for column in found.columns
        ]
        return list(zip(*(column.to_pylist() for column in naive), strict=True))

    def retype(self, table, column, kind):
        """Delta gives no column a type that is not wider, so the table is made anew."""
        listed = [
            f"CAST({self.quote(name)} AS {kind}) AS {self.quote(name)}" if name == column else self.quote(name)
            for name in self.columns()[table]
        ]
        here = self.quote("acme", table)
        self.session.sql(f"CREATE OR REPLACE TABLE {here} USING DELTA AS SELECT {', '.join(listed)} FROM {here}")

    def give_a_column(self, table):
        """A default has to be let in, and holds for rows to come."""
        here = self.quote("acme", table)
        self.run(f"ALTER TABLE {here} ADD COLUMN mine {self.integer}")
        self.run(f"UPDATE {here} SET mine = 7")

    def close(self):
        for schema in self.schemas:
            self.session.sql(f"DROP SCHEMA IF EXISTS spark_catalog.{schema} CASCADE")
