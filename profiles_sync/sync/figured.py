"""What a run came to, in figures."""

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable

from profiles_sync.control import history
from profiles_sync.lake.base import Lake
from profiles_sync.pipeline import batches
from profiles_sync.settings import Settings
from profiles_sync.spec import tables
from profiles_sync.spec.tables import Group
from profiles_sync.sync.results import FAILED, SUCCESS, WarehouseResult
from profiles_sync.watching import figures
from profiles_sync.watching.figures import Figures
from profiles_sync.watching.tally import Tally

if TYPE_CHECKING:
    from profiles_sync.sync.hourly import RunResult

_log = logging.getLogger(__name__)
_TOGETHER = "track event tables"  # as one, unless the settings ask for each
WHOLE = "run"  # the task that does all there is to do


@dataclass(frozen=True)
class Ran:
    """A run, or a step of one.

    Attributes:
        settings: Of the space.
        lake: Of the space.
        result: What it came to so far.
        started: In microseconds since 1970.
        task: What it was to do.
        tally: What was counted meanwhile.
    """

    settings: Settings
    lake: Lake
    result: "RunResult"
    started: int
    task: str
    tally: Tally


def figures_of(ran: Ran) -> Figures:
    """What a run came to, in figures."""
    result, report, tally = ran.result, ran.result.report, ran.tally
    is_whole = ran.task == WHOLE and result.status != FAILED
    made = Figures(ran.settings.space.slug, is_whole)
    made.set(figures.STARTED, ran.started / 1e6)
    made.set(figures.ENDED, time.time())
    made.status(figures.STATUS, result.status)
    quarantined = sum(report.quarantined.values())
    lines = {"event": report.events, "duplicate": report.duplicates, "quarantined": quarantined}
    made.counted(figures.LINES, lines)
    made.counted(figures.QUARANTINED, _by_kind(report.quarantined))
    made.counted(figures.VIOLATIONS, report.violations)
    made.set(figures.UNREAD, len(report.unread))
    _of_tables(made, figures.LAKE_ROWS, report.tables, ran.settings.metrics.tables == "each")
    for (name, warehouse), seconds in tally.steps.copy().items():
        made.set(figures.STEPS, seconds, name, warehouse or "")
    made.set(figures.COMMITS, tally.commits)
    made.set(figures.BYTES, tally.bytes)
    if (jobs := tally.spark_jobs) is not None:
        made.set(figures.JOBS, jobs)
    try:
        _standing(ran, made)
    except Exception:  # that the run failed, perhaps because of this, is to be told all the same
        _log.debug("figures", exc_info=True)
    return made


def _by_kind(reasons: Mapping[str, int]) -> dict[str, int]:
    """Without what stands in brackets, which may differ each time."""
    found: dict[str, int] = {}
    for reason, count in reasons.items():
        kind = reason.partition(" (")[0]
        found[kind] = found.get(kind, 0) + count
    return found


def _of_tables(made: Figures, metric: figures.Metric, rows: Mapping[str, int], each: bool, *labels: str) -> None:
    """Rows by table; track event tables, of which there may be thousands, are one."""
    made.values.setdefault(metric, {})
    for name, count in rows.items():
        group = tables.table(name).group
        made.add(metric, count, *labels, str(group), _TOGETHER if group is Group.TRACK and not each else name)


def _standing(ran: Ran, made: Figures) -> None:
    """Where the lake and the warehouses stand; where that cannot be read, what was told before still holds."""
    newest = batches.progress(ran.lake).newest
    if newest:
        made.set(figures.NEWEST, newest / 1e6)
    if (lines := _lines_in_quarantine(ran.lake)) is not None:
        made.set(figures.QUARANTINE, lines)
    for one in ran.result.warehouses.values():
        _of_warehouse(ran, made, one, newest)


def _of_warehouse(ran: Ran, made: Figures, one: WarehouseResult, newest: int) -> None:
    made.status(figures.WAREHOUSE_STATUS, one.status, one.name)
    rows = {name: table.rows for name, table in one.tables.items() if not table.error}
    _of_tables(made, figures.ROWS, rows, ran.settings.metrics.tables == "each", one.name)
    made.set(figures.TABLE_ERRORS, sum(bool(table.error) for table in one.tables.values()), one.name)
    ended, stands = one.finished_at, newest
    if one.status != SUCCESS:
        ended, stands = _last_success(ran.lake, one.name)
    if ended:
        made.set(figures.LAST_SUCCESS, ended / 1e6, one.name)
    if stands:
        made.set(figures.SYNCED, stands / 1e6, one.name)


def _last_success(lake: Lake, name: str) -> tuple[int, int]:
    """When it ended, and how far that brought the warehouse; 0 where that is not known."""
    syncs = (one for one in history.syncs(lake) if one.warehouse == name and one.status == SUCCESS)
    return next(((one.finished_at, one.newest) for one in syncs), (0, 0))


def _lines_in_quarantine(lake: Lake) -> int | None:
    """As the table's log has it, without a look at its files; None in a catalog."""
    table = lake.open(tables.QUARANTINE.name)
    if not isinstance(table, DeltaTable):
        return None
    return int(pc.sum(pa.table(table.get_add_actions())["num_records"]).as_py() or 0)
