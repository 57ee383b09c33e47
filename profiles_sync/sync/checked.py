"""What the checks found, for a person."""

from pathlib import Path
from typing import Any

from profiles_sync.control.policy import Right, ask
from profiles_sync.lake.opening import readable_lake_of
from profiles_sync.quality import gx, records
from profiles_sync.quality.pages import stand_alone
from profiles_sync.quality.records import Record
from profiles_sync.settings import Settings


def checks_of(settings: Settings, who: str | None = None) -> list[dict[str, Any]]:
    """What was found of each table of each warehouse when it last had rows; the tables that are held back first."""
    lake = readable_lake_of(settings)
    ask(settings, lake, Right.SEE, "quality show", who)
    found = sorted(records.last(lake), key=lambda one: (not one.checked.held, one.warehouse, one.table))
    return [_shown(one) for one in found]


def write_docs(settings: Settings, into: Path, who: str | None = None) -> int:
    """The same as Great Expectations' Data Docs, a static site, in a folder; returns of how many tables.

    Raises:
        MissingExtra: Great Expectations is not installed.
    """
    lake = readable_lake_of(settings)
    ask(settings, lake, Right.SEE, "quality docs", who)
    gx.refuse_missing()
    found = records.last(lake)
    gx.write_docs([(one.warehouse, one.table, int(one.sync_id), one.checked.outcomes) for one in found], into)
    stand_alone(into, [(one.warehouse, one.table, all(met.is_met for met in one.checked.outcomes)) for one in found])
    return len(found)


def _shown(one: Record) -> dict[str, Any]:
    return {
        "warehouse": one.warehouse,
        "table": one.table,
        "sync_id": one.sync_id,
        "rows": one.checked.rows,
        "expectations": len(one.checked.outcomes),
        "held_back": [str(outcome) for outcome in one.checked.held],
        "warnings": one.checked.warnings,
    }
