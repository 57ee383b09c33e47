"""Selective Sync of a space's warehouses: what is on and off, and an Owner's changes to it, in the control log.

The settings file says what a warehouse begins with; once it was changed by command, what the log says holds, until the
warehouse is deleted.
"""

from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, field
from typing import Any

from profiles_sync.control import alerts, history
from profiles_sync.control.alerts import Event
from profiles_sync.control.log import Log
from profiles_sync.control.policy import Right, ask
from profiles_sync.control.warehouses import ABOUT, Managed, Status, known, managed
from profiles_sync.errors import ChangeRefused, SettingsError
from profiles_sync.lake.base import Lake
from profiles_sync.lake.opening import lake_of, readable_lake_of
from profiles_sync.settings import Settings
from profiles_sync.settings.alerts import Occasion
from profiles_sync.spec.selection import EVERYTHING, WORDS, Selection, filled, group_of, refused
from profiles_sync.warehouses.base import Cursor

SELECTED = "selected"


@dataclass(frozen=True)
class Selected:
    """What goes to a warehouse, and where a table that was switched on stood in the lake at that moment."""

    selection: Selection
    since: Mapping[str, Cursor] = field(default_factory=dict)


def selections(settings: Settings, lake: Lake) -> dict[str, Selected]:
    """What goes to each warehouse."""
    log = Log.read(lake)
    return {name: selected(one, log) for name, one in managed(settings, log).items()}


def selected(one: Managed, log: Log) -> Selected:
    """What goes to a warehouse."""
    found = begun = Selected(EVERYTHING.switched(one.settings.selective) if one.settings else EVERYTHING)
    for change in log.changes:
        if (change.about, change.name) == (ABOUT, one.name):
            if change.action == Status.DELETED:
                found = begun
            elif change.action == SELECTED:
                off, on = (frozenset(change.details["selection"][name]) for name in ("off", "on"))
                since = {name: Cursor(*stood) for name, stood in change.details["since"].items()}
                found = Selected(Selection(off, on), {**found.since, **since})
    return found


def select(
    settings: Settings, name: str, on: Sequence[str] = (), off: Sequence[str] = (), who: str | None = None
) -> Selection:
    """Switch groups, tables and columns, see `spec.selection`; the next sync keeps to it.

    Raises:
        Denied: That takes the Workspace Owner.
        SettingsError: There is no such warehouse, or something is to be on and off.
        ChangeRefused: The warehouse is deleted, or there is no such item, or a sync cannot do without it.
        ChangedMeanwhile: Somebody else was first.
    """
    lake = lake_of(settings)
    who = ask(settings, lake, Right.SELECT, f"warehouse selection {name}", who)
    log = Log.read(lake)
    one, items = known(settings, log, name), dict.fromkeys(on, True) | dict.fromkeys(off, False)
    if both := set(on) & set(off):
        raise SettingsError(f"warehouse selection {name}: {min(both)} is to be on and off; say one of the two")
    if one.status is Status.DELETED:
        raise ChangeRefused(f"warehouse {name} is deleted; add it again first")
    was_synced = name in history.schemas(lake)
    if why := refused(items, lake.public_tables(), lambda table: list(lake.types(table)), was_synced):
        raise ChangeRefused(f"warehouse {name}: {why}; nothing was changed")
    before = selected(one, log).selection
    after = before.switched(items)
    if after != before:
        log.add(who, SELECTED, ABOUT, name, _details(lake, on, off, before, after))
        alerts.warn(settings, [Event(Occasion.WAREHOUSE_MODIFIED, f"Selective Sync, by {who}", name)])
    return after


def _details(lake: Lake, on: Sequence[str], off: Sequence[str], before: Selection, after: Selection) -> dict[str, Any]:
    new = [name for name in lake.public_tables() if after.has(name) and not before.has(name)]
    stands = {name: astuple(now.cursor) for name in new if (now := lake.changes(name, None))}
    selection = {"off": sorted(after.off), "on": sorted(after.on)}
    return {"on": sorted(on), "off": sorted(off), "selection": selection, "since": stands}


def shown(settings: Settings, name: str, who: str | None = None) -> dict[str, Any]:
    """A warehouse's selection, as `--json` prints it: tables by group, columns that are off, what is nearly full."""
    lake = readable_lake_of(settings)
    ask(settings, lake, Right.SEE, f"warehouse selection {name}", who)
    log = Log.read(lake)
    selection, tables = selected(known(settings, log, name), log).selection, lake.public_tables()
    warnings, errors = filled({table: len(lake.types(table)) for table in tables})
    return {
        "warehouse": name,
        "groups": {word: _group(selection, word, tables) for word in WORDS},
        "all_track_tables": selection.has_every_track_table,
        "columns_off": sorted(item for item in selection.off if "." in item),
        "warnings": warnings,
        "errors": errors,
    }


def _group(selection: Selection, word: str, tables: Sequence[str]) -> Mapping[str, Any]:
    """`on` is that of the group: whether a table of it that nobody switched goes, also one to come."""
    of_group = [table for table in tables if group_of(table) == word]
    return {"on": word not in selection.off, "tables": {table: selection.has(table) for table in of_group}}
