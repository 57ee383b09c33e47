"""The connection fields of a Snowflake account."""

from typing import Literal, Self

from pydantic import Field, SecretStr, model_validator
from pydantic_core import PydanticCustomError

from profiles_sync.warehouses.declared import Declared


class SnowflakeSettings(Declared):
    """Connection fields. A user of the type SERVICE, as `setup-sql` makes it, logs in by a key pair only.

    `load` is `native`, by files from this process, or `connector`, by Spark's executors. `bound_rows` says whether few
    rows may go with the statement, see `inline`. `host`, `port` and `protocol` are for a private link or a stand-in; an
    account has a host of its own.
    """

    type: Literal["snowflake"]
    account: str = Field(min_length=1)
    username: str = Field(min_length=1)
    private_key_path: str | None = None
    private_key_passphrase: SecretStr | None = None
    password: SecretStr | None = None
    database: str = Field(min_length=1)
    warehouse: str = Field(min_length=1)
    role: str | None = None
    load: Literal["native", "connector"] = "native"
    bound_rows: bool = True
    host: str | None = None
    port: int = Field(default=443, ge=1, le=65535)
    protocol: Literal["https", "http"] = "https"
    connect_timeout: int = Field(default=30, ge=2)

    @model_validator(mode="after")
    def _logs_in_one_way(self) -> Self:
        if (self.private_key_path is None) == (self.password is None):
            raise PydanticCustomError("one_login", "one of private_key_path and password is needed, and only one")
        return self
