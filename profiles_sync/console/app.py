"""The application: its pages, and how errors look."""

from collections.abc import Callable

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException

from profiles_sync.console import data_graph, explorer, identity, overview, session, settings, syncs
from profiles_sync.console.frame import FOLDER, here
from profiles_sync.console.login import Access
from profiles_sync.console.remembered import Remembered
from profiles_sync.console.safety import LOOPBACK, Below, Safety
from profiles_sync.errors import Denied, ProfilesSyncError, SettingsError
from profiles_sync.lake.faults import explained
from profiles_sync.settings import Settings

ROUTERS = (
    session.router,
    overview.router,
    syncs.router,
    identity.router,
    explorer.router,
    data_graph.router,
    settings.router,
)


def application(
    of: Settings,
    who: Callable[[Request], str | None] | None = None,
    hosts: tuple[str, ...] | None = LOOPBACK,
) -> FastAPI:
    """The console of a space.

    Args:
        of: The settings of the space.
        who: Tells who asks; else they log in as the settings say, or are whoever runs this.
        hosts: That it can be asked for as, see `safety`.
    """
    made = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    made.state.settings, made.state.remembered, made.state.access = of, Remembered(), Access(of.console)
    made.mount("/static", StaticFiles(directory=FOLDER / "static"), name="static")
    for router in ROUTERS:
        made.include_router(router)
    made.middleware("http")(Safety(who or made.state.access, _said, hosts))
    made.add_middleware(Below, root_path=of.console.root_path)
    for kind in (ProfilesSyncError, HTTPException, RequestValidationError):
        made.add_exception_handler(kind, _said)
    return made


def _said(request: Request, error: Exception) -> Response:
    """An error as a page; what nobody raised on purpose is told without its text, which may quote people's data."""
    if isinstance(error, Denied):
        return here(request).page("said.html", 403, title="You may not do this", said=str(error))
    if isinstance(error, SettingsError):
        return here(request).page("said.html", 404, title="There is no such thing", said=str(error))
    if isinstance(error, HTTPException):
        return here(request).page("said.html", error.status_code, title="There is no such page", said=error.detail)
    if isinstance(error, RequestValidationError):
        wrong = ", ".join(str(one["loc"][-1]) for one in error.errors())
        return here(request).page("said.html", 400, title="Something is missing", said=f"wrong or missing: {wrong}")
    return here(request).page("said.html", 500, title="That did not work", said=explained(error))
