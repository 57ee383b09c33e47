"""Every kind of warehouse as the contract tests see it: the real thing or its stand-in, one empty place per test.

A new kind is a class here and a line in `KINDS`. What a kind can never do raises `Never`.
"""

import itertools
from contextlib import contextmanager

import duckdb

from profiles_sync.warehouses import DuckDBSettings, PostgresSettings, open_warehouse
from profiles_sync.warehouses.duckdb import DuckDBConnection
from profiles_sync.warehouses.postgres import PostgresConnection


class Never(NotImplementedError):
    """This kind of warehouse has no such thing."""


class Place:
    """An empty warehouse of one kind.

    A subclass has `kind`, `settings` (as declared), `statements` (class and methods through which every statement
    goes) and `run`.
    """

    kind: str
    statements: tuple = ()

    def open(self, patience=20, schema="acme", **changed):
        """The warehouse as the sync opens it."""
        opened = open_warehouse("local", self.settings.model_copy(update=changed), schema)
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

    def as_if_all_were_new(self):
        """Put every cursor back to the first version."""
        self.run(f"UPDATE {self.quote('_profiles_sync', 'cursors')} SET version = 0, commit_digest = ''")

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
