"""The backfills of a space: what was asked for, and how far each one came.

One table to which every step is added, so that a backfill that was killed is found where it was.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

import orjson
import pyarrow as pa

from profiles_sync.control.history import time_of
from profiles_sync.lake.base import Lake
from profiles_sync.lake.tables import scan
from profiles_sync.spec.backfill import Window

BACKFILLS = "_control/backfills"
_TEXTS = ("backfill_id", "warehouse", "step", "details")
_SCHEMA = pa.schema([("at", pa.int64()), *((name, pa.string()) for name in _TEXTS)])


class Step(StrEnum):
    """What can be written down of a backfill; all but `sent` and `stopped` are also where it stands."""

    REQUESTED = "requested"
    STAGED = "staged"
    SENT = "sent"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    STOPPED = "stopped"  # where it stands does not change; an automatic one that could not even begin has no id


@dataclass(frozen=True)
class Backfill:
    """One of them. Times are microseconds since 1970 UTC.

    Attributes:
        id: The time of the request, as text.
        warehouse: Its name.
        added: Of the warehouse's connection.
        by: Who asked; None where it began by itself.
        tables: That it sends.
        window: Of the events.
        until: The largest `uuid_ts` of the history.
        status: The last that it reached; `cancelled` where its warehouse was deleted before it was completed.
        staged: Table to its staged rows and bytes.
        sent: Table to how many of its rows were new to the warehouse.
        parts: Of tables that are sent in parts, and not all of them yet: how many of the staged files were sent, their
            bytes, and how many of their rows were new to the warehouse.
        errors: Of tables that were tried and not sent yet.
        seconds: That sending took so far.
        stopped: Why it came no further when it was last tried; None where that went well.
    """

    id: str
    warehouse: str
    added: int
    by: str | None
    tables: tuple[str, ...]
    window: Window
    until: int
    status: Step = Step.REQUESTED
    staged: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    sent: Mapping[str, int] = field(default_factory=dict)
    parts: Mapping[str, tuple[int, int, int]] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0
    stopped: str | None = None

    @property
    def is_open(self) -> bool:
        """Whether there is something left to do."""
        return self.status not in (Step.COMPLETED, Step.CANCELLED)

    @property
    def waiting(self) -> list[str]:
        """The tables that are not sent yet, in order."""
        return [name for name in self.tables if name not in self.sent]

    @property
    def bytes_done(self) -> int:
        """Of the staged files that were sent."""
        whole = sum(self.staged[name][1] for name in self.sent if name in self.staged)
        return whole + sum(size for _, size, _ in self.parts.values())

    @property
    def estimate(self) -> float | None:
        """Seconds that the rest will take by the bytes so far; None where none are sent yet."""
        total = sum(size for _, size in self.staged.values())
        done = self.bytes_done
        if not self.is_open:
            return 0
        return round(self.seconds * (total - done) / done, 1) if done else None

    def shown(self) -> dict[str, Any]:
        """As `--json` prints it."""
        return {
            "backfill_id": self.id,
            "status": str(self.status),
            "requested_at": time_of(int(self.id)),
            "requested_by": self.by,
            "from": self.window.start and time_of(self.window.start),
            "to": self.window.end and time_of(self.window.end),
            "tables": len(self.tables),
            "tables_done": len(self.sent),
            "rows": sum(self.sent.values()) + sum(rows for _, _, rows in self.parts.values()),
            "rows_staged": sum(rows for rows, _ in self.staged.values()),
            "bytes": sum(size for _, size in self.staged.values()),
            "bytes_done": self.bytes_done,
            "estimate_seconds": self.estimate,
            "errors": dict(self.errors),
            "error": self.stopped,
        }


@dataclass(frozen=True)
class Told:
    """What the table of backfills tells.

    Attributes:
        backfills: Every backfill, the oldest first.
        not_begun: Warehouses whose automatic backfill could not begin: the number of their connection, and why.
    """

    backfills: list[Backfill]
    not_begun: Mapping[str, tuple[int, str]]

    @property
    def held_up(self) -> dict[str, str]:
        """Warehouses whose backfill stopped or could not begin, and why."""
        stopped = {one.warehouse: one.stopped for one in self.backfills if one.is_open and one.stopped}
        return stopped | {name: why for name, (_, why) in self.not_begun.items()}


def read(lake: Lake) -> Told:
    """All that is known, by one look."""
    found, not_begun = dict[str, Backfill](), dict[str, tuple[int, str]]()
    for row in _rows(lake):
        step, details = row["step"], orjson.loads(row["details"])
        if step == Step.REQUESTED:
            found[row["backfill_id"]] = _requested(row, details)
            not_begun.pop(row["warehouse"], None)
        elif one := found.get(row["backfill_id"]):
            found[row["backfill_id"]] = _after(one, Step(step), details)
        elif step == Step.STOPPED:
            not_begun[row["warehouse"]] = details["added"], details["error"]
    return Told(list(found.values()), not_begun)


def backfills(lake: Lake) -> list[Backfill]:
    """Every backfill, the oldest first."""
    return read(lake).backfills


def shown_not_begun(why: str) -> dict[str, Any]:
    """As `Backfill.shown` has one that is there."""
    texts = dict.fromkeys(("backfill_id", "requested_at", "requested_by", "from", "to", "estimate_seconds"))
    numbers = dict.fromkeys(("tables", "tables_done", "rows", "rows_staged", "bytes", "bytes_done"), 0)
    return {**texts, **numbers, "status": "not begun", "errors": {}, "error": why}


def stop(lake: Lake, name: str, added: int, one: Backfill | None, error: str) -> bool:
    """Write down why a backfill came no further, or why the automatic one of a connection could not begin.

    Returns:
        Whether that is news.
    """
    known = one.stopped if one else read(lake).not_begun.get(name)
    if known == (error if one else (added, error)):
        return False
    _add(lake, one.id if one else "", name, Step.STOPPED, {"error": error, "added": added})
    return True


def request(lake: Lake, one: Backfill) -> Backfill:
    """Write down that a backfill is to be done."""
    window = [one.window.start, one.window.end]
    details = {"added": one.added, "by": one.by, "tables": one.tables, "window": window, "until": one.until}
    return note(lake, one, Step.REQUESTED, details)


def note(lake: Lake, one: Backfill, step: Step, details: Mapping[str, Any] | None = None) -> Backfill:
    """Write down a step; the backfill after it."""
    _add(lake, one.id, one.warehouse, step, details or {})
    return _after(one, step, details or {})


def _add(lake: Lake, number: str, name: str, step: Step, details: Mapping[str, Any]) -> None:
    row = {"at": time.time_ns() // 1000, "backfill_id": number, "warehouse": name, "step": str(step)}
    lake.add(BACKFILLS, pa.Table.from_pylist([row | {"details": orjson.dumps(details).decode()}], _SCHEMA))


def _rows(lake: Lake) -> list[dict[str, Any]]:
    """The oldest first."""
    table = lake.open(BACKFILLS)
    return [] if table is None else scan(table).sort_by("at").to_pylist()


def _requested(row: Mapping[str, Any], details: Mapping[str, Any]) -> Backfill:
    return Backfill(
        row["backfill_id"],
        row["warehouse"],
        details["added"],
        details["by"],
        tuple(details["tables"]),
        Window(*details["window"]),
        details["until"],
    )


def _after(one: Backfill, step: Step, details: Mapping[str, Any]) -> Backfill:
    if step is Step.STOPPED:
        return replace(one, stopped=details["error"])
    if step is not Step.SENT or details["tables"] or details.get("parts"):  # it came further
        one = replace(one, stopped=None)
    if step is Step.STAGED:
        return replace(one, status=step, staged={name: tuple(counts) for name, counts in details["tables"].items()})
    if step is Step.SENT:
        sent = {**one.sent, **details["tables"]}
        errors = {name: text for name, text in {**one.errors, **details["errors"]}.items() if name not in sent}
        listed = {**one.parts, **details.get("parts", {})}  # a record of an older version has none
        parts = {name: tuple(counts) for name, counts in listed.items() if name not in sent}
        return replace(one, sent=sent, parts=parts, errors=errors, seconds=one.seconds + details["seconds"])
    return replace(one, status=step)
