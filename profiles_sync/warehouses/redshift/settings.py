"""The connection fields of a Redshift cluster, and the bucket through which rows come."""

import re
from typing import Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_core import PydanticCustomError

from profiles_sync.warehouses.declared import Declared

_ROLE = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]+")


class RedshiftSettings(Declared):
    """Connection fields. `iam_role` is what the cluster reads the bucket with; keys never stand in a statement.

    The bucket is written with the credentials that the usual AWS chain finds.
    """

    type: Literal["redshift"]
    host: str = Field(min_length=1)
    port: int = Field(default=5439, ge=1, le=65535)
    database: str = Field(min_length=1)
    username: str = Field(min_length=1)
    password: SecretStr
    sslmode: Literal["disable", "verify-ca", "verify-full"] = "verify-ca"
    connect_timeout: int = Field(default=10, ge=2)
    statement_timeout: int = Field(default=3600, ge=1)
    s3_bucket: str = Field(min_length=3)
    s3_prefix: str = "profiles-sync"
    s3_region: str | None = None
    iam_role: str = "default"
    query_group: str = Field(default="segment", min_length=1)

    @field_validator("iam_role")
    @classmethod
    def _is_role(cls, role: str) -> str:
        if role != "default" and not _ROLE.fullmatch(role):
            raise PydanticCustomError("iam_role", "expected `default` or arn:aws:iam::ACCOUNT:role/NAME")
        return role
