"""What psql, the client of Postgres and Redshift, does beside sending statements.

Source: PostgreSQL documentation, "psql".
"""

from profiles_sync.warehouses.setup.names import Spelling, checked
from profiles_sync.warehouses.setup.script import Command, Step, client, sql

#: A script ends at its first error.
STOP = client("\\set ON_ERROR_STOP on")


def unless(count: str, *commands: Command) -> tuple[Command, ...]:
    """Run commands where a query, which selects `COUNT(*) = 0 AS is_new`, says so."""
    return (Command(f"{count} \\gset", count), client("\\if :is_new"), *commands, client("\\endif"))


def ask_password(user: str) -> Command:
    """The client asks, and sends only a hash; `user` is a quoted name."""
    return client(f"\\password {user}")


def password_variable(variable: str) -> Command:
    """A password from the environment, as `:'password'`; psql cannot hash one for Redshift.

    If there is none, the server is sent `:'password'` as it stands, refuses the statement, and the script stops.
    """
    return client(f"\\getenv password {variable}")


def connect(database: str) -> Command:
    """Go on in another database of the same server.

    psql takes a name with `=` for a connection string, so the name is always given as a part of one.
    """
    inner = checked(database).replace("\\", "\\\\").replace("'", "\\'")
    outer = f"dbname='{inner}'".replace('"', '""')
    return client(f'\\connect -reuse-previous=on "{outer}"')


def create_database(spelling: Spelling, database: str) -> tuple[Command, ...]:
    """A database, if it is not there; neither engine has IF NOT EXISTS for it."""
    count = f"SELECT COUNT(*) = 0 AS is_new FROM pg_database WHERE datname = {spelling.text(database)}"
    return unless(count, sql(f"CREATE DATABASE {spelling.name(database)}"))


def open_schema(spelling: Spelling, user: str, database: str, schema: str | None) -> tuple[Step, ...]:
    """The space's schema before its first sync, or one that somebody else made."""
    if schema is None:
        return ()
    who, inside = spelling.grantee(user), spelling.name(schema)
    commands: tuple[Command, ...] = (
        connect(database),
        sql(f"CREATE SCHEMA IF NOT EXISTS {inside}"),
        sql(f"GRANT USAGE, CREATE ON SCHEMA {inside} TO {who}"),
        sql(f"GRANT ALL PRIVILEGES ON ALL TABLES IN SCHEMA {inside} TO {who}"),
    )
    return (Step("Create the space's schema now, or open the one that is there", commands=commands),)
