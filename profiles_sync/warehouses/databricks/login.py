"""OAuth for service principals: a token for client ID and secret, anew before it ends.

Source: Databricks documentation, "Authorize service principal access to Databricks with OAuth".
"""

import base64
import json
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock

from profiles_sync.errors import WarehouseRefused, WarehouseUnreachable

_EARLY = 120  # seconds before its end that a token is not used any more


@dataclass
class ServicePrincipal:
    """What the connector calls a credentials provider.

    Attributes:
        url: Of the workspace.
        client_id: Of the service principal.
        client_secret: Its OAuth secret.
        timeout: For an answer, in seconds.
    """

    url: str
    client_id: str
    client_secret: str = field(repr=False)
    timeout: float = 30
    _token: str = field(default="", repr=False)
    _until: float = 0
    _lock: Lock = field(default_factory=Lock, repr=False, compare=False)

    def auth_type(self) -> str:
        """The name of the way."""
        return "oauth-m2m"

    def __call__(self, *_: object, **__: object) -> Callable[[], dict[str, str]]:
        """What makes a request's headers."""
        return self.headers

    def headers(self) -> dict[str, str]:
        """Of one request.

        Raises:
            WarehouseRefused: ID and secret are not taken.
            WarehouseUnreachable: Nobody answers.
        """
        with self._lock:
            if time.monotonic() > self._until:
                self._token, seconds = self._fetched()
                self._until = time.monotonic() + seconds - _EARLY
        return {"Authorization": f"Bearer {self._token}"}

    def _fetched(self) -> tuple[str, float]:
        pair = base64.b64encode(f"{self.client_id}:{self.client_secret}".encode()).decode()
        asked = urllib.request.Request(
            f"{self.url}/oidc/v1/token",
            urllib.parse.urlencode({"grant_type": "client_credentials", "scope": "all-apis"}).encode(),
            {"Authorization": f"Basic {pair}", "Content-Type": "application/x-www-form-urlencoded"},
        )
        try:
            with urllib.request.urlopen(asked, timeout=self.timeout) as answer:
                told = json.load(answer)
                return str(told["access_token"]), float(told.get("expires_in", 3600))
        except urllib.error.HTTPError as error:
            if error.code in (400, 401, 403):
                raise WarehouseRefused(
                    f"{self.url} does not take client_id and client_secret (HTTP {error.code}, invalid_client)"
                ) from None
            raise WarehouseUnreachable(f"{self.url} gives no token (HTTP {error.code})") from None
        except (OSError, ValueError, KeyError) as error:
            reason = getattr(error, "reason", None) or type(error).__name__
            raise WarehouseUnreachable(f"{self.url} gives no token: {reason}") from None
