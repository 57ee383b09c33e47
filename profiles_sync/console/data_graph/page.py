"""The pages of the Data Graph: what a warehouse lacks, what an admin runs there, what the linked user may do."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse

from profiles_sync import data_graph
from profiles_sync.console.data_graph.standing import FILES, NAMES, WHO, Standing, names_of, script, standings
from profiles_sync.console.frame import Here, Looking
from profiles_sync.control.credentials import secret_fields
from profiles_sync.control.policy import Right
from profiles_sync.errors import ProfilesSyncError, SettingsError
from profiles_sync.sync import linking
from profiles_sync.sync.prerequisites import prerequisites_of

router = APIRouter(prefix="/data-graph")


@router.get("", name="data_graph")
def every(here: Looking) -> HTMLResponse:
    """Each warehouse that the Data Graph can use; connects to none."""
    here.ask(Right.SEE, "console data graph")
    return here.page(
        "data_graph/every.html", standings=standings(here.settings, here.lake), kinds=list(data_graph.SCRIPTS)
    )


@router.get("/{name}", name="data_graph_of")
def one(here: Looking, request: Request, name: str) -> HTMLResponse:
    """Prerequisites, and the SQL with the names that are asked for."""
    here.ask(Right.SEE, f"console data graph {name}")
    return _page(here, name, dict(request.query_params))


@router.post("/{name}/prerequisites", name="data_graph_prerequisites")
def prerequisites(here: Looking, name: str) -> HTMLResponse:
    """Look into the warehouse which tables are there."""
    here.ask(Right.SEE, f"data-graph prerequisites {name}")
    try:
        return _page(here, name, {}, lacking=prerequisites_of(here.settings, name, here.who), is_looked=True)
    except SettingsError:
        raise
    except ProfilesSyncError as error:
        return _page(here, name, {}, 400, looked_error=str(error))


@router.post("/{name}/connect", name="data_graph_connect")
async def connect(here: Looking, request: Request, name: str) -> HTMLResponse:
    """Test the Data Graph's own connection, and keep it where that goes well."""
    form = await request.form()
    return await run_in_threadpool(_connect, here, name, {key: str(value) for key, value in form.items()})


def _connect(here: Here, name: str, form: dict[str, str]) -> HTMLResponse:
    here.ask(Right.CHANGE, f"data-graph connect {name}")
    fields = {key: form[key].strip() for key in _fields(here, _standing(here, name)) if form.get(key, "").strip()}
    try:
        found = linking.connect(here.settings, name, fields, form.get("password") or None, here.who)
    except ProfilesSyncError as error:
        return _page(here, name, {}, 400, trial_error=str(error))
    return _page(here, name, {}, trial=found, what="Connected" if found.ok else "Not connected")


@router.post("/{name}/validate", name="data_graph_validate")
def validate(here: Looking, name: str) -> HTMLResponse:
    """Try what the linked user may do, and tell what the Data Graph lacks."""
    here.ask(Right.CHANGE, f"data-graph validate {name}")
    try:
        found = linking.validate(here.settings, name, here.who)
    except ProfilesSyncError as error:
        return _page(here, name, {}, 400, trial_error=str(error))
    what = "All is as it should be" if found.ok else "Not all is as it should be"
    return _page(here, name, {}, trial=found.trial, lacking=found.lacking, is_looked=True, what=what)


def _page(here: Here, name: str, given: dict[str, str], status: int = 200, **more: object) -> HTMLResponse:
    standing = _standing(here, name)
    schema = here.settings.schema_name
    try:
        text, wrong = script(standing, schema, *_given(given)), ""
    except SettingsError as error:
        text, wrong, status = "", str(error), 400
    shown: dict[str, Any] = {
        "text": text,
        "wrong": wrong,
        "names": names_of(standing, schema),
        "labels": NAMES,
        "given": given,
    }
    shown |= {"fields": _fields(here, standing), "secrets": secret_fields(standing.kind)}
    may_change = here.may(Right.CHANGE)
    return here.page("data_graph/one.html", status, standing=standing, may_change=may_change, **shown, **more)


def _given(asked: dict[str, str]) -> tuple[dict[str, str], str, bool]:
    names = {key: value for key, value in asked.items() if key in NAMES}
    return names, asked.get("schemas", ""), "existing_reverse_etl" in asked


def _standing(here: Here, name: str) -> Standing:
    for one in standings(here.settings, here.lake):
        if one.warehouse.name == name:
            return one
    raise SettingsError(f"there is no warehouse {name!r} that the Data Graph can use")


def _fields(here: Here, standing: Standing) -> list[str]:
    """What differs from the sync's connection: who it is, and the database for bookkeeping.

    Files of this machine may only be named by whose machine it is.
    """
    who = [one for one in WHO[standing.kind] if here.is_own or one not in FILES]
    return [*who, "profiles_database", "profiles_schema"]
