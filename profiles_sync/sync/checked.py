"""What the checks found, for a person."""

from pathlib import Path
from typing import Any

from profiles_sync.control.policy import Right, ask
from profiles_sync.lake.opening import readable_lake_of
from profiles_sync.quality import gx, records
from profiles_sync.quality.pages import stand_alone
from profiles_sync.quality.records import Record
from profiles_sync.settings import Settings
from profiles_sync.settings.expectations import expectations_in


def checks_of(settings: Settings, who: str | None = None) -> list[dict[str, Any]]:
    """What was found of each table of each warehouse when it last had rows; the tables that are held back first."""
    lake = readable_lake_of(settings)
    ask(settings, lake, Right.SEE, "quality show", who)
    return [_shown(one) for one in sorted(records.last(lake), key=lambda one: one.order)]


def of_no_table(settings: Settings) -> list[str]:
    """Tables that a person's own expectations are about and the lake does not have: not yet, or by another name."""
    own = expectations_in(settings.quality.expectations)
    return sorted(own.keys() - {*readable_lake_of(settings).public_tables()})


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
    stand_alone(into, found)
    return len(found)


def _shown(one: Record) -> dict[str, Any]:
    return {
        "warehouse": one.warehouse,
        "table": one.table,
        "sync_id": one.sync_id,
        "state": one.checked.state,
        "rows": one.checked.rows,
        "expectations": len(one.checked.outcomes),
        "held_back": [str(outcome) for outcome in one.checked.held],
        "warnings": one.checked.warnings,
    }
