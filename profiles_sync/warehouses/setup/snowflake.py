"""Snowflake: a virtual warehouse, a database, a role and a user with a key pair.

Source: Segment, "Snowflake Destination"; Snowflake documentation, "Key-pair authentication", "CREATE NETWORK POLICY".
"""

import shlex
from collections.abc import Mapping, Sequence

from profiles_sync.warehouses.setup import addresses
from profiles_sync.warehouses.setup.names import SNOWFLAKE as SF
from profiles_sync.warehouses.setup.rights import Right, spread
from profiles_sync.warehouses.setup.script import Command, Script, Step, sql

KEY = (
    "It logs in by a key pair, and has no password. Make the pair first, with a passphrase if you like:",
    "  openssl genrsa 2048 | openssl pkcs8 -topk8 -v2 aes256 -inform PEM -out rsa_key.p8",
    "  openssl rsa -in rsa_key.p8 -pubout -out rsa_key.pub",
    "Then put the lines of rsa_key.pub here, without the first and the last one.",
)

BOUND = (
    "A few rows go with a statement, as bound values. For seven days the function BIND_VALUES tells them to this user",
    "and to who may monitor or operate the virtual warehouse. Set bound_rows: false in the settings and no row is",
    "bound; or have nobody told, whatever runs in the account:",
    "  ALTER ACCOUNT SET ALLOW_BIND_VALUES_ACCESS = FALSE",
)


def script(
    *,
    user: str = "SEGMENT_USER",
    database: str = "SEGMENT_EVENTS",
    schema: str | None = None,
    warehouse: str = "SEGMENT_WAREHOUSE",
    role: str = "SEGMENT",
    egress: Sequence[str] = (),
) -> Script:
    """The set-up, for a worksheet, SnowSQL or Snowflake CLI."""
    who, where, compute, acts_as = SF.grantee(user), SF.name(database), SF.name(warehouse), SF.grantee(role)
    rights = f"USAGE, CREATE SCHEMA ON DATABASE {where}"
    steps = (
        Step("Create a virtual warehouse", commands=(create_warehouse(warehouse),)),
        Step("Create a database", commands=(sql(f"CREATE DATABASE IF NOT EXISTS {where}"),)),
        Step(
            "Create a role",
            commands=(
                sql(f"CREATE ROLE IF NOT EXISTS {acts_as}"),
                sql(f"GRANT USAGE ON WAREHOUSE {compute} TO ROLE {acts_as}"),
                sql(f"GRANT {rights} TO ROLE {acts_as}"),
                *_schema(acts_as, database, schema),
            ),
        ),
        Step("Create a user", KEY, create_user(user, role, warehouse)),
        Step("Keep the values of rows out of the query history", BOUND, ()),
        Step(addresses.title(egress), _allowlist_notes(egress), _allowlist(user, who, egress)),
        Step("Test the user and its key", _test(user, database, warehouse)),
    )
    return Script(
        "Snowflake for Profiles Sync. It may be run again; what is there stays.",
        "--",
        ("Run it with the role ACCOUNTADMIN, or one that may create warehouses, databases, roles and users.",),
        (),
        steps,
    )


def grants(*, database: str, schema: str, warehouse: str, role: str = "SEGMENT") -> Mapping[Right, str]:
    """What an admin runs to give the role one right."""
    to, where, inside = f"TO ROLE {SF.grantee(role)}", SF.name(database), SF.name(database, schema)
    return spread(
        connect=f"GRANT USAGE ON WAREHOUSE {SF.name(warehouse)} {to}; GRANT USAGE ON DATABASE {where} {to};",
        create_schema=f"GRANT CREATE SCHEMA ON DATABASE {where} {to};",
        create_table=f"GRANT ALL PRIVILEGES ON SCHEMA {inside} {to};",
        rows=f"GRANT ALL PRIVILEGES ON ALL TABLES IN SCHEMA {inside} {to};",
    )


def create_warehouse(warehouse: str) -> Command:
    """The smallest size, and asleep when it has nothing to do."""
    return sql(
        f"CREATE WAREHOUSE IF NOT EXISTS {SF.name(warehouse)} WITH WAREHOUSE_SIZE = 'XSMALL' "
        "WAREHOUSE_TYPE = 'STANDARD' AUTO_SUSPEND = 600 AUTO_RESUME = TRUE INITIALLY_SUSPENDED = TRUE"
    )


def create_user(user: str, role: str, warehouse: str) -> tuple[Command, ...]:
    """A user for a program: one that can have no password."""
    who, acts_as = SF.grantee(user), SF.grantee(role)
    return (
        sql("SET segment_public_key = 'PUBLIC KEY'"),
        sql(
            f"CREATE USER IF NOT EXISTS {who} TYPE = SERVICE DEFAULT_ROLE = {acts_as} "
            f"DEFAULT_WAREHOUSE = {SF.name(warehouse)}"
        ),
        sql(f"ALTER USER {who} SET RSA_PUBLIC_KEY = $segment_public_key"),
        sql(f"GRANT ROLE {acts_as} TO USER {who}"),
    )


def _schema(acts_as: str, database: str, schema: str | None) -> tuple[Command, ...]:
    if schema is None:
        return ()
    inside = SF.name(database, schema)
    return (
        sql(f"CREATE SCHEMA IF NOT EXISTS {inside}"),
        sql(f"GRANT ALL PRIVILEGES ON SCHEMA {inside} TO ROLE {acts_as}"),
        sql(f"GRANT ALL PRIVILEGES ON ALL TABLES IN SCHEMA {inside} TO ROLE {acts_as}"),
    )


def _allowlist(user: str, who: str, egress: Sequence[str]) -> tuple[Command, ...]:
    """A policy of the user's own stands above the account's, and shuts nobody else out."""
    listed = ", ".join(SF.text(one) for one in addresses.v4(egress))
    if not listed:
        return ()
    policy = SF.name(f"{SF.plain(user)}_ADDRESSES")
    return (
        sql(f"CREATE NETWORK POLICY IF NOT EXISTS {policy} ALLOWED_IP_LIST = ({listed})"),
        sql(f"ALTER NETWORK POLICY {policy} SET ALLOWED_IP_LIST = ({listed})"),
        sql(f"ALTER USER {who} SET NETWORK_POLICY = {policy}"),
    )


def _allowlist_notes(egress: Sequence[str]) -> tuple[str, ...]:
    if not egress:
        return addresses.NONE
    skipped = addresses.v6(egress)
    rule = (f"A policy's list takes IPv4 only; a network rule is needed for {', '.join(skipped)}.",) if skipped else ()
    return ("A network policy for this user alone; it stands above the account's.", *rule)


def _test(user: str, database: str, warehouse: str) -> tuple[str, ...]:
    names = " ".join(
        f"{flag} {shlex.quote(SF.plain(name))}" for flag, name in (("-u", user), ("-d", database), ("-w", warehouse))
    )
    return (f"snowsql -a ACCOUNT {names} --private-key-path rsa_key.p8 -q 'SELECT CURRENT_ROLE()'",)
