"""What passes between the sync and a warehouse, and what a warehouse can do, as data."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any, Protocol

from profiles_sync.spec.tables import Table, Type

if TYPE_CHECKING:
    import pyarrow as pa

#: Schema of the staging tables and of the sync record.
INTERNAL = "_profiles_sync"
#: Marks a staged row of a merged table: U to insert or update, D to delete.
OPERATION = "_op"
#: The version in the record of a table that is being made, where no transaction holds the table and its record.
BEGUN = -2  # -1 stands before the first version


class Transactions(Enum):
    """What a transaction holds together, and takes back when it fails."""

    ALL = "tables, columns and rows"
    ROWS = "rows; a statement that makes a table or a column ends it"
    NONE = "one statement"


@dataclass(frozen=True)
class Capabilities:
    """What a warehouse can do and how it spells things.

    Attributes:
        types: Logical type to the warehouse's own, spelled as `Connection.columns` spells it.
        reserved: Lower-case words that a column or table may not be called; they get `_` in front.
        max_identifier: Longest name, in bytes.
        leading_digit: Whether a name may begin with a digit; otherwise it gets `_` in front.
        folds_case: Whether names that differ in capitals only are the same.
        wider: The types that staging has instead of those in `types`; values are cut to fit from there.
        transactions: What can be held together.
        reserved_prefixes: Lower-case beginnings that no name may have; such a name gets `_` in front.
        tables_at_once: How many tables one transaction may change, beside the sync record.
        schemas_fold: Whether a schema's name is in small letters too, where `folds_case`; else it is as it is given.
        schemas_taken: A pattern of the names in small letters that no schema may have, not even in quotes.
        at_once: How many tables may be applied beside each other, where transactions hold one statement.
        locks_in_schema: Whether what keeps other syncs out is in `INTERNAL`, and makes that where it is not there.
        families: What each type's name, without its length, holds, see `widening.Family`; of one family the narrower
            first. A type that is not here is not made wider.
        sized: How a text of a length is spelled, None where none has one.
        longest: The longest that it may be.
        key_hash: The first 32 bits of the MD5 of `{text}` in UTF-8 as a number that is not negative, in its SQL.
    """

    types: Mapping[Type, str]
    reserved: frozenset[str]
    max_identifier: int
    key_hash: str
    leading_digit: bool = True
    folds_case: bool = False
    wider: Mapping[Type, str] = field(default_factory=dict)
    transactions: Transactions = Transactions.ALL
    reserved_prefixes: tuple[str, ...] = ()
    tables_at_once: int = 100
    at_once: int = 1
    schemas_fold: bool = True
    schemas_taken: str = "information_schema"
    locks_in_schema: bool = False
    families: Mapping[str, str] = field(default_factory=dict)
    sized: str | None = None
    longest: int = 10_000_000

    @property
    def staged(self) -> dict[Type, str]:
        """Logical type to that of a staged column."""
        return {**self.types, **self.wider}


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
    cursor has to move. `bytes` is the size of the files that hold the rows.
    """

    table: Table
    types: Mapping[str, Type]
    cursor: Cursor
    full: bool
    bytes: int

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


@dataclass(frozen=True)
class Cast:
    """A staged column of one type that is kept in a column of another."""

    staged: str
    kept: str


@dataclass(frozen=True)
class Staged:
    """A batch's rows as they lie ready in the warehouse.

    Attributes:
        source: What stands behind FROM to read them.
        rows: How many.
        cut: How many texts were cut to what their columns hold.
        keys_differ: Whether no two of them have one key, as far as the warehouse's loader looked.
    """

    source: str
    rows: int
    cut: int = 0
    keys_differ: bool = False
