"""Around a run, or a step of one: its records say which it is, and its figures go where the settings say."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING

from profiles_sync.lake.base import Lake
from profiles_sync.lake.faults import explained
from profiles_sync.settings import Settings
from profiles_sync.sync.figured import Ran, figures_of
from profiles_sync.watching import delivery, steps, tags
from profiles_sync.watching.here import at
from profiles_sync.watching.steps import step
from profiles_sync.watching.tally import counting

if TYPE_CHECKING:
    from profiles_sync.sync.hourly import RunResult

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Watch:
    """Whoever brings a run's figures to where they are wanted."""

    ran: Ran

    def delivered_before(self, say: Callable[[str], None]) -> Callable[[str], None]:
        """The same, but that the figures are delivered before the first thing that is said: it may take hours."""
        first = Lock()

        def deliver_and_say(what: str) -> None:
            if first.acquire(blocking=False):
                self.deliver()
            say(what)

        return deliver_and_say

    def deliver(self) -> None:
        """Bring the figures as they are now to whoever wants them; what goes wrong is a warning of the result."""
        wanted, report = self.ran.settings.metrics, self.ran.result.report
        if not self.ran.tally.is_wanted:
            return
        try:
            push = wanted.push.get_secret_value() if wanted.push else None
            undelivered = delivery.deliver(figures_of(self.ran), wanted.file, push)
        except Exception as error:
            _log.debug("figures", exc_info=True)
            undelivered = [f"metrics: the figures were not delivered: {explained(error)}"]
        for warning in undelivered:
            if warning not in report.warnings:
                steps.warned(warning)
                report.warnings.append(warning)


@contextmanager
def measured(settings: Settings, lake: Lake, result: "RunResult", started: int, task: str) -> Iterator[Watch]:
    """Around what began at `started`, in microseconds, and does `task`. A run that could not be has no figures."""
    with at(space=settings.space.slug, sync=str(started)), counting() as tally:
        tally.is_wanted = settings.metrics.is_wanted or delivery.is_served()
        tally.group = f"profiles-sync {settings.space.slug} {started}"
        watch = Watch(Ran(settings, lake, result, started, task, tally))
        try:
            with step(task) as done:
                yield watch
                done.status, done.rows = result.status, sum(one.rows for one in result.warehouses.values())
                _warn(result)
        finally:
            tags.unnamed()
        watch.deliver()


def _warn(result: "RunResult") -> None:
    """What a run that may well be a success met."""
    report = result.report
    for what, counts in (("lines in quarantine", report.quarantined), ("rule violations", report.violations)):
        for kind, count in counts.items():
            steps.warned(what, kind=kind, rows=count)
    for warning in [*report.warnings, *report.unread]:
        steps.warned(warning)
