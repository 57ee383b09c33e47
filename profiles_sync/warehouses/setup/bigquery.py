"""BigQuery: a project, and a service account that may make datasets in it.

Source: Segment, "BigQuery Destination"; Google Cloud documentation, "gcloud", "Data control language".
"""

import shlex
from collections.abc import Mapping, Sequence

from profiles_sync.warehouses.setup import addresses
from profiles_sync.warehouses.setup.names import matching
from profiles_sync.warehouses.setup.rights import Right, spread
from profiles_sync.warehouses.setup.script import Command, Script, Step, client

PROJECT = "your-project-id"
FIRST = client("set -eu")
RUN = ("Run it as an admin of the project: sh THIS_FILE. It needs the Google Cloud CLI, logged in.",)
_LOCATION = "[A-Za-z0-9-]{2,40}"
_DATASET = "[A-Za-z0-9_]{1,1024}"


def script(
    *,
    user: str = "segment-warehouses",
    database: str = PROJECT,
    schema: str | None = None,
    location: str = "US",
    egress: Sequence[str] = (),
) -> Script:
    """The set-up, for a shell: accounts and roles are no matter of SQL here."""
    project, email = project_of(database), email_of(user, database)
    steps = (
        Step("Create a project and enable BigQuery", _BILLING, _enable(project)),
        Step("Create a service account for Profiles Sync", commands=create_account(user, database)),
        Step(
            "Let it own datasets and run jobs: BigQuery Data Owner, BigQuery Job User",
            commands=tuple(
                bind(project, email, role) for role in ("roles/bigquery.dataOwner", "roles/bigquery.jobUser")
            ),
        ),
        *_dataset(project, schema, location),
        Step("Make a key, unless the file is there; it is a secret", commands=(create_key(email),)),
        Step(addresses.title(egress), _allowlist(egress)),
    )
    return Script("BigQuery for Profiles Sync. It may be run again; what is there stays.", "#", RUN, (FIRST,), steps)


def grants(*, database: str, user: str = "segment-warehouses") -> Mapping[Right, str]:
    """What an admin runs in a shell to give the service account one right: two roles give all."""
    project, email = project_of(database), email_of(user, database)
    owner, jobs = (bind(project, email, f"roles/bigquery.{role}").text for role in ("dataOwner", "jobUser"))
    return spread(connect=jobs, create_schema=owner, create_table=owner, rows=owner)


def project_of(name: str) -> str:
    """The project's ID; a domain in front ends in a colon."""
    return matching("project ID", r"(?:[a-z0-9.-]+:)?[a-z][a-z0-9-]{4,61}[a-z0-9]", name)


def email_of(user: str, database: str) -> str:
    """The service account's address: as it was given, or of the project."""
    if "@" in user:
        return matching("service account", r"[a-z0-9-]+@[a-z0-9.-]+\.gserviceaccount\.com", user)
    account = matching("service account", "[a-z][a-z0-9-]{4,28}[a-z0-9]", user)
    domain, _, project = project_of(database).rpartition(":")
    return f"{account}@{project}{'.' + domain if domain else ''}.iam.gserviceaccount.com"


def dataset_of(project: str, name: str) -> str:
    """The quoted name of a dataset."""
    return f"`{project}`.`{matching('dataset', _DATASET, name)}`"


def location_of(name: str) -> str:
    """A region or multi-region."""
    return matching("location", _LOCATION, name)


def query(project: str, statement: str) -> Command:
    """A statement, run by bq."""
    return Command(f"bq query --project_id={project} --use_legacy_sql=false {shlex.quote(statement)}", statement)


def create_account(user: str, database: str) -> tuple[Command, ...]:
    """A service account, if it is not there. One that was given by its address is there."""
    if "@" in user:
        return ()
    project, email = project_of(database), email_of(user, database)
    account = f"gcloud iam service-accounts create {user} --project={project}"
    return (_unless(f"gcloud iam service-accounts describe {email} --project={project}", account),)


def bind(project: str, email: str, role: str) -> Command:
    """A role in the whole project."""
    return client(
        f"gcloud projects add-iam-policy-binding {project} --member=serviceAccount:{email} --role={role} "
        "--condition=None >/dev/null"
    )


def create_key(email: str) -> Command:
    """A key in a file that only its owner can read."""
    return client(
        f"test -e segment-key.json || (umask 077; gcloud iam service-accounts keys create segment-key.json "
        f"--iam-account={email})"
    )


_BILLING = ("The project needs billing: gcloud billing projects link PROJECT --billing-account=ACCOUNT",)


def _enable(project: str) -> tuple[Command, ...]:
    services = "bigquery.googleapis.com bigquerystorage.googleapis.com"
    return (
        _unless(f"gcloud projects describe {project}", f"gcloud projects create {project}"),
        client(f"gcloud services enable {services} --project={project}"),
    )


def _unless(look: str, then: str) -> Command:
    return client(f"{look} >/dev/null 2>&1 || {then}")


def _dataset(project: str, schema: str | None, location: str) -> tuple[Step, ...]:
    if schema is None:
        return ()
    create = f"CREATE SCHEMA IF NOT EXISTS {dataset_of(project, schema)} OPTIONS (location = '{location_of(location)}')"
    return (Step("Create the space's dataset now, where its data shall be", commands=(query(project, create),)),)


def _allowlist(egress: Sequence[str]) -> tuple[str, ...]:
    if not egress:
        return addresses.NONE
    subnets = "\\n".join(f"  - {one}" for one in egress)
    return (
        "BigQuery takes calls from anywhere, unless the project is inside a VPC Service Controls perimeter.",
        "If it is, make an access level and add it to the perimeter:",
        f"  printf -- '- ipSubnetworks:\\n{subnets}\\n' > profiles-sync.yaml",
        "  gcloud access-context-manager levels create profiles_sync --title=profiles-sync --policy=POLICY \\",
        "    --basic-level-spec=profiles-sync.yaml",
    )
