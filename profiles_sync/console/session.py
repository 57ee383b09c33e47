"""The pages by which somebody logs in and out."""

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from profiles_sync.console.frame import Here, Looking, link
from profiles_sync.console.login import COOKIE, LONGEST, SECONDS, Access
from profiles_sync.console.safety import is_secure, root_of

router = APIRouter()


@router.get("/login", name="login")
def ask(here: Looking, then: str = "") -> HTMLResponse:
    """The form, or where somebody is to log in who cannot do it here."""
    return _form(here, then)


@router.post("/login", name="log_in")
def log_in(
    here: Looking,
    who: Annotated[str, Form(max_length=255)],
    password: Annotated[str, Form(max_length=LONGEST)],
    then: Annotated[str, Form()] = "",
) -> Response:
    """Begin a session."""
    access: Access = here.request.app.state.access
    address = here.request.client.host if here.request.client else ""
    if not access.has_passwords:
        return _form(here, then, 404)
    if not access.tries.begin(who, address):
        answer = _form(here, then, 429, "Too many logins failed. Wait a quarter of an hour, then try again.")
        answer.headers["Retry-After"] = "900"
        return answer
    if not access.is_right(who, password):
        return _form(here, then, 401, "That is not a user of this console, or not their password.")
    access.tries.done(who, address)
    found = RedirectResponse(_after(here.request, then), 303)
    found.set_cookie(
        COOKIE, access.session(who), max_age=SECONDS, httponly=True, samesite="lax", secure=is_secure(here.request)
    )
    return found


@router.post("/logout", name="log_out")
def log_out(here: Looking) -> Response:
    """End the session."""
    here.request.app.state.access.end(here.request.cookies.get(COOKIE, ""))
    found = RedirectResponse(link(here.request, "login"), 303)
    found.delete_cookie(COOKIE)
    return found


def _form(here: Here, then: str, status: int = 200, wrong: str = "") -> HTMLResponse:
    return here.page("login.html", status, then=then, wrong=wrong, can=here.request.app.state.access.has_passwords)


def _after(request: Request, then: str) -> str:
    """Where somebody wanted to go, if that is a page of ours."""
    is_ours = then.startswith("/") and not then.startswith("//") and "\\" not in then and then.isprintable()
    return f"{root_of(request)}{then}" if is_ours else str(link(request, "overview"))
