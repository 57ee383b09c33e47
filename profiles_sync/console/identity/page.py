"""The pages of the identity graph. What is looked up is in a form's body, so that no log of requests has it."""

from collections.abc import Sequence
from typing import Annotated, Any, NamedTuple

import orjson
from fastapi import APIRouter, Form, Response
from fastapi.responses import HTMLResponse

from profiles_sync.console import charts
from profiles_sync.console.explorer.tables import size_of
from profiles_sync.console.frame import Here, Looking
from profiles_sync.console.identity import health, picture, profiles
from profiles_sync.console.identity.growth import Growth
from profiles_sync.console.identity.health import Health
from profiles_sync.console.identity.profile import Profile
from profiles_sync.console.identity.profiles import SEGMENT_ID
from profiles_sync.control.policy import Right
from profiles_sync.spec.tables import EVENT_TYPE_TABLES

router = APIRouter(prefix="/identity")
Kind = Annotated[str, Form(max_length=255)]
Value = Annotated[str, Form(max_length=2048)]


class Drawn(NamedTuple):
    """A chart, and the rows of the table beside it."""

    drawing: str
    rows: Sequence[Sequence[object]]


@router.get("", name="identity")
def graph(here: Looking) -> HTMLResponse:
    """Look-up, and the health of the graph."""
    here.ask(Right.SEE, "console identity graph")
    found = here.remembered.get("health", here.lake, health.TABLES, lambda: health.health(here.lake))
    return here.page(
        "identity/graph.html",
        health=found,
        hours=_hours(found.growth),
        over_time=_over_time(found.growth),
        histogram=_histogram(found),
        events=_events(here),
        share=charts.share,
        violations=_by_code(found),
        **_asked(here, "email"),
    )


@router.post("/profile", name="profile")
def profile(here: Looking, kind: Kind, value: Value) -> HTMLResponse:
    """The profile that was looked up; masked where people's data may not be seen."""
    here.ask(Right.SEE, "console profile")
    found = _look_up(here, kind, value)
    if found is None:
        return here.page("identity/profile.html", 404, profile=None, **_asked(here, kind))
    shown = found if here.may(Right.SEE_PEOPLE) else found.masked()
    drawn = {
        "picture": picture.picture(shown),
        "told": picture.told(shown),
        "is_cut": picture.is_cut(shown),
    }
    return here.page("identity/profile.html", profile=shown, drawn=drawn, **_asked(here, kind))


@router.post("/export", name="export_profile")
def export(here: Looking, segment_id: Value) -> Response:
    """A profile as a file of JSON."""
    here.ask(Right.SEE_PEOPLE, "console export of a profile")
    found = profiles.of(here.lake, segment_id)
    if found is None:
        return here.page("identity/profile.html", 404, profile=None, **_asked(here, SEGMENT_ID))
    text = orjson.dumps(found.exported(), option=orjson.OPT_INDENT_2)
    named = {"Content-Disposition": 'attachment; filename="profile.json"', "Cache-Control": "no-store"}
    return Response(text, media_type="application/json", headers=named)


def _look_up(here: Here, kind: str, value: str) -> Profile | None:
    return profiles.look_up(here.lake, kind, value, here.settings.identity.normalize_email)


def _asked(here: Here, kind: str) -> dict[str, Any]:
    """What the form of the look-up needs; the value is not put into it again."""
    types = [*here.settings.rules.by_type, SEGMENT_ID]
    return {"types": types, "kind": kind, "sees_people": here.may(Right.SEE_PEOPLE)}


def _events(here: Here) -> int | None:
    """Events in the lake; None where that is not known without a query."""
    sizes = [size_of(here.lake, table.name, here.remembered) for table in EVENT_TYPE_TABLES]
    return sum(one.rows for one in sizes if one) if any(sizes) else None


def _hours(growth: Growth) -> Drawn:
    new, away = [one.created for one in growth.hours], [one.merged for one in growth.hours]
    about = f"In the last {len(new)} hours {sum(new):,} profiles were created and {sum(away):,} merged into others."
    labels = [f"{one.at:%d %b %H:%M}" for one in growth.hours]
    drawing = charts.columns("Created and merged per hour", about, labels, {"created": new, "merged": away})
    return Drawn(drawing, list(zip(labels, new, away, strict=True))[::-1])


def _over_time(growth: Growth) -> Drawn:
    about = f"There are {growth.profiles:,} profiles now."
    rows = [(f"{at:%d %b %Y %H:%M}", many) for at, many in growth.over_time]
    return Drawn(charts.line("Profiles over time", about, growth.over_time), rows[::-1])


def _histogram(found: Health) -> Drawn:
    one = found.per_profile.get("1", 0)
    about = f"{one:,} of {found.growth.profiles:,} profiles have one external ID."
    bars = {"profiles": list(found.per_profile.values())}
    drawing = charts.columns("External IDs per profile", about, list(found.per_profile), bars)
    return Drawn(drawing, list(found.per_profile.items()))


def _by_code(found: Health) -> dict[str, int]:
    """What the rules refused, with the type of external ID where it is about one."""
    named = {
        f"{code}: {kind}" if kind else code: many
        for code, kinds in found.violations.items()
        for kind, many in kinds.items()
    }
    return dict(sorted(named.items(), key=lambda one: -one[1]))
