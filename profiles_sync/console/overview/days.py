"""Rows that were synced, by day and by group of tables."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from profiles_sync.console import charts
from profiles_sync.console.syncs.listed import GROUPS, Listed

DAYS = 30


@dataclass(frozen=True)
class Days:
    """The last days of a warehouse, in UTC: each with its rows, in the order of `GROUPS`."""

    warehouse: str
    rows: tuple[tuple[date, tuple[int, int, int]], ...]

    @property
    def total(self) -> int:
        """Of all days."""
        return sum(sum(groups) for _, groups in self.rows)

    @property
    def with_rows(self) -> list[tuple[date, tuple[int, int, int]]]:
        """Newest first, without the days of which nothing was synced."""
        return [one for one in reversed(self.rows) if any(one[1])]

    @property
    def chart(self) -> str:
        """As SVG."""
        most = max(self.rows, key=lambda one: sum(one[1]))
        about = (
            f"{self.total:,} rows in {DAYS} days; most on {most[0]:%d %B}, {sum(most[1]):,}. The table has the figures."
        )
        labels = [f"{day:%d %b}" for day, _ in self.rows]
        series = {name: [groups[place] for _, groups in self.rows] for place, name in enumerate(GROUPS)}
        return charts.stacked(f"Rows synced to {self.warehouse} per day", about, labels, series)


def days_of(warehouse: str, every: Sequence[Listed], today: date | None = None) -> Days:
    """The last 30 days of a warehouse, today among them."""
    today = today or datetime.now(UTC).date()
    found = {today - timedelta(days=ago): [0, 0, 0] for ago in range(DAYS - 1, -1, -1)}
    for one in every:
        day = datetime.fromtimestamp(one.sync.started_at / 1e6, UTC).date()
        if one.sync.warehouse == warehouse and day in found:
            found[day] = [before + rows for before, rows in zip(found[day], one.groups, strict=True)]
    return Days(warehouse, tuple((day, (rows[0], rows[1], rows[2])) for day, rows in found.items()))
