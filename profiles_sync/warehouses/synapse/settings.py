"""The connection fields of a dedicated SQL pool, and the storage account through which rows come."""

from typing import Literal

from pydantic import Field, SecretStr

from profiles_sync.warehouses.declared import Declared

_SUFFIX = ".database.windows.net"


class SynapseSettings(Declared):
    """Connection fields. The storage account is read with the managed identity of the pool's server.

    It is written with the credentials that the usual Azure chain finds; no key stands in a statement.
    """

    type: Literal["synapse"]
    server: str = Field(min_length=1)
    port: int = Field(default=1433, ge=1, le=65535)
    database: str = Field(min_length=1)
    username: str = Field(min_length=1)
    password: SecretStr
    connect_timeout: int = Field(default=30, ge=2)
    statement_timeout: int = Field(default=3600, ge=1)
    storage_account: str = Field(min_length=3)
    storage_container: str = Field(min_length=3)
    storage_prefix: str = "profiles-sync"

    @property
    def host(self) -> str:
        """The server's full name; one without a dot is that of a server in Azure."""
        return self.server if "." in self.server else f"{self.server}{_SUFFIX}"
