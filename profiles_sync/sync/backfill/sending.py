"""Sync a warehouse from what is staged: in slices that are done soon, and between them live syncs have their turn."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_exponential

from profiles_sync.control import backfills
from profiles_sync.control.backfills import Backfill, Step
from profiles_sync.errors import WarehouseBusy
from profiles_sync.lake.area import Area, Kept
from profiles_sync.lake.base import Lake
from profiles_sync.quality.gate import Gate
from profiles_sync.spec.selection import Selection
from profiles_sync.sync.apply import Work
from profiles_sync.sync.backfill.batch import batch_of
from profiles_sync.sync.gated import passed
from profiles_sync.sync.group import Ready, next_group
from profiles_sync.sync.results import TableResult, on_its_own
from profiles_sync.sync.run import Known, known_of
from profiles_sync.sync.selected import plan_selected
from profiles_sync.warehouses.names import physical
from profiles_sync.warehouses.protocol import Connection, Warehouse
from profiles_sync.watching import steps

#: Seconds between two slices: as long as the last one took, within these. Who waits for the warehouse looks oftener.
_PAUSE = 0.5, 2.5
#: Seconds that another sync of the warehouse is waited for; then the next run goes on, or the same command.
_PATIENCE = 600


@dataclass
class Sending:
    """How a backfill is sent.

    A slice is a group of tables, or some of the staged files of a large one: as many as were sent in about
    `slice_seconds`, and at least one. Which ones were sent is written down after each, so that a backfill that was
    killed sends at most one slice again, which changes nothing.

    Attributes:
        warehouse: Where to.
        lake: Of the space.
        area: What is staged.
        selection: What was switched off since the backfill was asked for is left out.
        say: Told each table.
        slice_seconds: After which a slice should be done; a live sync waits longer than that for its turn.
        until: In seconds since 1970, after which the next run goes on; None for never.
        gate: What the rows have to pass, None where nothing is checked.
    """

    warehouse: Warehouse
    lake: Lake
    area: Area
    selection: Selection
    say: Callable[[str], None]
    slice_seconds: float
    until: float | None = None
    gate: Gate | None = None
    _files: int = 1

    def send(self, one: Backfill) -> Backfill:
        """Bring the warehouse every table that it lacks; one that fails is left to the next time.

        Raises:
            Transient: The warehouse went away or is busy; what was sent is written down.
        """
        left = one.waiting
        while left:
            began = time.monotonic()
            ended, one = self._patiently(one, left, began)
            left = [name for name in left if name not in ended]
            took = time.monotonic() - began
            if self._is_time():
                break
            if left:
                self._fit(took)
                time.sleep(min(max(took, _PAUSE[0]), _PAUSE[1]))
        if not one.waiting:
            one = backfills.note(self.lake, one, Step.COMPLETED)
        return one

    def _patiently(self, one: Backfill, left: list[str], began: float) -> tuple[set[str], Backfill]:
        """The next slice, once another sync of the warehouse has ended: an hour's may be a long one."""
        is_over = stop_after_delay(_PATIENCE)
        again = Retrying(
            retry=retry_if_exception_type(WarehouseBusy),
            wait=wait_exponential(1, max=15),
            stop=lambda tried: self._is_time() or is_over(tried),
            before_sleep=lambda _: self.say(f"{left[0]}, once another sync has ended,"),
            reraise=True,
        )
        return again(self._slice, one, left, began)

    def _is_time(self) -> bool:
        return self.until is not None and time.time() >= self.until

    def _slice(self, one: Backfill, left: list[str], began: float) -> tuple[set[str], Backfill]:
        """Send some; the tables that there is no more to do for this time, and the backfill after it."""
        told, parts = dict[str, TableResult](), dict[str, Kept]()
        with self.warehouse.connect() as connection, connection.only_sync(self.warehouse.schema):
            known = known_of(connection, self.warehouse)
            works = passed(self._works(known, one, left, told, parts), self.gate, told)
            ready = Ready(works, until=began + self.slice_seconds)
            begun, done = self._group(connection, one, ready)
        for name in begun:
            if not done[name].error:
                steps.table_done(name, done[name].seconds, done[name].rows)
        done |= told
        unfinished = {name: parts[name] for name in begun if name in parts and not done[name].error}
        return {*told, *begun} - unfinished.keys(), _noted(self.lake, one, done, unfinished, time.monotonic() - began)

    def _group(self, connection: Connection, one: Backfill, ready: Ready) -> tuple[list[str], dict[str, TableResult]]:
        begun, done = next_group(connection, self.warehouse, ready, f"backfill {one.id}", self.say, self.lake.guard)
        return [work.name for work in begun], done

    def _works(
        self, known: Known, one: Backfill, left: list[str], told: dict[str, TableResult], parts: dict[str, Kept]
    ) -> Iterator[Work]:
        """The next of each table; `parts` are told those after which there is more."""
        for name in left:
            with on_its_own(name, told):
                if not self.selection.has(name):
                    told[name] = TableResult()
                elif (work := self._work(known, one, name, parts)) is None:
                    told[name] = TableResult(error="the warehouse has no such table yet; the next run syncs it first")
                else:
                    yield work

    def _work(self, known: Known, one: Backfill, name: str, parts: dict[str, Kept]) -> Work | None:
        """The steps for a table that the live sync has made; None for one that it has to make first."""
        existing = known.columns.get(physical(name, self.warehouse.capabilities))
        recorded, kept = known.cursors.get(name), self.area.get(name)
        if existing is None or recorded is None or kept is None:
            return None
        first = one.parts.get(name, (0, 0, 0))[0]
        part, is_last = kept.part(first, self._files), first + self._files >= len(kept.files)
        batch = batch_of(part, name, self.lake, recorded, is_last)
        if not (is_last or batch.full):
            parts[name] = part
        return Work(*plan_selected(batch, existing, self.warehouse.capabilities, self.selection), recorded)

    def _fit(self, took: float) -> None:
        """The next slice of a large table, by how long the last one took."""
        if took > self.slice_seconds:
            self._files = max(self._files // 2, 1)
        elif took < self.slice_seconds / 2:
            self._files *= 2


def _noted(
    lake: Lake, one: Backfill, done: dict[str, TableResult], unfinished: dict[str, Kept], seconds: float
) -> Backfill:
    before = {name: one.parts.get(name, (0, 0, 0)) for name in done}
    sent = {
        name: result.rows + before[name][2]
        for name, result in done.items()
        if not result.error and name not in unfinished
    }
    parts = {
        name: (before[name][0] + len(part.files), before[name][1] + part.bytes, before[name][2] + done[name].rows)
        for name, part in unfinished.items()
    }
    errors = {name: result.error for name, result in done.items() if result.error}
    details = {"tables": sent, "parts": parts, "errors": errors, "seconds": seconds}
    return backfills.note(lake, one, Step.SENT, details)
