"""The control log: what was changed in a space's operation, by whom and when. Settings declare, this log records.

It is one table of numbered changes that are only ever added, so it is its own audit trail. A change is made against
the log as its author saw it: it takes the next number, and of two that take the same one is refused.
"""

import time
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson
import pyarrow as pa

from profiles_sync.errors import ChangedMeanwhile
from profiles_sync.lake.base import Lake
from profiles_sync.lake.tables import scan

CHANGES = "_control/changes"
_TEXTS = ("who", "action", "about", "name", "details", "token")
_SCHEMA = pa.schema([("number", pa.int64()), ("at", pa.int64()), *((name, pa.string()) for name in _TEXTS)])
_ATTEMPTS = 10


@dataclass(frozen=True)
class Change:
    """One entry of the log.

    Attributes:
        number: Of the change, from 1.
        at: Microseconds since 1970 UTC.
        who: Made it.
        action: What was done, such as `disabled`.
        about: The kind of thing it was done to, such as `warehouse`.
        name: Of that thing.
        details: What else is to be known; never a secret.
    """

    number: int
    at: int
    who: str
    action: str
    about: str
    name: str
    details: Mapping[str, Any] = field(default_factory=dict)

    def shown(self) -> dict[str, Any]:
        """As `--json` prints it."""
        at = datetime.fromtimestamp(self.at / 1e6, UTC).isoformat(timespec="seconds")
        return {**asdict(self), "at": at}


@dataclass(frozen=True)
class Log:
    """The changes of a space as they were read, in their order."""

    lake: Lake
    changes: tuple[Change, ...]

    @classmethod
    def read(cls, lake: Lake) -> "Log":
        """The log as it is now."""
        table = lake.open(CHANGES)
        rows = [] if table is None else scan(table).sort_by("number").to_pylist()
        return cls(lake, tuple(map(_change, rows)))

    @property
    def last(self) -> int:
        """The number of the last change, 0 for none."""
        return self.changes[-1].number if self.changes else 0

    def add(self, who: str, action: str, about: str, name: str, details: Mapping[str, Any] | None = None) -> "Log":
        """Make a change against the log as it is here; returns the log with it.

        Raises:
            ChangedMeanwhile: Somebody made another one first, and this one is not made.
        """
        change = Change(self.last + 1, time.time_ns() // 1000, who, action, about, name, details or {})
        if not _append(self.lake, change):
            raise ChangedMeanwhile(
                f"{about} {name}: somebody made another change at the same time, so this one was not made; look at "
                "`profiles-sync warehouse list`, then do it again if it is still wanted"
            )
        return Log(self.lake, (*self.changes, change))


def note(lake: Lake, who: str, action: str, about: str, name: str, details: Mapping[str, Any] | None = None) -> None:
    """Write down what changes nothing, such as a refusal: it is made against no state, so it waits for its turn.

    Raises:
        ChangedMeanwhile: Others are faster each time.
    """
    for attempt in range(_ATTEMPTS):
        try:
            Log.read(lake).add(who, action, about, name, details)
        except ChangedMeanwhile:
            if attempt == _ATTEMPTS - 1:
                raise
        else:
            return


def _append(lake: Lake, change: Change) -> bool:
    """Whether the change has its number now. A lake appends a number once and does not say whose rows these were."""
    token, failed = uuid.uuid4().hex, None
    row = {**asdict(change), "details": orjson.dumps(change.details).decode(), "token": token}
    try:
        lake.append(CHANGES, pa.Table.from_pylist([row], _SCHEMA), change.number)
    except Exception as error:  # of two that append at once, a catalog lets one fail
        failed = error
    table = lake.open(CHANGES)
    there = [] if table is None else scan(table, ["token"], [("number", "==", change.number)])["token"].to_pylist()
    if failed is not None and not there:
        raise failed
    return bool(there == [token])


def _change(row: dict[str, Any]) -> Change:
    row.pop("token")
    return Change(**row | {"details": orjson.loads(row["details"])})
