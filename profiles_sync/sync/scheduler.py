"""The hourly job on one machine: a run at each time that is due, in a process of its own, and never two at once."""

import logging
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from profiles_sync.control import alerts, schedule
from profiles_sync.control.alerts import Event
from profiles_sync.control.skipped import Skipped
from profiles_sync.errors import ScheduleRunning
from profiles_sync.lake.base import Lake
from profiles_sync.lake.faults import explained
from profiles_sync.settings import Settings
from profiles_sync.settings.alerts import Occasion
from profiles_sync.sync.watched import skip

_log = logging.getLogger(__name__)
_LOOK = 1.0  # seconds from one look at the clock and the run to the next
#: How a scheduled run says what it came to, once it has told of that itself. 1 is not among them: with 1 a process ends
#: that could not even begin to.
TOLD = {"Success": 0, "Partial success": 3, "Failed": 64, "Skipped": 65}
_KNOWN = {code: word for word, code in TOLD.items()}


@dataclass
class Scheduler:
    """Starts runs until it is stopped.

    Attributes:
        settings: Of the space, as they were when it began. Each run reads its own.
        lake: Of the space.
        every_minutes: From one sync to the next, counted from midnight UTC.
        command: A run, which ends with one of `TOLD` where it has told of itself.
        say: Told what is happening.
        runs: After how many it ends; None for never.
    """

    settings: Settings
    lake: Lake
    every_minutes: float
    command: Sequence[str]
    say: Callable[[str], None]
    runs: int | None = None
    _stopped: threading.Event = field(default_factory=threading.Event)
    _run: "subprocess.Popen[bytes] | None" = None
    _begun: float = 0

    def stop(self) -> None:
        """End after the run that is going. Asked a second time, end that too; the next run goes on from there."""
        if self._stopped.is_set() and self._run is not None:
            self._run.terminate()
        self._stopped.set()

    def keep(self, at_once: bool = False) -> None:
        """Start runs when they are due.

        Args:
            at_once: The first one now.

        Raises:
            ScheduleRunning: The space has a schedule that is running.
        """
        if (other := schedule.running(self.lake)) is not None:
            raise ScheduleRunning(
                f"space {self.lake.slug}: a schedule is running already, as process {other.process.pid} of its "
                "machine; end that one first"
            )
        due = self._next(None if at_once else self.every_minutes)
        try:
            while not (self._stopped.wait(min(_LOOK, max(due - time.time(), 0))) or self._has_done_all()):
                self._look()
                if time.time() >= due and not self._has_done_all():
                    self._begin(due)
                    due = self._next(self.every_minutes)
            if self._run is not None:
                self.say("waiting for the run that is going")
                self._run.wait()
                self._look()
        finally:
            self._quietly(lambda: schedule.withdraw(self.lake))

    def _next(self, every_minutes: float | None) -> float:
        """When the next run is due, said to whoever asks for the status too."""
        due = time.time() if every_minutes is None else schedule.next_due(every_minutes)
        self._quietly(lambda: schedule.announce(self.lake, self.every_minutes, due))
        if self._run is None and every_minutes is not None:
            self.say(f"next run at {schedule.iso(due)}")
        return due

    def _begin(self, due: float) -> None:
        if self._run is not None:
            reason = f"the run that began at {schedule.iso(self._begun)} was still going"
            self.say(f"skipped the run of {schedule.iso(due)}: {reason}")
            self._told(skip(self.settings, self.lake, Skipped(int(due * 1e6), reason)))
            return
        self._begun = time.time()
        self.say("a run begins")
        # In a session of its own, so that an interrupt at the terminal is ours to handle.
        self._run = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, start_new_session=True)

    def _look(self) -> None:
        """See whether the run has ended. One that could not tell of itself is told of here."""
        code = None if self._run is None else self._run.poll()
        if code is None:
            return
        self._run = None
        self.runs = None if self.runs is None else self.runs - 1
        said = _KNOWN.get(code) or (f"it was ended by signal {-code}" if code < 0 else f"it ended with code {code}")
        self.say(f"the run has ended: {said}")
        if code not in _KNOWN and not (code < 0 and self._stopped.is_set()):
            self._told(alerts.tell(self.settings, [Event(Occasion.SYNC_FAILED, _unfinished(said, self.every_minutes))]))
        if not self._stopped.is_set() and not self._has_done_all():
            self.say(f"next run at {schedule.iso(schedule.next_due(self.every_minutes))}")

    def _has_done_all(self) -> bool:
        return self.runs == 0

    def _told(self, warnings: Sequence[str]) -> None:
        for warning in warnings:
            self.say(f"warning: {warning}")

    def _quietly(self, do: Callable[[], None]) -> None:
        """What only informs may fail: the lake may be away for a while."""
        try:
            do()
        except Exception as error:
            _log.debug("schedule", exc_info=True)
            self.say(f"warning: {explained(error)}")


def _unfinished(said: str, every_minutes: float) -> str:
    """Of a run that could not tell of itself."""
    due = schedule.iso(schedule.next_due(every_minutes))
    return (
        f"a run did not come to its end: {said}; see what the schedule printed, and the system's log; the next run is "
        f"due at {due} and goes on from there"
    )
