"""The list of warehouses, and their basic settings: enable, disable, delete; and the sync schedule."""

from typing import Any

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, Response

from profiles_sync.console.frame import Here, Looking
from profiles_sync.control import history, operating, schedule
from profiles_sync.control.log import Log
from profiles_sync.control.policy import Right
from profiles_sync.control.warehouses import Managed, Status, known
from profiles_sync.errors import ProfilesSyncError, SettingsError
from profiles_sync.sync.status import warehouses_of

router = APIRouter()
#: Action to what does it, what it makes of a warehouse, its button, and what will happen.
_ACTIONS = {
    "enable": (
        operating.enable,
        Status.ENABLED,
        "Enable",
        ("The next run syncs it, and brings everything that came since its last sync.",),
    ),
    "disable": (
        operating.disable,
        Status.DISABLED,
        "Disable",
        (
            "No sync is begun any more; one that is under way still ends.",
            "Its credentials and its Selective Sync are kept, and what was synced stays there.",
            "Once it is enabled again, it gets everything that it has missed.",
        ),
    ),
    "delete": (
        operating.delete,
        Status.DELETED,
        "Delete warehouse",
        (
            "Its credentials and its Selective Sync are erased, and the Data Graph's connection to it too.",
            "A backfill that is not completed is cancelled.",
            "What was synced stays in the warehouse; drop it there if it is not wanted.",
            "To sync to it again, add it as a new warehouse.",
        ),
    ),
}


@router.get("/settings", name="settings")
def every(here: Looking) -> HTMLResponse:
    """The warehouses; connects to none."""
    here.ask(Right.SEE, "console settings")
    return here.page(
        "settings/settings.html",
        warehouses=warehouses_of(here.settings, here.who),
        may_change=here.may(Right.CHANGE),
        **schedule_of(here),
    )


@router.get("/settings/{name}", name="basic")
def basic(here: Looking, name: str) -> HTMLResponse:
    """Where a warehouse stands, and what can be done with it."""
    here.ask(Right.SEE, f"console settings {name}")
    return here.page("settings/basic.html", **_context(here, name))


@router.get("/settings/{name}/schedule", name="schedule")
def sync_schedule(here: Looking, name: str, adding: bool = False) -> HTMLResponse:
    """When it is synced."""
    here.ask(Right.SEE, f"console settings {name}")
    context = _context(here, name) | schedule_of(here)
    return here.page("settings/schedule.html", **context, adding=adding)


@router.get("/settings/{name}/sure/{action}", name="sure")
def sure(here: Looking, name: str, action: str) -> HTMLResponse:
    """What will happen, before it does."""
    here.ask(Right.CHANGE, f"console {action} {name}")
    return _sure(here, name, action)


@router.post("/settings/{name}/sure/{action}", name="do")
def do(here: Looking, name: str, action: str) -> Response:
    """Enable, disable or delete."""
    if action not in _ACTIONS:
        raise SettingsError(f"nothing is called {action}; there are {', '.join(_ACTIONS)}")
    here.ask(Right.CHANGE, f"warehouse {action} {name}")
    known(here.settings, Log.read(here.lake), name)
    try:
        _ACTIONS[action][0](here.settings, name, here.who)
    except ProfilesSyncError as error:
        return _sure(here, name, action, str(error))
    return here.to("settings") if action == "delete" else here.to("basic", name=name)


def _sure(here: Here, name: str, action: str, wrong: str = "") -> HTMLResponse:
    context = _context(here, name)
    if action not in _ACTIONS:
        raise SettingsError(f"nothing is called {action}; there are {', '.join(_ACTIONS)}")
    _, _, button, told = _ACTIONS[action]
    one: Managed = context["one"]
    reached = "" if wrong or action in context["actions"] else f"It is {one.status}, so this cannot be done."
    more = {"action": action, "button": button, "told": told, "wrong": wrong or reached, "can": not reached}
    return here.page("settings/sure.html", 409 if wrong else 200, **context, **more)


def _context(here: Here, name: str) -> dict[str, Any]:
    one = known(here.settings, Log.read(here.lake), name)
    schema = one.opened(here.settings.schema_name) if one.settings else None
    return {
        "one": one,
        "name": name,
        "place": schema.place if schema else None,
        "schema": history.schemas(here.lake).get(name) or (schema.schema if schema else None),
        "actions": [action for action, found in _ACTIONS.items() if _fits(one, found[1])],
        "may_change": here.may(Right.CHANGE),
    }


def _fits(one: Managed, status: Status) -> bool:
    try:
        one.may_become(status)
    except ProfilesSyncError:
        return False
    return True


def schedule_of(here: Here) -> dict[str, Any]:
    """When syncs are due, who says so, and the addresses to let in."""
    running = schedule.running(here.lake)
    return {
        "every": schedule.frequency(here.settings, here.lake),
        "due": schedule.next_sync(here.settings, here.lake),
        "is_running": running is not None,
        "egress": here.settings.egress_addresses,
    }
