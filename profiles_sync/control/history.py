"""The Syncs table: every sync with its status, start, duration, synced rows and errors, newest first.

Source: Segment, "Profiles Sync Setup", section "Monitor Profiles Sync".
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from itertools import takewhile
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from profiles_sync.lake.base import Lake
from profiles_sync.lake.tables import scan
from profiles_sync.problems import ErrorClass, Problem
from profiles_sync.spec.tables import Group, table

SYNCS, SCHEMAS = "_control/syncs", "_control/schemas"
_SCHEMA = pa.schema([("sync_id", pa.string()), ("started_at", pa.int64()), ("record", pa.string())])
_SETTLED = pa.schema([("warehouse", pa.string()), ("schema", pa.string())])
GRAPH, EVENT_TYPE, EVENT_TABLES = "identity graph tables", "event type tables", "event tables"
_GROUPS = {Group.EVENT_TYPE: EVENT_TYPE, Group.TRACK: EVENT_TABLES}


@dataclass(frozen=True)
class Sync:
    """One warehouse's part in a run; without warehouses, the lake's. Times are microseconds since 1970 UTC.

    `tables` are rows by table, `errors` are of tables and `error` of the whole; `problems` and `problem` are their
    classes, with advice. `resent` are tables of which all rows were sent again, and why; `quality` what checks found of
    the rows of tables that were sent all the same. `newest` is the newest `received_at` in the lake when it began, 0
    where that is not known.
    """

    sync_id: str
    warehouse: str | None
    status: str
    started_at: int
    finished_at: int
    rows: int
    tables: dict[str, int] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    error: str | None = None
    schema: str | None = None
    problems: dict[str, Problem] = field(default_factory=dict)
    problem: Problem | None = None
    resent: dict[str, str] = field(default_factory=dict)
    quality: dict[str, list[str]] = field(default_factory=dict)
    newest: int = 0

    @property
    def minutes(self) -> float:
        """Duration in minutes."""
        return round((self.finished_at - self.started_at) / 60_000_000, 2)

    @property
    def said(self) -> str | None:
        """Every error in one line."""
        return (
            "; ".join([*filter(None, [self.error]), *(f"{name}: {error}" for name, error in self.errors.items())])
            or None
        )

    @property
    def error_class(self) -> str | None:
        """Of the error of the whole, else of the first table that has one."""
        found = self.problem or next(iter(self.problems.values()), None)
        return None if found is None else str(found.error_class)

    @property
    def grouped(self) -> dict[str, dict[str, int]]:
        """Rows by table, of identity graph tables, event type tables and event tables."""
        found: dict[str, dict[str, int]] = {group: {} for group in (GRAPH, *_GROUPS.values())}
        for name, rows in self.tables.items():
            found[_GROUPS.get(table(name).group, GRAPH)][name] = rows
        return found

    @property
    def groups(self) -> dict[str, int]:
        """Rows of each of these groups."""
        return {group: sum(tables.values()) for group, tables in self.grouped.items()}

    def shown(self) -> dict[str, Any]:
        """As `--json` prints it."""
        fields = {"sync_id": self.sync_id, "warehouse": self.warehouse, "status": self.status}
        times = {"start_time": time_of(self.started_at), "duration_minutes": self.minutes}
        rows = {"synced_rows": self.rows, "groups": self.groups, "tables": self.tables, "grouped": self.grouped}
        problems = {name: _shown(one) for name, one in self.problems.items()}
        errors = {"errors": self.errors, "problems": problems, "error": self.error, "problem": _shown(self.problem)}
        return fields | times | rows | errors | {"resent": self.resent, "quality": self.quality}


def time_of(microseconds: int) -> str:
    """ISO-8601 in UTC."""
    return datetime.fromtimestamp(microseconds / 1e6, UTC).isoformat(timespec="seconds")


def _shown(problem: Problem | None) -> dict[str, str] | None:
    return None if problem is None else {"class": str(problem.error_class), "advice": problem.advice}


def record(lake: Lake, syncs: list[Sync]) -> None:
    """Add a run's syncs."""
    known, settled = schemas(lake), _settled(syncs)
    if settled.keys() - known.keys() or lake.open(SCHEMAS) is None:
        every = [{"warehouse": name, "schema": schema} for name, schema in (settled | known).items()]
        lake.add(SCHEMAS, pa.Table.from_pylist(every, _SETTLED))
    rows = [
        {"sync_id": one.sync_id, "started_at": one.started_at, "record": orjson.dumps(asdict(one)).decode()}
        for one in syncs
    ]
    lake.add(SYNCS, pa.Table.from_pylist(rows, _SCHEMA))


def syncs(lake: Lake, sync_id: str | None = None) -> list[Sync]:
    """Every sync, newest first, or those of one run, which have its id."""
    delta = lake.open(SYNCS)
    if delta is None:
        return []
    found = scan(delta)  # the log has no range of the ids, by which Arrow would find nothing
    if sync_id is not None:
        found = found.filter(pc.field("sync_id") == sync_id)
    rows = sorted(found.to_pylist(), key=lambda row: (row["started_at"], row["sync_id"]), reverse=True)
    return [_sync(orjson.loads(row["record"])) for row in rows]


def last_of(warehouse: str, newest_first: Sequence[Sync]) -> Sync | None:
    """The last sync of a warehouse: where a later run failed before it came to any warehouse, that one."""
    own = next((one for one in newest_first if one.warehouse == warehouse), None)
    newest = next((one for one in newest_first if one.warehouse in (warehouse, None)), None)
    return newest if own and newest and newest.status == "Failed" else own


def in_a_row(warehouse: str | None, newest_first: list[Sync]) -> int:
    """How many syncs of a warehouse were no success since the last that was; None for runs that came to none of them.

    A run that failed before it came to any warehouse was no success for each of them.
    """
    if warehouse is None:
        failed = takewhile(lambda one: one.warehouse is None and one.status != "Success", newest_first)
    else:
        mine = (one for one in newest_first if one.warehouse in (warehouse, None))
        failed = takewhile(lambda one: one.status != "Success", mine)
    return sum(1 for _ in failed)


def _sync(record: dict[str, Any]) -> Sync:
    """A record of an older version has no problems."""
    problems = {name: _problem(one) for name, one in record.pop("problems", {}).items()}
    problem = record.pop("problem", None)
    return Sync(**record, problems=problems, problem=problem and _problem(problem))


def _problem(record: dict[str, str]) -> Problem:
    return Problem(ErrorClass(record["error_class"]), record["advice"])


def schemas(lake: Lake) -> dict[str, str]:
    """The schema that each warehouse was first synced to, which is its schema for ever."""
    table = lake.open(SCHEMAS)
    if table is None:  # before the first sync, or in a lake that is older than this record
        return _settled(list(reversed(syncs(lake))))
    return {row["warehouse"]: row["schema"] for row in scan(table).to_pylist()}


def _settled(oldest_first: list[Sync]) -> dict[str, str]:
    """Each warehouse's schema by its first sync that did not fail."""
    synced = [one for one in oldest_first if one.warehouse and one.schema and one.status != "Failed"]
    return {str(one.warehouse): str(one.schema) for one in reversed(synced)}


def table_of(done: list[Sync]) -> pa.Table:
    """Syncs as Arrow, for notebooks: one row each, in their order; times are UTC."""
    columns = {
        "sync_id": pa.array([one.sync_id for one in done], pa.string()),
        "warehouse": pa.array([one.warehouse for one in done], pa.string()),
        "status": pa.array([one.status for one in done], pa.string()),
        "start_time": pa.array([one.started_at for one in done], pa.timestamp("us", "UTC")),
        "duration_minutes": pa.array([one.minutes for one in done], pa.float64()),
        "synced_rows": pa.array([one.rows for one in done], pa.int64()),
        "error": pa.array([one.said for one in done], pa.string()),
        "error_class": pa.array([one.error_class for one in done], pa.string()),
    }
    groups = {group: pa.array([one.groups[group] for one in done], pa.int64()) for group in (GRAPH, *_GROUPS.values())}
    return pa.table(columns | {name.replace(" ", "_"): rows for name, rows in groups.items()})
