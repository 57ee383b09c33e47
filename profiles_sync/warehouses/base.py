"""What every warehouse is to the sync: a protocol, and what it can do as data."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from profiles_sync.spec.tables import Table, Type

if TYPE_CHECKING:
    import pyarrow as pa

#: Schema of the staging tables and of the sync record.
INTERNAL = "_profiles_sync"
#: Marks a staged row of a merged table: U to insert or update, D to delete.
OPERATION = "_op"


@dataclass(frozen=True)
class Capabilities:
    """What a warehouse can do and how it spells things.

    Attributes:
        types: Logical type to the warehouse's own.
        reserved: Lower-case words that a column or table may not be called; they get `_` in front.
        max_identifier: Longest name, in bytes.
        leading_digit: Whether a name may begin with a digit; otherwise it gets `_` in front.
    """

    types: Mapping[Type, str]
    reserved: frozenset[str]
    max_identifier: int
    leading_digit: bool = True


@dataclass(frozen=True)
class Cursor:
    """How far a warehouse's table follows the lake's: the lake table's identity, its version, and the commit of that.

    A lake that was put back to an earlier state has the same identity, and soon the same versions again. `commit` is a
    digest of the version's entry in the log, empty where the log has it no more.
    """

    table_id: str
    version: int
    commit: str = ""


class Batch(Protocol):
    """What changed in one lake table since a cursor.

    `types` are the columns now, in order; `cursor` is where the warehouse stands once the batch is applied; `full`
    says that these are all rows of the table, to stand in place of what the warehouse has; `is_empty` that only the
    cursor has to move.
    """

    table: Table
    types: Mapping[str, Type]
    cursor: Cursor
    full: bool

    @property
    def is_empty(self) -> bool:
        """Whether there is no row."""
        ...

    def arrow(self) -> "pa.RecordBatchReader":
        """The rows; those of a merged table carry `_op`, one row per key."""
        ...

    def spark(self, session: Any) -> Any:  # noqa: ANN401 a DataFrame, where pyspark is
        """The same rows as a DataFrame."""
        ...


class Connection(Protocol):
    """An open warehouse."""

    def columns(self, schema: str) -> dict[str, dict[str, str]]:
        """Table to column to type, for every table of the schema."""
        ...

    def transaction(self) -> AbstractContextManager[None]:
        """All or nothing."""
        ...

    def execute(self, statement: str) -> int:
        """Run one statement; returns the rows it changed, 0 where that means nothing."""
        ...

    def query(self, statement: str) -> Sequence[Sequence[Any]]:
        """Run one query."""
        ...

    def load(self, batch: Batch, staging: str, names: Mapping[str, str]) -> int:
        """Put the batch's rows into a new table called `staging`.

        Args:
            batch: The rows; the warehouse says whether it takes `.arrow()` or `.spark()`.
            staging: Quoted name, schema included; whatever stands there is replaced.
            names: Lake column to warehouse column.

        Returns:
            How many rows.
        """
        ...


class Warehouse(Protocol):
    """A warehouse as the settings declare it."""

    name: str
    kind: str
    schema: str
    capabilities: Capabilities

    @property
    def place(self) -> str:
        """Where the tables are, for a person; two warehouses with one place write the same tables."""
        ...

    def connect(self, read_only: bool = False) -> AbstractContextManager[Connection]:
        """Open it for one sync, or to look and change nothing: then a warehouse that is not there yet is empty.

        Raises:
            WarehouseUnreachable: It cannot be reached now.
            WarehouseRefused: It was reached and said no.
        """
        ...
