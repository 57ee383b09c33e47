"""Connection settings: the fields, the addresses to let in, Test Connection, and other credentials."""

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from profiles_sync.console.frame import Here, Looking
from profiles_sync.console.settings.form import Sent, check_typed, fields, given, secret_of
from profiles_sync.control.log import Log
from profiles_sync.control.policy import Right
from profiles_sync.control.warehouses import Status, known, there
from profiles_sync.errors import ProfilesSyncError
from profiles_sync.sync import connecting, modifying
from profiles_sync.sync.status import connection_of

router = APIRouter()


@router.get("/settings/{name}/connection", name="connection")
def connection(here: Looking, name: str) -> HTMLResponse:
    """The fields, secrets masked."""
    here.ask(Right.SEE, f"console settings {name}")
    return _page(here, name)


@router.post("/settings/{name}/connection/test", name="test_connection")
def test(here: Looking, name: str, form: Sent) -> HTMLResponse:
    """Test Connection, with a password that is typed or with what is kept."""
    here.ask(Right.CHANGE, f"warehouse test {name}")
    there(here.settings, Log.read(here.lake), name)
    typed = str(form.get("password") or "") or None
    try:
        found = connecting.test(here.settings, name, typed, here.who)
    except ProfilesSyncError as error:
        return _page(here, name, 400, wrong=str(error))
    told = (
        "It can be connected to, and a sync may do all that it needs." if found.trial.ok else "A sync cannot do this."
    )
    return _page(here, name, trial=found.trial, told=told)


@router.post("/settings/{name}/connection", name="modify")
def modify(here: Looking, name: str, form: Sent) -> HTMLResponse:
    """Test other connection settings, and keep them where that goes well."""
    here.ask(Right.CHANGE, f"warehouse modify {name}")
    one = there(here.settings, Log.read(here.lake), name)
    assert one.settings is not None, name
    try:
        changed, typed = given(here, one.settings.type, form)
        check_typed(here, one.settings.type, one.secrets, changed, typed)
        found = modifying.modify(here.settings, name, changed, typed, here.who)
    except ProfilesSyncError as error:
        return _page(here, name, 400, wrong=str(error))
    told = "It was tested, and is kept." if found.trial.ok else "It is not changed: mend what failed, then try again."
    return _page(here, name, trial=found.trial, told=told)


def _page(here: Here, name: str, status: int = 200, **more: object) -> HTMLResponse:
    one = known(here.settings, Log.read(here.lake), name)
    shown = connection_of(here.settings, name, here.who)
    kind = one.settings.type if one.settings else None
    return here.page(
        "settings/connection.html",
        status,
        one=one,
        name=name,
        shown={field: value for field, value in shown["connection"].items() if value not in (None, "")},
        egress=shown["egress_addresses"],
        fields=fields(here, kind) if kind else [],
        secret=secret_of(kind) if kind else None,
        may_change=here.may(Right.CHANGE) and one.status is not Status.DELETED,
        **more,
    )
