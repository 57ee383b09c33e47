"""The Data Graph on BigQuery.

Source: Segment, "BigQuery Data Graph Setup"; Google Cloud documentation, "Data control language".
"""

from collections.abc import Iterator, Sequence

from profiles_sync.data_graph.reads import BOOKKEEPING, Reads, reads
from profiles_sync.data_graph.validation import Check, as_step, usual
from profiles_sync.warehouses.setup import bigquery as sync
from profiles_sync.warehouses.setup.names import matching
from profiles_sync.warehouses.setup.script import Command, Script, Step

# A table's name may hold any letter; these cannot end its quotes.
_TABLE = r"[\w \-]{1,1024}"


def script(
    *,
    user: str = "segment-linked-user",
    database: str = sync.PROJECT,
    profiles_database: str | None = None,
    profiles_schema: str | None = None,
    schemas: Sequence[str] = (),
    tables: Sequence[str] = (),
    location: str = "US",
    existing_reverse_etl: bool = False,
) -> Script:
    """The set-up, for a shell. The schemas are datasets, the databases projects."""
    del existing_reverse_etl  # a dataset that is there is opened in any case
    project, email = sync.project_of(database), sync.email_of(user, database)
    other, read = sync.project_of(profiles_database or database), reads(profiles_schema, schemas, tables)
    steps = (
        Step(
            "Create a service account for the Data Graph: BigQuery User",
            commands=(*sync.create_account(user, database), sync.bind(project, email, "roles/bigquery.user")),
        ),
        Step(
            "Create a dataset for bookkeeping, the only one it may write",
            ("If Reverse ETL left it there, it is opened. It is hidden in the console.",),
            tuple(_bookkeeping(project, email, location)),
        ),
        Step(
            "Let it read: BigQuery Data Viewer; on a project or a dataset that holds for the tables to come as well",
            ("Repeat it with another --profiles-database for each further project to read.",),
            tuple(_grants(read, other, email)),
        ),
        Step("Make a key, unless the file is there; it is a secret", commands=(sync.create_key(email),)),
        as_step(email, checks(project, other, location, read)),
    )
    title = "BigQuery for the Data Graph. It may be run again; what is there stays."
    return Script(title, "#", sync.RUN, (sync.FIRST,), steps)


def _bookkeeping(project: str, email: str, location: str) -> Iterator[Command]:
    dataset, where = sync.dataset_of(project, BOOKKEEPING), sync.location_of(location)
    yield sync.query(project, f"CREATE SCHEMA IF NOT EXISTS {dataset} OPTIONS (location = '{where}')")
    yield _grant(project, "roles/bigquery.dataEditor", f"SCHEMA {dataset}", email)


def _grants(read: Reads, project: str, email: str) -> Iterator[Command]:
    viewer = "roles/bigquery.dataViewer"
    if not read.schemas:
        yield sync.bind(project, email, viewer)
    for schema in read.bulk:
        yield _grant(project, viewer, f"SCHEMA {sync.dataset_of(project, schema)}", email)
    for schema, table in read.tables:
        yield _grant(project, viewer, f"TABLE {_table(project, schema, table)}", email)


def _grant(project: str, role: str, place: str, email: str) -> Command:
    return sync.query(project, f'GRANT `{role}` ON {place} TO "serviceAccount:{email}"')


def _table(project: str, schema: str, table: str) -> str:
    return f"{sync.dataset_of(project, schema)}.`{matching('table', _TABLE, table)}`"


def checks(project: str, profiles_project: str, location: str, read: Reads) -> tuple[Check, ...]:
    """What the linked service account can and cannot do."""
    region = f"`region-{sync.location_of(location).lower()}`"
    listed = f"SELECT schema_name FROM `{profiles_project}`.{region}.INFORMATION_SCHEMA.SCHEMATA"
    own = (
        f"CREATE TABLE IF NOT EXISTS {_table(project, BOOKKEEPING, 'profiles_sync_check')} (id STRING) "
        "OPTIONS (expiration_timestamp = TIMESTAMP_ADD(CURRENT_TIMESTAMP(), INTERVAL 1 HOUR))"
    )
    read_only = [_table(profiles_project, schema, table) for schema, table in read.samples]
    return usual(project, own, listed, read.schemas, read_only)
