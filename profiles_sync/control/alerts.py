"""Alerts: what happened, told to whoever the settings name for it."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from profiles_sync.control.delivery import deliver
from profiles_sync.errors import ProfilesSyncError, unexpected
from profiles_sync.problems import Problem
from profiles_sync.settings import Settings
from profiles_sync.settings.alerts import AlertSettings, Occasion

_log = logging.getLogger(__name__)
_TITLES = {
    Occasion.SYNC_FAILED: "Sync failed",
    Occasion.SYNC_PARTIALLY_SUCCEEDED: "Sync partially succeeded",
    Occasion.SYNC_SKIPPED: "Sync skipped",
    Occasion.SYNC_LATE: "Sync late",
    Occasion.BACKFILL_COMPLETED: "Historical backfill completed",
    Occasion.BACKFILL_STOPPED: "Historical backfill stopped",
    Occasion.WAREHOUSE_CREATED: "Warehouse created",
    Occasion.WAREHOUSE_MODIFIED: "Warehouse modified",
    Occasion.WAREHOUSE_DISABLED: "Warehouse disabled",
    Occasion.WAREHOUSE_DELETED: "Warehouse deleted",
    Occasion.QUALITY_WARNING: "Rows were sent that are not as expected",
}


@dataclass(frozen=True)
class Event:
    """One thing to tell.

    Attributes:
        occasion: What it is.
        text: One or more sentences; no identifier, trait or secret.
        warehouse: Whose it is; None for the space's.
        in_a_row: For a sync that did not succeed, how many in a row now did not; None where that cannot be counted.
        problems: The class of each error in the text, and what to do.
        sync_id: Of the sync in the history.
    """

    occasion: Occasion
    text: str = ""
    warehouse: str | None = None
    in_a_row: int | None = None
    problems: tuple[Problem, ...] = ()
    sync_id: str | None = None

    def concerns(self, alert: AlertSettings) -> bool:
        """Whether the alert is about it, and not yet to be patient."""
        return self.occasion in alert.when and (self.in_a_row is None or self.in_a_row >= alert.after)

    def title(self, space: str) -> str:
        """What happened where, in some words."""
        return f"{_TITLES[self.occasion]}: {', warehouse '.join(filter(None, [space, self.warehouse]))}"

    def body(self) -> str:
        """For a person: what happened, what to do, and where to see more."""
        lines = [self.text, *(f"{one.error_class}: {one.advice}" for one in self.problems)]
        if self.in_a_row and self.in_a_row > 1:
            lines.append(f"{self.in_a_row} in a row did not succeed")
        if self.sync_id:
            lines.append(f"`profiles-sync status --sync {self.sync_id}` shows it; the next run repeats what is missing")
        return "\n".join(filter(None, lines))


def tell(settings: Settings, events: Iterable[Event]) -> list[str]:
    """Send each event to those who want it; never raises.

    Returns:
        A line for each alert that could not be delivered. The rest of its events is not tried then.
    """
    undelivered, events = [], list(events)
    for name, alert in settings.alerts.items():
        try:
            for event in events:
                if event.concerns(alert):
                    title, body = event.title(settings.space.name), event.body()
                    deliver(alert.to.get_secret_value(), title, body, _shown(settings, event))
        except ProfilesSyncError as error:
            undelivered.append(f"alert {name} was not delivered: {error}")
        except Exception as error:  # its text may quote the URL
            undelivered.append(f"alert {name} was not delivered: {unexpected(error)}")
    return undelivered


def warn(settings: Settings, events: Iterable[Event]) -> None:
    """The same for an operator's command, which goes on: what was not delivered is a warning in the log."""
    for warning in tell(settings, events):
        _log.warning(warning)


def _shown(settings: Settings, event: Event) -> dict[str, Any]:
    """As a file has it."""
    at = datetime.now(UTC).isoformat(timespec="seconds")
    fields = {"at": at, "space": settings.space.slug, "occasion": event.occasion, "warehouse": event.warehouse}
    problems = [{"class": one.error_class, "advice": one.advice} for one in event.problems]
    return fields | {"in_a_row": event.in_a_row, "text": event.text, "problems": problems, "sync_id": event.sync_id}
