"""The page of the Syncs table, with the pane of one sync beside it."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse

from profiles_sync.console.frame import Here, Looking
from profiles_sync.console.syncs.listed import STATUSES, listed, some
from profiles_sync.control import history
from profiles_sync.control.history import Sync
from profiles_sync.control.policy import Right
from profiles_sync.control.skipped import skipped
from profiles_sync.problems import Problem

router = APIRouter()
_SKIPPED = 20  # that are shown
_TABLES = 200  # of a group that are shown, those with the most rows


@dataclass(frozen=True)
class Failure:
    """An error that some tables share, or the whole sync, which then has no tables."""

    said: str
    tables: list[str]
    error_class: str | None
    advice: str | None


@dataclass(frozen=True)
class Shown:
    """What the pane of a sync tells; `groups` are name, rows, tables with most rows, and how many more there are."""

    sync: Sync
    began: str
    groups: list[tuple[str, int, list[tuple[str, int]], int]]
    failures: list[Failure]


@router.get("/syncs", name="syncs")
def syncs(
    here: Looking,
    status: str = "",
    warehouse: str = "",
    page: Annotated[int, Query(ge=1, le=1_000_000)] = 1,
    sync: str = "",
    of: str = "",
) -> HTMLResponse:
    """The table, newest first; `sync` is the id of the run whose pane is open, `of` the warehouse in it."""
    here.ask(Right.SEE, "console syncs")
    every = listed(here)
    shown = _shown(here, sync, of) if sync else None
    return here.page(
        "syncs/syncs.html",
        404 if sync and shown is None else 200,
        found=some(every, status, warehouse, page),
        is_new=not every,
        statuses=STATUSES,
        chosen=status,
        warehouses=sorted({one.sync.warehouse for one in every if one.sync.warehouse}),
        warehouse=warehouse,
        sync=sync,
        of=of,
        shown=shown,
        skipped=[one.shown() for one in skipped(here.lake)[:_SKIPPED]],
    )


def _shown(here: Here, sync_id: str, warehouse: str) -> Shown | None:
    found = next((one for one in history.syncs(here.lake, sync_id) if (one.warehouse or "") == warehouse), None)
    if found is None:
        return None
    groups = [(group, found.groups[group], *_most(tables)) for group, tables in found.grouped.items()]
    return Shown(found, history.time_of(found.started_at), groups, _failures(found))


def _most(tables: dict[str, int]) -> tuple[list[tuple[str, int]], int]:
    by_rows = sorted(tables.items(), key=lambda one: (-one[1], one[0]))
    return by_rows[:_TABLES], max(0, len(by_rows) - _TABLES)


def _failures(one: Sync) -> list[Failure]:
    """Each error once, with the tables that it is of."""
    found = []
    if one.error:
        found.append(Failure(one.error, [], *_problem(one.problem)))
    for said in dict.fromkeys(one.errors.values()):
        of = [name for name, error in one.errors.items() if error == said]
        found.append(Failure(said, of, *_problem(one.problems.get(of[0]))))
    return found


def _problem(problem: Problem | None) -> tuple[str | None, str | None]:
    return (None, None) if problem is None else (str(problem.error_class), problem.advice)
