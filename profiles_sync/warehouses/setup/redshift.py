"""Redshift: a cluster, and a user that may make schemas in its database.

Source: Segment, "Redshift Warehouse Destination"; Amazon Redshift documentation, "CREATE USER", "GRANT".
"""

import shlex
from collections.abc import Mapping, Sequence

from profiles_sync.warehouses.base import INTERNAL
from profiles_sync.warehouses.setup import addresses, psql, storage
from profiles_sync.warehouses.setup.names import REDSHIFT as RS
from profiles_sync.warehouses.setup.rights import Right, spread
from profiles_sync.warehouses.setup.script import Command, Script, Step, sql

_PASSWORD = "SEGMENT_PASSWORD"
RUN = (
    f"Run it as an admin, with psql 14 or newer and the new user's password in the variable {_PASSWORD}:",
    "psql -X -h HOST -p 5439 -U ADMIN -d dev -f THIS_FILE",
)
FIRST = (psql.STOP, psql.password_variable(_PASSWORD))


def script(
    *,
    user: str = "segment",
    database: str = "segment",
    schema: str | None = None,
    s3_bucket: str = "STAGING_BUCKET",
    s3_prefix: str = "profiles-sync",
    egress: Sequence[str] = (),
) -> Script:
    """The set-up, for psql; choosing and making the cluster are commands to look at and run by hand."""
    who, where = RS.grantee(user), RS.name(database)
    steps = (
        Step("Choose an instance", _INSTANCES),
        Step("Provision a Redshift cluster, if you have none", _cluster(database)),
        Step("Let the sync write the bucket that rows wait in, and the cluster read it", _bucket(s3_bucket, s3_prefix)),
        Step("Create a user for Profiles Sync", commands=create_user(user)),
        Step(
            "Create the database, if the cluster was made with another one",
            commands=psql.create_database(RS, database),
        ),
        Step(
            "Let the user create its schemas; what it creates is its own",
            commands=(sql(f"GRANT CREATE, TEMPORARY ON DATABASE {where} TO {who}"),),
        ),
        *psql.open_schema(RS, user, database, schema),
        Step(addresses.title(egress), _allowlist(egress)),
    )
    return Script("Redshift for Profiles Sync. It may be run again; what is there stays.", "--", RUN, FIRST, steps)


def grants(*, user: str, database: str, schema: str) -> Mapping[Right, str]:
    """What an admin runs, connected to the database, to give the user one right."""
    who, where, inside = RS.grantee(user), RS.name(database), f"{RS.name(schema)}, {RS.name(INTERNAL)}"
    return spread(
        connect=f"GRANT TEMPORARY ON DATABASE {where} TO {who};",
        create_schema=f"GRANT CREATE ON DATABASE {where} TO {who};",
        create_table=f"GRANT USAGE, CREATE ON SCHEMA {inside} TO {who};",
        rows=f"GRANT ALL PRIVILEGES ON ALL TABLES IN SCHEMA {inside} TO {who};",
        staging=f"GRANT TEMPORARY ON DATABASE {where} TO {who};",
    )


def create_user(user: str) -> tuple[Command, ...]:
    """A user with the password from the environment, if there is none of that name."""
    create = f"CREATE USER {RS.grantee(user)} PASSWORD"
    is_new = f"SELECT COUNT(*) = 0 AS is_new FROM pg_user WHERE usename = {RS.text(user)}"
    return psql.unless(is_new, Command(f"{create} :'password';", f"{create} 'a password'"))


_INSTANCES = (
    "RA3 nodes keep storage and computing apart, and can be read across databases, as the Data Graph does.",
    "Dense compute (DC2) is the fastest for little data. The number of tables and columns counts more than the",
    "number of events: every Track event name is a table, and every property a column.",
    "Redshift Serverless is not supported.",
)


def _cluster(database: str) -> tuple[str, ...]:
    return (
        "aws redshift create-cluster --cluster-identifier segment --node-type ra3.large --cluster-type single-node \\",
        f"  --db-name {shlex.quote(database)} --master-username ADMIN --manage-master-password \\",
        "  --publicly-accessible --encrypted",
    )


def _bucket(name: str, prefix: str) -> tuple[str, ...]:
    def rights(*actions: str) -> list[str]:
        return [f"  {storage.bucket_right(action, name, prefix)}" for action in actions]

    return (
        "In the policy of what the sync runs as:",
        *rights("s3:ListBucket", "s3:PutObject", "s3:DeleteObject"),
        "In the policy of a role that the cluster may assume, which is iam_role in the settings:",
        *rights("s3:ListBucket", "s3:GetObject"),
        "aws redshift modify-cluster-iam-roles --cluster-identifier segment --add-iam-roles ROLE_ARN",
    )


def _allowlist(egress: Sequence[str]) -> tuple[str, ...]:
    if not egress:
        return addresses.NONE
    return (
        "In the security group of the cluster. Outbound, the cluster has to reach the staging bucket in S3.",
        *addresses.security_group(egress, 5439),
    )
