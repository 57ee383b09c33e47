"""What keeps other sites out: on loopback, any page in a browser could otherwise send requests here.

A form carries a token that only a page of ours can know; the host of a request is one of ours, so that a name that
suddenly leads to this machine does not; and the answer's headers let no page load or be loaded by anything else.
Source: OWASP, "Cross-Site Request Forgery Prevention", "HTTP Security Response Headers".
"""

import hmac
import logging
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from urllib.parse import quote

from fastapi import Request, Response
from fastapi.responses import PlainTextResponse, RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from profiles_sync.lake.faults import explained

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
HEADERS = {
    "Content-Security-Policy": "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_log = logging.getLogger(__name__)
_COOKIE = "profiles_sync"
_FORM = "application/x-www-form-urlencoded"
_LONGEST = 1 << 20  # bytes of a form; it is read before anybody knows whose it is
Next = Callable[[Request], Awaitable[Response]]


class Below:
    """Around the application: it has a folder of its own at a proxy, whether that leaves it in the path or not."""

    def __init__(self, app: ASGIApp, root_path: str = "") -> None:
        self._app, self._root = app, root_path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in as one below that folder."""
        if self._root and scope["type"] == "http":
            path = scope["path"]
            is_there = path == self._root or path.startswith(f"{self._root}/")
            scope = {**scope, "root_path": self._root, "path": path if is_there else f"{self._root}{path}"}
        await self._app(scope, receive, send)


@dataclass(frozen=True)
class Safety:
    """Around every request.

    Attributes:
        who: Tells who asks.
        hosts: That a request may be for, without a port; None for any, where everybody logs in.
        failed: Answers where a page broke, without a word of the error's own.
        key: Of the tokens; one for each process.
    """

    who: Callable[[Request], str | None]
    failed: Callable[[Request, Exception], Response]
    hosts: tuple[str, ...] | None = LOOPBACK
    key: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)

    async def __call__(self, request: Request, go_on: Next) -> Response:
        """Let it through, or say why not."""
        if self.hosts is not None and _host(request) not in self.hosts:
            return _refused(
                421, "this console is not at that address; `console.hosts` in the settings says where it is"
            )
        browser = request.cookies.get(_COOKIE) or secrets.token_urlsafe(24)
        request.state.who = self.who(request) or ""
        request.state.csrf = hmac.digest(self.key, f"{browser} {request.state.who}".encode(), "sha256").hex()
        if request.method not in ("GET", "HEAD"):
            if _is_long(request):
                return _refused(413, "the form is too long, or does not say how long it is")
            if not await _is_ours(request):
                return _refused(403, "the form is not one of this console's, or too old; go back, load the page anew")
        try:
            found = await go_on(request) if self._may_see(request) else _to_login(request)
        except Exception as error:
            _log.error("%s", explained(error))  # its own text may quote people's data
            _log.debug("console", exc_info=True)
            found = self.failed(request, error)
        found.headers.update(HEADERS)
        if not path_of(request).startswith("/static/"):
            found.headers["Cache-Control"] = "no-store"
        if _COOKIE not in request.cookies:
            found.set_cookie(_COOKIE, browser, httponly=True, samesite="strict", secure=is_secure(request))
        return found

    def _may_see(self, request: Request) -> bool:
        """Who has not logged in sees how to, and nothing else."""
        return bool(request.state.who) or path_of(request) == "/login" or path_of(request).startswith("/static/")


def root_of(request: Request) -> str:
    """What a proxy puts before every path of ours."""
    return str(request.scope.get("root_path", "")).rstrip("/")


def path_of(request: Request) -> str:
    """The path of a page, without what a proxy puts before it."""
    return str(request.scope["path"]).removeprefix(root_of(request))


def is_secure(request: Request) -> bool:
    """Whether the browser came by TLS, to here or to a proxy before us."""
    return "https" in (request.url.scheme, request.headers.get("x-forwarded-proto"))


def _to_login(request: Request) -> Response:
    if request.method != "GET":
        return _refused(401, "nobody is logged in")
    query = f"?{request.url.query}" if request.url.query else ""
    then = quote(f"{path_of(request)}{query}", safe="/")
    return RedirectResponse(f"{root_of(request)}/login?then={then}", 303)


def _is_long(request: Request) -> bool:
    """Whether a body is longer than any form of ours; browsers tell how long theirs are."""
    told = request.headers.get("content-length", "0")
    return "transfer-encoding" in request.headers or not told.isdecimal() or int(told[:9]) > _LONGEST


async def _is_ours(request: Request) -> bool:
    """Whether the form has this browser's token; other kinds of bodies are never asked for."""
    if not request.headers.get("content-type", "").startswith(_FORM):
        return False
    await request.body()  # kept, so that the page can read it too
    sent = (await request.form()).get("csrf", "")
    return hmac.compare_digest(str(sent).encode(), str(request.state.csrf).encode())


def _host(request: Request) -> str:
    host = request.headers.get("host", "")
    return host if host.endswith("]") else host.rpartition(":")[0] or host


def _refused(status: int, why: str) -> Response:
    return PlainTextResponse(f"{why}\n", status, headers=HEADERS)
