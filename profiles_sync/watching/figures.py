"""The figures of a run as Prometheus knows them.

All are gauges of the last run: a run is a batch job, which is over before anybody scrapes it. Times are moments, so
that whoever asks subtracts them from now. A label has few values: names of warehouses, fixed tables, reasons.
Source: Prometheus documentation, "Metric and label naming", "Instrumentation" (batch jobs).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

PREFIX = "profiles_sync_"


@dataclass(frozen=True)
class Metric:
    """A metric: its name without the prefix, what it is, and its labels beside `space`.

    `stands` says that its values hold until another run says otherwise; others are those of the last run alone.
    """

    name: str
    about: str
    labels: tuple[str, ...] = ()
    stands: bool = False


STARTED = Metric("run_start_timestamp_seconds", "When the last run began, since 1970.")
ENDED = Metric("run_end_timestamp_seconds", "When the last run ended, since 1970.")
STATUS = Metric("run_status", "1 for the status of the last run, 0 for the others.", ("status",))
LINES = Metric("run_lines", "Lines that the last run read: events, duplicates, quarantined.", ("outcome",))
QUARANTINED = Metric("run_quarantined_lines", "Lines that the last run put into quarantine.", ("reason",))
VIOLATIONS = Metric("run_violations", "Identifiers that the last run did not use as sent, and merges.", ("type",))
UNREAD = Metric("run_unread_sources", "Sources that the last run could not read.")
LAKE_ROWS = Metric("run_lake_rows", "Rows that the last run wrote to tables of the lake.", ("group", "table"))
ROWS = Metric("run_synced_rows", "Rows that the last run synced.", ("warehouse", "group", "table"))
WAREHOUSE_STATUS = Metric(
    "warehouse_status", "1 for the status of a warehouse's last sync, 0 for the others.", ("warehouse", "status"), True
)
TABLE_ERRORS = Metric("run_failed_tables", "Tables that the last run could not sync.", ("warehouse",))
STEPS = Metric("step_duration_seconds", "How long a step took in the last run.", ("step", "warehouse"))
COMMITS = Metric("run_commits", "Commits of the last run to tables of the lake.")
BYTES = Metric("run_written_bytes", "Size of the data files that these commits added; of a catalog's tables 0.")
JOBS = Metric("run_spark_jobs", "Jobs that Spark did for the last run; not known to Spark Connect.")
NEWEST = Metric("lake_newest_event_timestamp_seconds", "The newest received_at in the lake, since 1970.", (), True)
SYNCED = Metric(
    "synced_newest_event_timestamp_seconds",
    "The newest received_at in the lake when a warehouse was last brought up to it, since 1970.",
    ("warehouse",),
    True,
)
LAST_SUCCESS = Metric(
    "last_success_timestamp_seconds", "When a warehouse's last sync with success ended.", ("warehouse",), True
)
QUARANTINE = Metric("quarantine_lines", "Lines in the quarantine of the lake.", (), True)

#: Every metric there is.
METRICS = (
    *(STARTED, ENDED, STATUS, LINES, QUARANTINED, VIOLATIONS, UNREAD, LAKE_ROWS, ROWS, WAREHOUSE_STATUS, TABLE_ERRORS),
    *(STEPS, COMMITS, BYTES, JOBS, NEWEST, SYNCED, LAST_SUCCESS, QUARANTINE),
)
STATUSES = ("Success", "Partial success", "Failed")


@dataclass
class Figures:
    """The values of one run: metric to labels to value. `is_whole` says that nothing older holds beside them."""

    space: str
    is_whole: bool = True
    values: dict[Metric, dict[tuple[str, ...], float]] = field(default_factory=dict)

    def set(self, metric: Metric, value: float, *labels: str) -> None:
        """One value; the labels in the metric's order."""
        self.values.setdefault(metric, {})[labels] = value

    def add(self, metric: Metric, value: float, *labels: str) -> None:
        """One value more of those that share their labels."""
        self.set(metric, self.values.get(metric, {}).get(labels, 0) + value, *labels)

    def counted(self, metric: Metric, counts: Mapping[str, float]) -> None:
        """A value for each value of the only label; none at all is a thing to tell too."""
        self.values.setdefault(metric, {})
        for label, value in counts.items():
            self.add(metric, value, label)

    def status(self, metric: Metric, status: str, *labels: str) -> None:
        """1 for a status, 0 for the others."""
        for one in STATUSES:
            self.set(metric, float(one == status), *labels, one)

    def registry(self) -> "CollectorRegistry":
        """As the client library has them."""
        from prometheus_client import CollectorRegistry, Gauge

        registry = CollectorRegistry()
        for metric, values in self.values.items():
            gauge = Gauge(PREFIX + metric.name, metric.about, ("space", *metric.labels), registry=registry)
            for labels, value in values.items():
                gauge.labels(self.space, *labels).set(value)
        return registry
