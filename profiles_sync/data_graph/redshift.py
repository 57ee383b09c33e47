"""The Data Graph on Redshift.

Source: Segment, "Redshift Data Graph Setup"; Amazon Redshift documentation, "GRANT", "ALTER DEFAULT PRIVILEGES".
"""

from collections.abc import Iterator, Sequence

from profiles_sync.data_graph.reads import BOOKKEEPING, Reads, reads
from profiles_sync.data_graph.validation import Answer, Check, as_step
from profiles_sync.errors import SettingsError
from profiles_sync.warehouses.setup import psql
from profiles_sync.warehouses.setup.names import REDSHIFT as RS
from profiles_sync.warehouses.setup.redshift import FIRST, RUN, create_user
from profiles_sync.warehouses.setup.script import Command, Script, Step, sql


def script(
    *,
    user: str = "segment_linked_user",
    role: str = "segment_linked_role",
    database: str = "segment_linked_profiles_db",
    profiles_database: str = "segment",
    profiles_schema: str | None = None,
    schemas: Sequence[str] = (),
    tables: Sequence[str] = (),
    sync_user: str = "segment",
    existing_reverse_etl: bool = False,
) -> Script:
    """The set-up, for psql."""
    read = reads(profiles_schema, schemas, tables)
    if not read.schemas:
        raise SettingsError("redshift grants by schema: name the profiles' one, --profiles-schema")
    steps = (
        Step("Create a role and a user for the Data Graph", commands=_role_and_user(role, user)),
        Step("Create a database for bookkeeping, the only one it may write", commands=_bookkeeping(database, role)),
        *_existing(database, role, existing_reverse_etl),
        Step(
            "Let it read",
            (
                "Repeat it with another --profiles-database for each further database to read.",
                "Tables to come are read in the profiles' schema, where the sync's user makes them.",
                "A further schema needs the same ALTER DEFAULT PRIVILEGES for whoever makes its tables.",
                "Redshift lets everybody make tables in a schema called public. To end that for all users:",
                "  REVOKE CREATE ON SCHEMA public FROM PUBLIC;",
            ),
            (psql.connect(profiles_database), *_grants(read, role, sync_user)),
        ),
        as_step(user, checks(database, profiles_database, read)),
    )
    return Script("Redshift for the Data Graph. It may be run again; what is there stays.", "--", RUN, FIRST, steps)


def _role_and_user(role: str, user: str) -> tuple[Command, ...]:
    acts_as = RS.grantee(role)
    is_new = f"SELECT COUNT(*) = 0 AS is_new FROM svv_roles WHERE role_name = {RS.text(role)}"
    return (
        *psql.unless(is_new, sql(f"CREATE ROLE {acts_as}")),
        *create_user(user),
        sql(f"GRANT ROLE {acts_as} TO {RS.grantee(user)}"),
    )


def _bookkeeping(database: str, role: str) -> tuple[Command, ...]:
    grant = f"GRANT CREATE ON DATABASE {RS.name(database)} TO ROLE {RS.grantee(role)}"
    return (*psql.create_database(RS, database), sql(grant))


def _existing(database: str, role: str, existing: bool) -> tuple[Step, ...]:
    """Reverse ETL has been there before, and its schema belongs to another user."""
    if not existing:
        return ()
    schema, acts_as = RS.name(BOOKKEEPING), RS.grantee(role)
    commands: tuple[Command, ...] = (
        psql.connect(database),
        sql(f"GRANT USAGE, CREATE, DROP ON SCHEMA {schema} TO ROLE {acts_as}"),
        sql(f"GRANT SELECT, INSERT, UPDATE, DELETE, DROP ON ALL TABLES IN SCHEMA {schema} TO ROLE {acts_as}"),
    )
    return (Step("Open the schema that Reverse ETL left in that database", commands=commands),)


def _grants(read: Reads, role: str, sync_user: str) -> Iterator[Command]:
    acts_as = RS.grantee(role)
    for schema in read.schemas:
        inside = RS.name(schema)
        yield sql(f"GRANT USAGE ON SCHEMA {inside} TO ROLE {acts_as}")
        for table in read.tables_of(schema):
            yield sql(f"GRANT SELECT ON TABLE {RS.name(schema, table)} TO ROLE {acts_as}")
        if schema in read.bulk:
            yield sql(f"GRANT SELECT ON ALL TABLES IN SCHEMA {inside} TO ROLE {acts_as}")
        if schema in read.bulk and schema == read.profiles:
            # ALL TABLES means those of today; a new track event table is made by the sync's user.
            yield sql(
                f"ALTER DEFAULT PRIVILEGES FOR USER {RS.grantee(sync_user)} IN SCHEMA {inside} "
                f"GRANT SELECT ON TABLES TO ROLE {acts_as}"
            )


def checks(database: str, profiles_database: str, read: Reads) -> tuple[Check, ...]:
    """What the linked user can and cannot do."""
    listed = f"SHOW SCHEMAS FROM DATABASE {RS.name(profiles_database)}"
    own = f"CREATE SCHEMA IF NOT EXISTS {RS.name(BOOKKEEPING)}"
    found = [Check(database, own, Answer.ANSWERED), Check(database, listed, Answer.LISTED, read.schemas)]
    for where in read.samples:
        query = f"SELECT * FROM {RS.name(profiles_database, *where)} LIMIT 10"
        found.append(Check(database, query, Answer.ANSWERED))
    for where in read.samples:
        query = f"DELETE FROM {RS.name(*where)} WHERE 1 = 0"
        found.append(Check(profiles_database, query, Answer.REFUSED))
    other = f"CREATE SCHEMA {RS.name(BOOKKEEPING)}"
    return (*found, Check(profiles_database, other, Answer.REFUSED))
