"""Postgres: a user of its own, and a database it may make schemas in.

Source: Segment, "Postgres Warehouse Destination"; PostgreSQL documentation, "GRANT", "The pg_hba.conf File".
"""

from collections.abc import Mapping, Sequence

from profiles_sync.warehouses.base import INTERNAL
from profiles_sync.warehouses.setup import addresses, psql
from profiles_sync.warehouses.setup.names import POSTGRES as PG
from profiles_sync.warehouses.setup.rights import Right, spread
from profiles_sync.warehouses.setup.script import Script, Step, sql


def script(
    *, user: str = "segment", database: str = "segment", schema: str | None = None, egress: Sequence[str] = ()
) -> Script:
    """The set-up, for psql."""
    who, where = PG.grantee(user), PG.name(database)
    is_new = f"SELECT COUNT(*) = 0 AS is_new FROM pg_roles WHERE rolname = {PG.text(user)}"
    steps = (
        Step(
            "Create a user for Profiles Sync; psql asks for its password",
            commands=psql.unless(is_new, sql(f"CREATE ROLE {who} LOGIN"), psql.ask_password(who)),
        ),
        Step("Create a database", commands=psql.create_database(PG, database)),
        Step(
            "Let the user connect and create its schemas; what it creates is its own",
            commands=(sql(f"GRANT CONNECT, CREATE, TEMPORARY ON DATABASE {where} TO {who}"),),
        ),
        *psql.open_schema(PG, user, database, schema),
        Step(addresses.title(egress), _allowlist(who, where, egress)),
    )
    return Script(
        "Postgres for Profiles Sync. It may be run again; what is there stays.",
        "--",
        ("Run it as an admin: psql -X -h HOST -U ADMIN -d postgres -f THIS_FILE",),
        (psql.STOP,),
        steps,
    )


def grants(*, user: str, database: str, schema: str) -> Mapping[Right, str]:
    """What an admin runs, connected to the database, to give the user one right."""
    who, where, inside = PG.grantee(user), PG.name(database), f"{PG.name(schema)}, {PG.name(INTERNAL)}"
    return spread(
        connect=f"GRANT CONNECT, TEMPORARY ON DATABASE {where} TO {who};",
        create_schema=f"GRANT CREATE ON DATABASE {where} TO {who};",
        create_table=f"GRANT USAGE, CREATE ON SCHEMA {inside} TO {who};",
        rows=f"GRANT ALL PRIVILEGES ON ALL TABLES IN SCHEMA {inside} TO {who};",
        staging=f"GRANT TEMPORARY ON DATABASE {where} TO {who};",
    )


def _allowlist(who: str, where: str, egress: Sequence[str]) -> tuple[str, ...]:
    if not egress:
        return addresses.NONE
    return (
        "On a server of your own, in pg_hba.conf; then SELECT pg_reload_conf():",
        *(f"  hostssl {where} {who} {one} scram-sha-256" for one in egress),
        "On RDS, in the security group of the instance, which has to be publicly accessible:",
        *(f"  {command}" for command in addresses.security_group(egress, 5432)),
    )
