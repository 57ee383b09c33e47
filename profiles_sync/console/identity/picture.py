"""The merges of a profile as a drawing: a line for each profile of the past, from its first event to its merge.

From left to right are the moments at which something happened, at equal distances: two minutes and two months are both
to be seen. The oldest profile is at the top, which is mostly the one that the others merged into.
"""

from collections.abc import Iterator, Mapping, Sequence
from html import escape

from profiles_sync.console.charts import drawing
from profiles_sync.console.identity.profile import Cause, Held, Merge, Profile

#: Profiles, and external IDs beside what created and merged them, that are drawn; a profile may have far more of both.
MOST, _MOST_SEEN = 25, 15
_LEFT, _STEP, _TOP, _LANE, _RIGHT = 132, 118, 62, 54, 96


def picture(profile: Profile) -> str:
    """An SVG; every merge has the event that caused it beside its curve."""
    drawn = _drawn(profile)
    lanes = {name: _TOP + _LANE * place for place, name in enumerate(drawn)}
    merges = [one for one in profile.merges if one.segment_id in lanes]
    seen = _seen(profile, drawn, merges)
    columns = _columns([*drawn.values(), *(one.cause for one in seen), *(one.cause for one in merges)])
    ends = {one.segment_id: columns[_moment(one.cause)] for one in merges}
    right, height = max(columns.values(), default=_LEFT) + _RIGHT, _TOP + _LANE * len(lanes)
    parts = [*_dates(columns, height)]
    for name, cause in drawn.items():
        begins, ends_at = columns[_moment(cause)], ends.get(name, right - 12)
        parts += _line(name, lanes[name], begins, ends_at, name == profile.segment_id)
    for merge in merges:
        parts += _merge(merge, columns[_moment(merge.cause)], lanes)
    parts += _kinds(seen, columns, lanes)
    about = " ".join(told(profile)[-MOST:])
    return drawing("How this profile came to be", about, right, height + 4, parts, "history")


def is_cut(profile: Profile) -> bool:
    """Whether the drawing leaves something out."""
    drawn = _drawn(profile)
    return len(drawn) < len(profile.created) or len(_seen(profile, drawn, profile.merges)) < len(profile.identifiers)


def told(profile: Profile) -> list[str]:
    """The same in sentences, one for each event that changed the graph."""
    said = [(one.seq, f"{_when(one)}: {_event(one)} created {name}.") for name, one in profile.created.items()]
    for one in profile.merges:
        said.append(
            (one.cause.seq, f"{_when(one.cause)}: {_event(one.cause)} merged {one.segment_id} into {one.into}.")
        )
    return [text for _, text in sorted(said)]


def short(segment_id: str) -> str:
    """Enough of an id to tell it from the others of a profile."""
    return segment_id if len(segment_id) <= 14 else f"{segment_id[:10]}…"


def _drawn(profile: Profile) -> Mapping[str, Cause]:
    """The profiles that are drawn: the canonical one, and the last that merged; the oldest first."""
    names = list(profile.created)
    if len(names) > MOST:
        last = {one.segment_id for one in profile.merges[-(MOST - 1) :]}
        names = [name for name in names if name in last or name == profile.segment_id]
    return {name: profile.created[name] for name in names}


def _seen(profile: Profile, drawn: Mapping[str, Cause], merges: Sequence[Merge]) -> list[Held]:
    """The external IDs that are drawn: what came with a profile or a merge, and the first of the others."""
    known = {_moment(one) for one in (*drawn.values(), *(merge.cause for merge in merges))}
    mine = [one for one in profile.identifiers if one.segment_id in drawn]
    others = [one for one in mine if _moment(one.cause) not in known][:_MOST_SEEN]
    return [one for one in mine if _moment(one.cause) in known or one in others]


def _columns(causes: list[Cause]) -> dict[str, int]:
    """Where each moment is, from left to right."""
    return {moment: _LEFT + _STEP * place for place, moment in enumerate(sorted({_moment(one) for one in causes}))}


def _moment(cause: Cause) -> str:
    """Rows of the same event share the time at which it was received."""
    return f"{cause.received_at:%Y-%m-%d %H:%M:%S.%f} {cause.id}"


def _dates(columns: Mapping[str, int], bottom: int) -> Iterator[str]:
    yield '<text class="label" x="4" y="14">UTC</text>'
    for moment, x in columns.items():
        yield f'<line class="grid" x1="{x}" x2="{x}" y1="{_TOP - 28}" y2="{bottom - 20}"/>'
        yield f'<text class="label" x="{x}" y="14" text-anchor="middle">{moment[:10]}</text>'
        yield f'<text class="label" x="{x}" y="27" text-anchor="middle">{moment[11:16]}</text>'


def _line(name: str, y: int, begins: int, ends: int, stays: bool) -> Iterator[str]:
    mark = "profile stays" if stays else "profile"
    yield f'<text class="name" x="4" y="{y + 4}"><title>{escape(name)}</title>{escape(short(name))}</text>'
    yield f'<line class="{mark}" x1="{begins}" x2="{ends}" y1="{y}" y2="{y}" stroke-width="{4 if stays else 2}"/>'
    yield f'<circle class="{mark}" cx="{begins}" cy="{y}" r="5"><title>created</title></circle>'
    if stays:
        yield f'<path class="{mark}" d="M{ends} {y - 6}l10 6l-10 6z"/>'


def _merge(merge: Merge, x: int, lanes: Mapping[str, int]) -> Iterator[str]:
    """One into a profile that is not drawn ends where it was."""
    y, into = lanes[merge.segment_id], lanes.get(merge.into, lanes[merge.segment_id])
    cause = escape(f"{_event(merge.cause)} merged {merge.segment_id} into {merge.into}")
    curve = f"M{x} {y}C{x + 26} {y} {x + 26} {into} {x} {into}"
    yield f'<path class="merge" fill="none" stroke-width="2" d="{curve}"><title>{cause}</title></path>'
    yield f'<circle class="merge" cx="{x}" cy="{into}" r="4"/>'
    named = _clipped(merge.cause.name or merge.cause.type)
    yield f'<text class="cause" x="{x + 12}" y="{y + 17}">{named}</text>'
    yield f'<text class="label" x="{x + 12}" y="{y + 30}">{_clipped(merge.cause.id)}</text>'


def _kinds(seen: list[Held], columns: Mapping[str, int], lanes: Mapping[str, int]) -> Iterator[str]:
    """The types of the external IDs that an event brought, above the line."""
    kinds: dict[tuple[int, int], list[str]] = {}
    for one in seen:
        kinds.setdefault((columns[_moment(one.cause)], lanes[one.segment_id]), []).append(one.type)
    for (x, y), several in kinds.items():
        listed = _clipped(", ".join(several))
        yield f'<text class="kind" x="{x}" y="{y - 9}" text-anchor="middle">{listed}</text>'


def _clipped(text: str) -> str:
    """As it stands in a drawing; the list beside it has all of it."""
    return escape(text if len(text) <= 16 else f"{text[:15]}…")


def _when(cause: Cause) -> str:
    return f"{cause.received_at:%Y-%m-%d %H:%M:%S} UTC"


def _event(cause: Cause) -> str:
    named = f" “{cause.name}”" if cause.name else ""
    return f"{cause.type} call {cause.id}{named} from {cause.source or 'an unnamed source'}"
