"""The pictures of the concepts, drawn by the code that they show."""

from collections.abc import Callable, Iterator
from itertools import accumulate

from profiles_sync.generator.case_study import case_study_events
from profiles_sync.spec import diagram
from profiles_sync.spec.events import CALLS, Source, read_call
from profiles_sync.spec.identifiers import Identifier, carried
from profiles_sync.spec.reference import HEADINGS
from profiles_sync.spec.resolver import Resolution, Resolver
from profiles_sync.spec.rules import DEFAULT_TYPES, IdentityRules, default_rules
from profiles_sync.spec.tables import FIXED_TABLES, Group
from profiles_sync.warehouses.setup import SCRIPTS
from scripts.documentation.drawing import WIDTH, arrow, box, dot, line, picture, text
from scripts.documentation.warehouses import TITLES


def figure(name: str) -> str:
    """A picture that may be scrolled where the page is too narrow for it."""
    drawn: dict[str, Callable[[], str]] = {"flow": flow, "merge": merge, "time": time, "diagram": diagram.svg}
    return f'<div class="picture {name}" tabindex="0">{drawn[name]()}</div>'


# From events to warehouses
def flow() -> str:
    """The way of an event, from top to bottom."""
    shown = list(_stages())
    heights = [34 + 16 * len(lines) for _, lines in shown]
    tops = [0, *accumulate(height + 26 for height in heights)]
    parts = []
    for (title, lines), top, height in zip(shown, tops, heights, strict=False):
        parts += [box(1, top + 1, WIDTH - 2, height), text(16, top + 22, title, "name")]
        parts += [text(16, top + 42 + 16 * row, said) for row, said in enumerate(lines)]
    for top, height in list(zip(tops, heights, strict=False))[:-1]:
        parts.append(arrow(WIDTH / 2, top + height + 2, WIDTH / 2, top + height + 26))
    about = "; ".join(f"{title}: {', '.join(lines)}" for title, lines in shown)
    return picture("flow", "From events to warehouses", about, tops[-1] - 24, parts)


def _stages() -> Iterator[tuple[str, list[str]]]:
    kinds = [TITLES[kind] for kind in SCRIPTS]
    first, last = ", ".join(DEFAULT_TYPES[:2]), len(DEFAULT_TYPES) - 2
    yield "Events", [", ".join(sorted(CALLS)), "read from files; a line that is no event: quarantine"]
    yield "Identities", ["the external IDs that an event carries:", f"{first}, {last} more, and your own"]
    yield "Profiles", ["create, add or merge: Identity Resolution's rules"]
    yield "Tables in the lake", [_counted(group) for group in Group]
    yield "Warehouses", [", ".join(kinds[:4]) + ",", ", ".join(kinds[4:]), "what changed since the last sync"]


def _counted(group: Group) -> str:
    count = sum(table.group is group for table in FIXED_TABLES)
    name = HEADINGS[group].partition(",")[0].lower()
    return f"{count} {name}" if count else f"{name}: one for each name of an event"


# A merge, step by step
def merge() -> str:
    """The case study: after each event the profiles that there are."""
    parts, y = [], 0.0
    told = []
    for number, (call, used, done, profiles) in enumerate(_case_study(), 1):
        height = 48 + 16 * max(len(used), max(sum(map(len, profiles.values())) + len(profiles), 1))
        parts += [box(1, y + 1, 172, height - 14, "event"), text(12, y + 22, f"{number}. {call['type']}", "name")]
        parts.append(text(12, y + 38, str(call["timestamp"])[:16].replace("T", " "), "note"))
        parts += [text(12, y + 56 + 15 * row, _short(one)) for row, one in enumerate(used)]
        parts += [arrow(176, y + 20, 206, y + 20), text(212, y + 24, _decision(done), "decision")]
        row = y + 44
        for profile, mapped in profiles.items():
            parts += [dot(217, row - 4), text(228, row, f"profile {profile + 1}", "name")]
            parts += [text(228, row + 15 * place, _short(one)) for place, one in enumerate(mapped, 1)]
            row += 15 * (len(mapped) + 1) + 4
        told.append(f"Event {number} {_decision(done)}.")
        y += max(height, row - y) + 6
    return picture("merge", "A merge, step by step", " ".join(told), int(y), parts)


def _case_study() -> Iterator[tuple[dict[str, object], list[Identifier], Resolution, dict[int, list[Identifier]]]]:
    """Each event, its external IDs, what it did, and each profile after it with its external IDs."""
    rules = IdentityRules(default_rules())
    resolver = Resolver(rules)
    for call in case_study_events():
        event = read_call(call, Source("website", "source_1", "Website"), 0, lambda: "")
        used = list(carried(event, rules).identifiers)
        done = resolver.resolve(used, event.received_at)
        profiles: dict[int, list[Identifier]] = {}
        for one, owner in resolver.owners.items():
            profiles.setdefault(owner.number, []).append(one)
        yield call, used, done, dict(sorted(profiles.items()))


def _decision(done: Resolution) -> str:
    if done.created:
        return f"creates profile {(done.profile or 0) + 1}"
    if done.merges:
        return f"merges profile {done.merges[0].profile + 1} into {done.merges[0].into + 1}"
    return f"adds {' and '.join(one.type for one in done.mapped)}" if done.mapped else "is matched"


def _short(one: Identifier) -> str:
    value = one.value if len(one.value) <= 20 else one.value[:8] + "…"
    return f"{value}" if one.type == "email" else f"{one.type} {value[:8]}…"


# Syncs and a backfill over time
def time() -> str:
    """A warehouse that is connected to a lake with history: what is sent when."""
    left, connected, hour = 4, 128, 66
    lanes = {
        "events come into the lake": 26,
        "live syncs: what changed": 92,
        "backfill: history, in slices": 158,
    }
    parts = [text(left, y - 14, said, "name") for said, y in lanes.items()]
    events, live, slices = (y + 8 for y in lanes.values())
    parts += [line(connected, y - 14, connected, y + 14, "moment") for y in (events, live, slices)]
    parts += [text(connected + 5, events + 18, "connected", "note")]
    for x in range(left + 6, WIDTH - 4, 11):
        parts.append(dot(x, events, "history" if x < connected else "new", 3))
    for start in range(connected + hour, WIDTH - 30, hour):
        parts.append(
            f'<rect class="new" x="{start}" y="{live - 9}" width="16" height="18" rx="3" fill="currentColor"/>'
        )
        for place in (20, 34, 48):
            at = f'x="{start + place}" y="{slices - 9}" width="10" height="18" rx="3"'
            parts.append(f'<rect class="history" {at} fill="currentColor"/>')
        parts.append(text(start + 8, 204, f"hour {(start - connected) // hour}", "note", "middle"))
    parts += [dot(left + 6, 232, "history"), text(left + 16, 236, "there before: history, sent once by the backfill")]
    parts += [dot(left + 6, 252, "new"), text(left + 16, 256, "came after: sent by the syncs, each by the next one")]
    about = (
        "Events from before a warehouse was connected are its history. Each hour a live sync sends what came since the "
        "last one. After the first, a backfill sends the history in slices and lets live syncs in between."
    )
    return picture("time", "Syncs and a backfill over time", about, 266, parts)
