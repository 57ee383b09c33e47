"""What the settings say of a Databricks warehouse."""

import os
from typing import Literal

from pydantic import Field, SecretStr, model_validator
from pydantic_core import PydanticCustomError

from profiles_sync.warehouses.declared import Declared


class DatabricksSettings(Declared):
    """Connection fields of a catalog in Unity Catalog.

    Attributes:
        catalog: Where the schemas are.
        via: `spark`: the job's own session; `sql`: a SQL warehouse; `auto`: Spark where the job runs on Databricks.
        host: Of the workspace, without `https://`; a SQL warehouse needs it, and `http_path`.
        port: Of the workspace.
        http_path: Of the SQL warehouse.
        client_id: Of a service principal, with its OAuth `client_secret`.
        client_secret: See `client_id`.
        token: A personal access token instead.
        volume: The folder for rows on their way, such as `/Volumes/main/staging/profiles`. Where it is not given, a
            volume `staging` is made in the schema `_profiles_sync`.
        start_timeout: Seconds for which a SQL warehouse that is stopped is waited for.
    """

    type: Literal["databricks"]
    catalog: str = Field(min_length=1)
    via: Literal["auto", "spark", "sql"] = "auto"
    host: str | None = Field(default=None, min_length=1)
    port: int = Field(default=443, ge=1, le=65535)
    http_path: str | None = Field(default=None, min_length=1)
    client_id: str | None = Field(default=None, min_length=1)
    client_secret: SecretStr | None = None
    token: SecretStr | None = None
    volume: str | None = Field(default=None, min_length=1)
    start_timeout: int = Field(default=600, ge=5)

    @model_validator(mode="after")
    def _has_one_login(self) -> "DatabricksSettings":
        if (self.client_id is None) != (self.client_secret is None):
            raise PydanticCustomError("half_a_login", "client_id and client_secret belong together, give both")
        if self.token is not None and self.client_id is not None:
            raise PydanticCustomError("two_logins", "a token or client_id with client_secret, not both")
        if self.via == "sql" and (missing := self.missing):
            raise PydanticCustomError("no_sql_warehouse", "via: sql needs {missing}", {"missing": missing})
        return self

    @property
    def missing(self) -> str:
        """What a SQL warehouse needs and is not given."""
        login = self.token or self.client_id
        needed = {"host": self.host, "http_path": self.http_path, "client_id and client_secret, or token": login}
        return " and ".join(name for name, value in needed.items() if not value)

    @property
    def by_spark(self) -> bool:
        """Whether the job's own Spark does it."""
        return self.via == "spark" or (self.via == "auto" and "DATABRICKS_RUNTIME_VERSION" in os.environ)
