"""Stage a backfill: its rows as they are now, in tables below `_staging/backfill/<id>` that never change again."""

import time
from collections.abc import Callable
from dataclasses import replace

from profiles_sync.control import backfills
from profiles_sync.control.backfills import Backfill, Step
from profiles_sync.errors import OverLimit
from profiles_sync.lake.area import Area, Kept
from profiles_sync.lake.base import Lake
from profiles_sync.lake.paths import PathLake
from profiles_sync.settings import Settings
from profiles_sync.spec.sizes import in_bytes
from profiles_sync.sync.backfill.history_rows import history_of


def area_of(settings: Settings, lake: Lake, one: Backfill) -> Area:
    """Where the rows of a backfill are staged; it is at a path also where the lake is in a catalog."""
    return Area(PathLake(lake.root, lake.slug, settings.storage_options), f"_staging/backfill/{one.id}")


def refuse_more(settings: Settings, lake: Lake, one: Backfill) -> None:
    """Measure what would be sent, before anything is written.

    Raises:
        OverLimit: It is more than one sync may send.
    """
    most = settings.limits.sync_bytes
    size = sum(history_of(lake, one, name, _is_inferred(settings)).bytes for name in one.tables)
    if size > most:
        raise OverLimit(
            f"backfill of {one.warehouse}: it would send {in_bytes(size)} of the lake's files, and limits.sync_bytes "
            f"lets {in_bytes(most)} through; nothing was written; request it in parts: fewer days by --from and --to, "
            "or some tables by --tables"
        )


def stage(
    settings: Settings, lake: Lake, one: Backfill, say: Callable[[str], None], until: float | None = None
) -> Backfill:
    """Write what is not staged yet, and then that all of it is; after `until`, in seconds since 1970, no more.

    Raises:
        OverLimit: There is more to send by now than when it was asked for, and more than one sync may send.
    """
    area, counts = area_of(settings, lake, one), dict[str, tuple[int, int]]()
    if one.tables and area.get(one.tables[0]) is None:
        refuse_more(settings, lake, one)
    for name in one.tables:
        if counts and until is not None and time.time() >= until:
            return one
        say(f"staging the history of {name} for {one.warehouse}")
        kept = area.get(name) or _staged(settings, lake, one, area, name)
        counts[name] = (kept.rows, kept.bytes)
    backfills.note(lake, one, Step.STAGED, {"tables": counts})
    say(f"backfill {one.id} of {one.warehouse} is staged")
    return replace(one, status=Step.STAGED, staged=counts)


def _staged(settings: Settings, lake: Lake, one: Backfill, area: Area, name: str) -> Kept:
    history = history_of(lake, one, name, _is_inferred(settings))
    area.put(name, history.batch.types, history.rows, history.batch.cursor)
    kept = area.get(name)
    assert kept is not None, name
    return kept


def _is_inferred(settings: Settings) -> bool:
    return settings.backfill.history == "inferred"
