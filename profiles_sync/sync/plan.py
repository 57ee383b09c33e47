"""What a table's sync does, as data: one reader prints it, another carries it out."""

from collections.abc import Mapping
from dataclasses import dataclass

from profiles_sync.errors import WarehouseRefused
from profiles_sync.spec.tables import Change, Type
from profiles_sync.warehouses.base import Batch, Capabilities, Cast
from profiles_sync.warehouses.names import beside, physical
from profiles_sync.warehouses.widening import FILLED


@dataclass(frozen=True)
class CreateTable:
    """The warehouse has no such table yet; columns are names to the warehouse's types."""

    table: str
    columns: Mapping[str, str]
    keys: tuple[str, ...]

    def __str__(self) -> str:
        """One line for a person."""
        return f"create {self.table} with {len(self.columns)} columns"


@dataclass(frozen=True)
class AddColumns:
    """The lake's table has columns that the warehouse's has not."""

    table: str
    columns: Mapping[str, str]

    def __str__(self) -> str:
        """One line for a person."""
        return f"add to {self.table}: {', '.join(self.columns)}"


@dataclass(frozen=True)
class LoadStaging:
    """Put the changed rows beside the table."""

    table: str
    names: Mapping[str, str]  # lake column to warehouse column

    def __str__(self) -> str:
        """One line for a person."""
        return f"stage the changed rows of {self.table}"


@dataclass(frozen=True)
class AppendRows:
    """Insert staged rows with a new key.

    `casts` are columns whose type in the table is another than in staging. `keeps` are those that the staged rows do
    not have and that keep what is there, also where the rows are replaced; then rows that stay are not touched.
    """

    table: str
    columns: tuple[str, ...]
    keys: tuple[str, ...]
    casts: Mapping[str, Cast]
    replace: bool = False
    keeps: tuple[str, ...] = ()

    def __str__(self) -> str:
        """One line for a person."""
        return f"{'replace the rows of' if self.replace else 'append new rows to'} {self.table} by {self.keys[0]}"


@dataclass(frozen=True)
class MergeRows:
    """Delete, update and insert by key; see `AppendRows`."""

    table: str
    columns: tuple[str, ...]
    keys: tuple[str, ...]
    casts: Mapping[str, Cast]
    replace: bool = False
    keeps: tuple[str, ...] = ()

    def __str__(self) -> str:
        """One line for a person."""
        return (
            f"{'replace the rows of' if self.replace else 'merge changes into'} {self.table} by {', '.join(self.keys)}"
        )


@dataclass(frozen=True)
class SendAgain:
    """All rows go, in place of those that are there, although only some changed; `why` says what is missing."""

    table: str
    why: str

    def __str__(self) -> str:
        """One line for a person."""
        return f"send all rows of {self.table} again: {self.why}"


@dataclass(frozen=True)
class LeaveOut:
    """Nothing is done: the table, or these columns of it, are off in Selective Sync."""

    table: str
    columns: tuple[str, ...] = ()

    def __str__(self) -> str:
        """One line for a person."""
        return f"leave out {', '.join(self.columns) + ' of ' if self.columns else ''}{self.table}"


Step = CreateTable | AddColumns | LoadStaging | AppendRows | MergeRows | SendAgain | LeaveOut


def plan_table(batch: Batch, existing: Mapping[str, str] | None, capabilities: Capabilities) -> list[Step]:
    """The steps for one table, all within one transaction, which also records how far it came.

    Args:
        batch: What changed in the lake.
        existing: Column to type in the warehouse, None when there is no table.
        capabilities: Of the warehouse.
    """
    name = physical(batch.table.name, capabilities)
    names = {column: physical(column, capabilities) for column in batch.types}
    wanted = {names[column]: capabilities.types[Type(kind)] for column, kind in batch.types.items()}
    keys = tuple(names[key] for key in batch.table.key)
    steps: list[Step] = []
    if existing is None:
        steps.append(CreateTable(name, wanted, keys))
    elif missing := {column: kind for column, kind in wanted.items() if column not in existing}:
        _refuse_half(name, missing, existing, capabilities)
        steps.append(AddColumns(name, missing))
    if batch.is_empty:
        return steps
    there = wanted | dict(existing or {})
    staged = {names[column]: capabilities.staged[Type(kind)] for column, kind in batch.types.items()}
    casts = {column: Cast(kind, there[column]) for column, kind in staged.items() if there[column] != kind}
    steps.append(LoadStaging(name, names))
    if batch.table.change is Change.APPEND:
        steps.append(AppendRows(name, tuple(wanted), keys, casts, batch.full))
    else:
        steps.append(MergeRows(name, tuple(wanted), keys, casts, batch.full))
    return steps


def _refuse_half(
    table: str, missing: Mapping[str, str], existing: Mapping[str, str], capabilities: Capabilities
) -> None:
    """A column that is gone and whose values wait beside it would come back empty."""
    for column in missing:
        if beside(column, FILLED, capabilities) in existing:
            raise WarehouseRefused(
                f"{table}.{column} was being made wider, and that was broken off; `profiles-sync warehouse retype` "
                "ends it when it is said again, the next run repeats the table"
            )
