"""The wizard: choose a kind, set it up there, connect to it, choose what is synced; an Admin enables it then.

What is kept between the pages is the warehouse itself, so that somebody may go on another day.
"""

import inspect

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from profiles_sync.console.frame import Here, Looking
from profiles_sync.console.settings.form import Sent, check_typed, fields, given, kinds, secret_of
from profiles_sync.control.policy import Right
from profiles_sync.errors import ProfilesSyncError, SettingsError
from profiles_sync.sync import connecting
from profiles_sync.warehouses import setup

router = APIRouter(prefix="/add-warehouse")
#: What a script calls a thing to what a connection calls it, where the two differ, by kind.
_CALLED = {
    "user": {"databricks": "client_id", "": "username"},
    "database": {"bigquery": "project", "databricks": "catalog", "": "database"},
}
_LABELS = {
    "user": "The sync's user",
    "database": "Database",
    "schema": "Schema, to make it now",
    "warehouse": "Virtual warehouse",
    "role": "Role",
    "location": "Location",
    "s3_bucket": "Bucket for staging",
    "s3_prefix": "Prefix in the bucket",
    "storage_account": "Storage account",
    "storage_container": "Container",
}


@router.get("", name="add_warehouse")
def choose(here: Looking) -> HTMLResponse:
    """The kinds."""
    here.ask(Right.CHANGE, "console add warehouse")
    return here.page("settings/add_kind.html", kinds=kinds(here))


@router.get("/{kind}", name="add_prepare")
def prepare(here: Looking, request: Request, kind: str) -> HTMLResponse:
    """What an admin runs there, with the names that are asked for."""
    here.ask(Right.CHANGE, "console add warehouse")
    _check(here, kind)
    takes = [name for name in inspect.signature(setup.SCRIPTS[kind]).parameters if name != "egress"]
    named = {name: text for name in takes if (text := request.query_params.get(name, "").strip())}
    try:
        text, wrong = setup.written(kind, setup.SCRIPTS, named, {}, here.settings.egress_addresses).text(), ""
    except SettingsError as error:
        text, wrong = "", str(error)
    return here.page(
        "settings/add_prepare.html",
        400 if wrong else 200,
        kind=kind,
        title=kinds(here)[kind][0],
        asked={name: (_LABELS[name], _default(kind, name)) for name in takes},
        named=named,
        text=text,
        wrong=wrong,
        egress=here.settings.egress_addresses,
        onward={_called(kind, name): text for name, text in named.items()},
    )


@router.get("/{kind}/connect", name="add_connect")
def ask(here: Looking, request: Request, kind: str) -> HTMLResponse:
    """The credential fields."""
    here.ask(Right.CHANGE, "console add warehouse")
    return _connect(here, kind, dict(request.query_params))


@router.post("/{kind}/connect", name="add")
def connect(here: Looking, kind: str, form: Sent) -> HTMLResponse:
    """Create it, and Test Connection; Next is offered once that went well."""
    name = str(form.get("name") or "").strip()
    here.ask(Right.CHANGE, f"warehouse add {name}")
    filled = {key: str(value) for key, value in form.items() if key != "password"}
    try:
        found, typed = given(here, kind, form)
        check_typed(here, kind, (), found, typed)
        done = connecting.add(here.settings, name, {**found, "type": kind}, typed, here.who)
    except ProfilesSyncError as error:
        return _connect(here, kind, filled, 400, wrong=str(error))
    return _connect(here, kind, filled, added=name, trial=done.trial)


def _connect(here: Here, kind: str, filled: dict[str, str], status: int = 200, **more: object) -> HTMLResponse:
    _check(here, kind)
    return here.page(
        "settings/add_connect.html",
        status,
        kind=kind,
        title=kinds(here)[kind][0],
        fields=fields(here, kind),
        secret=secret_of(kind),
        filled=filled,
        egress=here.settings.egress_addresses,
        **more,
    )


def _check(here: Here, kind: str) -> None:
    if kind not in kinds(here):
        raise SettingsError(f"there is no kind of warehouse {kind!r} to add here; there are {', '.join(kinds(here))}")


def _default(kind: str, name: str) -> str:
    found = inspect.signature(setup.SCRIPTS[kind]).parameters[name].default
    return found if isinstance(found, str) else ""


def _called(kind: str, name: str) -> str:
    names = _CALLED.get(name, {})
    return names.get(kind) or names.get("") or name
