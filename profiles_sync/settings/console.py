"""Who may open the console, and from where."""

from ipaddress import ip_address, ip_network
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, field_validator
from pydantic_core import PydanticCustomError


def _network(address: str) -> str:
    try:
        return str(ip_network(address))
    except ValueError:
        raise PydanticCustomError("network", "not an IP address or a network such as 203.0.113.0/28") from None


class ConsoleSettings(BaseModel):
    """How people show who they are, or nothing: then the console listens on loopback only.

    Attributes:
        users: User to the hash of the password, as `profiles-sync console-password` prints it.
        trusted_header: A header in which a proxy names the user, such as X-Forwarded-Email; whoever can send requests
            from one of `proxies` is then believed. With users too, who comes without it may log in.
        proxies: From where that header is believed.
        hosts: Names that the console is asked for as, without a port, beside those of loopback.
        root_path: What stands before every path, where a proxy gives the console a folder of its own.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)
    users: dict[str, SecretStr] = {}
    trusted_header: str | None = Field(default=None, pattern=r"^[A-Za-z0-9-]+$")
    proxies: list[Annotated[str, AfterValidator(_network)]] = ["127.0.0.1/32", "::1/128"]
    hosts: list[str] = []
    root_path: str = Field(default="", pattern=r"^(/[A-Za-z0-9._~-]+)*$")

    @field_validator("users")
    @classmethod
    def _are_hashes(cls, users: dict[str, SecretStr]) -> dict[str, SecretStr]:
        if not all(one.get_secret_value().startswith("$argon2") for one in users.values()):
            raise PydanticCustomError("hash", "expected what `profiles-sync console-password` prints, not a password")
        return users

    @property
    def has_login(self) -> bool:
        """Whether anybody has to show who they are."""
        return bool(self.users or self.trusted_header)

    def believes(self, address: str | None) -> bool:
        """Whether `trusted_header` counts from an address."""
        try:
            found = ip_address(address or "")
        except ValueError:
            return False
        return any(found in ip_network(one) for one in self.proxies)
