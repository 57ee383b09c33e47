"""What every page has: who asks, the space, and the templates.

To add a page: a module with a `router`, which takes `Looking` as an argument and answers with `here.page(template, …)`;
the template extends `base.html`; the router stands in `app.ROUTERS`, and where it is to be found from everywhere, its
name in `NAVIGATION`. Every page asks for the right that it takes, by `here.ask`, before it reads anything.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from fastapi.templating import Jinja2Templates
from jinja2 import Environment, FileSystemLoader, pass_context
from jinja2.runtime import Context
from starlette.datastructures import URL

from profiles_sync.console.remembered import Remembered
from profiles_sync.console.safety import path_of, root_of
from profiles_sync.control import policy
from profiles_sync.control.policy import Right
from profiles_sync.lake.base import Lake
from profiles_sync.lake.opening import readable_lake_of
from profiles_sync.settings import Settings

FOLDER = Path(__file__).parent
#: Name of a route to what stands in the navigation.
NAVIGATION = {
    "overview": "Overview",
    "syncs": "Syncs",
    "identity": "Identity graph",
    "tables": "Tables",
    "queries": "Sample queries",
    "data_graph": "Data Graph",
    "settings": "Settings",
}


def link(request: Request, name: str, /, **parts: object) -> URL:
    """The path of a page, with what a proxy puts before it; no host, for a proxy may have another one."""
    return URL(f"{root_of(request)}{request.app.url_path_for(name, **parts)}")


@pass_context
def _link(context: Context, name: str, /, **parts: object) -> URL:
    return link(context["request"], name, **parts)


_templates = Jinja2Templates(
    env=Environment(
        loader=FileSystemLoader(FOLDER / "templates"), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
)
_templates.env.globals["url_for"] = _link  # where a template asks for a link, it gets that


@dataclass(frozen=True)
class Here:
    """Around one request.

    Attributes:
        request: It.
        settings: Of the space.
        lake: Of the space, to read.
        who: Asks; "" before they have logged in.
        remembered: What was worked out before, of this lake.
    """

    request: Request
    settings: Settings
    lake: Lake
    who: str
    remembered: Remembered

    def may(self, right: Right) -> bool:
        """Whether who asks may do something; for what a page offers. What is done asks with `ask`."""
        return policy.may(self.settings, self.who, right)

    def ask(self, right: Right, what: str) -> None:
        """Go on where who asks may do it.

        Raises:
            Denied: They may not; it is in the control log.
        """
        policy.ask(self.settings, self.lake, right, what, self.who)

    @property
    def is_own(self) -> bool:
        """Whether this is the machine of the one who asks, whose files they may name in a form."""
        return not self.settings.console.has_login

    def to(self, name: str, /, **parts: object) -> RedirectResponse:
        """Go on at another page, after a form."""
        return RedirectResponse(str(link(self.request, name, **parts)), 303)

    def page(self, template: str, status: int = 200, **context: object) -> HTMLResponse:
        """A page of HTML; `csrf` is the field that a form has to send."""
        roles = " and ".join(self.settings.roles.get(self.who, ())) if self.settings.roles else ""
        field = f'<input type="hidden" name="csrf" value="{self.request.state.csrf}">'
        navigation = NAVIGATION if self.who else {}
        frame = {"here": self, "navigation": navigation, "roles": roles, "csrf": field, "at": path_of(self.request)}
        return _templates.TemplateResponse(self.request, template, {**frame, **context}, status_code=status)


def here(request: Request) -> Here:
    """The space as the application has it, and who asks."""
    state = request.app.state
    return Here(request, state.settings, readable_lake_of(state.settings), request.state.who, state.remembered)


Looking = Annotated[Here, Depends(here)]
