"""Selective Sync: groups, tables and columns on and off, by pages, for there may be thousands of tables."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, Response

from profiles_sync.console.frame import Here, Looking
from profiles_sync.console.settings.form import Sent
from profiles_sync.control import history
from profiles_sync.control.log import Log
from profiles_sync.control.policy import Right
from profiles_sync.control.selecting import select, selected
from profiles_sync.control.warehouses import known
from profiles_sync.errors import ProfilesSyncError
from profiles_sync.spec.selection import TRACK_TABLES, WORDS, Selection, filled, group_of, needed

router = APIRouter()
SIZE = 50  # tables or columns on a page
_GROUPS = {
    "raw-tables": ("Profile raw tables", "the identity graph's history: what each event did to it"),
    "materialized-tables": ("Profile materialized tables", "profiles as they are now, and the views"),
    "event-type-tables": ("Event type tables", "identifies, pages, screens, groups, aliases, tracks"),
    TRACK_TABLES: ("Track event tables", "a table for each event's name, also those to come"),
}


@dataclass(frozen=True)
class Item:
    """One box: its name for `select`, how it is shown, whether it is on, and why it cannot be switched."""

    item: str
    shown: str
    on: bool
    held: str = ""


@dataclass(frozen=True)
class Boxes:
    """A page of boxes; `found` is how many there are on all pages."""

    items: Sequence[Item]
    found: int
    number: int
    pages: int


@router.get("/settings/{name}/selection", name="selection")
def selection(
    here: Looking,
    name: str,
    search: str = "",
    table: str = "",
    page: int = 1,
    saved: bool = False,
    adding: bool = False,
) -> HTMLResponse:
    """The boxes; with `table`, those of its columns."""
    here.ask(Right.SEE, f"warehouse selection {name}")
    return _page(here, name, search, table, page, saved=saved, adding=adding)


@router.post("/settings/{name}/selection", name="select")
def change(here: Looking, name: str, form: Sent) -> Response:
    """Switch what differs between the boxes that were shown and those that are ticked."""
    here.ask(Right.SELECT, f"warehouse selection {name}")
    now = _selection(here, name)
    ticked = set(map(str, form.getlist("on")))
    differ = {item for item in map(str, form.getlist("shown")) if _is_on(now, item) != (item in ticked)}
    search, table, page = (str(form.get(key) or "") for key in ("search", "table", "page"))
    at = int(page) if page.isdecimal() and len(page) < 9 else 1
    try:
        if differ:
            on, off = sorted(differ & ticked), sorted(differ - ticked)
            select(here.settings, name, on, off, here.who)
    except ProfilesSyncError as error:
        return _page(here, name, search, table, at, 409, wrong=str(error), adding=bool(form.get("adding")))
    back = here.to("selection", name=name)
    return _with(back, search=search, table=table, page=str(at), saved="1", adding=str(form.get("adding") or ""))


def _page(
    here: Here, name: str, search: str, table: str, number: int, status: int = 200, **more: object
) -> HTMLResponse:
    now, tables = _selection(here, name), here.lake.public_tables()
    table = table if table in tables else ""
    was_synced = name in history.schemas(here.lake)
    boxes = _columns(here, now, table, search) if table else _tables(now, tables, search, was_synced)
    count = len(here.lake.types(table)) if table else len(tables)  # those of all tables would take each one's log
    warnings, errors = filled(dict.fromkeys(tables, 0) | ({table: count} if table else {}))
    return here.page(
        "settings/selection.html",
        status,
        one=known(here.settings, Log.read(here.lake), name),
        name=name,
        groups=[(word, *_GROUPS[word], word not in now.off, _others(now, word, tables)) for word in WORDS],
        boxes=_some(boxes, number),
        all=count,
        search=search,
        table=table,
        was_synced=was_synced,
        warnings=warnings,
        errors=errors,
        may_select=here.may(Right.SELECT),
        **more,
    )


def _selection(here: Here, name: str) -> Selection:
    log = Log.read(here.lake)
    return selected(known(here.settings, log, name), log).selection


def _is_on(now: Selection, item: str) -> bool:
    if item in WORDS:
        return item not in now.off
    table, is_column, column = item.partition(".")
    return now.has_column(table, column) if is_column else now.has(table)


def _others(now: Selection, word: str, tables: Sequence[str]) -> int:
    """How many tables of a group are not as the group is."""
    return sum(now.has(table) is not (word not in now.off) for table in tables if group_of(table) == word)


def _tables(now: Selection, tables: Sequence[str], search: str, was_synced: bool) -> list[Item]:
    held = "" if was_synced else "can be switched after the first sync"
    found = [table for table in tables if search.strip().lower().replace(" ", "_") in table]
    return [Item(table, table, now.has(table), held if group_of(table) == TRACK_TABLES else "") for table in found]


def _columns(here: Here, now: Selection, table: str, search: str) -> list[Item]:
    fixed, asked = needed(table), search.strip().lower().replace(" ", "_")
    columns = [column for column in here.lake.types(table) if asked in column]
    why = "every sync needs it"
    return [
        Item(f"{table}.{column}", column, now.has_column(table, column), why if column in fixed else "")
        for column in columns
    ]


def _some(items: Sequence[Item], number: int) -> Boxes:
    pages = max(1, -(-len(items) // SIZE))
    number = min(max(1, number), pages)
    return Boxes(items[(number - 1) * SIZE : number * SIZE], len(items), number, pages)


def _with(found: Response, **query: str) -> Response:
    found.headers["location"] += f"?{urlencode({key: value for key, value in query.items() if value})}"
    return found
