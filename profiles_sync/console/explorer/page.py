"""The pages of the table explorer, and those of the sample queries, which an embedded warehouse answers."""

from typing import Annotated, Any

from fastapi import APIRouter, Form, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse

from profiles_sync import queries
from profiles_sync.console.explorer import tables
from profiles_sync.console.frame import Here, Looking
from profiles_sync.control.policy import Right
from profiles_sync.control.warehouses import warehouses
from profiles_sync.errors import ProfilesSyncError, SettingsError
from profiles_sync.spec import diagram
from profiles_sync.spec.reference import HEADINGS
from profiles_sync.spec.tables import QUARANTINE
from profiles_sync.sync.asking import Answer, Bounds, first_rows, written

router = APIRouter()
BOUNDS = Bounds()


@router.get("/tables", name="tables")
def every(here: Looking, search: Annotated[str, Query(max_length=255)] = "", page: int = 1) -> HTMLResponse:
    """All tables; track event tables a page at a time, for there may be thousands."""
    here.ask(Right.SEE, "console tables")
    there = here.lake.public_tables()
    return here.page(
        "explorer/tables.html",
        fixed=_in_groups(here),
        is_new=not there,
        tracks=tables.track_tables(there, search, page),
        search=search,
        diagram=diagram.svg(),
    )


@router.get("/tables/{name}", name="table")
def one(here: Looking, name: str) -> HTMLResponse:
    """A table with its columns and its size."""
    here.ask(Right.SEE, "console table")
    found = tables.explored(here.lake, name, here.remembered)
    return here.page("explorer/table.html", 404 if found is None else 200, found=found, name=name)


@router.get("/queries", name="queries")
def sample_queries(here: Looking) -> HTMLResponse:
    """The sample queries."""
    here.ask(Right.SEE, "console queries")
    return here.page("explorer/queries.html", queries=queries.library().values())


@router.get("/queries/{name}", name="query")
def query(here: Looking, name: str) -> HTMLResponse:
    """A query, what it asks for, and its text."""
    here.ask(Right.SEE, "console query")
    return _query(here, name, {}, None)


@router.post("/queries/{name}", name="run_query")
async def run_query(here: Looking, request: Request, name: str, warehouse: Annotated[str, Form()]) -> HTMLResponse:
    """Ask an embedded warehouse; what is given is in the body, for it may be about people."""
    form = await request.form()
    return await run_in_threadpool(_run, here, name, {key: str(value) for key, value in form.items()}, warehouse)


def _run(here: Here, name: str, form: dict[str, str], warehouse: str) -> HTMLResponse:
    here.ask(Right.SEE_PEOPLE, f"queries run {name}")
    given = {key: form[key] for key in queries.named(name).parameters if form.get(key, "").strip()}
    try:
        answer = first_rows(here.settings, name, given, warehouse, BOUNDS, here.who)
    except ProfilesSyncError as error:
        return _query(here, name, given, warehouse, error=str(error))
    return _query(here, name, given, warehouse, answer=answer)


def _query(
    here: Here,
    name: str,
    given: dict[str, str],
    warehouse: str | None,
    answer: Answer | None = None,
    error: str | None = None,
) -> HTMLResponse:
    found, embedded = queries.named(name), _embedded(here)
    where = warehouse or (embedded[0] if embedded else None)
    more: dict[str, Any] = {"answer": answer, "error": error, "rows": _cells(answer), "bounds": BOUNDS}
    return here.page(
        "explorer/query.html",
        400 if error else 200,
        query=found,
        given=given,
        text=_text(here, name, given, where),
        embedded=embedded,
        warehouse=where,
        may_run=here.may(Right.SEE_PEOPLE),
        **more,
    )


def _text(here: Here, name: str, given: dict[str, str], warehouse: str | None) -> str:
    """As the warehouse reads it, once all is given that it asks for; else as it stands in its file."""
    try:
        return written(here.settings, name, given, warehouse, here.who)
    except SettingsError:
        return queries.plain(queries.named(name))


def _embedded(here: Here) -> list[str]:
    found = warehouses(here.settings, here.lake).values()
    return [one.name for one in found if one.settings and one.settings.type == "duckdb"]


def _cells(answer: Answer | None) -> list[list[str]]:
    if answer is None:
        return []
    return [["" if cell is None else str(cell) for cell in row.values()] for row in answer.shown()["rows"]]


def _in_groups(here: Here) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for table, size in tables.fixed(here.lake, here.remembered):
        group = "In the lake only" if table is QUARANTINE else HEADINGS[table.group]
        found.setdefault(group, []).append((table, size))
    return found
