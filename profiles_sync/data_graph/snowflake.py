"""The Data Graph on Snowflake.

Source: Segment, "Snowflake Data Graph Setup"; Snowflake documentation, "GRANT <privileges>", "Future grants".
"""

from collections.abc import Iterator, Sequence

from profiles_sync.data_graph.reads import BOOKKEEPING, Reads, reads
from profiles_sync.data_graph.validation import Check, as_step, usual
from profiles_sync.warehouses.setup import snowflake as sync
from profiles_sync.warehouses.setup.names import SNOWFLAKE as SF
from profiles_sync.warehouses.setup.script import Command, Script, Step, sql

_READABLE = ("TABLES", "VIEWS", "EXTERNAL TABLES", "MATERIALIZED VIEWS")


def script(
    *,
    user: str = "SEGMENT_LINKED_USER",
    role: str = "SEGMENT_LINKED_ROLE",
    database: str = "SEGMENT_LINKED_PROFILES_DB",
    warehouse: str = "SEGMENT_LINKED_WH",
    profiles_database: str = "SEGMENT_EVENTS",
    profiles_schema: str | None = None,
    schemas: Sequence[str] = (),
    tables: Sequence[str] = (),
    existing_reverse_etl: bool = False,
) -> Script:
    """The set-up, for a worksheet, SnowSQL or Snowflake CLI."""
    read, acts_as = reads(profiles_schema, schemas, tables), SF.grantee(role)
    use = f"GRANT USAGE ON WAREHOUSE {SF.name(warehouse)} TO ROLE {acts_as}"
    steps = (
        Step("Create a virtual warehouse", commands=(sync.create_warehouse(warehouse),)),
        Step("Create a role", commands=(sql(f"CREATE ROLE IF NOT EXISTS {acts_as}"), sql(use))),
        Step("Create a user", sync.KEY, sync.create_user(user, role, warehouse)),
        Step("Create a database for bookkeeping, the only one it may write", commands=_bookkeeping(database, acts_as)),
        *_existing(database, acts_as, existing_reverse_etl),
        Step(
            "Let it read",
            (
                "Repeat it with another --profiles-database for each further database to read.",
                "In a schema with future grants of its own, future grants on the whole database no longer count.",
            ),
            tuple(_grants(read, profiles_database, acts_as)),
        ),
        as_step(user, checks(database, profiles_database, read)),
    )
    run = ("Run it with the role ACCOUNTADMIN.",)
    return Script("Snowflake for the Data Graph. It may be run again; what is there stays.", "--", run, (), steps)


def _bookkeeping(database: str, acts_as: str) -> tuple[Command, ...]:
    where = SF.name(database)
    return (
        sql(f"CREATE DATABASE IF NOT EXISTS {where}"),
        sql(f"GRANT USAGE, CREATE SCHEMA ON DATABASE {where} TO ROLE {acts_as}"),
        sql(f"GRANT USAGE ON ALL SCHEMAS IN DATABASE {where} TO ROLE {acts_as}"),
    )


def _existing(database: str, acts_as: str, existing: bool) -> tuple[Step, ...]:
    """Reverse ETL has been there before, and its schema belongs to another role."""
    if not existing:
        return ()
    schema = SF.name(database, BOOKKEEPING)
    commands: tuple[Command, ...] = (
        sql(f"GRANT USAGE, CREATE TABLE ON SCHEMA {schema} TO ROLE {acts_as}"),
        sql(f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO ROLE {acts_as}"),
    )
    return (Step("Open the schema that Reverse ETL left in that database", commands=commands),)


def _grants(read: Reads, database: str, acts_as: str) -> Iterator[Command]:
    yield sql(f"GRANT USAGE ON DATABASE {SF.name(database)} TO ROLE {acts_as}")
    if not read.schemas:
        for which in ("ALL", "FUTURE"):
            yield sql(f"GRANT USAGE ON {which} SCHEMAS IN DATABASE {SF.name(database)} TO ROLE {acts_as}")
        yield from _everything(f"DATABASE {SF.name(database)}", acts_as)
    for schema in read.schemas:
        yield sql(f"GRANT USAGE ON SCHEMA {SF.name(database, schema)} TO ROLE {acts_as}")
        for table in read.tables_of(schema):
            yield sql(f"GRANT SELECT ON TABLE {SF.name(database, schema, table)} TO ROLE {acts_as}")
        if schema in read.bulk:
            yield from _everything(f"SCHEMA {SF.name(database, schema)}", acts_as)


def _everything(place: str, acts_as: str) -> Iterator[Command]:
    """What is there and what comes: ALL means today's, FUTURE the track event tables of tomorrow."""
    for kind in _READABLE:
        for which in ("ALL", "FUTURE"):
            yield sql(f"GRANT SELECT ON {which} {kind} IN {place} TO ROLE {acts_as}")


def checks(database: str, profiles_database: str, read: Reads) -> tuple[Check, ...]:
    """What the linked user can and cannot do."""
    own = f"CREATE SCHEMA IF NOT EXISTS {SF.name(database, BOOKKEEPING)}"
    listed = f"SHOW SCHEMAS IN DATABASE {SF.name(profiles_database)}"
    names = tuple(SF.plain(one) for one in read.schemas)
    read_only = [SF.name(profiles_database, schema, table) for schema, table in read.samples]
    return usual(database, own, listed, names, read_only)
