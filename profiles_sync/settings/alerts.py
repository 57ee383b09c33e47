"""Who is told of what.

Source: Segment, "Alerting": Warehouse Sync Failed, Partially Succeeded and Skipped, with thresholds; Profiles Sync
Historical Backfill Completed; Warehouse Created, Modified, Disabled and Deleted. That a backfill stopped and what
checks warn of is ours.
"""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field, SecretStr


class Occasion(StrEnum):
    """What there is to tell."""

    SYNC_FAILED = "sync_failed"
    SYNC_PARTIALLY_SUCCEEDED = "sync_partially_succeeded"
    SYNC_SKIPPED = "sync_skipped"
    SYNC_LATE = "sync_late"
    BACKFILL_COMPLETED = "backfill_completed"
    BACKFILL_STOPPED = "backfill_stopped"
    WAREHOUSE_CREATED = "warehouse_created"
    WAREHOUSE_MODIFIED = "warehouse_modified"
    WAREHOUSE_DISABLED = "warehouse_disabled"
    WAREHOUSE_DELETED = "warehouse_deleted"
    QUALITY_WARNING = "quality_warning"


class AlertSettings(BaseModel):
    """An alert: where it goes, on which occasions, and after how many syncs in a row that did not succeed.

    `to` is a file, a webhook that takes Slack's JSON, or any URL that Apprise knows, such as `mailto://`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)
    to: SecretStr = Field(min_length=1)
    when: list[Occasion] = list(Occasion)
    after: int = Field(default=1, ge=1)
