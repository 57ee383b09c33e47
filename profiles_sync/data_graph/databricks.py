"""The Data Graph on Databricks.

Source: Segment, "Databricks Data Graph Setup"; Databricks documentation, "Unity Catalog privileges".
"""

from collections.abc import Iterator, Sequence

from profiles_sync.data_graph.reads import BOOKKEEPING, Reads, reads
from profiles_sync.data_graph.validation import Check, as_step, usual
from profiles_sync.warehouses.setup import databricks as sync
from profiles_sync.warehouses.setup.names import DATABRICKS as DB
from profiles_sync.warehouses.setup.script import Command, Script, Step, sql


def script(
    *,
    user: str = sync.CLIENT_ID,
    database: str = "segment_linked_profiles_db",
    warehouse: str = "WAREHOUSE_ID",
    profiles_database: str = "segment",
    profiles_schema: str | None = None,
    schemas: Sequence[str] = (),
    tables: Sequence[str] = (),
    existing_reverse_etl: bool = False,
) -> Script:
    """The set-up, for the SQL editor; what is no SQL are commands of the Databricks CLI, to run by hand."""
    read, who, where = reads(profiles_schema, schemas, tables), DB.grantee(user), DB.name(database)
    rights = "USE CATALOG, USE SCHEMA, SELECT, CREATE SCHEMA"
    commands = (
        sql(f"CREATE CATALOG IF NOT EXISTS {where}"),
        sql(f"GRANT {rights} ON CATALOG {where} TO {who}"),
    )
    steps = (
        Step("Create a service principal for the Data Graph", sync.principal(user, "Segment Data Graph")),
        Step("Let it use the SQL warehouse", sync.can_use(user, warehouse)),
        Step("Create a catalog for bookkeeping, the only one it may write", commands=commands),
        *_existing(database, who, existing_reverse_etl),
        Step(
            "Let it read; a right on a catalog or a schema holds for the tables to come as well",
            ("Repeat it with another --profiles-database for each further catalog to read.",),
            tuple(_grants(read, profiles_database, who)),
        ),
        as_step(user, checks(database, profiles_database, read)),
    )
    run = ("Run it as an admin of the metastore.",)
    return Script("Databricks for the Data Graph. It may be run again; what is there stays.", "--", run, (), steps)


def _existing(database: str, who: str, existing: bool) -> tuple[Step, ...]:
    """Reverse ETL has been there before, and its schema belongs to another principal."""
    if not existing:
        return ()
    grant = sql(f"GRANT ALL PRIVILEGES ON SCHEMA {DB.name(database, BOOKKEEPING)} TO {who}")
    return (Step("Open the schema that Reverse ETL left in that catalog", commands=(grant,)),)


def _grants(read: Reads, database: str, who: str) -> Iterator[Command]:
    where = DB.name(database)
    if not read.schemas:
        yield sql(f"GRANT USE CATALOG, USE SCHEMA, SELECT ON CATALOG {where} TO {who}")
        return
    yield sql(f"GRANT USE CATALOG ON CATALOG {where} TO {who}")
    for schema in read.schemas:
        rights = "USE SCHEMA, SELECT" if schema in read.bulk else "USE SCHEMA"
        yield sql(f"GRANT {rights} ON SCHEMA {DB.name(database, schema)} TO {who}")
        for table in read.tables_of(schema):
            yield sql(f"GRANT SELECT ON TABLE {DB.name(database, schema, table)} TO {who}")


def checks(database: str, profiles_database: str, read: Reads) -> tuple[Check, ...]:
    """What the linked service principal can and cannot do."""
    own = f"CREATE SCHEMA IF NOT EXISTS {DB.name(database, BOOKKEEPING)}"
    listed = f"SHOW SCHEMAS IN {DB.name(profiles_database)}"
    read_only = [DB.name(profiles_database, schema, table) for schema, table in read.samples]
    return usual(database, own, listed, read.schemas, read_only)
