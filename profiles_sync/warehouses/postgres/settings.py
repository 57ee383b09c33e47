"""Connection fields of a Postgres database."""

import re
from typing import Literal

from pydantic import Field, SecretStr

from profiles_sync.warehouses.declared import Declared
from profiles_sync.watching import tags


class PostgresSettings(Declared):
    """Connection fields of a Postgres database. Without a password, libpq's own ways to find one hold."""

    type: Literal["postgres"]
    host: str = Field(min_length=1)
    port: int = Field(default=5432, ge=1, le=65535)
    database: str = Field(min_length=1)
    username: str = Field(min_length=1)
    password: SecretStr | None = None
    sslmode: Literal["disable", "allow", "prefer", "require", "verify-ca", "verify-full"] = "prefer"
    sslrootcert: str | None = None
    connect_timeout: int = Field(default=10, ge=2)

    @property
    def conninfo(self) -> str:
        """As libpq reads it. A server that is silent for a minute counts as gone."""
        given = {
            "host": self.host,
            "port": self.port,
            "dbname": self.database,
            "user": self.username,
            "password": self.password and self.password.get_secret_value(),
            "sslmode": self.sslmode,
            "sslrootcert": self.sslrootcert,
            "connect_timeout": self.connect_timeout,
            "client_encoding": "UTF8",
            "application_name": tags.plain(63),
            "keepalives_idle": 15,
            "keepalives_interval": 5,
            "keepalives_count": 3,
            "tcp_user_timeout": 60_000,
        }
        escaped = {key: re.sub(r"([\\'])", r"\\\1", str(value)) for key, value in given.items() if value is not None}
        return " ".join(f"{key}='{value}'" for key, value in escaped.items())
