"""Who somebody is: by a password of the settings, by a header of a trusted proxy, or else whoever runs the console.

Sessions are signed with a key of this process, so they end with it, and after twelve hours.
Source: OWASP, "Authentication Cheat Sheet" and "Session Management Cheat Sheet".
"""

import secrets
import time
from collections import defaultdict, deque
from dataclasses import dataclass, field
from functools import cache
from threading import BoundedSemaphore, Lock

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error
from fastapi import Request
from itsdangerous import BadSignature, URLSafeTimedSerializer

from profiles_sync.control import policy
from profiles_sync.settings.console import ConsoleSettings

COOKIE = "profiles_sync_session"
SECONDS = 12 * 3600
LONGEST = 1024  # of a password; a longer one only costs time
_WINDOW = 15 * 60
_TRIES, _TRIES_OF_ADDRESS = 5, 30
_hasher = PasswordHasher()
_at_once = BoundedSemaphore(2)  # each takes 64 MiB, on purpose, and whoever asks has not logged in yet


@dataclass
class Tries:
    """Failed logins of the last quarter of an hour, by user and address, and by address. Threads may share it."""

    _at: dict[str, deque[float]] = field(default_factory=lambda: defaultdict(deque))
    _lock: Lock = field(default_factory=Lock)

    def begin(self, who: str, address: str, now: float | None = None) -> bool:
        """Whether one more may be made; it counts as failed until `done`."""
        now = time.monotonic() if now is None else now
        with self._lock:
            for name, at in list(self._at.items()):
                while at and at[0] <= now - _WINDOW:
                    at.popleft()
                if not at:
                    del self._at[name]
            limits = {f"{address} {who}": _TRIES, address: _TRIES_OF_ADDRESS}
            if any(len(self._at.get(name, ())) >= most for name, most in limits.items()):
                return False
            for name in limits:
                self._at[name].append(now)
            return True

    def done(self, who: str, address: str) -> None:
        """A login went well."""
        with self._lock:
            self._at.pop(f"{address} {who}", None)
            if self._at.get(address):
                self._at[address].pop()


class Access:
    """Tells who asks."""

    def __init__(self, settings: ConsoleSettings) -> None:
        self._settings = settings
        self._sessions = URLSafeTimedSerializer(secrets.token_bytes(32))
        self._ended: set[str] = set()
        self.tries = Tries()
        self.has_passwords = bool(settings.users)

    def __call__(self, request: Request) -> str | None:
        """Who asks; None where they have to log in."""
        if not self._settings.has_login:
            return policy.whoami()
        name, address = self._settings.trusted_header, request.client.host if request.client else None
        named = request.headers.get(name) if name and self._settings.believes(address) else None
        return named or self._of_session(request.cookies.get(COOKIE, ""))

    def is_right(self, who: str, password: str) -> bool:
        """Whether that is the user's password; takes as long for a user that is not there."""
        known = self._settings.users.get(who)
        try:
            with _at_once:
                _hasher.verify(known.get_secret_value() if known else _of_nobody(), password)
        except Argon2Error:
            return False
        return known is not None

    def session(self, who: str) -> str:
        """The value of the cookie of somebody who has logged in."""
        return self._sessions.dumps([who, secrets.token_urlsafe(12)])

    def end(self, session: str) -> None:
        """Let a session be none any more."""
        if self._of_session(session):
            self._ended.add(session)

    def _of_session(self, session: str) -> str | None:
        try:
            who = self._sessions.loads(session, max_age=SECONDS)[0]
        except BadSignature:
            return None
        return str(who) if session not in self._ended and who in self._settings.users else None


@cache
def _of_nobody() -> str:
    """What the password of a user who is not there is compared with, which takes as long."""
    return _hasher.hash(secrets.token_hex())


def hashed(password: str) -> str:
    """The hash of a password, for the settings."""
    return _hasher.hash(password)
