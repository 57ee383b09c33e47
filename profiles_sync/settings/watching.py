"""Who listens to a run: logs and figures."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator
from pydantic_core import PydanticCustomError

from profiles_sync.watching.logs import Format, Level

_STRICT = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)
_LARGEST_PORT = 65_535


class LogSettings(BaseModel):
    """How the standard error is written, and the least that is told there; without a level, people get no log."""

    model_config = _STRICT
    format: Format = "text"
    level: Level | None = None


class MetricsSettings(BaseModel):
    """Where Prometheus finds the figures of a run.

    `file` is for node_exporter's textfile collector; a folder, which ends in `/`, gets a file for each space. `push` is
    a Pushgateway's URL, which may hold a user and password. `listen` is an address that `schedule` serves them at.
    """

    model_config = _STRICT
    file: str | None = Field(default=None, min_length=1)
    push: SecretStr | None = None
    listen: str | None = None
    tables: Literal["grouped", "each"] = "grouped"

    @field_validator("push")
    @classmethod
    def _is_url(cls, push: SecretStr | None) -> SecretStr | None:
        if push is not None and not push.get_secret_value().startswith(("http://", "https://")):
            raise PydanticCustomError("push", "expected the URL of a Pushgateway, such as http://127.0.0.1:9091")
        return push

    @field_validator("listen")
    @classmethod
    def _is_address(cls, listen: str | None) -> str | None:
        port = (listen or ":0").rpartition(":")[2]
        if not port.isdecimal() or int(port) > _LARGEST_PORT:
            raise PydanticCustomError("listen", "expected an address and a port, such as 127.0.0.1:9102")
        return listen

    @property
    def address(self) -> tuple[str, int] | None:
        """To serve at; a port alone is one of this machine's own."""
        if self.listen is None:
            return None
        host, _, port = self.listen.rpartition(":")
        return host.strip("[]") or "127.0.0.1", int(port)

    @property
    def is_wanted(self) -> bool:
        """Whether anybody wants the figures of a run that nothing else is known of."""
        return bool(self.file or self.push)
