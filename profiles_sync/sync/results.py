"""What a sync of a warehouse came to."""

import logging
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from profiles_sync.errors import (
    HeldBack,
    LockLost,
    ProfilesSyncError,
    Transient,
    WarehouseBusy,
    WarehouseUnreachable,
)
from profiles_sync.lake.faults import explained
from profiles_sync.lake.faults import problem as problem_of
from profiles_sync.problems import Problem
from profiles_sync.quality.outcomes import Checked
from profiles_sync.watching import steps
from profiles_sync.watching.here import at

_log = logging.getLogger(__name__)
#: The warehouse is gone, another sync has it, or another run has the lake: so it is for every other table.
ENDS = (WarehouseBusy, WarehouseUnreachable, LockLost)
SUCCESS, PARTIAL, FAILED = "Success", "Partial success", "Failed"


@dataclass
class TableResult:
    """One table of a sync.

    Attributes:
        staged: Rows that were sent.
        rows: Rows that changed something.
        duplicates: Rows with an `id` that the warehouse has already.
        cast_to_null: Values that do not fit their column.
        cut: Texts that were cut to the longest that fits.
        error: Why it was not synced.
        problem: The class of that error, and advice.
        may_pass: Whether that may be over soon.
        resent: Why all of its rows were sent again, where they were.
        seconds: That it took.
        is_held: Whether it was held back: the error is that of its rows.
    """

    staged: int = 0
    rows: int = 0
    duplicates: int = 0
    cast_to_null: int = 0
    cut: int = 0
    error: str | None = None
    problem: Problem | None = None
    may_pass: bool = False
    resent: str | None = None
    seconds: float = 0
    is_held: bool = False


@contextmanager
def on_its_own(name: str, results: dict[str, TableResult]) -> Iterator[None]:
    """What goes wrong with one table is its result and stops no other."""
    try:
        yield
    except ENDS:
        raise
    except Exception as error:  # one table's surprise may not stop the others
        _log.debug("table %s", name, exc_info=True)
        with at(table=name):
            steps.failed("table", error, told(error))
        is_held, may_pass = isinstance(error, HeldBack), isinstance(error, Transient)
        results[name] = TableResult(error=told(error), problem=problem_of(error), may_pass=may_pass, is_held=is_held)


def told(error: Exception) -> str:
    """What went wrong, without anybody's data."""
    return str(error) if isinstance(error, ProfilesSyncError) else explained(error)


@dataclass
class WarehouseResult:
    """One warehouse of a sync.

    Attributes:
        name: Of the warehouse.
        tables: Those that there was something to do for.
        error: Why the sync as a whole ended early.
        problem: The class of that error, and advice.
        may_pass: Whether the sync broke off in a way that may be over soon; to connect has its own patience.
        schema: That it is synced to.
        started_at: When its sync began; microseconds since 1970 UTC.
        finished_at: When that ended.
        checked: What the tables' rows were found to be, where they were checked.
    """

    name: str
    tables: dict[str, TableResult] = field(default_factory=dict)
    error: str | None = None
    problem: Problem | None = None
    may_pass: bool = False
    schema: str | None = None
    started_at: int = 0
    finished_at: int = 0
    checked: Mapping[str, Checked] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """Synced rows."""
        return sum(table.rows for table in self.tables.values())

    @property
    def said(self) -> str | None:
        """What went wrong: each error once, after the tables that have it."""
        if self.error:
            return self.error
        tables: dict[str, list[str]] = {}
        for name, table in self.tables.items():
            if table.error:
                tables.setdefault(table.error, []).append(name)
        return "; ".join(f"{few(names)}: {error}" for error, names in tables.items()) or None

    @property
    def problems(self) -> tuple[Problem, ...]:
        """The class of what went wrong and what to do, each once."""
        tables = () if self.error else (table.problem for table in self.tables.values())
        return tuple(dict.fromkeys(filter(None, (self.problem, *tables))))

    @property
    def resent(self) -> dict[str, str]:
        """The tables of which all rows were sent again, and why."""
        return {name: table.resent for name, table in self.tables.items() if table.resent and not table.error}

    @property
    def warnings(self) -> dict[str, list[str]]:
        """What the checks found of tables that went all the same."""
        return {name: one.warnings for name, one in self.checked.items() if one.warnings}

    @property
    def odd_rows(self) -> dict[str, int]:
        """Rows with an `id` that the warehouse has already, and values that did not fit their column whole."""
        tables = self.tables.values()
        return {
            "duplicates": sum(table.duplicates for table in tables),
            "cast_to_null": sum(table.cast_to_null for table in tables),
            "cut": sum(table.cut for table in tables),
        }

    @property
    def status(self) -> str:
        """Success: all rows synced correctly, also when there were none; Partial success: some; Failed: no rows.

        Where nothing failed and tables were held back, as they should be, that is Partial success too.
        """
        wrong = [table for table in self.tables.values() if table.error]
        if not self.error and not wrong:
            return SUCCESS
        some = any(table.staged for table in self.tables.values() if not table.error)
        return PARTIAL if some or (not self.error and all(table.is_held for table in wrong)) else FAILED


def together(statuses: Iterable[str]) -> str:
    """How several parts of one thing ended: Partial success where they differ, Success where there are none."""
    found = set(statuses) or {SUCCESS}
    return found.pop() if len(found) == 1 else PARTIAL


def few(names: list[str], most: int = 3) -> str:
    """Some names, and how many more there are."""
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
