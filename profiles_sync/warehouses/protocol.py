"""What every warehouse is to the sync."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from profiles_sync.warehouses.base import Batch, Capabilities, Staged
from profiles_sync.warehouses.sql import Dialect


class Connection(Protocol):
    """An open warehouse."""

    def columns(self, schema: str) -> dict[str, dict[str, str]]:
        """Table to column to type, for every table of the schema; types as `Capabilities.types` spells them."""
        ...

    def only_sync(self, schema: str) -> AbstractContextManager[None]:
        """Keep every other sync out of a schema; the lock goes when the connection does, also when it is killed.

        Raises:
            WarehouseBusy: Another sync has it.
        """
        ...

    def transaction(self) -> AbstractContextManager[None]:
        """All or nothing, as far as `Capabilities.transactions` goes."""
        ...

    def execute(self, *statements: str) -> int:
        """Run statements in their order, at once where the warehouse can.

        Returns:
            The rows that they changed; a statement that makes or drops a table changes none.
        """
        ...

    def query(self, statement: str) -> Sequence[Sequence[Any]]:
        """Run one query."""
        ...

    def load(self, batch: Batch, staging: str, names: Mapping[str, str]) -> Staged:
        """Put the batch's rows into the warehouse, beside their table.

        Args:
            batch: The rows; the warehouse says whether it takes `.arrow()` or `.spark()`.
            staging: Quoted name for a staging table, schema included; whatever stands there is replaced. A warehouse
                that can read rows without one says so in `Staged.source`.
            names: Lake column to warehouse column.
        """
        ...

    def unload(self, staged: Staged) -> None:
        """Remove what `load` put there, if it is still there."""
        ...


class Warehouse(Protocol):
    """A warehouse as the settings declare it."""

    name: str
    kind: str
    schema: str
    capabilities: Capabilities
    dialect: Dialect

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
