"""When syncs are due: what the settings declare, or what a running `profiles-sync schedule` says of itself.

Source: Segment, "Profiles Sync Setup": syncs are hourly; "Warehouse Sync Scheduling": they begin near the full hour.
"""

import math
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

import orjson
from pyarrow import fs

from profiles_sync.control.process import Process
from profiles_sync.lake.base import Lake
from profiles_sync.lake.storage import storage_of
from profiles_sync.settings import Settings

_PATIENCE = 60  # seconds, after which a schedule that did not do what it said it would is no more


@dataclass(frozen=True)
class Running:
    """A schedule at work; `next_due` in seconds since 1970."""

    every_minutes: float
    next_due: float
    process: Process


def next_due(every_minutes: float, now: float | None = None) -> float:
    """When the next sync is due, in seconds since 1970: for 60 at the next full hour."""
    step = every_minutes * 60
    return (math.floor((time.time() if now is None else now) / step) + 1) * step


def frequency(settings: Settings, lake: Lake, now: float | None = None) -> float | None:
    """Minutes from one sync to the next; None where nobody said when they are due."""
    if (found := running(lake, now)) is not None:
        return found.every_minutes
    return settings.schedule.every_minutes if settings.schedule else None


def next_sync(settings: Settings, lake: Lake, now: float | None = None) -> str | None:
    """When the next sync is due, ISO-8601 in UTC; None where nobody said so."""
    if (found := running(lake, now)) is not None:
        return iso(found.next_due)
    return iso(next_due(settings.schedule.every_minutes, now)) if settings.schedule else None


def iso(seconds: float) -> str:
    """ISO-8601 in UTC."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def announce(lake: Lake, every_minutes: float, due: float) -> None:
    """Say that this process is the space's schedule, and when the next sync is due by it."""
    filesystem, path = _place(lake)
    if isinstance(filesystem, fs.LocalFileSystem):
        filesystem.create_dir(path.rpartition("/")[0], recursive=True)
    with filesystem.open_output_stream(path) as out:
        out.write(orjson.dumps(asdict(Running(every_minutes, due, Process.this()))))


def withdraw(lake: Lake) -> None:
    """Say that this process is not the space's schedule any more."""
    found = running(lake)
    if found is not None and found.process == Process.this():
        filesystem, path = _place(lake)
        filesystem.delete_file(path)


def running(lake: Lake, now: float | None = None) -> Running | None:
    """The schedule at work, if there is one: one that was killed is none."""
    filesystem, path = _place(lake)
    try:
        with filesystem.open_input_stream(path) as file:
            said = orjson.loads(file.read())
    except (FileNotFoundError, ValueError):  # there is none, or it is being written at this moment
        return None
    found = Running(said["every_minutes"], said["next_due"], Process(**said["process"]))
    is_late = (time.time() if now is None else now) > found.next_due + _PATIENCE
    return None if is_late or found.process.is_gone() else found


def _place(lake: Lake) -> tuple[fs.FileSystem, str]:
    return storage_of(f"{lake.root.rstrip('/')}/{lake.slug}/_control/_schedule", lake.options)
