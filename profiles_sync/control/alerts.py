"""Alerts: what happened, told to whoever the settings name for it."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from profiles_sync.control.delivery import deliver
from profiles_sync.errors import ProfilesSyncError, unexpected
from profiles_sync.settings import Settings
from profiles_sync.settings.alerts import AlertSettings, Occasion

_log = logging.getLogger(__name__)
_TITLES = {
    Occasion.SYNC_FAILED: "Sync failed",
    Occasion.SYNC_PARTIALLY_SUCCEEDED: "Sync partially succeeded",
    Occasion.SYNC_SKIPPED: "Sync skipped",
    Occasion.SYNC_LATE: "Sync late",
    Occasion.BACKFILL_COMPLETED: "Historical backfill completed",
    Occasion.WAREHOUSE_CREATED: "Warehouse created",
    Occasion.WAREHOUSE_MODIFIED: "Warehouse modified",
    Occasion.WAREHOUSE_DISABLED: "Warehouse disabled",
    Occasion.WAREHOUSE_DELETED: "Warehouse deleted",
}


@dataclass(frozen=True)
class Event:
    """One thing to tell.

    Attributes:
        occasion: What it is.
        text: One or more sentences; no identifier, trait or secret.
        warehouse: Whose it is; None for the space's.
        in_a_row: For a sync that did not succeed, how many in a row now did not; None where that cannot be counted.
    """

    occasion: Occasion
    text: str = ""
    warehouse: str | None = None
    in_a_row: int | None = None

    def concerns(self, alert: AlertSettings) -> bool:
        """Whether the alert is about it, and not yet to be patient."""
        return self.occasion in alert.when and (self.in_a_row is None or self.in_a_row >= alert.after)

    def title(self, space: str) -> str:
        """What happened where, in some words."""
        return f"{_TITLES[self.occasion]}: {', warehouse '.join(filter(None, [space, self.warehouse]))}"


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
                    deliver(alert.to.get_secret_value(), event.title(settings.space.name), _shown(settings, event))
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
    return fields | {"in_a_row": event.in_a_row, "text": event.text}
