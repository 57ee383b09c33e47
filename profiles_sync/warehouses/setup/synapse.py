"""Azure Synapse: a dedicated SQL pool, a login on its server, and a user that controls the pool.

Source: Segment, "Azure Synapse Analytics Destination"; Microsoft documentation, "sqlcmd", "sp_set_firewall_rule",
"az synapse workspace firewall-rule".
"""

import shlex
from collections.abc import Mapping, Sequence

from profiles_sync.warehouses.setup import addresses, storage
from profiles_sync.warehouses.setup.names import SYNAPSE as AZ
from profiles_sync.warehouses.setup.rights import Right
from profiles_sync.warehouses.setup.script import Command, Script, Step

_PASSWORD = "$(SEGMENT_PASSWORD)"


def script(
    *,
    user: str = "Segment",
    database: str = "segment",
    schema: str | None = None,
    storage_account: str = "STORAGE_ACCOUNT",
    storage_container: str = "STORAGE_CONTAINER",
    egress: Sequence[str] = (),
) -> Script:
    """The set-up, for sqlcmd, which puts the environment's SEGMENT_PASSWORD where its name stands."""
    who, where = AZ.grantee(user), AZ.name(database)
    steps = (
        Step("Sign up for an Azure subscription"),
        Step("Provision a dedicated SQL pool", _pool(database)),
        Step(
            "In the database master: create a login",
            (
                "There is no IF NOT EXISTS for it: if it is there, an error says so and the rest goes on.",
                "In the variable, write every ' of the password twice.",
            ),
            _batch(f"CREATE LOGIN {who} WITH PASSWORD = '{_PASSWORD}'"),
        ),
        Step(f"In the database master: {addresses.title(egress)}", _allowlist_notes(egress), _allowlist(egress)),
        Step(
            f"In the pool {where}: create a master key, which encrypts the credentials of the staging storage",
            commands=_batch(
                "IF NOT EXISTS (SELECT 1 FROM sys.symmetric_keys WHERE name = N'##MS_DatabaseMasterKey##') "
                "CREATE MASTER KEY"
            ),
        ),
        Step(
            f"In the pool {where}: create a user that controls the pool, with memory enough for bulk loads",
            commands=(
                *_batch(
                    f"IF NOT EXISTS (SELECT 1 FROM sys.database_principals WHERE name = {AZ.text(user)}) "
                    f"CREATE USER {who} FOR LOGIN {who}"
                ),
                *_batch(f"GRANT CONTROL ON DATABASE::{where} TO {who}"),
                *_batch(f"EXEC sp_addrolemember N'largerc', {AZ.text(user)}"),
                *_schema(schema),
            ),
        ),
        Step(
            "Let the sync write the container that rows wait in, and the pool read it",
            _storage(storage_account, storage_container),
        ),
    )
    return Script("Azure Synapse for Profiles Sync.", "--", _run(database), (), steps)


def grants(*, user: str, database: str) -> Mapping[Right, str]:
    """What an admin runs, connected to the pool, to give the user one right: one grant gives all."""
    return dict.fromkeys(Right, f"GRANT CONTROL ON DATABASE::{AZ.name(database)} TO {AZ.grantee(user)};")


def _run(database: str) -> tuple[str, ...]:
    server = "sqlcmd -I -S SERVER -U ADMIN"
    return (
        "A connection is to one database and cannot change it, so run it in two parts, as the server's admin,",
        "with the new user's password in SEGMENT_PASSWORD; sqlcmd asks for the admin's.",
        f"Steps 3 and 4: {server} -d master -i FIRST_PART",
        f"Steps 5 and 6: {server} -d {shlex.quote(database)} -i SECOND_PART",
        "SERVER is WORKSPACE.sql.azuresynapse.net, or NAME.database.windows.net for a pool without a workspace.",
        "Steps 2 and 7 are commands of az, to look at and run by hand.",
    )


def _pool(database: str) -> tuple[str, ...]:
    return (
        f"az synapse sql pool create --name {shlex.quote(database)} --performance-level DW200c \\",
        "  --workspace-name WORKSPACE --resource-group RESOURCE_GROUP",
    )


def _storage(account: str, name: str) -> tuple[str, ...]:
    return (
        "SYNC_IDENTITY is what the sync runs as: a managed identity or a service principal, by its client ID.",
        "POOL_IDENTITY is the managed identity of the pool's workspace, which COPY INTO reads with:",
        "az synapse workspace show --name WORKSPACE --resource-group RESOURCE_GROUP --query identity.principalId",
        "For a pool on a server without a workspace, it is that of the server: az sql server update --assign-identity.",
        storage.container(account, name),
        storage.container_role(storage.CONTRIBUTOR, storage.SYNC, account, name),
        storage.container_role(storage.READER, storage.POOL, account, name),
    )


def _batch(statement: str) -> tuple[Command, ...]:
    """A statement alone in its batch, as CREATE LOGIN and CREATE SCHEMA ask for."""
    return (Command(f"{statement};\nGO", statement),)


def _schema(schema: str | None) -> tuple[Command, ...]:
    if schema is None:
        return ()
    create = f"CREATE SCHEMA {AZ.name(schema)}"
    return _batch(f"IF SCHEMA_ID({AZ.text(schema)}) IS NULL EXEC ({AZ.text(create)})")


def _allowlist(egress: Sequence[str]) -> tuple[Command, ...]:
    rules = enumerate(addresses.ranges(egress), 1)
    return tuple(
        one
        for number, (first, last) in rules
        for one in _batch(f"EXEC sp_set_firewall_rule N'profiles-sync {number}', '{first}', '{last}'")
    )


def _allowlist_notes(egress: Sequence[str]) -> tuple[str, ...]:
    if not egress:
        return addresses.NONE
    skipped = addresses.v6(egress)
    v4 = (f"The server's firewall takes IPv4 only, so not {', '.join(skipped)}.",) if skipped else ()
    made = "az synapse workspace firewall-rule create --workspace-name WORKSPACE --resource-group RESOURCE_GROUP"
    rules = [
        f"{made} --name profiles-sync-{number} --start-ip-address {first} --end-ip-address {last}"
        for number, (first, last) in enumerate(addresses.ranges(egress), 1)
    ]
    return (*v4, "A pool in a workspace has the workspace's firewall; there it is this instead:", *rules)
