"""Databricks: a catalog in Unity Catalog, and a service principal that may fill it.

Source: Segment, "Databricks for Profiles Sync"; Databricks documentation, "Unity Catalog privileges".
"""

import json
import shlex
from collections.abc import Mapping, Sequence

from profiles_sync.warehouses.setup import addresses
from profiles_sync.warehouses.setup.names import DATABRICKS as DB
from profiles_sync.warehouses.setup.names import checked
from profiles_sync.warehouses.setup.rights import Right, spread
from profiles_sync.warehouses.setup.script import Command, Script, Step, sql

#: Stands for what Databricks makes up.
CLIENT_ID = "00000000-0000-0000-0000-000000000000"
RIGHTS = "USE CATALOG, USE SCHEMA, MODIFY, SELECT, CREATE SCHEMA, CREATE TABLE"
#: Rows wait in files of a volume.
STAGING = "CREATE VOLUME, READ VOLUME, WRITE VOLUME"


def script(
    *,
    user: str = CLIENT_ID,
    database: str = "segment",
    schema: str | None = None,
    warehouse: str = "WAREHOUSE_ID",
    egress: Sequence[str] = (),
) -> Script:
    """The set-up, for the SQL editor; what is no SQL are commands of the Databricks CLI, to run by hand."""
    who, where = DB.grantee(user), DB.name(database)
    steps = (
        Step("Create a service principal, if there is none", principal(user, "Segment Profiles Sync")),
        Step("Let it use the SQL warehouse: small, serverless or else pro, 2 to 6 clusters", can_use(user, warehouse)),
        Step("Create a catalog", commands=(sql(f"CREATE CATALOG IF NOT EXISTS {where}"),)),
        Step(
            "Let the service principal fill the catalog; what it creates is its own",
            commands=(sql(f"GRANT {RIGHTS}, {STAGING} ON CATALOG {where} TO {who}"), *_schema(database, schema)),
        ),
        Step(addresses.title(egress), _allowlist(egress)),
    )
    return Script(
        "Databricks for Profiles Sync. It may be run again; what is there stays.",
        "--",
        ("Run it as an admin of the metastore, in a workspace with Unity Catalog.",),
        (),
        steps,
    )


def grants(*, user: str, database: str) -> Mapping[Right, str]:
    """What an admin runs to give the service principal one right, in the whole catalog."""
    to = f"ON CATALOG {DB.name(database)} TO {DB.name(user)};"
    return spread(
        connect=f"GRANT USE CATALOG, USE SCHEMA {to}",
        create_schema=f"GRANT CREATE SCHEMA {to}",
        create_table=f"GRANT CREATE TABLE, MODIFY {to}",
        rows=f"GRANT MODIFY, SELECT {to}",
        staging=f"GRANT {STAGING} {to}",
    )


def principal(user: str, name: str) -> tuple[str, ...]:
    """How to make a service principal; its secret is shown once, by Databricks."""
    body = json.dumps({"displayName": name, "entitlements": [{"value": "databricks-sql-access"}]})
    made = f"databricks service-principals create --json {shlex.quote(body)}"
    secret = "An OAuth secret, which is shown once: Settings > Identity and access > Service principals > Secrets."
    if user == CLIENT_ID:
        return (made, "Print this again with the applicationId that it answers: --user APPLICATION_ID.", secret)
    return (made, secret)


def can_use(user: str, warehouse: str) -> tuple[str, ...]:
    """The permission that is none of Unity Catalog's."""
    grant = {"service_principal_name": checked(user), "permission_level": "CAN_USE"}
    body = shlex.quote(json.dumps({"access_control_list": [grant]}))
    return (f"databricks permissions update warehouses {shlex.quote(checked(warehouse))} --json {body}",)


def _schema(database: str, schema: str | None) -> tuple[Command, ...]:
    return () if schema is None else (sql(f"CREATE SCHEMA IF NOT EXISTS {DB.name(database, schema)}"),)


def _allowlist(egress: Sequence[str]) -> tuple[str, ...]:
    if not egress:
        return addresses.NONE
    body = {"label": "profiles-sync", "list_type": "ALLOW", "ip_addresses": list(egress)}
    return (
        "Only where IP access lists are on. A first list shuts out everybody who is not on it.",
        f"databricks ip-access-lists create --json {shlex.quote(json.dumps(body))}",
    )
