"""The page of the overview."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from profiles_sync.console.frame import Here, Looking
from profiles_sync.console.overview.days import Days, days_of
from profiles_sync.console.syncs.listed import Listed, listed
from profiles_sync.control import history
from profiles_sync.control.backfills import Step
from profiles_sync.control.policy import Right
from profiles_sync.control.warehouses import Managed, Status, warehouses
from profiles_sync.pipeline import batches
from profiles_sync.sync.status import overview_of

router = APIRouter()
_SUCCESS = "Success"


@dataclass(frozen=True)
class Standing:
    """Where a warehouse stands.

    Attributes:
        managed: It.
        schema: Its schema there.
        now: Status, syncs, frequency and backfill, as `profiles-sync status --json` has them.
        last: Its last sync.
        holds_until: The newest `received_at` that it has, ISO-8601; None where that is not known.
        lag: How far that is behind the lake, as text; None where that is not known.
        days: What was synced in the last 30 days.
    """

    managed: Managed
    schema: str
    now: Mapping[str, Any]
    last: Listed | None
    holds_until: str | None
    lag: str | None
    days: Days

    @property
    def is_staging(self) -> bool:
        """Whether its history is being staged, or cannot be."""
        backfill = self.now["backfill"]
        return bool(backfill) and backfill["status"] in (Step.REQUESTED, "not begun")

    @property
    def is_loading(self) -> bool:
        """Whether its history is staged, and not all of it is there yet."""
        return bool(self.now["backfill"]) and self.now["backfill"]["status"] == Step.STAGED


@router.get("/", name="overview")
def overview(here: Looking) -> HTMLResponse:
    """Where each warehouse stands."""
    here.ask(Right.SEE, "console overview")
    every = listed(here)
    return here.page(
        "overview/overview.html",
        standings=_standings(here, every),
        newest=every[0] if every else None,
        # of a run that came to no warehouse there is nothing else to see it by
        lost=every[0] if every and every[0].sync.warehouse is None and every[0].sync.status != _SUCCESS else None,
        may_change=here.may(Right.CHANGE),
    )


def _standings(here: Here, every: Sequence[Listed]) -> list[Standing]:
    newest = batches.progress(here.lake).newest
    now = overview_of(here.settings, here.lake, [one.sync for one in every])
    settled = history.schemas(here.lake)
    return [
        _standing(one, settled.get(name) or _schema(here, one), now[name], every, newest)
        for name, one in warehouses(here.settings, here.lake).items()
        if one.status is not Status.DELETED
    ]


def _standing(one: Managed, schema: str, now: Mapping[str, Any], every: Sequence[Listed], newest: int) -> Standing:
    mine = [found for found in every if found.sync.warehouse == one.name]
    good = next((found.sync.newest for found in mine if found.sync.status == _SUCCESS), 0)
    return Standing(
        one,
        schema,
        now,
        mine[0] if mine else None,
        history.time_of(good) if good else None,
        lag_of(newest - good) if good and newest else None,
        days_of(one.name, mine),
    )


def _schema(here: Here, one: Managed) -> str:
    return one.opened(here.settings.schema_name).schema if one.settings else here.settings.schema_name


def lag_of(microseconds: int) -> str:
    """So far behind, in the largest two units."""
    seconds = microseconds // 1_000_000
    if seconds < 1:
        return "none"
    parts = [
        (seconds // 86_400, "d"),
        (seconds % 86_400 // 3600, "h"),
        (seconds % 3600 // 60, "min"),
        (seconds % 60, "s"),
    ]
    return " ".join([f"{count} {unit}" for count, unit in parts if count][:2])
